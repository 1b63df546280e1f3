-- The projections rebuilt from the facts alone, and where a stored one says something else: one row for each row and column
-- (at most ?1), beside the number of all of them. `line` is the position of an order's line; ids are in hexadecimal. One
-- statement, so that all of it is of one moment.
-- Facts: entries and postings, replayed by what `kind` says; what a lot was granted; ends that were put off; notices; who was merged
-- into whom; orders with what their lines sold; returns; uses of vouchers; verdicts on referrals. What the facts do not tell is left alone: a tier, a code that is still awaited, whether
-- an activation was announced or a notice is awaited.
WITH
  moved AS (
    SELECT p.lot_id, sum(p.points * k.d_remaining) AS remaining, sum(p.points * k.d_held) AS held,
           sum(p.points * k.d_spent) AS spent, sum(p.points * k.d_expired) AS expired, sum(p.points * k.d_revoked) AS revoked
      FROM posting p JOIN entry e ON e.id = p.entry_id JOIN kind k ON k.kind = e.kind GROUP BY p.lot_id),
  -- what returns took back of what each lot had granted, and ends that were put off
  taken_back AS (
    SELECT part.value ->> 0 AS lot_id, sum(part.value ->> 1) AS points FROM order_return r, json_each(r.lots) part GROUP BY 1),
  put_off AS (SELECT lot_id, max(expires_at) AS expires_at FROM extension GROUP BY lot_id),
  -- ends that a lot's last notice gave, by the end that was planned when it told of it
  noticed AS (
    SELECT p.lot_id, n.planned_expires_at, n.expires_at
      FROM notice_lot p JOIN notice n ON n.outbox_id = p.outbox_id
     WHERE p.outbox_id = (SELECT max(last.outbox_id) FROM notice_lot last WHERE last.lot_id = p.lot_id)),
  -- a lot is born fully in `revoked`, in the account of its entry; a merge gives it to another one
  buckets AS (
    SELECT l.id, coalesce(o.merged_into, e.account_id, l.account_id) AS account_id, l.issued,
           coalesce(m.remaining, 0) AS remaining, coalesce(m.held, 0) AS held, coalesce(m.spent, 0) AS spent,
           coalesce(m.expired, 0) AS expired, l.issued + coalesce(m.revoked, 0) AS revoked,
           coalesce(t.points, 0) AS returned,
           iif(l.notice_days IS NULL, coalesce(x.expires_at, l.expires_at),
               iif(l.awaits_notice, NULL, n.expires_at)) AS expires_at,
           iif(l.notice_days IS NULL, NULL, coalesce(x.expires_at, l.planned_expires_at)) AS planned_expires_at, l.rule_id, e.kind
      FROM lot l LEFT JOIN moved m ON m.lot_id = l.id LEFT JOIN entry e ON e.id = l.entry_id
           LEFT JOIN taken_back t ON t.lot_id = l.id LEFT JOIN put_off x ON x.lot_id = l.id
           LEFT JOIN noticed n ON n.lot_id = l.id AND n.planned_expires_at = coalesce(x.expires_at, l.planned_expires_at)
           LEFT JOIN member o ON o.id = e.account_id),
  totals AS (
    SELECT account_id, sum(remaining) AS remaining, sum(held) AS held, sum(spent) AS redeemed, sum(expired) AS expired,
           sum(issued - revoked) AS earned FROM buckets GROUP BY account_id),
  history AS (
    SELECT account_id, max(seq) AS seq, max(at) AS last_at, sum(deficit_change) AS deficit FROM entry GROUP BY account_id),
  -- a capture may be followed by the release of its rest
  ends AS (
    SELECT redemption_id, sum(iif(kind = 'capture', amount, 0)) AS captured,
           max(iif(kind = 'capture', id, NULL)) AS capture_entry,
           max(iif(kind = 'release', iif(explanation ->> '$[0].code' = 'hold_expired', 'expired', 'released'), NULL)) AS released
      FROM entry WHERE kind IN ('capture', 'release') AND redemption_id IS NOT NULL GROUP BY redemption_id),
  brought_back AS (
    SELECT r.order_id, part.value ->> 0 AS n, sum(part.value ->> 1) AS quantity
      FROM order_return r, json_each(r.lines) part GROUP BY 1, 2),
  sold AS (
    SELECT l.order_id, l.n, l.returned AS stored, l.quantity, l.qualifying, coalesce(b.quantity, 0) AS returned
      FROM order_line l LEFT JOIN brought_back b ON b.order_id = l.order_id AND b.n = l.n),
  -- whole and rest apart: their products stay within 64 bits up to 3 000 000 pieces
  counted AS (
    SELECT order_id, sum(qualifying - (qualifying / quantity * returned + qualifying % quantity * returned / quantity)) AS spend
      FROM sold GROUP BY order_id),
  given AS (SELECT rule_id, sum(issued - returned) AS points FROM buckets WHERE kind = 'earn' GROUP BY rule_id),
  clawed_back AS (SELECT order_id, sum(clawed_back) AS points FROM order_return GROUP BY order_id),
  cancelled AS (SELECT DISTINCT order_id FROM order_return WHERE ref IS NULL),
  purchases AS (
    SELECT o.member_id, count(*) FILTER (WHERE x.order_id IS NULL) AS orders, sum(c.spend) AS qualifying_spend,
           min(o.occurred_at) AS first_order_at, max(o.occurred_at) AS last_order_at
      FROM orders o LEFT JOIN counted c ON c.order_id = o.id LEFT JOIN cancelled x ON x.order_id = o.id
     WHERE o.member_id IS NOT NULL GROUP BY o.member_id),
  -- a voucher is free again when its order was cancelled, or came back as a whole
  used AS (
    SELECT u.voucher_id, max(u.order_id) AS order_id FROM voucher_use u
     WHERE u.order_id NOT IN (SELECT order_id FROM cancelled)
       AND u.order_id IN (SELECT order_id FROM sold WHERE returned < quantity) GROUP BY u.voucher_id),
  -- rows that should be there, and each row that differs: its columns as [stored, rebuilt]
  differing AS (
    SELECT 'account' AS "table", m.id, NULL AS line, json_object('id', json_array(NULL, printf('%x', m.id))) AS columns
      FROM member m LEFT JOIN account a ON a.id = m.id WHERE a.id IS NULL
    UNION ALL
    SELECT 'statistics', m.id, NULL, json_object('member_id', json_array(NULL, printf('%x', m.id)))
      FROM member m LEFT JOIN statistics s ON s.member_id = m.id WHERE s.member_id IS NULL
    UNION ALL
    SELECT 'lot', m.lot_id, NULL, json_object('id', json_array(NULL, printf('%x', m.lot_id)))
      FROM moved m LEFT JOIN lot l ON l.id = m.lot_id WHERE l.id IS NULL
    UNION ALL
    SELECT 'lot', l.id, NULL,
           json_object('remaining', json_array(l.remaining, b.remaining), 'held', json_array(l.held, b.held),
                       'spent', json_array(l.spent, b.spent), 'expired', json_array(l.expired, b.expired),
                       'revoked', json_array(l.revoked, b.revoked), 'returned', json_array(l.returned, b.returned),
                       'expires_at', json_array(l.expires_at, b.expires_at),
                       'planned_expires_at', json_array(l.planned_expires_at, b.planned_expires_at),
                       'account_id', json_array(printf('%x', l.account_id), printf('%x', b.account_id)))
      FROM lot l JOIN buckets b ON b.id = l.id
     WHERE (l.remaining, l.held, l.spent, l.expired, l.revoked, l.returned, l.expires_at, l.planned_expires_at, l.account_id)
           IS NOT (b.remaining, b.held, b.spent, b.expired, b.revoked, b.returned, b.expires_at, b.planned_expires_at, b.account_id)
    UNION ALL
    SELECT 'rule_total', 0, NULL, json_object('rule_id', json_array(NULL, g.rule_id))
      FROM given g LEFT JOIN rule_total t ON t.rule_id = g.rule_id WHERE t.rule_id IS NULL
    UNION ALL
    SELECT 'rule_total', t.rowid, NULL, json_object('points', json_array(t.points, coalesce(g.points, 0)))
      FROM rule_total t LEFT JOIN given g ON g.rule_id = t.rule_id
    UNION ALL
    SELECT 'voucher', v.id, NULL,
           json_object('order_id', json_array(iif(v.order_id IS NULL, NULL, printf('%x', v.order_id)),
                                              iif(u.order_id IS NULL, NULL, printf('%x', u.order_id))))
      FROM voucher v LEFT JOIN used u ON u.voucher_id = v.id
    UNION ALL
    SELECT 'referral', r.referee_id, NULL,
           json_object('outcome', json_array(r.outcome, v.outcome), 'reason', json_array(r.reason, v.reason))
      FROM referral r LEFT JOIN referral_verdict v
           ON v.id = (SELECT max(id) FROM referral_verdict WHERE referee_id = r.referee_id)
    UNION ALL
    SELECT 'account', a.id, NULL,
           json_object('seq', json_array(a.seq, coalesce(h.seq, 0)), 'last_at', json_array(a.last_at, coalesce(h.last_at, 0)),
                       'remaining', json_array(a.remaining, coalesce(t.remaining, 0)),
                       'held', json_array(a.held, coalesce(t.held, 0)),
                       'deficit', json_array(a.deficit, coalesce(h.deficit, 0)),
                       'earned', json_array(a.earned, coalesce(t.earned, 0)),
                       'redeemed', json_array(a.redeemed, coalesce(t.redeemed, 0)),
                       'expired', json_array(a.expired, coalesce(t.expired, 0)))
      FROM account a LEFT JOIN history h ON h.account_id = a.id LEFT JOIN totals t ON t.account_id = a.id
    UNION ALL
    SELECT 'redemption', r.id, NULL,
           json_object('status', json_array(r.status, CASE
                         WHEN e.capture_entry IS NOT NULL THEN 'captured'
                         WHEN e.released IS NOT NULL THEN e.released
                         WHEN r.status = 'awaiting_confirmation' THEN r.status
                         ELSE 'held' END),
                       'captured', json_array(r.captured, coalesce(e.captured, 0)),
                       'capture_entry', json_array(iif(r.capture_entry IS NULL, NULL, printf('%x', r.capture_entry)),
                                                   iif(e.capture_entry IS NULL, NULL, printf('%x', e.capture_entry))))
      FROM redemption r LEFT JOIN ends e ON e.redemption_id = r.id
    UNION ALL
    SELECT 'orders', o.id, NULL,
           json_object('status', json_array(o.status, iif(x.order_id IS NULL, 'recorded', 'cancelled')),
                       'qualifying', json_array(o.qualifying, coalesce(c.spend, 0)),
                       'kept', json_array(o.kept, o.earned - coalesce(b.points, 0)))
      FROM orders o LEFT JOIN cancelled x ON x.order_id = o.id LEFT JOIN counted c ON c.order_id = o.id
           LEFT JOIN clawed_back b ON b.order_id = o.id
     WHERE (o.status = 'cancelled', o.qualifying, o.kept)
           IS NOT (x.order_id IS NOT NULL, coalesce(c.spend, 0), o.earned - coalesce(b.points, 0))
    UNION ALL
    SELECT 'order_line', order_id, n, json_object('returned', json_array(stored, returned)) FROM sold WHERE stored <> returned
    UNION ALL
    SELECT 'statistics', s.member_id, NULL,
           json_object('orders', json_array(s.orders, coalesce(p.orders, 0)),
                       'qualifying_spend', json_array(s.qualifying_spend, coalesce(p.qualifying_spend, 0)),
                       'first_order_at', json_array(s.first_order_at, p.first_order_at),
                       'last_order_at', json_array(s.last_order_at, p.last_order_at))
      FROM statistics s LEFT JOIN purchases p ON p.member_id = s.member_id)
SELECT d."table", printf('%x', d.id) AS id, d.line, c.key AS "column", CAST(c.value ->> 0 AS TEXT) AS stored,
       CAST(c.value ->> 1 AS TEXT) AS rebuilt, count(*) OVER () AS total
  FROM differing d, json_each(d.columns) c
 WHERE c.value ->> 0 IS NOT c.value ->> 1
 ORDER BY d."table", d.id, d.line, c.key
 LIMIT ?1
