-- How many calls came in the minute that is counted last, and how many of them named what nobody knows: of a key by its hash,
-- unknown members; of a client's address by a keyed hash, unknown keys. Components count for themselves and add up here: a
-- number lags behind, and is never lost for more than a part of the limit. No part of the books.
CREATE TABLE IF NOT EXISTS meter (
  subject TEXT    NOT NULL PRIMARY KEY,
  minute  INTEGER NOT NULL,
  calls   INTEGER NOT NULL CHECK (calls >= 0),
  misses  INTEGER NOT NULL CHECK (misses >= 0)
) STRICT;
CREATE INDEX IF NOT EXISTS meter_minute ON meter (minute);

-- addresses come and go: each new one takes some with it that were not seen for minutes
CREATE TRIGGER IF NOT EXISTS meter_forgets AFTER INSERT ON meter BEGIN
  DELETE FROM meter WHERE subject IN (SELECT subject FROM meter WHERE minute < NEW.minute - 1 ORDER BY minute LIMIT 10);
END;
