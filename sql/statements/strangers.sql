-- Which of these (?1, a JSON array of ids) are no commands.
SELECT wanted.value FROM json_each(?1) wanted WHERE NOT EXISTS (SELECT 1 FROM command WHERE id = wanted.value)
