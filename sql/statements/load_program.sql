-- What publishing a program or making a key needs, as one row. `frozen` tells whether points were ever posted: from then
-- on the currency and the scale stand.
-- ?1 hash of the caller's key   ?2 idempotency key   ?3 id of a key to revoke
SELECT
  (SELECT json_object('id', id, 'scopes', json(scopes), 'store', store)
     FROM api_key WHERE hash = ?1 AND revoked_at IS NULL) AS caller,
  (SELECT json_object('id', id, 'fingerprint', fingerprint, 'status', status, 'answer', answer)
     FROM command WHERE key = ?2) AS answered,
  (SELECT json_object('version', version, 'hash', hash, 'published_at', published_at, 'currency', currency,
                      'points_scale', points_scale)
     FROM program ORDER BY version DESC LIMIT 1) AS program,
  (SELECT EXISTS (SELECT 1 FROM entry) OR EXISTS (SELECT 1 FROM orders)) AS frozen,
  (SELECT EXISTS (SELECT 1 FROM api_key WHERE id = ?3 AND revoked_at IS NULL)) AS revocable
