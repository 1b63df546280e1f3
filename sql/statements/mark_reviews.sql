-- Members with an order from ?1 to before ?2 are to be looked at from ?3 on: it left the window of the tiers.
UPDATE statistics SET review_at = ?3
 WHERE member_id IN (SELECT member_id FROM orders WHERE occurred_at >= ?1 AND occurred_at < ?2 AND member_id IS NOT NULL)
   AND tier IS NOT NULL AND coalesce(review_at, ?3 + 1) > ?3
