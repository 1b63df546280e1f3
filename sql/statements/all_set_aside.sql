-- What jobs could not do, as JSON, newest first: below ?1, at most ?2.
SELECT json_object('id', id, 'job', job, 'subject', subject, 'at', at, 'detail', detail)
  FROM set_aside WHERE id < ?1 ORDER BY id DESC LIMIT ?2
