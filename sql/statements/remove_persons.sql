-- Takes back persons (?1, a JSON array of ids) whose enrolment never came to its end.
DELETE FROM person WHERE member_id IN (SELECT value FROM json_each(?1))
