-- Endpoints that were not deleted, newest first, from below id ?1, at most ?2; ?3: this one only. None tells its secret: no store
-- has it.
SELECT json_object('id', id, 'url', url, 'kinds', json(kinds), 'with_recipient', json(iif(with_recipient, 'true', 'false')),
                   'generation', generation, 'rotated_at', rotated_at, 'created_at', created_at, 'disabled_at', disabled_at,
                   'disabled_reason', disabled_reason)
  FROM webhook WHERE id < ?1 AND id >= coalesce(?3, 0) AND disabled_reason IS NOT 'deleted' ORDER BY id DESC LIMIT ?2
