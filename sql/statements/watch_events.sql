-- What a trigger looks at, from behind (?1, ?2) to before ?3, at most ?4, in its sequence: member, moment, id, and whether the
-- trigger's reason is there and not gone. Events of the type ?5, unless
-- the member bought anything since (?6 'bought'). The goods that it names, as a JSON array, come with it.
SELECT v.member_id, v.occurred_at, v.id,
       m.status IN ('active', 'not_confirmed')
       AND NOT (?6 = 'bought' AND EXISTS (SELECT 1 FROM orders n WHERE n.member_id = v.member_id AND n.occurred_at > v.occurred_at
                                             AND n.status = 'recorded')),
       iif(json_type(v.data, '$.skus') = 'array', v.data ->> '$.skus', '[]')
  FROM event v CROSS JOIN member m ON m.id = v.member_id
 WHERE v.type = ?5 AND (v.occurred_at, v.id) > (?1, ?2) AND v.occurred_at < ?3
 ORDER BY v.occurred_at, v.id LIMIT ?4
