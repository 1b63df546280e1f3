-- The next members, by id, whom program ?1 was not asked about yet, at most ?3, one JSON object each: what says where a member
-- stands among the tiers. A page a statement: asked one by one, a million members would be a million round trips.
-- ?2 what is wanted of what they did, as in load.sql: {"windows": [moment], "largest_order": bool}
SELECT json_object('id', m.id, 'channel', m.channel, 'status', m.status, 'referral_code', m.referral_code,
                   'joined_at', m.joined_at, 'seq', a.seq, 'last_at', a.last_at, 'remaining', a.remaining, 'held', a.held,
                   'deficit', a.deficit, 'earned', a.earned, 'redeemed', a.redeemed, 'expired', a.expired,
                   'revision', s.revision, 'orders', s.orders, 'qualifying_spend', s.qualifying_spend, 'tier', s.tier,
                   'tier_since', s.tier_since, 'grace_until', s.grace_until, 'stepped_at', s.stepped_at, 'own_tier', s.own_tier, 'merged', json('[]'),
                   'profile', m.profile,
         'granted_tiers', json((SELECT json_group_array(json_object('id', g.tier, 'until', g.until)) FROM granted_tier g
                                 WHERE g.member_id = m.id AND (g.until IS NULL OR g.until > coalesce(s.tier_since, 0)))),
         'activity', json((SELECT json_group_array(json((SELECT json_object('orders', count(*),
                                                                            'spend', coalesce(sum(o.qualifying), 0),
                                                                            'earned', coalesce(sum(o.kept), 0))
                                                           FROM orders o WHERE o.member_id = m.id AND o.occurred_at >= since.value
                                                            AND o.status = 'recorded')))
                             FROM json_each(?2, '$.windows') since)),
         'largest_order', CASE WHEN ?2 ->> 'largest_order' THEN
           (SELECT coalesce(max(o.qualifying), 0) FROM orders o WHERE o.member_id = m.id AND o.status = 'recorded') ELSE 0 END)
  FROM member m CROSS JOIN account a ON a.id = m.id CROSS JOIN statistics s ON s.member_id = m.id
 WHERE m.id > coalesce((SELECT member_id FROM tier_review WHERE version = ?1), 0) AND m.status IN ('active', 'not_confirmed')
 ORDER BY m.id LIMIT ?3
