-- Which scheduled work is due at ?1, each counted up to ?2, the program that says what else is, and how far jobs have come that go
-- through time: one SELECT, so that an hour without work costs one round trip.
SELECT
  (SELECT count(*) FROM (SELECT 1 FROM lot WHERE awaits_activation = 1 AND activates_at <= ?1 LIMIT ?2)) AS activate,
  (SELECT count(*) FROM (SELECT 1 FROM lot WHERE remaining > 0 AND expires_at IS NOT NULL AND expires_at <= ?1
                            AND account_id NOT IN (SELECT subject FROM set_aside WHERE job = 'expire') LIMIT ?2)) AS expire,
  (SELECT count(*) FROM (SELECT 1 FROM redemption WHERE status IN ('awaiting_confirmation', 'held') AND hold_expires_at <= ?1
                            AND id NOT IN (SELECT subject FROM set_aside WHERE job = 'holds') LIMIT ?2)) AS holds,
  (SELECT count(*) FROM (SELECT 1 FROM statistics WHERE review_at IS NOT NULL AND review_at <= ?1
                            AND member_id NOT IN (SELECT subject FROM set_aside WHERE job = 'tiers') LIMIT ?2)) AS tiers,
  (SELECT count(*) FROM program p
    WHERE p.version = (SELECT max(version) FROM program)
      AND NOT EXISTS (SELECT 1 FROM tier_review r WHERE r.version = p.version AND r.done = 1)) AS unasked,
  (SELECT json_object('version', version, 'hash', hash, 'published_at', published_at)
     FROM program ORDER BY version DESC LIMIT 1) AS program,
  (SELECT json_group_object(job, json_array(until, cursor)) FROM progress) AS progress,
  -- messages that no endpoint was looked for yet, and deliveries
  min((SELECT count(*) FROM (SELECT 1 FROM outbox
                          WHERE id > max((SELECT until FROM progress WHERE job = 'deliver'),
                                         (SELECT min(after_message) FROM webhook WHERE disabled_at IS NULL)) LIMIT ?2))
  + (SELECT count(*) FROM (SELECT 1 FROM delivery WHERE next_at IS NOT NULL AND next_at <= ?1 LIMIT ?2)), ?2) AS deliver,
  -- messages of which nobody asked yet whether members are written of them, and those that wait for their time
  min((SELECT count(*) FROM (SELECT 1 FROM outbox WHERE id > (SELECT until FROM progress WHERE job = 'notify') LIMIT ?2))
  + (SELECT count(*) FROM (SELECT 1 FROM dispatch WHERE next_at IS NOT NULL AND next_at <= ?1
                            AND (SELECT letters FROM listening) LIMIT ?2)), ?2) AS notify,
  -- notices that were sent and end nothing yet; lots of which one is to be written, where an endpoint gets it: as a message, as a
  -- letter
  (SELECT count(*) FROM (SELECT 1 FROM notice WHERE sent_at IS NOT NULL AND expires_at IS NULL LIMIT ?2)) AS notices_sent,
  (SELECT count(*) FROM (SELECT 1 FROM lot l CROSS JOIN member m ON m.id = l.account_id
                          WHERE l.awaits_notice = 1 AND l.remaining > 0
                            AND l.planned_expires_at - (l.notice_days + 1) * 86400000 <= ?1
                            AND m.status IN ('active', 'not_confirmed') LIMIT ?2)) AS untold,
  (SELECT messages FROM listening) AS messages,
  (SELECT letters FROM listening) AS letters
