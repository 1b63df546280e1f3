-- Adds to the meters of a minute (?1): [[subject, calls, misses], ...] (?2). An earlier minute's count is over; an instance
-- whose clock is behind adds to the minute that others have begun. Returns [subject, misses so far].
INSERT INTO meter (subject, minute, calls, misses)
SELECT value ->> 0, ?1, value ->> 1, value ->> 2 FROM json_each(?2) WHERE true
ON CONFLICT (subject) DO UPDATE SET
  calls = excluded.calls + iif(meter.minute >= excluded.minute, meter.calls, 0),
  misses = excluded.misses + iif(meter.minute >= excluded.minute, meter.misses, 0),
  minute = max(meter.minute, excluded.minute)
RETURNING subject, misses
