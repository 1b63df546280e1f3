-- Everything that a decision needs, as one row of JSON columns: one SELECT, because on hosted SQL a statement is a
-- network round trip. What does not apply is null. `json` around a nested subquery: whether a subquery's JSON stays JSON
-- inside another's is up to the query planner.
-- What stands between [part] and [/part] is left out where nothing asks for it, and what stands behind [part] takes its place: a
-- hosted store reads and plans the text of every call anew.
-- ?1 the caller: {"key": hash, "address": hash}   ?2 idempotency key   ?3 member id   ?4 hash of an identity   ?5 order ref
-- ?6 redemption id              ?7 return ref      ?8 id of another member (a transfer, a merge)   ?9 hash of their identity
-- ?10 what the program must know of the member: {"windows": [moment], "rules": [id], "day": moment, "categories": [word],
-- "largest_order": bool}; null for nothing       ?11 codes of vouchers (a JSON array)       ?12 event ref
-- ?13 1: also what the member agreed to          ?14 1: also the referrals by which they came   ?15 hash of the order's device
WITH
  -- the member named by the caller comes before the one of the order or redemption: a mismatch is for the ledger to refuse;
  -- whoever was merged is the member that took over
  who AS (SELECT CASE WHEN ?3 IS NOT NULL THEN coalesce((SELECT merged_into FROM member WHERE id = ?3), ?3)
                      WHEN ?4 IS NOT NULL THEN (SELECT member_id FROM identity WHERE hash = ?4)
                      ELSE coalesce((SELECT member_id FROM orders WHERE ref = ?5),
                                    (SELECT account_id FROM redemption WHERE id = ?6)) END AS id),
  mem AS (SELECT m.id, m.channel, m.status, m.referral_code, m.joined_at, a.seq, a.last_at, a.remaining, a.held, a.deficit,
                 a.earned, a.redeemed, a.expired, s.revision, s.orders, s.qualifying_spend, s.tier, s.tier_since,
                 s.grace_until, s.stepped_at, s.own_tier, m.segments, m.profile
            FROM member m JOIN account a ON a.id = m.id JOIN statistics s ON s.member_id = m.id
           WHERE m.id = (SELECT id FROM who)),
  -- all memberships
  -- [other] kin AS (SELECT id FROM who UNION ALL SELECT id FROM member WHERE merged_into = (SELECT id FROM who))
  other AS (SELECT m.id, m.channel, m.status, m.referral_code, m.joined_at, a.seq, a.last_at, a.remaining, a.held, a.deficit,
                   a.earned, a.redeemed, a.expired, s.revision, s.orders, s.qualifying_spend, s.tier, s.tier_since,
                   s.grace_until, s.stepped_at, s.own_tier, m.segments, m.profile
              FROM member m JOIN account a ON a.id = m.id JOIN statistics s ON s.member_id = m.id
             WHERE m.id = CASE WHEN ?8 IS NOT NULL THEN coalesce((SELECT merged_into FROM member WHERE id = ?8), ?8)
                               ELSE (SELECT member_id FROM identity WHERE hash = ?9) END),
  -- of both
  kin AS (SELECT id FROM who UNION ALL SELECT id FROM other
          UNION ALL SELECT id FROM member WHERE merged_into = (SELECT id FROM who)
          UNION ALL SELECT m.id FROM other CROSS JOIN member m ON m.merged_into = other.id)
  -- [/other]
SELECT
  json_object('key', json((SELECT json_object('id', id, 'scopes', json(scopes), 'store', store, 'expires_at', expires_at)
                             FROM api_key WHERE hash = ?1 ->> 'key' AND revoked_at IS NULL)),
              'meters', json((SELECT json_group_array(json_array(subject, minute, calls, misses))
                                FROM meter WHERE subject IN (?1 ->> 'key', ?1 ->> 'address')))) AS caller,
  (SELECT json_object('id', id, 'fingerprint', fingerprint, 'status', status, 'answer', answer)
     FROM command WHERE key = ?2) AS answered,
  (SELECT json_object('version', version, 'hash', hash, 'published_at', published_at)
     FROM program ORDER BY version DESC LIMIT 1) AS program,
  (SELECT json_object('id', id, 'channel', channel, 'status', status, 'referral_code', referral_code, 'joined_at', joined_at,
                      'seq', seq, 'last_at', last_at, 'remaining', remaining, 'held', held, 'deficit', deficit,
                      'earned', earned, 'redeemed', redeemed, 'expired', expired, 'revision', revision, 'orders', orders,
                      'qualifying_spend', qualifying_spend, 'tier', tier, 'tier_since', tier_since,
            'merged', json((SELECT json_group_array(id) FROM member WHERE merged_into = mem.id)),
            'merged_profiles', json((SELECT json_group_array(profile) FROM member WHERE merged_into = mem.id)),
            'grace_until', grace_until, 'stepped_at', stepped_at, 'own_tier', own_tier, 'segments', json(segments), 'profile', profile,
            -- a tier that was given explains the one held even after its end, until that was looked at again
            'granted_tiers', json((SELECT json_group_array(json_object('id', g.tier, 'until', g.until)) FROM granted_tier g
                                    WHERE g.member_id = mem.id
                                      AND (g.until IS NULL OR g.until > coalesce(mem.tier_since, 0)))),
            -- [needs] 'largest_order', 0, 'activity', json('[]'), 'uses', json('[]'), 'categories', json('[]'))
            'largest_order', CASE WHEN ?10 ->> 'largest_order' THEN
              (SELECT coalesce(max(o.qualifying), 0) FROM orders o WHERE o.member_id = mem.id AND o.status = 'recorded') ELSE 0 END,
            'activity', CASE WHEN ?10 IS NOT NULL THEN
              json((SELECT json_group_array(json((SELECT json_object('orders', count(*), 'spend', coalesce(sum(o.qualifying), 0),
                                                                     'earned', coalesce(sum(o.kept), 0))
                                                    FROM orders o WHERE o.member_id = mem.id AND o.occurred_at >= since.value
                                                     AND o.status = 'recorded')))
                      FROM json_each(?10, '$.windows') since)) ELSE json('[]') END,
            -- how often a rule fired: on orders of which something is kept, and by events; its points less what returns took
            -- back. An order that came back as a whole frees the rule, as a cancelled one does
            'uses', CASE WHEN ?10 IS NOT NULL THEN
              json((SELECT json_group_array(json((
                      SELECT json_object('rule_id', rule.value, 'times', count(o.id) + by_events.times,
                                         'points', coalesce(sum(l.issued - l.returned), 0),
                                         'points_today', coalesce(sum(iif(e.occurred_at >= ?10 ->> 'day',
                                                                          l.issued - l.returned, 0)), 0),
                                         'last_at', nullif(max(coalesce(max(o.occurred_at), -1), coalesce(by_events.last_at, -1)), -1),
                                         'points_of_all', coalesce((SELECT points FROM rule_total
                                                                     WHERE rule_id = rule.value), 0))
                        FROM (SELECT count(*) AS times, max(occurred_at) AS last_at FROM firing f
                               WHERE f.member_id = mem.id AND f.rule_id = rule.value) by_events
                        LEFT JOIN lot l ON l.account_id = mem.id AND l.rule_id = rule.value
                        LEFT JOIN entry e ON e.id = l.entry_id
                        LEFT JOIN orders o ON o.id = e.order_id AND o.status = 'recorded'
                                          AND EXISTS (SELECT 1 FROM order_line kept
                                                       WHERE kept.order_id = o.id AND kept.returned < kept.quantity))))
                      FROM json_each(?10, '$.rules') rule)) ELSE json('[]') END,
            'categories', CASE WHEN ?10 IS NOT NULL THEN
              json((SELECT json_group_array(bought.value) FROM json_each(?10, '$.categories') bought
                     WHERE EXISTS (SELECT 1 FROM orders o CROSS JOIN order_line l ON l.order_id = o.id
                                    WHERE o.member_id = mem.id AND o.status = 'recorded'
                                      AND l.category = bought.value AND l.returned < l.quantity))) ELSE json('[]') END)
            -- [/needs]
     FROM mem) AS member,
  -- [id, rule_id, remaining, activates_at, expires_at, planned_expires_at, notice_days]
  (SELECT json_group_array(json_array(id, rule_id, remaining, activates_at, expires_at, planned_expires_at, notice_days))
     FROM lot WHERE account_id = (SELECT id FROM who) AND remaining > 0) AS lots,
  -- holds that are still open: past their deadline they give their points back before anything else
  (SELECT json_group_array(json_object('id', r.id, 'status', r.status, 'hold_expires_at', r.hold_expires_at, 'hold_entry', r.hold_entry,
                                       'points', r.points,
            'postings', json((SELECT json_group_array(json_array(p.lot_id, p.points, l.activates_at, l.expires_at, p.rowid,
                                                                 l.planned_expires_at, l.notice_days))
                                FROM posting p JOIN lot l ON l.id = p.lot_id WHERE p.entry_id = r.hold_entry))))
     FROM redemption r
    WHERE r.account_id = (SELECT id FROM who) AND r.status IN ('awaiting_confirmation', 'held')) AS holds,
  -- [redemption] NULL AS redemption,
  (SELECT json_object('id', id, 'account_id', account_id, 'status', status, 'points', points, 'money', money,
                      'captured', captured, 'items', items, 'payable', payable, 'lines', json(lines), 'store', store,
                      'hold_expires_at', hold_expires_at, 'created_at', created_at, 'hold_entry', hold_entry,
                      'code_hash', code_hash, 'attempts', attempts, 'order_ref', order_ref, 'program_version', program_version,
                      'used_by', (SELECT ref FROM orders o WHERE o.redemption_id = red.id))
     FROM redemption red WHERE id = ?6) AS redemption,
  -- [/redemption]
  -- [order] NULL AS "order",
  (SELECT json_object('id', o.id, 'ref', o.ref, 'member_id', o.member_id, 'content_hash', o.content_hash, 'status', o.status,
                      'revision', o.revision, 'occurred_at', o.occurred_at, 'recorded_at', o.recorded_at, 'channel', o.channel,
                      'store', o.store, 'currency', o.currency, 'items', o.items, 'discount', o.discount,
                      'delivery', o.delivery, 'paid_points', o.paid_points, 'paid_money', o.paid_money,
                      'payable', o.payable, 'earned', o.earned, 'redemption_id', o.redemption_id,
                      'program_version', o.program_version,
            'answer', json((SELECT json_object('status', c.status, 'answer', c.answer)
                              FROM command c WHERE c.id = o.command_id)),
            'claim_answer', json((SELECT json_object('status', c.status, 'answer', c.answer)
                                    FROM command c WHERE c.id = o.claim_command)),
            'earn_entry', (SELECT e.id FROM entry e WHERE e.order_id = o.id AND e.kind = 'earn'),
            -- what became of the lots that it earned: [lot, issued, expired, expires_at]
            'lots', json((SELECT json_group_array(json_array(l.id, l.issued, l.expired, l.expires_at))
                            FROM entry e JOIN lot l ON l.entry_id = e.id WHERE e.order_id = o.id AND e.kind = 'earn')),
            'vouchers', json((SELECT json_group_array(json_object('id', v.id, 'code', v.code, 'rule_id', v.rule_id,
                                                                  'skus', json(v.skus)))
                                FROM voucher_use u JOIN voucher v ON v.id = u.voucher_id WHERE u.order_id = o.id)),
            'capture_entry', (SELECT r.capture_entry FROM redemption r WHERE r.id = o.redemption_id),
            'lines', json((SELECT json_group_array(json_array(n, id, sku, name, category, brand, json(labels), quantity, price,
                                                              discount, cost, tax, promo, amount, program_discount,
                                                              paid_points, paid_money, qualifying, json(shares), returned))
                             FROM order_line WHERE order_id = o.id)),
            -- what each lot paid and has not got back yet: [lot, points, activates_at, expires_at, place, planned_expires_at,
            -- notice_days]
            'paid', json((SELECT json_group_array(json_array(p.lot_id, p.points
                                   - coalesce((SELECT sum(b.points) FROM entry e CROSS JOIN posting b ON b.entry_id = e.id
                                                WHERE e.parent_id = p.entry_id AND b.lot_id = p.lot_id), 0),
                                   l.activates_at, l.expires_at, p.rowid, l.planned_expires_at, l.notice_days))
                            FROM redemption r JOIN posting p ON p.entry_id = r.capture_entry JOIN lot l ON l.id = p.lot_id
                           WHERE r.id = o.redemption_id)),
            'returns', json((SELECT json_group_array(json_object('ref', t.ref, 'content_hash', t.content_hash,
                                      'occurred_at', t.occurred_at, 'lines', json(t.lines), 'clawed_back', t.clawed_back,
                                      'forgiven', t.forgiven, 'restored', t.restored, 'refund', t.refund,
                                      'answer', CASE WHEN t.ref IS ?7 THEN
                                        json((SELECT json_object('status', c.status, 'answer', c.answer)
                                                FROM command c WHERE c.id = t.command_id)) END))
                               FROM order_return t WHERE t.order_id = o.id)),
            'largest_other', CASE WHEN ?10 ->> 'largest_order' THEN
              (SELECT coalesce(max(q.qualifying), 0) FROM orders q
                WHERE q.member_id = o.member_id AND q.id <> o.id AND q.status = 'recorded') ELSE 0 END)
     FROM orders o WHERE o.ref = ?5) AS "order",
  -- [/order]
  -- [other] NULL AS other, NULL AS other_lots,
  (SELECT json_object('id', id, 'channel', channel, 'status', status, 'referral_code', referral_code, 'joined_at', joined_at,
                      'seq', seq, 'last_at', last_at, 'remaining', remaining, 'held', held, 'deficit', deficit,
                      'earned', earned, 'redeemed', redeemed, 'expired', expired, 'revision', revision, 'orders', orders,
                      'qualifying_spend', qualifying_spend, 'tier', tier, 'tier_since', tier_since, 'merged', json('[]'),
            'grace_until', grace_until, 'stepped_at', stepped_at, 'own_tier', own_tier, 'segments', json(segments), 'profile', profile,
            -- a tier that was given explains the one held even after its end, until that was looked at again
            'granted_tiers', json((SELECT json_group_array(json_object('id', g.tier, 'until', g.until)) FROM granted_tier g
                                    WHERE g.member_id = other.id
                                      AND (g.until IS NULL OR g.until > coalesce(other.tier_since, 0)))),
            'largest_order', CASE WHEN ?10 ->> 'largest_order' THEN
              (SELECT coalesce(max(o.qualifying), 0) FROM orders o WHERE o.member_id = other.id AND o.status = 'recorded') ELSE 0 END,
            'activity', CASE WHEN ?10 IS NOT NULL THEN
              json((SELECT json_group_array(json((SELECT json_object('orders', count(*), 'spend', coalesce(sum(o.qualifying), 0),
                                                                     'earned', coalesce(sum(o.kept), 0))
                                                    FROM orders o WHERE o.member_id = other.id AND o.occurred_at >= since.value
                                                     AND o.status = 'recorded')))
                      FROM json_each(?10, '$.windows') since)) ELSE json('[]') END)
     FROM other) AS other,
  (SELECT json_group_array(json_array(id, rule_id, remaining, activates_at, expires_at, planned_expires_at, notice_days))
     FROM lot WHERE account_id = (SELECT id FROM other) AND remaining > 0) AS other_lots,
  -- [/other]
  -- [vouchers] NULL AS vouchers,
  (SELECT json_group_array(json_object('id', v.id, 'code', v.code, 'rule_id', v.rule_id, 'member_id', v.member_id,
                                       'skus', json(v.skus), 'expires_at', v.expires_at, 'created_at', v.created_at,
                                       'used_by', (SELECT ref FROM orders WHERE id = v.order_id),
                                       'used_in', (SELECT store FROM orders WHERE id = v.order_id)))
     FROM json_each(?11) wanted CROSS JOIN voucher v ON v.code = wanted.value) AS vouchers,
  -- [/vouchers]
  -- [event] NULL AS event,
  (SELECT json_object('content_hash', v.content_hash,
            'answer', json((SELECT json_object('status', c.status, 'answer', c.answer) FROM command c WHERE c.id = v.id)))
     FROM event v WHERE v.ref = ?12) AS event,
  -- [/event]
  -- [other] NULL AS other_holds,
  (SELECT json_group_array(json_object('id', r.id, 'status', r.status, 'hold_expires_at', r.hold_expires_at, 'hold_entry', r.hold_entry,
                                       'points', r.points,
            'postings', json((SELECT json_group_array(json_array(p.lot_id, p.points, l.activates_at, l.expires_at, p.rowid,
                                                                 l.planned_expires_at, l.notice_days))
                                FROM posting p JOIN lot l ON l.id = p.lot_id WHERE p.entry_id = r.hold_entry))))
     FROM redemption r
    WHERE r.account_id = (SELECT id FROM other) AND r.status IN ('awaiting_confirmation', 'held')) AS other_holds,
  -- [/other]
  -- [agreed] NULL AS agreed,
  -- what stands of what the member said
  CASE WHEN ?13 IS NOT NULL THEN
    (SELECT json_object(
       'consents', json((SELECT json_group_object(c.channel, json(iif(c.granted, 'true', 'false')))
                           FROM standing_consent c WHERE c.member_id = mem.id)),
       'awaits_welcome', (SELECT awaits_welcome FROM member WHERE id = mem.id),
       'code', json((SELECT json_object('id', c.command_id, 'hash', c.code_hash, 'expires_at', c.expires_at, 'attempts', c.attempts,
                                        'day', c.day, 'sent', c.sent,
                                        'sent_at', (SELECT at FROM command WHERE id = c.command_id))
                       FROM member_code c WHERE c.member_id = mem.id)),
       'versions', json((SELECT json_group_array(rules_version)
                           FROM (SELECT DISTINCT rules_version FROM acceptance a WHERE a.member_id = mem.id))),
       'rules', json((SELECT json_object('rules_version', a.rules_version, 'at', a.at) FROM acceptance a
                       WHERE a.member_id = mem.id ORDER BY a.id DESC LIMIT 1)))
       FROM mem) END AS agreed,
  -- [/agreed]
  -- whether it is there: asked instead of the order itself by whoever expects a new one
  -- [whether_order] NULL AS whether_order,
  EXISTS (SELECT 1 FROM orders WHERE ref = ?5) AS whether_order,
  -- [/whether_order]
  -- whether there are any of those that come next
  -- [whether_referrals] NULL AS whether_referrals,
  EXISTS (SELECT 1 FROM kin CROSS JOIN referral w ON w.referee_id = kin.id
           WHERE w.outcome IN ('waiting', 'paid')) AS whether_referrals,
  -- [/whether_referrals]
  -- [referrals] NULL AS referrals
  -- referrals by which they came that wait or are paid
  CASE WHEN ?14 IS NOT NULL THEN
    (SELECT json_group_array(json_object('referee_id', r.referee_id, 
            'first', (SELECT min(id) FROM kin),
            'of_member', json(iif(r.account_id = (SELECT id FROM who), 'true', 'false')),
            'paid', json(iif(r.outcome = 'paid', 'true', 'false')), 'order_id', r.order_id, 'keep', r.keep,
            'referrer_entry', r.referrer_entry, 'referee_entry', r.referee_entry,
            'referrer_given', json((SELECT json_group_array(json_array(l.id, l.issued, l.expired, l.expires_at)) FROM lot l WHERE l.entry_id = r.referrer_entry)),
            'referee_given', json((SELECT json_group_array(json_array(l.id, l.issued, l.expired, l.expires_at)) FROM lot l WHERE l.entry_id = r.referee_entry)),
            'referrer_lots', json((SELECT json_group_array(json_array(id, rule_id, remaining, activates_at, expires_at,
                                                                        planned_expires_at, notice_days))
                                     FROM lot WHERE account_id = r.referrer_id AND remaining > 0 AND r.outcome = 'paid')),
            'referrer_holds', json((SELECT json_group_array(json_object('id', h.id, 'status', h.status, 'hold_expires_at',
                       h.hold_expires_at, 'hold_entry', h.hold_entry, 'points', h.points,
                       'postings', json((SELECT json_group_array(json_array(p.lot_id, p.points, l.activates_at, l.expires_at, p.rowid,
                                                                            l.planned_expires_at, l.notice_days))
                                           FROM posting p JOIN lot l ON l.id = p.lot_id WHERE p.entry_id = h.hold_entry))))
                     FROM redemption h
                    WHERE h.account_id = r.referrer_id AND h.status IN ('awaiting_confirmation', 'held') AND r.outcome = 'paid')),
            'referrer', json(json_object(
            'member', json((SELECT json_object('id', b.id, 'channel', b.channel, 'status', b.status, 'referral_code', b.referral_code,
                'joined_at', b.joined_at, 'seq', a.seq, 'last_at', a.last_at, 'remaining', a.remaining, 'held', a.held,
                'deficit', a.deficit, 'earned', a.earned, 'redeemed', a.redeemed, 'expired', a.expired, 'revision', 0, 'orders', 0,
                'qualifying_spend', 0, 'tier', NULL, 'tier_since', NULL, 'merged', json('[]'), 'profile', b.profile)
                              FROM member b JOIN account a ON a.id = b.id WHERE b.id = r.referrer_id)),
            -- who brought the referrer, who brought those, and so on; what a merge has shown to be no referral leads nowhere
            'above', json((WITH RECURSIVE up (id) AS (
                             SELECT r.referrer_id WHERE r.referrer_id IS NOT NULL
                             UNION
                             SELECT coalesce(b.merged_into, b.id)
                               FROM up CROSS JOIN referral s ON s.referee_id IN (
                                      SELECT up.id UNION ALL SELECT m.id FROM member m WHERE m.merged_into = up.id)
                               CROSS JOIN member b ON b.id = s.referrer_id
                              WHERE s.outcome IN ('waiting', 'paid') OR s.outcome = 'taken_back' AND s.reason = 'returned'
                              LIMIT 1000)
                           SELECT json_group_array(id) FROM up WHERE id <> r.referrer_id)),
            'same_device', json((SELECT json_group_array(DISTINCT coalesce(m.merged_into, m.id))
                                   FROM (SELECT ?15 AS hash UNION ALL
                                         SELECT own.hash FROM kin CROSS JOIN device own ON own.member_id = kin.id) seen
                                   CROSS JOIN device x ON x.hash = seen.hash CROSS JOIN member m ON m.id = x.member_id
                                  WHERE x.member_id NOT IN (SELECT id FROM kin))),
            'friends_paid', (SELECT count(*) FROM referral s
                               CROSS JOIN referral_verdict p ON p.referee_id = s.referee_id AND p.outcome = 'paid'
                              WHERE s.referrer_id IN (SELECT r.referrer_id UNION ALL SELECT m.id FROM member m WHERE m.merged_into = r.referrer_id)),
            'paid_at', json((SELECT json_group_array(last.at)
                               FROM (SELECT p.at FROM referral s
                                       CROSS JOIN referral_verdict p ON p.referee_id = s.referee_id AND p.outcome = 'paid'
                                      WHERE s.referrer_id IN (SELECT r.referrer_id UNION ALL SELECT m.id FROM member m WHERE m.merged_into = r.referrer_id)
                                      ORDER BY p.at DESC LIMIT 1000) last))))))
       FROM (SELECT w.referee_id, w.outcome, coalesce(b.merged_into, b.id) AS referrer_id,
                    coalesce(f.merged_into, f.id) AS account_id, v.order_id, v.keep, v.referrer_entry, v.referee_entry
               FROM kin CROSS JOIN referral w ON w.referee_id = kin.id CROSS JOIN member f ON f.id = w.referee_id
               LEFT JOIN member b ON b.id = w.referrer_id
               LEFT JOIN referral_verdict v ON v.referee_id = w.referee_id AND v.outcome = 'paid'
              WHERE w.outcome IN ('waiting', 'paid')) r) END AS referrals
  -- [/referrals]
-- no parameter is one too many, whatever is left out
WHERE ?15 IS NULL OR true
