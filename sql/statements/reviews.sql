-- Members whose tier is to be looked at again by ?1, at most ?2, those that wait longest first: id, since when it is
-- due, and the lock of the statistics.
SELECT member_id, review_at, revision FROM statistics
 WHERE review_at IS NOT NULL AND review_at <= ?1
   AND member_id NOT IN (SELECT subject FROM set_aside WHERE job = 'tiers')
 ORDER BY review_at, member_id LIMIT ?2
