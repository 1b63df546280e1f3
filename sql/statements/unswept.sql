-- Persons that no sweep has looked at yet and whose enrolment is over: ?1 written before   ?2 how many at most
SELECT member_id FROM person
 WHERE member_id > coalesce((SELECT swept_until FROM sweep), 0) AND created_at < ?1
 ORDER BY member_id LIMIT ?2
