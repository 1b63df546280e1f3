-- What a job (?1) had set aside is tried again.
DELETE FROM set_aside WHERE job = ?1
