-- Members who joined within one of these spans (?1, a JSON array of [from, until]), by their ids, from behind ?2, at most ?3.
SELECT m.id FROM json_each(?1) wanted
  CROSS JOIN member m ON m.joined_at >= wanted.value ->> 0 AND m.joined_at < wanted.value ->> 1
 WHERE m.status IN ('active', 'not_confirmed') AND m.id > ?2
 ORDER BY m.id LIMIT ?3
