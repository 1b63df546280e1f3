-- Runs of jobs as JSON, newest first: of one job (?1) or of all (null), below ?2, at most ?3.
SELECT json_object('id', id, 'job', job, 'at', at, 'started_at', started_at, 'finished_at', finished_at, 'processed', processed,
                   'set_aside', set_aside, 'problem', problem)
  FROM job_run WHERE (?1 IS NULL OR job = ?1) AND id < ?2 ORDER BY id DESC LIMIT ?3
