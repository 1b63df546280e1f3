-- Takes at most ?2 deliveries that are due at ?1 for one attempt: until ?3 nobody else takes them.
UPDATE delivery SET attempts = attempts + 1, first_at = coalesce(first_at, ?1), next_at = ?3
 WHERE rowid IN (SELECT rowid FROM delivery WHERE next_at IS NOT NULL AND next_at <= ?1 ORDER BY next_at LIMIT ?2)
RETURNING outbox_id, webhook_id, attempts, first_at
