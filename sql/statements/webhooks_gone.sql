-- Endpoints (?1, a JSON array of ids) said at ?2 that they are gone for good.
UPDATE webhook SET disabled_at = ?2, disabled_reason = 'gone'
 WHERE id IN (SELECT value FROM json_each(?1)) AND disabled_at IS NULL
