-- Leaves something (?2) out of a job (?1) from ?3 on, because of ?4; the job goes back to ?5 for it. It may be there already.
INSERT INTO set_aside (job, subject, at, detail, place) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (job, subject) DO UPDATE SET place = min(place, excluded.place)
