-- Takes back a person (?1) whose enrolment was refused.
DELETE FROM person WHERE member_id = ?1
