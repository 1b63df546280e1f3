-- The account whose lots the job would expire first at ?1: the one that a batch of one stumbles over.
SELECT account_id FROM lot
 WHERE remaining > 0 AND expires_at IS NOT NULL AND expires_at <= ?1
   AND account_id NOT IN (SELECT subject FROM set_aside WHERE job = 'expire')
 ORDER BY expires_at, account_id LIMIT 1
