-- Writes down at ?2 what attempts came to (?1, a JSON array of [message, endpoint, attempt, status, next attempt, HTTP status,
-- error]). What is heard late of an attempt after which another one was made counts only as a success. Whoever came back before
-- this one (a message that is sent again) goes first.
UPDATE delivery
   SET status = r.status, done_at = iif(r.status = 'waiting', NULL, ?2), last_status = r.last_status, last_error = r.last_error,
       next_at = iif(r.status = 'waiting'
                     AND NOT EXISTS (SELECT 1 FROM delivery d
                                      WHERE d.webhook_id = r.webhook_id AND d.member_id = delivery.member_id
                                        AND d.status = 'waiting' AND d.outbox_id < r.outbox_id),
                     r.next_at, NULL)
  FROM (SELECT value ->> 0 AS outbox_id, value ->> 1 AS webhook_id, value ->> 2 AS attempt, value ->> 3 AS status,
               value ->> 4 AS next_at, value ->> 5 AS last_status, value ->> 6 AS last_error
          FROM json_each(?1)) r
 WHERE delivery.outbox_id = r.outbox_id AND delivery.webhook_id = r.webhook_id AND delivery.status = 'waiting'
   AND (delivery.attempts = r.attempt OR r.status = 'delivered')
