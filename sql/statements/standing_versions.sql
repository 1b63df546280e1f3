-- Which of these commands (?1, a JSON array of ids) wrote the person who stands now behind a member that is still there.
SELECT m.profile FROM json_each(?2) wanted CROSS JOIN member m ON m.id = wanted.value
 WHERE m.status IN ('active', 'not_confirmed') AND m.profile IN (SELECT value FROM json_each(?1))
