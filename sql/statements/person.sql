-- A person's sealed data by member id (?1).
SELECT sealed FROM person WHERE member_id = ?1
