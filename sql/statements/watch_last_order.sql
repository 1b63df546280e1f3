-- What a trigger looks at, from behind (?1, ?2) to before ?3, at most ?4, in its sequence: member, moment, id, and whether the
-- trigger's reason is there and not gone. Members by their last order.
SELECT s.member_id, s.last_order_at, s.member_id, m.status IN ('active', 'not_confirmed')
  FROM statistics s CROSS JOIN member m ON m.id = s.member_id
 WHERE s.last_order_at IS NOT NULL AND (s.last_order_at, s.member_id) > (?1, ?2) AND s.last_order_at < ?3
 ORDER BY s.last_order_at, s.member_id LIMIT ?4
