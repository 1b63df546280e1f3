-- Ends holds whose deadline passed by ?1, at most ?2 of them, the longest overdue first; five ids for each from above ?3.
-- A trigger gives the points back; those of a lot that is over are good until ?4. One row a hold.
UPDATE redemption SET status = 'expired', release_entry = due.entry, released_at = ?1, returned_until = ?4
  FROM (SELECT id, ?3 + 5 * row_number() OVER (ORDER BY id) AS entry
          FROM (SELECT id FROM redemption WHERE status IN ('awaiting_confirmation', 'held') AND hold_expires_at <= ?1
                 ORDER BY hold_expires_at LIMIT ?2)) due
 WHERE redemption.id = due.id
RETURNING 1
