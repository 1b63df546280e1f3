-- Keys of callers, newest first, from below id ?1, at most ?2. None tells its secret: no store has it.
SELECT json_object('id', id, 'name', name, 'scopes', json(scopes), 'store', store, 'created_at', created_at,
                   'expires_at', expires_at, 'revoked_at', revoked_at, 'replaces', replaces,
                   'replaced_by', (SELECT s.id FROM api_key s WHERE s.replaces = k.id))
  FROM api_key k WHERE id < ?1 ORDER BY id DESC LIMIT ?2
