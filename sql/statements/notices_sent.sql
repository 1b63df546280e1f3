-- Notices that were recorded as sent and whose lots have no end yet, at most ?1, oldest first.
SELECT outbox_id, days, told, sent_at FROM notice
 WHERE sent_at IS NOT NULL AND expires_at IS NULL ORDER BY sent_at LIMIT ?1
