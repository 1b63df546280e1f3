-- Of the orders that left the window of the tiers, which began at ?1, since the last run: how far the next ?2 of them go, and
-- where the last run ended. Null where nothing left it.
SELECT seen.until, (SELECT max(occurred_at) + 1
                      FROM (SELECT occurred_at FROM orders WHERE occurred_at >= seen.until AND occurred_at < ?1
                             ORDER BY occurred_at LIMIT ?2)) AS next
  FROM (SELECT coalesce((SELECT until FROM progress WHERE job = 'tiers'), 0) AS until) seen
