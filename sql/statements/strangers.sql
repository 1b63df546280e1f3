-- Which of these (?1, a JSON array of ids) are no members.
SELECT wanted.value FROM json_each(?1) wanted WHERE NOT EXISTS (SELECT 1 FROM member WHERE id = wanted.value)
