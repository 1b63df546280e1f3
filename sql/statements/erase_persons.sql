-- Removes everything about the persons behind these members (?1, a JSON array of ids).
DELETE FROM person WHERE member_id IN (SELECT value FROM json_each(?1))
