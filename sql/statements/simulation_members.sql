-- Members who bought in a period, by id: [id, orders up to its end, lines of these orders, what else changed the points ever
-- earned: [[at, seq, change], ...], the segments as they are today, tiers that were given: [[at, tier, until], ...]]. One
-- statement a page: how many orders and lines there are says how many members are read together.
-- ?1 after this member   ?2 from (null: the first)   ?3 to, exclusive (null: the last)   ?4 how many
-- ?5 1: the changes are wanted
SELECT m.id,
       (SELECT count(*) FROM orders o WHERE o.member_id = m.id AND o.occurred_at < coalesce(?3, 9223372036854775807)),
       (SELECT sum((SELECT max(n) + 1 FROM order_line l WHERE l.order_id = o.id))
          FROM orders o WHERE o.member_id = m.id AND o.occurred_at < coalesce(?3, 9223372036854775807)),
       CASE WHEN ?5 = 1 THEN
         (SELECT json_group_array(json_array(e.at, e.seq, -k.d_revoked * e.amount))
            FROM entry e CROSS JOIN kind k ON k.kind = e.kind
           WHERE e.account_id = m.id AND e.order_id IS NULL AND k.d_revoked <> 0)
       END,
       m.segments,
       (SELECT json_group_array(json_array(g.given_at, g.tier, g.until)) FROM granted_tier g WHERE g.member_id = m.id)
  FROM member m
 WHERE m.id > ?1
   AND EXISTS (SELECT 1 FROM orders o
                WHERE o.member_id = m.id AND o.occurred_at >= coalesce(?2, 0)
                  AND o.occurred_at < coalesce(?3, 9223372036854775807))
 ORDER BY m.id LIMIT ?4
