-- Every way in which the books could disagree, one row a finding (at most 100): what, and the id concerned.
WITH
  -- lines with what of them came back before a member claimed the order
  goods AS (
    SELECT l.order_id, l.n, l.quantity, l.returned, coalesce(b.quantity, 0) AS earlier,
           l.amount - l.program_discount - l.paid_money AS money, l.paid_points, l.shares
      FROM order_line l LEFT JOIN (
        SELECT r.order_id, part.value ->> 0 AS n, sum(part.value ->> 1) AS quantity
          FROM order_return r, json_each(r.lines) part WHERE r.unclaimed = 1 GROUP BY 1, 2) b
           ON b.order_id = l.order_id AND b.n = l.n),
  -- what the lines of an order say of each lot: how much was granted, and how much of that went with goods that came back.
  -- Whole and rest apart: their products stay within 64 bits up to 3 000 000 pieces
  shared AS (
    SELECT g.order_id, part.value ->> 0 AS lot_id,
           sum((part.value ->> 1) - ((part.value ->> 1) / quantity * earlier + (part.value ->> 1) % quantity * earlier / quantity))
             AS issued,
           sum((part.value ->> 1) / quantity * returned + (part.value ->> 1) % quantity * returned / quantity
               - ((part.value ->> 1) / quantity * earlier + (part.value ->> 1) % quantity * earlier / quantity)) AS lost
      FROM goods g, json_each(g.shares) part GROUP BY 1, 2)
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
    SELECT account_id, count(*) AS entries, max(seq) AS seq, min(seq) AS first, sum(deficit_change) AS deficit,
           sum(points) AS points, max(at) AS at
      FROM entry GROUP BY account_id) t ON t.account_id = a.id
 WHERE (a.seq, a.seq, min(a.seq, 1), a.deficit, a.remaining, a.last_at)
       IS NOT (coalesce(t.entries, 0), coalesce(t.seq, 0), coalesce(t.first, 0), coalesce(t.deficit, 0), coalesce(t.points, 0),
               coalesce(t.at, 0))
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
 WHERE coalesce(l.planned_expires_at, l.expires_at) IS NOT x.expires_at
UNION ALL
SELECT 'lot that needs a notice ends otherwise than its notice says', l.id
  FROM lot l LEFT JOIN (SELECT p.lot_id, n.planned_expires_at, n.expires_at
                          FROM notice_lot p JOIN notice n ON n.outbox_id = p.outbox_id
                         WHERE p.outbox_id = (SELECT max(last.outbox_id) FROM notice_lot last WHERE last.lot_id = p.lot_id)) t
       ON t.lot_id = l.id AND t.planned_expires_at = l.planned_expires_at
 WHERE l.notice_days IS NOT NULL AND l.expires_at IS NOT iif(l.awaits_notice, NULL, t.expires_at)
UNION ALL
SELECT 'notice of something else than its message or its lots', n.outbox_id
  FROM notice n LEFT JOIN outbox o ON o.id = n.outbox_id AND o.kind = 'points.annulment'
 WHERE o.id IS NULL OR o.payload ->> 'days' <> n.days
    OR o.payload ->> 'expires_at' <> strftime('%Y-%m-%dT%H:%M:%SZ', n.told / 1000, 'unixepoch')
    OR NOT EXISTS (SELECT 1 FROM notice_lot WHERE outbox_id = n.outbox_id)
UNION ALL
SELECT 'notice told of a lot that it could not be about', p.lot_id
  FROM notice_lot p LEFT JOIN notice n ON n.outbox_id = p.outbox_id LEFT JOIN lot l ON l.id = p.lot_id
 WHERE l.id IS NULL OR n.days IS NOT l.notice_days
    OR n.planned_expires_at IS NOT l.planned_expires_at
       AND NOT EXISTS (SELECT 1 FROM extension x WHERE x.lot_id = p.lot_id AND x.was = n.planned_expires_at)
UNION ALL
SELECT 'notice was recorded as sent though nobody took it, or otherwise than somebody did', n.outbox_id
  FROM notice n LEFT JOIN (
    -- of whoever was erased since nobody knows whether a person was there
    SELECT coalesce(l.dispatch_id, d.outbox_id) AS outbox_id, l.id IS NOT NULL AS by_letter, d.done_at AS at,
           m.status <> 'erased' AS surely
      FROM delivery d JOIN webhook w ON w.id = d.webhook_id AND w.with_recipient = 1
      JOIN member own ON own.id = d.member_id JOIN member m ON m.id = coalesce(own.merged_into, own.id)
      LEFT JOIN letter l ON l.id = d.outbox_id
     WHERE d.status = 'delivered'
     UNION ALL
    SELECT coalesce(l.dispatch_id, r.outbox_id), NULL, c.at, 1
      FROM receipt r JOIN command c ON c.id = r.command_id LEFT JOIN letter l ON l.id = r.outbox_id
     WHERE r.status IN ('delivered', 'opened')) t
       ON t.outbox_id = n.outbox_id AND coalesce(t.by_letter = n.by_letter, 1)
 GROUP BY n.outbox_id
HAVING iif(n.sent_at IS NULL, coalesce(max(t.surely), 0), coalesce(max(t.at = n.sent_at), 0) = 0)
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
UNION ALL
SELECT 'lot was issued with other points than the lines of its order share', l.id
  FROM entry e JOIN lot l ON l.entry_id = e.id LEFT JOIN shared s ON s.order_id = e.order_id AND s.lot_id = l.id
 WHERE e.kind = 'earn' AND e.order_id IS NOT NULL AND l.issued IS NOT s.issued
UNION ALL
SELECT 'line shares a lot that its order did not earn', s.order_id
  FROM shared s LEFT JOIN lot l ON l.id = s.lot_id LEFT JOIN entry e ON e.id = l.entry_id AND e.kind = 'earn'
 WHERE e.order_id IS NOT s.order_id
UNION ALL
SELECT 'returns gave back something else than their goods had cost and earned', o.id
  FROM orders o LEFT JOIN (
    SELECT order_id, sum(refund) AS money, sum(restored) AS points, sum(clawed_back + forgiven) AS earned
      FROM order_return GROUP BY order_id) r ON r.order_id = o.id
  LEFT JOIN (
    SELECT order_id, sum(money / quantity * returned + money % quantity * returned / quantity) AS money,
           sum(paid_points / quantity * returned + paid_points % quantity * returned / quantity) AS points
      FROM goods GROUP BY order_id) g ON g.order_id = o.id
  LEFT JOIN (SELECT order_id, sum(lost) AS points FROM shared GROUP BY order_id) s ON s.order_id = o.id
 WHERE (coalesce(r.money, 0), coalesce(r.points, 0), coalesce(r.earned, 0))
       IS NOT (coalesce(g.money, 0) + iif(o.status = 'cancelled', o.delivery, 0), coalesce(g.points, 0), coalesce(s.points, 0))
UNION ALL
SELECT 'return before a claim of an order that nobody claimed, or after it of nobody''s', r.id
  FROM order_return r LEFT JOIN orders o ON o.id = r.order_id
 WHERE iif(r.unclaimed, o.member_id IS NOT NULL AND o.claim_command IS NULL, o.member_id IS NULL)
UNION ALL
-- how a half is rounded is the engine's matter
SELECT 'line costs something else than its price and quantity say', order_id
  FROM order_line
 WHERE abs(price * (quantity / 1000) + (price * (quantity % 1000) + 500) / 1000 - discount - amount) > 1
UNION ALL
SELECT 'lines of the order are not numbered one after another', order_id
  FROM order_line GROUP BY order_id HAVING min(n) <> 0 OR max(n) <> count(*) - 1
UNION ALL
SELECT 'order was changed more or less often than its revision says', o.id
  FROM orders o LEFT JOIN (SELECT order_id, count(*) AS returns FROM order_return GROUP BY order_id) r ON r.order_id = o.id
 WHERE o.revision <> coalesce(r.returns, 0) + (o.claim_command IS NOT NULL)
UNION ALL
SELECT 'entry made other lots than its amount', e.id
  FROM entry e JOIN kind k ON k.kind = e.kind
  LEFT JOIN (SELECT entry_id, sum(issued) AS issued FROM lot GROUP BY entry_id) t ON t.entry_id = e.id
 WHERE coalesce(t.issued, 0) <> iif(k.creates_lots, e.amount, 0)
UNION ALL
SELECT 'entry completes or undoes none of the kind and the account that it should', e.id
  FROM entry e LEFT JOIN kind k ON k.kind = e.kind LEFT JOIN entry p ON p.id = e.parent_id
  LEFT JOIN member own ON own.id = e.account_id LEFT JOIN member whose ON whose.id = p.account_id
 WHERE k.kind IS NULL OR k.parent IS NOT p.kind OR (e.parent_id IS NULL) <> (p.id IS NULL)
    OR e.kind NOT IN ('transfer_in', 'merge_in') AND p.id IS NOT NULL
       AND coalesce(own.merged_into, e.account_id) <> coalesce(whose.merged_into, p.account_id)
    OR e.kind IN ('capture', 'release') AND e.redemption_id IS NOT p.redemption_id
UNION ALL
SELECT 'entry was completed or undone by more than it moved', p.id
  FROM entry p JOIN (SELECT parent_id, sum(amount) AS amount FROM entry WHERE kind IN ('clawback', 'referral_clawback', 'transfer_in')
                      GROUP BY parent_id) c ON c.parent_id = p.id
 WHERE c.amount > p.amount
UNION ALL
SELECT 'entry was completed or undone by more than it moved', c.parent_id
  FROM (SELECT e.parent_id, s.lot_id, sum(s.points) AS points FROM entry e JOIN posting s ON s.entry_id = e.id
         WHERE e.kind IN ('capture', 'release', 'redemption_rollback') GROUP BY e.parent_id, s.lot_id) c
  LEFT JOIN posting p ON p.entry_id = c.parent_id AND p.lot_id = c.lot_id
 WHERE c.points > coalesce(p.points, 0)
UNION ALL
SELECT 'account has points beside a deficit', a.id
  FROM account a
 WHERE a.deficit > 0 AND EXISTS (SELECT 1 FROM lot l WHERE l.account_id = a.id AND l.remaining > 0
                                                       AND (l.expires_at IS NULL OR l.expires_at > a.last_at))
UNION ALL
SELECT 'entry is dated otherwise than its command and the entry before it', id
  FROM (SELECT e.id, e.kind, e.at, e.command_id, c.at AS said, lag(e.at, 1, 0) OVER (PARTITION BY e.account_id ORDER BY e.seq) AS before
          FROM entry e LEFT JOIN command c ON c.id = e.command_id)
 WHERE at < before OR iif(command_id IS NULL, kind NOT IN ('expire', 'release', 'settle', 'transfer_out', 'transfer_in'),
                          at IS NOT max(said, before))
UNION ALL
SELECT 'entry happened otherwise than its order, its return or its event', e.id
  FROM entry e LEFT JOIN orders o ON o.id = e.order_id LEFT JOIN order_return r ON r.id = e.command_id
  LEFT JOIN event v ON v.id = e.command_id
 WHERE CASE WHEN e.kind IN ('clawback', 'redemption_rollback')
              THEN (r.order_id, r.occurred_at, o.redemption_id) IS NOT (e.order_id, e.occurred_at, e.redemption_id)
            WHEN e.kind = 'capture' AND e.order_id IS NOT NULL
              THEN (o.occurred_at, o.redemption_id) IS NOT (e.occurred_at, e.redemption_id)
            WHEN e.kind = 'capture' AND EXISTS (SELECT 1 FROM orders WHERE id = e.command_id) THEN 1
            WHEN e.kind = 'earn' AND e.order_id IS NOT NULL
              THEN (o.occurred_at, coalesce(o.claim_command, o.command_id)) IS NOT (e.occurred_at, e.command_id)
            WHEN e.kind = 'earn' AND v.id IS NOT NULL THEN v.occurred_at <> e.occurred_at
            WHEN e.kind IN ('earn', 'capture', 'adjust_in', 'adjust_out', 'merge_out', 'merge_in', 'referral', 'referral_clawback')
              THEN e.occurred_at IS NOT (SELECT at FROM command WHERE id = e.command_id) END
UNION ALL
SELECT 'entry names an order, a redemption or a program that does not exist', e.id
  FROM entry e
 WHERE e.order_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM orders WHERE id = e.order_id)
    OR e.redemption_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM redemption WHERE id = e.redemption_id)
    OR NOT EXISTS (SELECT 1 FROM program WHERE version = e.program_version)
UNION ALL
SELECT 'order names a claim, a redemption or a program that does not exist', o.id
  FROM orders o
 WHERE o.claim_command IS NOT NULL AND NOT EXISTS (SELECT 1 FROM command WHERE id = o.claim_command)
    OR o.redemption_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM redemption WHERE id = o.redemption_id)
    OR NOT EXISTS (SELECT 1 FROM program WHERE version = o.program_version)
UNION ALL
-- a member's own id is that of the command that enrolled it, and so with events and returns
SELECT 'something is dated otherwise than its command', d.id
  FROM (SELECT id, command_id, recorded_at AS at FROM orders
        UNION ALL SELECT id, iif(id = command_id, id, NULL), recorded_at FROM order_return
        UNION ALL SELECT id, id, recorded_at FROM event
        UNION ALL SELECT id, id, joined_at FROM member
        UNION ALL SELECT r.id, e.command_id, r.created_at FROM redemption r LEFT JOIN entry e ON e.id = r.hold_entry) d
  LEFT JOIN command c ON c.id = d.command_id
 WHERE c.at IS NOT d.at
UNION ALL
SELECT 'something is a member''s who does not exist', d.id
  FROM (SELECT rowid AS id, member_id FROM identity UNION ALL SELECT id, member_id FROM orders
        UNION ALL SELECT id, account_id FROM redemption UNION ALL SELECT id, member_id FROM event
        UNION ALL SELECT id, member_id FROM granted_tier UNION ALL SELECT id, member_id FROM voucher
        UNION ALL SELECT rowid, member_id FROM device UNION ALL SELECT referee_id, referee_id FROM referral
        UNION ALL SELECT referee_id, referrer_id FROM referral
        UNION ALL SELECT member_id, member_id FROM statistics UNION ALL SELECT id, id FROM account) d
 WHERE d.member_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM member WHERE id = d.member_id)
UNION ALL
SELECT 'member was merged otherwise than the entries say', m.id
  FROM member m LEFT JOIN entry o ON o.account_id = m.id AND o.kind = 'merge_out' LEFT JOIN entry i ON i.parent_id = o.id
  LEFT JOIN member t ON t.id = i.account_id
 WHERE m.merged_into IS NOT coalesce(t.merged_into, i.account_id)
UNION ALL
SELECT 'person of a member was written by no command, or is gone and still known', m.id
  FROM member m
 WHERE NOT EXISTS (SELECT 1 FROM command WHERE id = m.profile)
    OR (m.status = 'erased') <> EXISTS (SELECT 1 FROM privacy_log l WHERE l.member_id = m.id AND l.kind = 'erasure')
    OR m.status = 'erased' AND EXISTS (SELECT 1 FROM identity i WHERE i.member_id = m.id)
UNION ALL
SELECT 'what somebody agreed to was told by no command or by no member', c.id
  FROM (SELECT id, command_id, member_id, at FROM consent
        UNION ALL SELECT id, command_id, member_id, NULL FROM acceptance
        UNION ALL SELECT member_id, command_id, member_id, NULL FROM member_code) c
 WHERE NOT EXISTS (SELECT 1 FROM command WHERE id = c.command_id AND at = coalesce(c.at, at))
    OR NOT EXISTS (SELECT 1 FROM member WHERE id = c.member_id)
UNION ALL
SELECT 'redemption differs from its hold or from its lines', r.id
  FROM redemption r LEFT JOIN entry e ON e.id = r.hold_entry AND e.kind = 'hold'
 WHERE (e.redemption_id, e.amount) IS NOT (r.id, r.points)
    OR (r.points, r.money) IS NOT (SELECT sum(value ->> 1), sum(value ->> 2) FROM json_each(r.lines))
    OR NOT EXISTS (SELECT 1 FROM program WHERE version = r.program_version)
    OR r.release_entry IS NOT NULL
       AND (SELECT redemption_id FROM entry WHERE id = r.release_entry AND kind = 'release') IS NOT r.id
    OR r.status = 'expired' AND (SELECT occurred_at FROM entry WHERE parent_id = r.hold_entry) IS NOT r.hold_expires_at
UNION ALL
SELECT 'event earned something else than its lots', v.id
  FROM event v LEFT JOIN (SELECT command_id, sum(amount) AS earned FROM entry WHERE kind = 'earn' GROUP BY command_id) t
       ON t.command_id = v.id
 WHERE v.earned <> coalesce(t.earned, 0) OR NOT EXISTS (SELECT 1 FROM program WHERE version = v.program_version)
UNION ALL
SELECT 'rule fired otherwise than its event', f.rowid
  FROM firing f LEFT JOIN event v ON v.id = f.event_id
 WHERE (v.member_id, v.occurred_at) IS NOT (f.member_id, f.occurred_at)
UNION ALL
SELECT 'tier was given by an event that does not exist', g.id
  FROM granted_tier g WHERE g.event_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM event WHERE id = g.event_id)
UNION ALL
SELECT 'end of a lot was put off by nobody, or not from where it was', x.rowid
  FROM (SELECT rowid, lot_id, command_id, was, lag(expires_at) OVER (PARTITION BY lot_id ORDER BY expires_at) AS before
          FROM extension) x
 WHERE x.before IS NOT NULL AND x.was <> x.before OR NOT EXISTS (SELECT 1 FROM command WHERE id = x.command_id)
    OR NOT EXISTS (SELECT 1 FROM lot WHERE id = x.lot_id)
UNION ALL
SELECT 'voucher that does not exist was used', u.rowid
  FROM voucher_use u WHERE NOT EXISTS (SELECT 1 FROM voucher WHERE id = u.voucher_id)
    OR NOT EXISTS (SELECT 1 FROM orders WHERE id = u.order_id)
UNION ALL
SELECT 'referral stands otherwise than its last verdict', r.referee_id
  FROM referral r LEFT JOIN referral_verdict v
       ON v.id = (SELECT max(id) FROM referral_verdict WHERE referee_id = r.referee_id)
 WHERE (r.outcome, r.reason) IS NOT (v.outcome, v.reason)
UNION ALL
SELECT 'verdict on a referral that does not exist, or by no command', v.id
  FROM referral_verdict v LEFT JOIN referral r ON r.referee_id = v.referee_id LEFT JOIN command c ON c.id = v.command_id
 WHERE r.referee_id IS NULL OR c.at IS NOT v.at
    -- the first is that of the enrolment
    OR v.id = (SELECT min(id) FROM referral_verdict WHERE referee_id = v.referee_id) AND v.command_id <> v.referee_id
UNION ALL
SELECT 'referral was paid otherwise than its verdict says', v.id
  FROM referral_verdict v JOIN referral r ON r.referee_id = v.referee_id
  LEFT JOIN member f ON f.id = r.referee_id LEFT JOIN member b ON b.id = r.referrer_id
  LEFT JOIN entry e ON e.id = v.referrer_entry LEFT JOIN member me ON me.id = e.account_id
  LEFT JOIN entry g ON g.id = v.referee_entry LEFT JOIN member mg ON mg.id = g.account_id
  LEFT JOIN orders o ON o.id = v.order_id
 WHERE v.outcome <> 'paid' AND (v.referrer_entry IS NOT NULL OR v.referee_entry IS NOT NULL OR v.keep IS NOT NULL)
    OR v.outcome = 'paid'
       AND (v.referrer_entry IS NULL AND v.referee_entry IS NULL OR (v.order_id IS NULL) <> (v.keep IS NULL)
            OR v.referrer_entry IS NOT NULL
               AND (e.kind, e.command_id, coalesce(me.merged_into, me.id))
                   IS NOT ('referral', v.command_id, coalesce(b.merged_into, b.id))
            OR v.referee_entry IS NOT NULL
               AND (g.kind, g.command_id, coalesce(mg.merged_into, mg.id))
                   IS NOT ('referral', v.command_id, coalesce(f.merged_into, f.id)))
    OR v.order_id IS NOT NULL AND (o.command_id, o.member_id) IS NOT (v.command_id, coalesce(f.merged_into, f.id))
UNION ALL
SELECT 'reward of a referral without a verdict', e.id
  FROM entry e
 WHERE e.kind = 'referral'
       AND NOT EXISTS (SELECT 1 FROM referral_verdict v
                        WHERE v.command_id = e.command_id AND e.id IN (v.referrer_entry, v.referee_entry))
    OR e.kind = 'referral_clawback'
       AND NOT EXISTS (SELECT 1 FROM referral_verdict v JOIN referral_verdict p ON p.referee_id = v.referee_id
                        WHERE v.command_id = e.command_id AND v.outcome = 'taken_back'
                          AND e.parent_id IN (p.referrer_entry, p.referee_entry))
UNION ALL
SELECT 'referral is paid though its goods came back, or was taken back though they did not', r.referee_id
  FROM referral r JOIN referral_verdict v ON v.referee_id = r.referee_id AND v.outcome = 'paid'
  JOIN (SELECT order_id, sum(money - (money / quantity * returned + money % quantity * returned / quantity)) AS kept
          FROM goods GROUP BY order_id) g ON g.order_id = v.order_id
 WHERE r.outcome = 'paid' AND g.kept < v.keep OR r.reason = 'returned' AND g.kept >= v.keep
UNION ALL
SELECT 'referral of nobody, though somebody had the code, or the other way round', referee_id
  FROM referral WHERE (referrer_id IS NULL) <> (reason = 'unknown_code')
UNION ALL
SELECT 'friend was paid for twice', referee_id
  FROM referral_verdict WHERE outcome = 'paid' GROUP BY referee_id HAVING count(*) > 1
UNION ALL
SELECT 'webhook that no command made', w.id
  FROM webhook w LEFT JOIN command c ON c.id = w.id WHERE c.at IS NOT w.created_at
UNION ALL
SELECT 'webhook that begins after messages that are not there', id
  FROM webhook WHERE after_message > (SELECT coalesce(max(id), 0) FROM outbox)
UNION ALL
SELECT 'delivery of a message or to a webhook that is not there, or of another member', d.outbox_id
  FROM delivery d LEFT JOIN outbox o ON o.id = d.outbox_id LEFT JOIN webhook w ON w.id = d.webhook_id
 WHERE o.id IS NULL OR w.id IS NULL OR d.member_id IS NOT o.member_id OR d.outbox_id <= w.after_message
UNION ALL
SELECT 'delivery that is not in its turn', d.outbox_id
  FROM delivery d
 WHERE d.status = 'waiting'
   AND (d.next_at IS NULL)
       <> EXISTS (SELECT 1 FROM delivery e
                   WHERE e.webhook_id = d.webhook_id AND e.member_id = d.member_id AND e.status = 'waiting'
                     AND e.outbox_id < d.outbox_id)
UNION ALL
SELECT 'receipt of a message that is not there, or that no command brought', r.id
  FROM receipt r LEFT JOIN outbox o ON o.id = r.outbox_id LEFT JOIN command c ON c.id = r.command_id
 WHERE o.id IS NULL OR c.id IS NULL
UNION ALL
SELECT 'dispatch of a message that is not there, or of another member', n.outbox_id
  FROM dispatch n LEFT JOIN outbox o ON o.id = n.outbox_id
 WHERE o.member_id IS NOT n.member_id
UNION ALL
SELECT 'dispatch that says otherwise than its letters', n.outbox_id
  FROM dispatch n
 WHERE (n.channel, n.sent_at)
       IS NOT ((SELECT l.channel FROM letter l WHERE l.dispatch_id = n.outbox_id ORDER BY l.id DESC LIMIT 1),
               (SELECT min(o.at) FROM letter l JOIN outbox o ON o.id = l.id WHERE l.dispatch_id = n.outbox_id))
UNION ALL
SELECT 'letter that is no message of its dispatch', l.id
  FROM letter l LEFT JOIN dispatch n ON n.outbox_id = l.dispatch_id LEFT JOIN outbox o ON o.id = l.id
 WHERE o.kind IS NOT 'message.send' OR o.member_id IS NOT n.member_id OR o.payload ->> 'channel' IS NOT l.channel
LIMIT 100
