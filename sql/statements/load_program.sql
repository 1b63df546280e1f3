-- What publishing a program or making a key needs, as one row. `frozen` tells whether points were ever posted: from then
-- on the currency and the scale stand.
-- ?1 the caller: {"key": hash, "address": hash}   ?2 idempotency key   ?3 id of a key to change
SELECT
  json_object('key', json((SELECT json_object('id', id, 'scopes', json(scopes), 'store', store, 'expires_at', expires_at)
                             FROM api_key WHERE hash = ?1 ->> 'key' AND revoked_at IS NULL)),
              'meters', json((SELECT json_group_array(json_array(subject, minute, calls, misses))
                                FROM meter WHERE subject IN (?1 ->> 'key', ?1 ->> 'address')))) AS caller,
  (SELECT json_object('id', id, 'fingerprint', fingerprint, 'status', status, 'answer', answer)
     FROM command WHERE key = ?2) AS answered,
  (SELECT json_object('version', version, 'hash', hash, 'published_at', published_at, 'currency', currency,
                      'points_scale', points_scale)
     FROM program ORDER BY version DESC LIMIT 1) AS program,
  (SELECT EXISTS (SELECT 1 FROM entry) OR EXISTS (SELECT 1 FROM orders)) AS frozen,
  (SELECT json_object('id', id, 'name', name, 'scopes', json(scopes), 'store', store, 'created_at', created_at,
                      'expires_at', expires_at, 'revoked_at', revoked_at, 'replaces', replaces,
                      'replaced_by', (SELECT s.id FROM api_key s WHERE s.replaces = k.id))
     FROM api_key k WHERE id = ?3) AS "key"
