-- Messages of the outbox as JSON, newest first, below ?1, at most ?2: all, or those of a member (?3) and of whoever was merged
-- into it, or those with a delivery of a status (?4), or this one (?5).
WITH named AS (
  SELECT id FROM (SELECT id FROM outbox WHERE ?3 IS NULL AND ?4 IS NULL AND ?5 IS NULL AND id < ?1 ORDER BY id DESC LIMIT ?2)
  UNION ALL
  SELECT id FROM (SELECT o.id FROM outbox o
                   WHERE o.member_id IN (SELECT ?3 UNION ALL SELECT id FROM member WHERE merged_into = ?3) AND o.id < ?1
                     AND (?4 IS NULL OR EXISTS (SELECT 1 FROM delivery d WHERE d.outbox_id = o.id AND d.status = ?4))
                   ORDER BY o.id DESC LIMIT ?2)
  UNION ALL
  SELECT id FROM (SELECT DISTINCT outbox_id AS id FROM delivery
                   WHERE ?3 IS NULL AND status = ?4 AND outbox_id < ?1 ORDER BY outbox_id DESC LIMIT ?2)
  UNION ALL
  SELECT id FROM outbox WHERE id = ?5)
SELECT json_object(
         'id', o.id, 'at', o.at, 'kind', o.kind, 'member_id', o.member_id,
         'deliveries', json((SELECT json_group_array(json_object(
                                      'webhook_id', d.webhook_id, 'status', d.status, 'attempts', d.attempts, 'next_at', d.next_at,
                                      'done_at', d.done_at, 'last_status', d.last_status, 'last_error', d.last_error,
                                      'disabled', json((SELECT iif(w.disabled_at IS NULL, 'false', 'true')
                                                          FROM webhook w WHERE w.id = d.webhook_id))))
                               FROM delivery d WHERE d.outbox_id = o.id)),
         'receipts', json((SELECT json_group_array(json_object('channel', told.channel, 'status', told.status,
                                                               'at', told.at, 'reason', told.reason))
                             FROM (SELECT * FROM receipt WHERE outbox_id = o.id ORDER BY id) told)),
         'dispatch', json((SELECT json_object('purpose', n.purpose, 'status', n.status, 'next_at', n.next_at, 'reason', n.reason,
                                            'letters', json((SELECT json_group_array(json_object('id', told.id, 'channel', told.channel))
                                                               FROM (SELECT * FROM letter WHERE dispatch_id = o.id ORDER BY id) told)))
                           FROM dispatch n WHERE n.outbox_id = o.id)))
  FROM (SELECT DISTINCT id FROM named) named CROSS JOIN outbox o ON o.id = named.id
 ORDER BY o.id DESC
