-- Writes a person before the command: ?1 the command's id   ?2 member id   ?3 sealed data   ?4 likeness   ?5 now   ?6 days
-- (a JSON array of hashes). Answers a row
-- where the person is there as it was given. Sent again because the answer was lost it finds its own row; what stands under
-- the same id with other content is somebody else's, and stays.
INSERT INTO person (id, member_id, sealed, likeness, created_at, days) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (id) DO UPDATE SET sealed = person.sealed
 WHERE person.member_id = excluded.member_id AND person.sealed = excluded.sealed
RETURNING 1
