-- What is to be sent, for these deliveries (?1, a JSON array of [message, endpoint]), as JSON. `person` is the member of the
-- message, or who took it over, where the endpoint gets the person and the person is there.
SELECT json_object(
         'message_id', o.id, 'at', o.at, 'kind', o.kind, 'member_id', o.member_id, 'payload', json(o.payload),
         'webhook_id', w.id, 'url', w.url, 'with_recipient', json(iif(w.with_recipient, 'true', 'false')),
         'generation', w.generation, 'rotated_at', w.rotated_at, 'disabled', json(iif(w.disabled_at IS NULL, 'false', 'true')),
         'points_scale', (SELECT points_scale FROM program ORDER BY version DESC LIMIT 1),
         'person', json((
           SELECT json_object('profile', m.profile,
                              'merged_profiles', json((SELECT json_group_array(profile) FROM member WHERE merged_into = m.id)),
                              'consents', json((SELECT json_group_object(c.channel, json(iif(c.granted, 'true', 'false')))
                                                  FROM standing_consent c WHERE c.member_id = m.id)))
             FROM member m
            WHERE w.with_recipient = 1 AND m.status <> 'erased'
              AND m.id = coalesce((SELECT merged_into FROM member WHERE id = o.member_id), o.member_id))))
  FROM json_each(?1) wanted
  CROSS JOIN outbox o ON o.id = wanted.value ->> 0
  CROSS JOIN webhook w ON w.id = wanted.value ->> 1
