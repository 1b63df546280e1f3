-- Puts the next ?1 messages of the outbox beside the endpoints that want them: a trigger of `progress` does, in this statement.
-- What is older than every endpoint is passed over.
UPDATE progress SET until = fresh.until
  FROM (SELECT max(id) AS until
          FROM (SELECT id FROM outbox
                 WHERE id > max((SELECT until FROM progress WHERE job = 'deliver'),
                                (SELECT min(after_message) FROM webhook WHERE disabled_at IS NULL))
                 ORDER BY id LIMIT ?1)) fresh
 WHERE progress.job = 'deliver' AND progress.until < fresh.until
