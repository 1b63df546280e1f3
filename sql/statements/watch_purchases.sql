-- What a trigger looks at, from behind (?1, ?2) to before ?3, at most ?4, in its sequence: member, moment, id, and whether the
-- trigger's reason is there and not gone. Orders of these goods (?5, JSON:
-- categories and skus), of the first order only (?6), unless the member bought since: anything (?7 'bought') or such goods
-- (?7 'bought_again').
SELECT o.member_id, o.occurred_at, o.id,
       o.status = 'recorded'
       AND EXISTS (SELECT 1 FROM order_line l
                    WHERE l.order_id = o.id AND l.returned < l.quantity
                      AND (?5 ->> '$.any' OR l.category IN (SELECT value FROM json_each(?5, '$.categories'))
                           OR l.sku IN (SELECT value FROM json_each(?5, '$.skus'))))
       AND (NOT ?6 OR o.id = (SELECT f.id FROM orders f WHERE f.member_id = o.member_id AND f.status = 'recorded'
                               ORDER BY f.occurred_at, f.id LIMIT 1))
       AND NOT (?7 = 'bought' AND EXISTS (SELECT 1 FROM orders n WHERE n.member_id = o.member_id AND n.occurred_at > o.occurred_at
                                             AND n.status = 'recorded'))
       AND NOT (?7 = 'bought_again'
                AND EXISTS (SELECT 1 FROM orders n CROSS JOIN order_line l ON l.order_id = n.id
                             WHERE n.member_id = o.member_id AND n.occurred_at > o.occurred_at AND n.status = 'recorded'
                               AND l.returned < l.quantity
                               AND (?5 ->> '$.any' OR l.category IN (SELECT value FROM json_each(?5, '$.categories'))
                                    OR l.sku IN (SELECT value FROM json_each(?5, '$.skus')))))
  FROM orders o
 WHERE (o.occurred_at, o.id) > (?1, ?2) AND o.occurred_at < ?3
 ORDER BY o.occurred_at, o.id LIMIT ?4
