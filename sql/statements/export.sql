-- What the books know of a member (?1) and of whoever was merged into it, beside the entries, consents and acceptances, as JSON
-- columns, oldest first: orders, redemptions, events, vouchers, tiers that were given, messages, the log of exports, the steps of
-- the referral by which they came.
WITH who AS (SELECT id FROM member WHERE id = ?1 UNION ALL SELECT id FROM member WHERE merged_into = ?1)
SELECT
  (SELECT json_group_array(json_object('ref', ref, 'status', status, 'occurred_at', occurred_at, 'recorded_at', recorded_at,
                                       'channel', channel, 'store', store, 'currency', currency,
                                       'items', items, 'discount', discount, 'delivery', delivery, 'paid_points', paid_points,
                                       'payable', payable, 'earned', earned,
            'lines', json((SELECT json_group_array(json_array(l.id, l.sku, l.name, l.category, l.brand, l.quantity, l.price,
                                                              l.amount, l.returned))
                             FROM order_line l WHERE l.order_id = o.id)),
            'returns', json((SELECT json_group_array(json_array(t.ref, t.occurred_at, t.clawed_back, t.restored, t.refund))
                               FROM order_return t WHERE t.order_id = o.id))))
     FROM (SELECT * FROM orders WHERE member_id IN (SELECT id FROM who) ORDER BY occurred_at, id) o) AS orders,
  (SELECT json_group_array(json_object('id', id, 'status', status, 'points', points, 'money', money, 'captured', captured,
                                       'store', store, 'order_ref', order_ref, 'created_at', created_at))
     FROM (SELECT * FROM redemption WHERE account_id IN (SELECT id FROM who) ORDER BY created_at, id)) AS redemptions,
  (SELECT json_group_array(json_object('ref', ref, 'type', type, 'occurred_at', occurred_at, 'channel', channel,
                                       'data', json(data), 'earned', earned))
     FROM (SELECT * FROM event WHERE member_id IN (SELECT id FROM who) ORDER BY occurred_at, id)) AS events,
  (SELECT json_group_array(json_object('code', code, 'rule_id', rule_id, 'expires_at', expires_at, 'created_at', created_at,
                                       'used_by', (SELECT ref FROM orders WHERE id = v.order_id)))
     FROM (SELECT * FROM voucher WHERE member_id IN (SELECT id FROM who) ORDER BY id) v) AS vouchers,
  (SELECT json_group_array(json_object('tier', tier, 'given_at', given_at, 'until', until, 'reason', reason))
     FROM (SELECT * FROM granted_tier WHERE member_id IN (SELECT id FROM who) ORDER BY id)) AS granted_tiers,
  (SELECT json_group_array(json_object('at', at, 'kind', kind,
            'deliveries', json((SELECT json_group_array(json_object('status', d.status, 'at', d.done_at, 'url', w.url,
                                                                    'recipient', w.with_recipient))
                                  FROM delivery d JOIN webhook w ON w.id = d.webhook_id WHERE d.outbox_id = o.id)),
            'receipts', json((SELECT json_group_array(json_object('channel', r.channel, 'status', r.status, 'at', r.at,
                                                                  'reason', r.reason))
                                FROM receipt r WHERE r.outbox_id = o.id))))
     FROM (SELECT * FROM outbox WHERE member_id IN (SELECT id FROM who) ORDER BY id) o) AS messages,
  (SELECT json_group_array(json_object('at', at, 'kind', kind, 'caller_id', caller_id))
     FROM (SELECT * FROM privacy_log WHERE member_id IN (SELECT id FROM who) ORDER BY id)) AS log,
  (SELECT json_group_array(json_object('outcome', outcome, 'reason', reason, 'at', at,
                                       'order_id', (SELECT ref FROM orders WHERE id = v.order_id)))
     FROM (SELECT * FROM referral_verdict WHERE referee_id IN (SELECT id FROM who) ORDER BY id) v) AS came_by
