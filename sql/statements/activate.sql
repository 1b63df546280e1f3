-- Announces lots that became available by ?1, at most ?2; a trigger writes the messages. One row a lot.
UPDATE lot SET awaits_activation = 0
 WHERE id IN (SELECT id FROM lot WHERE awaits_activation = 1 AND activates_at <= ?1 ORDER BY activates_at LIMIT ?2)
RETURNING 1
