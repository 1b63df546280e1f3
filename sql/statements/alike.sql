-- Persons who are alike in name and birthday, in groups: the group (a keyed hash) and [[version, member], ...]. ?1 after this
-- group   ?2 at most so many
SELECT likeness, json_group_array(json_array(id, member_id)) FROM person
 WHERE likeness > ?1 GROUP BY likeness HAVING min(member_id) < max(member_id) ORDER BY likeness LIMIT ?2
