-- What was decided of dispatches (?1, a JSON array of [dispatch, revision, status, channel, next look, reason]) at ?2: see the view.
INSERT INTO notify (dispatch_id, revision, status, channel, next_at, reason, at)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, ?2 FROM json_each(?1)
