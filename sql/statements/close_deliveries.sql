-- At most ?3 messages that wait for an endpoint (?1) that gets nothing any more are given up at ?2: skipped where it was deleted.
UPDATE delivery SET status = (SELECT iif(disabled_reason = 'deleted', 'skipped', 'parked') FROM webhook WHERE id = ?1),
                    next_at = NULL, done_at = ?2
 WHERE rowid IN (SELECT d.rowid FROM webhook w CROSS JOIN delivery d ON d.webhook_id = w.id AND d.status = 'waiting'
                  WHERE w.id = ?1 AND w.disabled_at IS NOT NULL LIMIT ?3)
RETURNING outbox_id
