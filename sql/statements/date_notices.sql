-- Gives the lots of notices (?1, a JSON array of [message, end]) their end, at ?2: a trigger of `notice` does, and tells whoever
-- was told of an earlier one. Whoever came second changes nothing. One row a notice.
UPDATE notice SET expires_at = d.expires_at, dated_at = max(?2, sent_at)
  FROM (SELECT value ->> 0 AS outbox_id, value ->> 1 AS expires_at FROM json_each(?1)) d
 WHERE notice.outbox_id = d.outbox_id AND notice.sent_at IS NOT NULL AND notice.expires_at IS NULL
RETURNING 1
