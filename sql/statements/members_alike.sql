-- Members of one name and birthday. ?1 the group, a keyed hash
SELECT DISTINCT member_id FROM person WHERE likeness = ?1 LIMIT 100
