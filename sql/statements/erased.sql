-- Members that were erased since ?1, and those that were merged into them before.
SELECT member_id FROM privacy_log WHERE kind = 'erasure' AND at >= ?1
UNION ALL
SELECT m.id FROM privacy_log l CROSS JOIN member m ON m.merged_into = l.member_id WHERE l.kind = 'erasure' AND l.at >= ?1
