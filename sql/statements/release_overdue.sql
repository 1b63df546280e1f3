-- Ends holds whose deadline passed by ?1, at most ?2 of them, in the sequence of their deadlines; five ids for each from above ?3.
-- A trigger gives the points back; those of a lot that is over are good until ?4. One row a hold.
INSERT INTO end_hold (id, release_entry, at, returned_until)
SELECT id, ?3 + 5 * row_number() OVER (ORDER BY hold_expires_at, id), ?1, ?4
  FROM (SELECT id, hold_expires_at FROM redemption WHERE status IN ('awaiting_confirmation', 'held') AND hold_expires_at <= ?1
           AND id NOT IN (SELECT subject FROM set_aside WHERE job = 'holds')
         ORDER BY hold_expires_at, id LIMIT ?2)
 ORDER BY hold_expires_at, id
RETURNING 1
