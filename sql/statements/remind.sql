-- One step of the reminders: see the view.
INSERT INTO remind (job, days, from_until, from_cursor, until, cursor, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
