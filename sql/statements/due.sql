-- Which scheduled work is due at ?1, each counted up to ?2: one SELECT, so that an hour without work costs one round trip.
SELECT
  (SELECT count(*) FROM (SELECT 1 FROM lot WHERE awaits_activation = 1 AND activates_at <= ?1 LIMIT ?2)) AS activate,
  (SELECT count(*) FROM (SELECT 1 FROM lot WHERE remaining > 0 AND expires_at IS NOT NULL AND expires_at <= ?1 LIMIT ?2)) AS expire,
  (SELECT count(*) FROM (SELECT 1 FROM redemption WHERE status IN ('awaiting_confirmation', 'held') AND hold_expires_at <= ?1
                          LIMIT ?2)) AS holds,
  (SELECT count(*) FROM (SELECT 1 FROM statistics WHERE review_at IS NOT NULL AND review_at <= ?1 LIMIT ?2)) AS tiers,
  (SELECT count(*) FROM program p
    WHERE p.version = (SELECT max(version) FROM program)
      AND NOT EXISTS (SELECT 1 FROM tier_review r WHERE r.version = p.version AND r.done = 1)) AS unasked
