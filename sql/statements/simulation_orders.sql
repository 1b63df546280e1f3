-- A page of stored orders as a simulation reads them, one JSON object each: those of some members, by member and then in the
-- sequence in which they were judged; or those without a member in a period, as they happened. An order was judged when it
-- was recorded, or when it was given to a member; entries of one moment are told apart by their number in the account.
-- `json` around a nested subquery: whether a subquery's JSON stays JSON inside another's is up to the query planner.
-- ?1 ids of members as JSON (null: orders without a member)   ?2 from (of orders without a member; null: the first)
-- ?3 to, exclusive (null: the last)   ?4 ?5 ?6 ?7 after this: member (0: none), at, seq, id   ?8 how many
WITH
  picked AS (
    SELECT o.member_id AS member, o.id,
           coalesce((SELECT c.at FROM command c WHERE c.id = o.claim_command), o.recorded_at) AS at,
           coalesce((SELECT min(e.seq) FROM entry e
                      WHERE e.order_id = o.id AND e.command_id = coalesce(o.claim_command, o.command_id)), 0) AS seq
      FROM json_each(?1) wanted CROSS JOIN orders o ON o.member_id = wanted.value
     WHERE o.occurred_at < coalesce(?3, 9223372036854775807)
     UNION ALL
    SELECT * FROM (SELECT 0, o.id, o.occurred_at, 0
                     FROM orders o
                    WHERE ?1 IS NULL AND o.member_id IS NULL AND o.occurred_at >= max(coalesce(?2, 0), ?5)
                      AND o.occurred_at < coalesce(?3, 9223372036854775807) AND (o.occurred_at > ?5 OR o.id > ?7)
                    ORDER BY o.occurred_at, o.id LIMIT ?8)),
  page AS (SELECT * FROM picked WHERE (member, at, seq, id) > (?4, ?5, ?6, ?7) ORDER BY member, at, seq, id LIMIT ?8)
SELECT json_object('id', o.id, 'ref', o.ref, 'member_id', o.member_id, 'at', page.at, 'seq', page.seq,
                   'occurred_at', o.occurred_at, 'channel', o.channel, 'store', o.store, 'currency', o.currency,
                   'delivery', o.delivery, 'paid_points', o.paid_points, 'claimed', o.claim_command IS NOT NULL,
         -- the sequence of the fields is that of RecordedLine; nobody reads the name
         'lines', json((SELECT json_group_array(json_array(n, id, sku, NULL, category, brand, json(labels), quantity, price,
                                                           discount, cost, tax, promo, amount, program_discount,
                                                           paid_points, paid_money, qualifying, json(shares), returned))
                          FROM order_line WHERE order_id = o.id)),
         -- which rule each lot came from: [lot, rule_id]
         'lots', json((SELECT json_group_array(json_array(l.id, l.rule_id))
                         FROM entry e CROSS JOIN lot l ON l.entry_id = e.id WHERE e.order_id = o.id AND e.kind = 'earn')),
         'vouchers', json((SELECT json_group_array(json_object('id', v.id, 'code', v.code, 'rule_id', v.rule_id,
                                                               'skus', json(v.skus)))
                             FROM voucher_use u JOIN voucher v ON v.id = u.voucher_id WHERE u.order_id = o.id)),
         -- what came back: [at, seq, 1 for a cancellation, [[n, quantity], ...]]
         'returns', json((SELECT json_group_array(json_array(t.recorded_at,
                                   coalesce((SELECT min(e.seq) FROM entry e
                                              WHERE e.order_id = o.id AND e.command_id = t.command_id), 0),
                                   t.ref IS NULL, json(t.lines)))
                            FROM order_return t WHERE t.order_id = o.id)))
  FROM page CROSS JOIN orders o ON o.id = page.id
 ORDER BY page.member, page.at, page.seq, page.id
