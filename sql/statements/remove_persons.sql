-- Takes back persons whose commands (?1, a JSON array of ids) never came to their end.
DELETE FROM person WHERE id IN (SELECT value FROM json_each(?1))
