-- The next ?1 messages of the outbox that the job `notify` did not look at: see the view. ?2 are the kinds, ?3 is since when they
-- matter. Whoever takes for the first time begins with what happened at ?4 or later. Without an endpoint that sends to members nobody is
-- written, later neither.
INSERT INTO take_dispatches (from_id, until, kinds, since)
WITH last AS MATERIALIZED (
  SELECT coalesce((SELECT until FROM progress WHERE job = 'notify'),
                  (SELECT id FROM outbox WHERE id > 0 AND at < ?4 ORDER BY id DESC LIMIT 1), 0) AS id)
SELECT last.id, coalesce(max(page.id), last.id),
       iif(EXISTS (SELECT 1 FROM webhook w
                    WHERE w.disabled_at IS NULL AND w.with_recipient = 1
                      AND (w.kinds = '[]' OR 'message.send' IN (SELECT value FROM json_each(w.kinds)))), ?2, '{}'), ?3
  FROM last LEFT JOIN (SELECT id FROM outbox WHERE id > (SELECT id FROM last) ORDER BY id LIMIT ?1) page ON true
 GROUP BY last.id
