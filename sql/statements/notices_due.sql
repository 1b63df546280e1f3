-- How long before their end the lots need a notice of which one is due at ?1, of the first ?2 of them: each number of days once.
-- None where no endpoint would get it, as a letter (?3 is 1) or as a message.
SELECT DISTINCT notice_days
  FROM (SELECT l.notice_days FROM lot l CROSS JOIN member m ON m.id = l.account_id
         WHERE l.awaits_notice = 1 AND l.remaining > 0 AND l.planned_expires_at - (l.notice_days + 1) * 86400000 <= ?1
           AND (SELECT iif(?3, letters, messages) FROM listening) AND m.status IN ('active', 'not_confirmed')
         ORDER BY l.planned_expires_at - (l.notice_days + 1) * 86400000, l.account_id LIMIT ?2)
