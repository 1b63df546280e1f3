-- What a job (?1) did as of ?2, from ?3 to ?4: ?5 rows, ?6 set aside, ended early by ?7.
INSERT INTO job_run (job, at, started_at, finished_at, processed, set_aside, problem) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
