-- Scheduled work: what it looks for, how far it has come, and what it did.

-- What triggers look for, each in the sequence in which it comes due.
CREATE INDEX IF NOT EXISTS statistics_last_order ON statistics (last_order_at, member_id) WHERE last_order_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS statistics_tier_since ON statistics (tier_since, member_id) WHERE tier_since IS NOT NULL;
CREATE INDEX IF NOT EXISTS statistics_grace ON statistics (grace_until, member_id) WHERE grace_until IS NOT NULL;
CREATE INDEX IF NOT EXISTS member_joined ON member (joined_at, id);
CREATE INDEX IF NOT EXISTS event_type ON event (type, occurred_at, id);

-- What a job did in one run: `at` is the moment as of which it ran, `processed` counts rows of its own kind, `problem` is the code of
-- what ended it early. Runs that found nothing to do leave no row.
CREATE TABLE IF NOT EXISTS job_run (
  id          INTEGER PRIMARY KEY,
  job         TEXT    NOT NULL,
  at          INTEGER NOT NULL,
  started_at  INTEGER NOT NULL,
  finished_at INTEGER NOT NULL,
  processed   INTEGER NOT NULL CHECK (processed >= 0),
  set_aside   INTEGER NOT NULL CHECK (set_aside >= 0),
  problem     TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS job_run_job ON job_run (job, id);

-- What a job could not do, so that it does not stop the others: the account, or whatever it is about, and why. It is tried again
-- once somebody has seen to it and taken it off. `place`: a job that goes through time goes back to this moment then; what it
-- did of the others stays done.
CREATE TABLE IF NOT EXISTS set_aside (
  id      INTEGER PRIMARY KEY,
  job     TEXT    NOT NULL,
  subject INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  detail  TEXT    NOT NULL,
  place   INTEGER,
  UNIQUE (job, subject)
) STRICT;
CREATE TRIGGER IF NOT EXISTS set_aside_is_taken_off AFTER DELETE ON set_aside WHEN OLD.place IS NOT NULL BEGIN
  UPDATE progress SET until = OLD.place - 1, cursor = 9223372036854775807 WHERE job = OLD.job AND until >= OLD.place;
END;

-- One step of the reminders of a program: points of the accounts from behind (`from_until`, `from_cursor`) up to (`until`,
-- `cursor`), in the sequence of their expiry and account. `days` is how early they are.
CREATE VIEW IF NOT EXISTS remind AS
  SELECT '' AS job, 0 AS days, 0 AS from_until, 0 AS from_cursor, 0 AS until, 0 AS cursor, 0 AS at WHERE 0;
CREATE TRIGGER IF NOT EXISTS remind_of_expiry INSTEAD OF INSERT ON remind BEGIN
  -- whoever came second reminds nobody
  SELECT RAISE(ABORT, 'E_STALE')
   WHERE (SELECT (until, cursor) IS NOT (NEW.from_until, NEW.from_cursor) FROM progress WHERE job = NEW.job) IS NOT 0;
  INSERT INTO outbox (at, member_id, kind, payload)
  SELECT NEW.at, due.account_id, 'points.expiring',
         json_object('points', CAST(due.points / s.power AS TEXT)
                               || iif(s.digits = 0, '', '.' || substr('0000' || CAST(due.points % s.power AS TEXT), -s.digits)),
                     'expires_at', strftime('%Y-%m-%dT%H:%M:%SZ', due.expires_at / 1000, 'unixepoch'), 'days', NEW.days)
    FROM (SELECT account_id, expires_at, sum(remaining) AS points FROM lot
           WHERE remaining > 0 AND expires_at IS NOT NULL
             AND (expires_at, account_id) > (NEW.from_until, NEW.from_cursor)
             AND (expires_at, account_id) <= (NEW.until, NEW.cursor)
             AND expires_at > NEW.at
           GROUP BY expires_at, account_id) due
    -- of whoever was erased only the numbers are left
    JOIN member m ON m.id = due.account_id AND m.status IN ('active', 'not_confirmed')
    JOIN (SELECT points_scale AS digits, CAST(substr('10000', 1, points_scale + 1) AS INTEGER) AS power
            FROM program ORDER BY version DESC LIMIT 1) s;
  UPDATE progress SET until = NEW.until, cursor = NEW.cursor WHERE job = NEW.job;
END;
