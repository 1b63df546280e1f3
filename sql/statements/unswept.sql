-- Persons that no sweep has looked at yet and whose command is over: ?1 written before   ?2 how many at most
SELECT id FROM person
 WHERE id > coalesce((SELECT swept_until FROM sweep), 0) AND created_at < ?1
 ORDER BY id LIMIT ?2
