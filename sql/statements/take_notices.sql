-- The next ?1 messages of the outbox that the job `notify` did not look at: see the view. ?2 are the kinds, ?3 is since when they
-- matter. Whoever takes for the first time begins with what happened after ?4. Without an endpoint that sends to members nobody is
-- written, later neither.
INSERT INTO take_notices (from_id, until, kinds, since)
SELECT begin.id, coalesce(max(o.id), begin.id),
       iif(EXISTS (SELECT 1 FROM webhook w
                                         WHERE w.disabled_at IS NULL AND w.with_recipient = 1
                                           AND (w.kinds = '[]' OR 'message.send' IN (SELECT value FROM json_each(w.kinds)))), ?2, '{}'), ?3
  FROM (SELECT coalesce((SELECT until FROM progress WHERE job = 'notify'),
                        (SELECT id FROM outbox WHERE at <= ?4 ORDER BY id DESC LIMIT 1), 0) AS id) begin
  LEFT JOIN (SELECT id FROM outbox
               WHERE id > coalesce((SELECT until FROM progress WHERE job = 'notify'),
                                   (SELECT id FROM outbox WHERE at <= ?4 ORDER BY id DESC LIMIT 1), 0)
               ORDER BY id LIMIT ?1) o ON true
 GROUP BY begin.id
