-- The caller by the hash of a key (?1).
SELECT json_object('id', id, 'scopes', json(scopes), 'store', store) AS caller FROM api_key WHERE hash = ?1 AND revoked_at IS NULL
