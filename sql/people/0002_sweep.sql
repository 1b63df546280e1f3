-- How far the sweep has looked through the persons, in the sequence of their ids, which begin with the time.
CREATE TABLE IF NOT EXISTS sweep (
  id          INTEGER PRIMARY KEY CHECK (id = 1),
  swept_until INTEGER NOT NULL
) STRICT;
