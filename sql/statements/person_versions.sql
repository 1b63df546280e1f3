-- Everything that was ever written of the persons behind these members (?1, a JSON array of ids), oldest first: id, member,
-- sealed data.
SELECT p.id, p.member_id, p.sealed FROM json_each(?1) wanted CROSS JOIN person p ON p.member_id = wanted.value
 ORDER BY p.id
