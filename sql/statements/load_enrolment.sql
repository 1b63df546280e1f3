-- What an enrolment needs, as one row: the caller, a stored answer, the program, and whose the identities are already.
-- ?1 hash of the caller's key   ?2 idempotency key   ?3 JSON array of hashed identities
SELECT
  (SELECT json_object('id', id, 'scopes', json(scopes), 'store', store)
     FROM api_key WHERE hash = ?1 AND revoked_at IS NULL) AS caller,
  (SELECT json_object('id', id, 'fingerprint', fingerprint, 'status', status, 'answer', answer)
     FROM command WHERE key = ?2) AS answered,
  (SELECT json_object('version', version, 'hash', hash, 'published_at', published_at)
     FROM program ORDER BY version DESC LIMIT 1) AS program,
  -- [kind, member id]
  (SELECT json_group_array(json_array(i.kind, i.member_id))
     FROM json_each(?3) wanted JOIN identity i ON i.hash = wanted.value) AS taken
