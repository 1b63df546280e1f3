-- What a trigger looks at, from behind (?1, ?2) to before ?3, at most ?4, in its sequence: member, moment, id, and whether the
-- trigger's reason is there and not gone. Members by when they joined,
-- unless they bought anything since (?5 'bought').
SELECT m.id, m.joined_at, m.id,
       m.status IN ('active', 'not_confirmed')
       AND NOT (?5 = 'bought' AND EXISTS (SELECT 1 FROM orders n WHERE n.member_id = m.id AND n.status = 'recorded'))
  FROM member m
 WHERE (m.joined_at, m.id) > (?1, ?2) AND m.joined_at < ?3
 ORDER BY m.joined_at, m.id LIMIT ?4
