-- Every way in which the books could disagree, one row a finding (at most 100): what, and the id concerned.
SELECT 'lot differs from its postings' AS finding, l.id AS id
  FROM lot l LEFT JOIN (
    SELECT p.lot_id, sum(p.points * k.d_remaining) AS remaining, sum(p.points * k.d_held) AS held,
           sum(p.points * k.d_spent) AS spent, sum(p.points * k.d_expired) AS expired, sum(p.points * k.d_revoked) AS revoked
      FROM posting p JOIN entry e ON e.id = p.entry_id JOIN kind k ON k.kind = e.kind GROUP BY p.lot_id) t ON t.lot_id = l.id
 WHERE (l.remaining, l.held, l.spent, l.expired, l.revoked - l.issued)
       IS NOT (coalesce(t.remaining, 0), coalesce(t.held, 0), coalesce(t.spent, 0), coalesce(t.expired, 0), coalesce(t.revoked, 0))
UNION ALL
SELECT 'account differs from its lots', a.id
  FROM account a LEFT JOIN (
    SELECT account_id, sum(remaining) AS remaining, sum(held) AS held, sum(spent) AS spent, sum(expired) AS expired,
           sum(issued - revoked) AS earned FROM lot GROUP BY account_id) t ON t.account_id = a.id
 WHERE (a.remaining, a.held, a.redeemed, a.expired, a.earned)
       IS NOT (coalesce(t.remaining, 0), coalesce(t.held, 0), coalesce(t.spent, 0), coalesce(t.expired, 0), coalesce(t.earned, 0))
UNION ALL
SELECT 'account differs from its entries', a.id
  FROM account a LEFT JOIN (
    SELECT account_id, count(*) AS entries, max(seq) AS seq, sum(deficit_change) AS deficit, sum(points) AS points, max(at) AS at
      FROM entry GROUP BY account_id) t ON t.account_id = a.id
 WHERE (a.seq, a.seq, a.deficit, a.remaining, a.last_at)
       IS NOT (coalesce(t.entries, 0), coalesce(t.seq, 0), coalesce(t.deficit, 0), coalesce(t.points, 0), coalesce(t.at, 0))
UNION ALL
SELECT 'entry differs from its postings', e.id
  FROM entry e JOIN kind k ON k.kind = e.kind
 WHERE e.amount <> abs(e.deficit_change)
                   + iif(k.moves_lots, abs(e.points), coalesce((SELECT sum(points) FROM posting p WHERE p.entry_id = e.id), 0))
    OR e.points <> (e.amount - abs(e.deficit_change)) * k.d_remaining
UNION ALL
SELECT 'running balance is broken', id
  FROM (SELECT id, balance_after, sum(points) OVER (PARTITION BY account_id ORDER BY seq) AS running FROM entry)
 WHERE running <> balance_after
UNION ALL
SELECT 'entry of an account that does not exist', e.id
  FROM entry e LEFT JOIN account a ON a.id = e.account_id WHERE a.id IS NULL
UNION ALL
SELECT 'posting of a lot or an entry that does not exist', p.rowid
  FROM posting p LEFT JOIN lot l ON l.id = p.lot_id LEFT JOIN entry e ON e.id = p.entry_id WHERE l.id IS NULL OR e.id IS NULL
UNION ALL
SELECT 'posting of another account''s lot', e.id
  FROM posting p JOIN lot l ON l.id = p.lot_id JOIN entry e ON e.id = p.entry_id LEFT JOIN member m ON m.id = e.account_id
 WHERE l.account_id <> coalesce(m.merged_into, e.account_id)
UNION ALL
SELECT 'what left the account arrived nowhere, or differently', e.id
  FROM entry e LEFT JOIN (SELECT parent_id, sum(amount) AS amount FROM entry WHERE kind IN ('transfer_in', 'merge_in')
                           GROUP BY parent_id) t ON t.parent_id = e.id
 WHERE e.kind IN ('transfer_out', 'merge_out') AND e.amount IS NOT t.amount
UNION ALL
SELECT 'something is left with a merged member', m.id
  FROM member m JOIN account a ON a.id = m.id
 WHERE m.merged_into IS NOT NULL
   AND (a.remaining + a.held + a.deficit + a.earned > 0
        OR EXISTS (SELECT 1 FROM identity i WHERE i.member_id = m.id) OR EXISTS (SELECT 1 FROM orders o WHERE o.member_id = m.id)
        OR EXISTS (SELECT 1 FROM event v WHERE v.member_id = m.id)
        OR EXISTS (SELECT 1 FROM granted_tier g WHERE g.member_id = m.id)
        OR EXISTS (SELECT 1 FROM voucher v WHERE v.member_id = m.id)
        OR EXISTS (SELECT 1 FROM redemption r WHERE r.account_id = m.id AND r.status IN ('awaiting_confirmation', 'held')))
UNION ALL
SELECT 'held points differ from the open redemptions', a.id
  FROM account a LEFT JOIN (
    SELECT account_id, sum(points) AS held FROM redemption
     WHERE status IN ('awaiting_confirmation', 'held') GROUP BY account_id) t ON t.account_id = a.id
 WHERE a.held <> coalesce(t.held, 0)
UNION ALL
SELECT 'order differs from its lines', o.id
  FROM orders o LEFT JOIN (
    SELECT order_id, sum(amount) AS items, sum(program_discount) AS discount, sum(paid_points) AS paid_points,
           sum(paid_money) AS paid_money FROM order_line GROUP BY order_id) t ON t.order_id = o.id
 WHERE (o.items, o.discount, o.paid_points, o.paid_money)
       IS NOT (coalesce(t.items, 0), coalesce(t.discount, 0), coalesce(t.paid_points, 0), coalesce(t.paid_money, 0))
UNION ALL
SELECT 'order earned something else than its lots', o.id
  FROM orders o LEFT JOIN (SELECT order_id, sum(amount) AS earned FROM entry WHERE kind = 'earn' GROUP BY order_id) t
       ON t.order_id = o.id
 WHERE o.earned <> coalesce(t.earned, 0)
UNION ALL
SELECT 'order got back other points than its returns say', o.id
  FROM orders o LEFT JOIN (
    SELECT order_id, sum(clawed_back) AS clawed_back, sum(restored) AS restored FROM order_return GROUP BY order_id) r
       ON r.order_id = o.id
  LEFT JOIN (
    SELECT order_id, sum(iif(kind = 'clawback', amount, 0)) AS clawed_back,
           sum(iif(kind = 'redemption_rollback', amount, 0)) AS restored FROM entry
     WHERE order_id IS NOT NULL GROUP BY order_id) t ON t.order_id = o.id
 WHERE (coalesce(r.clawed_back, 0), coalesce(r.restored, 0)) IS NOT (coalesce(t.clawed_back, 0), coalesce(t.restored, 0))
UNION ALL
SELECT 'order counts or keeps something else than its lines and returns say', o.id
  FROM orders o LEFT JOIN (
    SELECT order_id, sum(qualifying - (qualifying / quantity * returned + qualifying % quantity * returned / quantity)) AS spend
      FROM order_line GROUP BY order_id) l ON l.order_id = o.id
  LEFT JOIN (SELECT order_id, sum(clawed_back) AS points FROM order_return GROUP BY order_id) r ON r.order_id = o.id
 WHERE (o.qualifying, o.kept) IS NOT (coalesce(l.spend, 0), o.earned - coalesce(r.points, 0))
UNION ALL
SELECT 'lot lost something else than the returns of its order took back', l.id
  FROM lot l LEFT JOIN (
    SELECT part.value ->> 0 AS lot_id, sum(part.value ->> 1) AS points FROM order_return r, json_each(r.lots) part GROUP BY 1) t
       ON t.lot_id = l.id
 WHERE l.returned <> coalesce(t.points, 0)
UNION ALL
SELECT 'rule gave something else than its lots', t.rowid
  FROM rule_total t LEFT JOIN (
    SELECT l.rule_id, sum(l.issued - l.returned) AS points FROM lot l JOIN entry e ON e.id = l.entry_id AND e.kind = 'earn'
     GROUP BY l.rule_id) g ON g.rule_id = t.rule_id
 WHERE t.points <> coalesce(g.points, 0)
UNION ALL
SELECT 'rule gave points that nobody counted', min(l.id)
  FROM lot l JOIN entry e ON e.id = l.entry_id AND e.kind = 'earn'
 WHERE NOT EXISTS (SELECT 1 FROM rule_total t WHERE t.rule_id = l.rule_id) GROUP BY l.rule_id
UNION ALL
SELECT 'lot ends at another moment than its extensions say', l.id
  FROM lot l JOIN (SELECT lot_id, max(expires_at) AS expires_at FROM extension GROUP BY lot_id) x ON x.lot_id = l.id
 WHERE l.expires_at IS NOT x.expires_at
UNION ALL
SELECT 'voucher is used by another order than its uses say', v.id
  FROM voucher v
 WHERE v.order_id IS NOT (
   SELECT max(u.order_id) FROM voucher_use u JOIN orders o ON o.id = u.order_id AND o.status = 'recorded'
    WHERE u.voucher_id = v.id
      AND EXISTS (SELECT 1 FROM order_line l WHERE l.order_id = u.order_id AND l.returned < l.quantity))
UNION ALL
SELECT 'order was paid with other points than its redemption', o.id
  FROM orders o LEFT JOIN redemption r ON r.id = o.redemption_id
 WHERE o.paid_points <> coalesce(r.captured, 0)
UNION ALL
SELECT 'statistics differ from the orders', s.member_id
  FROM statistics s LEFT JOIN (
    SELECT o.member_id, count(*) AS orders FROM orders o
     WHERE o.status = 'recorded' AND o.member_id IS NOT NULL GROUP BY o.member_id) t ON t.member_id = s.member_id
 WHERE s.orders <> coalesce(t.orders, 0)
UNION ALL
SELECT 'member without an account', m.id FROM member m LEFT JOIN account a ON a.id = m.id WHERE a.id IS NULL
UNION ALL
SELECT 'member without statistics', m.id FROM member m LEFT JOIN statistics s ON s.member_id = m.id WHERE s.member_id IS NULL
UNION ALL
SELECT 'qualifying spend differs from the orders', s.member_id
  FROM statistics s LEFT JOIN (
    -- whole and rest apart: their products stay within 64 bits up to 3 000 000 pieces
    SELECT o.member_id, sum(l.qualifying - (l.qualifying / l.quantity * l.returned
                                            + l.qualifying % l.quantity * l.returned / l.quantity)) AS spend
      FROM orders o JOIN order_line l ON l.order_id = o.id WHERE o.member_id IS NOT NULL GROUP BY o.member_id) t
       ON t.member_id = s.member_id
 WHERE s.qualifying_spend <> coalesce(t.spend, 0)
UNION ALL
SELECT 'lines returned differ from the returns', l.order_id
  FROM order_line l
 WHERE l.returned <> coalesce((SELECT sum(part.value ->> 1) FROM order_return r, json_each(r.lines) part
                                WHERE r.order_id = l.order_id AND part.value ->> 0 = l.n), 0)
UNION ALL
SELECT 'redemption captured something else than its entry', r.id
  FROM redemption r LEFT JOIN entry e ON e.id = r.capture_entry
 WHERE r.captured <> coalesce(e.amount, 0)
LIMIT 100
