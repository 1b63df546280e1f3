-- These members (?1, a JSON array of ids) are to be looked at from ?2 on: a new program says otherwise of their tiers.
UPDATE statistics SET review_at = ?2
 WHERE member_id IN (SELECT value FROM json_each(?1)) AND coalesce(review_at, ?2 + 1) > ?2
