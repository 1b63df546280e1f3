-- Leaves something (?2) out of a job (?1) from ?3 on, because of ?4. It may be there already.
INSERT INTO set_aside (job, subject, at, detail) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (job, subject) DO NOTHING
