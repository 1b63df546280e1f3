-- The caller by the hash of a key and of an address (?1: {"key": hash, "address": hash}), with what they did this minute.
SELECT
  json_object('key', json((SELECT json_object('id', id, 'scopes', json(scopes), 'store', store, 'expires_at', expires_at)
                             FROM api_key WHERE hash = ?1 ->> 'key' AND revoked_at IS NULL)),
              'meters', json((SELECT json_group_array(json_array(subject, minute, calls, misses))
                                FROM meter WHERE subject IN (?1 ->> 'key', ?1 ->> 'address')))) AS caller
