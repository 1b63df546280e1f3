-- Persons that are sealed by the key whose name is ?1, behind the id ?2, at most ?3, by their ids: id, member, sealed data.
SELECT id, member_id, sealed FROM person WHERE substr(sealed, 1, 8) = ?1 AND id > ?2 ORDER BY id LIMIT ?3
