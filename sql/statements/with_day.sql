-- Members of whom something may come round on one of these days (?1, a JSON array of hashes), by their ids, from behind ?2, at
-- most ?3; in the store of persons.
SELECT DISTINCT d.member_id FROM json_each(?1) wanted CROSS JOIN person_day d ON d.hash = wanted.value AND d.member_id > ?2
 ORDER BY d.member_id LIMIT ?3
