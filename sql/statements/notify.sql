-- What was decided of notices (?1, a JSON array of [notice, revision, status, channel, next look, reason]) at ?2: see the view.
INSERT INTO notify (notice_id, revision, status, channel, next_at, reason, at)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, ?2 FROM json_each(?1)
