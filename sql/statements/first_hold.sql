-- The hold that the job would end first at ?1: the one that a batch of one stumbles over.
SELECT id FROM redemption
 WHERE status IN ('awaiting_confirmation', 'held') AND hold_expires_at <= ?1
   AND id NOT IN (SELECT subject FROM set_aside WHERE job = 'holds')
 ORDER BY hold_expires_at, id LIMIT 1
