-- Remembers how far a job (?1) has come: up to ?2, of that moment up to ?3. Two at once: the one that came further stands.
INSERT INTO progress (job, until, cursor) VALUES (?1, ?2, ?3)
ON CONFLICT (job) DO UPDATE SET until = excluded.until, cursor = excluded.cursor
 WHERE (excluded.until, excluded.cursor) > (progress.until, progress.cursor)
