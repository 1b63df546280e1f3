-- What a trigger looks at, from behind (?1, ?2) to before ?3, at most ?4, in its sequence: member, moment, id, and whether the
-- trigger's reason is there and not gone. Members by the end of their
-- tier's grace, of those that are not over at ?5.
SELECT s.member_id, s.grace_until, s.member_id, m.status IN ('active', 'not_confirmed') AND s.grace_until > ?5
  FROM statistics s CROSS JOIN member m ON m.id = s.member_id
 WHERE s.grace_until IS NOT NULL AND (s.grace_until, s.member_id) > (?1, ?2) AND s.grace_until < ?3
 ORDER BY s.grace_until, s.member_id LIMIT ?4
