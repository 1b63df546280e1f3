-- At most ?2 dispatches to decide of at ?1, the longest due first, as JSON; none while no endpoint would get a letter. `lately` counts what was sent of marketing since ?3.
-- `left` is what is left of points that expire or will be annulled. `superseded`: a later message says the same anew. `repeated`: the same was written
-- within a day.
SELECT json_object(
         'id', due.outbox_id, 'member_id', due.member_id, 'revision', due.revision, 'purpose', due.purpose, 'channel', due.channel,
         'kind', o.kind, 'at', o.at, 'payload', json(o.payload),
         'tried_at', (SELECT s.at FROM letter l CROSS JOIN outbox s ON s.id = l.id
                       WHERE l.dispatch_id = due.outbox_id AND l.channel = due.channel),
         'channels', json((SELECT json_group_array(channel) FROM letter WHERE dispatch_id = due.outbox_id)),
         'receipts', json((SELECT json_group_array(json_array(l.channel, r.status))
                             FROM letter l CROSS JOIN receipt r ON r.outbox_id = l.id WHERE l.dispatch_id = due.outbox_id)),
         'lately', (SELECT count(*) FROM dispatch e
                     WHERE e.member_id = due.member_id AND e.sent_at > ?3 AND e.purpose = 'marketing' AND e.outbox_id <> due.outbox_id),
         'left', CASE o.kind
                   WHEN 'points.expiring' THEN
                     (SELECT coalesce(sum(remaining), 0) FROM lot
                       WHERE remaining > 0 AND account_id = m.id
                         AND expires_at = CAST(strftime('%s', o.payload ->> 'expires_at') AS INTEGER) * 1000)
                   WHEN 'points.annulment' THEN
                     (SELECT coalesce(sum(l.remaining), 0) FROM notice_lot p CROSS JOIN lot l ON l.id = p.lot_id
                       WHERE p.outbox_id = o.id)
                 END,
         'superseded', json(iif(CASE o.kind
                                  WHEN 'points.expiring' THEN
                                    EXISTS (SELECT 1 FROM outbox later
                                             WHERE later.member_id = o.member_id AND later.id > o.id AND later.kind = o.kind
                                               AND later.payload ->> 'expires_at' = o.payload ->> 'expires_at')
                                  WHEN 'points.annulment' THEN
                                    EXISTS (SELECT 1 FROM notice_lot p CROSS JOIN notice_lot later ON later.lot_id = p.lot_id
                                             WHERE p.outbox_id = o.id AND later.outbox_id > o.id)
                                END, 'true', 'false')),
         'repeated', json(iif(EXISTS (SELECT 1 FROM dispatch e CROSS JOIN outbox same ON same.id = e.outbox_id
                                       WHERE e.member_id = due.member_id AND e.sent_at > ?1 - 86400000 AND same.id <> o.id
                                         AND same.kind = o.kind AND same.payload = o.payload),
                              'true', 'false')),
         'person', json((SELECT json_object(
                                  'profile', m.profile,
                                  'merged_profiles', json((SELECT json_group_array(profile) FROM member WHERE merged_into = m.id)),
                                  'consents', json((SELECT json_group_object(c.channel, json(iif(c.granted, 'true', 'false')))
                                                      FROM standing_consent c WHERE c.member_id = m.id)))
                          WHERE m.status <> 'erased')))
  FROM (SELECT * FROM dispatch WHERE next_at IS NOT NULL AND next_at <= ?1 AND (SELECT letters FROM listening) ORDER BY next_at, outbox_id LIMIT ?2) due
  CROSS JOIN outbox o ON o.id = due.outbox_id
  CROSS JOIN member own ON own.id = due.member_id
  CROSS JOIN member m ON m.id = coalesce(own.merged_into, own.id)
 ORDER BY due.next_at, due.outbox_id
