-- Whom a member brought with its code, newest first, with every step of it. ?1 member id   ?2 below this referee   ?3 at most
SELECT json_object('referee_id', r.referee_id, 'outcome', r.outcome, 'reason', r.reason,
         'verdicts', json((SELECT json_group_array(json_object('outcome', seen.outcome, 'reason', seen.reason, 'at', seen.at,
                                                               'order_id', (SELECT ref FROM orders WHERE id = seen.order_id)))
                             FROM (SELECT * FROM referral_verdict WHERE referee_id = r.referee_id ORDER BY id) seen)))
  FROM referral r
 WHERE r.referrer_id IN (SELECT ?1 UNION ALL SELECT m.id FROM member m WHERE m.merged_into = ?1) AND r.referee_id < ?2
 ORDER BY r.referee_id DESC LIMIT ?3
