-- Writes the notices that are due at ?1, at most ?2 of them, one for each member and end. ?3 says the earliest end of what is told of
-- now by how long before it a notice is needed: {"30": moment}; what it does not name is left. ?4: whether a letter
-- says it. One row a notice.
INSERT INTO give_notice (account_id, planned_expires_at, days, told, by_letter, at)
SELECT account_id, planned_expires_at, notice_days, max(planned_expires_at, ends), ?4, ?1
  FROM (SELECT l.account_id, l.planned_expires_at, min(l.notice_days) AS notice_days,
               ?3 ->> ('$."' || min(l.notice_days) || '"') AS ends
          FROM lot l CROSS JOIN member m ON m.id = l.account_id
         WHERE l.awaits_notice = 1 AND l.remaining > 0 AND l.planned_expires_at - (l.notice_days + 1) * 86400000 <= ?1
           AND m.status IN ('active', 'not_confirmed')
         GROUP BY l.planned_expires_at - (l.notice_days + 1) * 86400000, l.account_id, l.planned_expires_at
         ORDER BY l.planned_expires_at - (l.notice_days + 1) * 86400000, l.account_id, l.planned_expires_at LIMIT ?2)
 WHERE ends IS NOT NULL
RETURNING 1
