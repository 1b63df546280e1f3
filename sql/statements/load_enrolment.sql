-- What an enrolment needs, as one row: the caller, a stored answer, the program, and whose the identities are already.
-- ?1 the caller: {"key": hash, "address": hash}   ?2 idempotency key   ?3 JSON array of hashed identities   ?4 a member's code
-- with which they come   ?5 hash of the device   ?6 JSON array of members who are alike
SELECT
  json_object('key', json((SELECT json_object('id', id, 'scopes', json(scopes), 'store', store, 'expires_at', expires_at)
                             FROM api_key WHERE hash = ?1 ->> 'key' AND revoked_at IS NULL)),
              'meters', json((SELECT json_group_array(json_array(subject, minute, calls, misses))
                                FROM meter WHERE subject IN (?1 ->> 'key', ?1 ->> 'address')))) AS caller,
  (SELECT json_object('id', id, 'fingerprint', fingerprint, 'status', status, 'answer', answer)
     FROM command WHERE key = ?2) AS answered,
  (SELECT json_object('version', version, 'hash', hash, 'published_at', published_at)
     FROM program ORDER BY version DESC LIMIT 1) AS program,
  -- [kind, member id]
  (SELECT json_group_array(json_array(i.kind, i.member_id))
     FROM json_each(?3) wanted JOIN identity i ON i.hash = wanted.value) AS taken,
  -- whose code it is, and who the friend might be already
  CASE WHEN ?4 IS NOT NULL THEN
    (SELECT json_object(
            'member', json((SELECT json_object('id', b.id, 'channel', b.channel, 'status', b.status, 'referral_code', b.referral_code,
                'joined_at', b.joined_at, 'seq', a.seq, 'last_at', a.last_at, 'remaining', a.remaining, 'held', a.held,
                'deficit', a.deficit, 'earned', a.earned, 'redeemed', a.redeemed, 'expired', a.expired, 'revision', 0, 'orders', 0,
                'qualifying_spend', 0, 'tier', NULL, 'tier_since', NULL, 'merged', json('[]'), 'profile', b.profile)
                              FROM member b JOIN account a ON a.id = b.id WHERE b.id = whose.id)),
            -- who brought the referrer, who brought those, and so on; what a merge has shown to be no referral leads nowhere
            'above', json((WITH RECURSIVE up (id) AS (
                             SELECT whose.id WHERE whose.id IS NOT NULL
                             UNION
                             SELECT coalesce(b.merged_into, b.id)
                               FROM up CROSS JOIN referral s ON s.referee_id IN (
                                      SELECT up.id UNION ALL SELECT m.id FROM member m WHERE m.merged_into = up.id)
                               CROSS JOIN member b ON b.id = s.referrer_id
                              WHERE s.outcome IN ('waiting', 'paid') OR s.outcome = 'taken_back' AND s.reason = 'returned'
                              LIMIT 1000)
                           SELECT json_group_array(id) FROM up WHERE id <> whose.id)),
            'same_device', json((SELECT json_group_array(DISTINCT coalesce(m.merged_into, m.id))
                                   FROM (SELECT member_id FROM device WHERE hash = ?5
                                         UNION ALL
                                         SELECT f.member_id FROM json_each(?3) wanted CROSS JOIN former_identity f ON f.hash = wanted.value) seen
                                   CROSS JOIN member m ON m.id = seen.member_id)),
            'alike', json((SELECT json_group_array(DISTINCT coalesce(m.merged_into, m.id))
                             FROM json_each(?6) wanted CROSS JOIN member m ON m.id = wanted.value WHERE m.status <> 'erased')),
            'friends_paid', (SELECT count(*) FROM referral s
                               CROSS JOIN referral_verdict p ON p.referee_id = s.referee_id AND p.outcome = 'paid'
                              WHERE s.referrer_id IN (SELECT whose.id UNION ALL SELECT m.id FROM member m WHERE m.merged_into = whose.id)),
            'paid_at', json((SELECT json_group_array(last.at)
                               FROM (SELECT p.at FROM referral s
                                       CROSS JOIN referral_verdict p ON p.referee_id = s.referee_id AND p.outcome = 'paid'
                                      WHERE s.referrer_id IN (SELECT whose.id UNION ALL SELECT m.id FROM member m WHERE m.merged_into = whose.id)
                                      ORDER BY p.at DESC LIMIT 1000) last)))
       FROM (SELECT (SELECT coalesce(merged_into, id) FROM member WHERE referral_code = ?4) AS id) whose) END AS referrer
