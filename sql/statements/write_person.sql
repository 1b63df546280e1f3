-- Writes a person before the member: ?1 member id   ?2 sealed data   ?3 now. Repeating it with the same id replaces it.
INSERT INTO person (member_id, sealed, created_at) VALUES (?1, ?2, ?3)
ON CONFLICT (member_id) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at
