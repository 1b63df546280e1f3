-- What a job (?1) had set aside, or all those whose names begin with ?2, is tried again.
DELETE FROM set_aside WHERE job = ?1 OR job >= ?2 AND job < ?2 || char(127)
