-- What is to be sent, for these deliveries (?1, a JSON array of [message, endpoint]), as JSON. `person` is the member of the
-- message, or who took it over, where the endpoint gets the person and the person is there. `cause` is what a letter is about;
-- `available` is what its member has at ?2, `left` what is left of points that expire or will be annulled.
SELECT json_object(
         'message_id', o.id, 'at', o.at, 'kind', o.kind, 'member_id', o.member_id, 'payload', json(o.payload),
         'webhook_id', w.id, 'url', w.url, 'with_recipient', json(iif(w.with_recipient, 'true', 'false')),
         'generation', w.generation, 'rotated_at', w.rotated_at, 'disabled', json(iif(w.disabled_at IS NULL, 'false', 'true')),
         'cause', json((SELECT json_object('id', c.id, 'kind', c.kind, 'payload', json(c.payload), 'of_id', c.payload ->> c.kind,
                                    'purpose', (SELECT purpose FROM dispatch WHERE outbox_id = c.id))
                          FROM letter l CROSS JOIN outbox c ON c.id = l.dispatch_id WHERE l.id = o.id)),
         'available', (SELECT sum(remaining) FROM lot
                        WHERE o.kind = 'message.send' AND account_id = own.id AND remaining > 0
                          AND activates_at <= ?2 AND (expires_at IS NULL OR expires_at > ?2)),
         'left', (SELECT CASE e.kind
                           WHEN 'points.expiring' THEN
                             (SELECT coalesce(sum(remaining), 0) FROM lot
                               WHERE account_id = own.id AND remaining > 0
                                 AND expires_at = CAST(strftime('%s', e.payload ->> 'expires_at') AS INTEGER) * 1000)
                           WHEN 'points.annulment' THEN
                             (SELECT coalesce(sum(l.remaining), 0) FROM notice_lot n CROSS JOIN lot l ON l.id = n.lot_id
                               WHERE n.outbox_id = e.id)
                         END
                    FROM (SELECT coalesce((SELECT l.dispatch_id FROM letter l WHERE l.id = o.id), o.id) AS id) about
                    CROSS JOIN outbox e ON e.id = about.id),
         'points_scale', (SELECT points_scale FROM program ORDER BY version DESC LIMIT 1),
         'person', json((
           SELECT json_object('profile', m.profile,
                              'merged_profiles', json((SELECT json_group_array(profile) FROM member WHERE merged_into = m.id)),
                              'consents', json((SELECT json_group_object(c.channel, json(iif(c.granted, 'true', 'false')))
                                                  FROM standing_consent c WHERE c.member_id = m.id)))
             FROM member m
            WHERE w.with_recipient = 1 AND m.status <> 'erased'
              AND m.id = own.id)))
  FROM json_each(?1) wanted
  CROSS JOIN outbox o ON o.id = wanted.value ->> 0
  CROSS JOIN webhook w ON w.id = wanted.value ->> 1
  LEFT JOIN (SELECT id AS told, coalesce(merged_into, id) AS id FROM member) own ON own.told = o.member_id
