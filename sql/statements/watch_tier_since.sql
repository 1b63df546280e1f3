-- What a trigger looks at, from behind (?1, ?2) to before ?3, at most ?4, in its sequence: member, moment, id, and whether the
-- trigger's reason is there and not gone. Members by when they came to
-- their tier: one of ?5 (a JSON array), and not by a step down; unless they bought since (?6 'bought').
SELECT s.member_id, s.tier_since, s.member_id,
       m.status IN ('active', 'not_confirmed') AND s.tier IN (SELECT value FROM json_each(?5))
       AND s.stepped_at IS NOT s.tier_since
       AND NOT (?6 = 'bought' AND s.last_order_at > s.tier_since)
  FROM statistics s CROSS JOIN member m ON m.id = s.member_id
 WHERE s.tier_since IS NOT NULL AND (s.tier_since, s.member_id) > (?1, ?2) AND s.tier_since < ?3
 ORDER BY s.tier_since, s.member_id LIMIT ?4
