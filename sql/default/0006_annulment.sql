-- Points that are annulled only after a notice: which message told of which lots, when it was recorded as sent, and the end that the
-- lots have since. Until then they have none, however late the notice and the jobs are.

-- A message `points.annulment` of the outbox. `told` is the end that it named, for lots that were to end at `planned_expires_at` and
-- need a notice `days` before. `sent_at` is when it was recorded as sent: an endpoint that gets the person took it, or the shop's
-- provider said that it was delivered or opened; `by_letter`: where the program has words for it, that is said of a letter. What it told of ends at `expires_at`, as was found at `dated_at`. Each is set once.
CREATE TABLE IF NOT EXISTS notice (
  outbox_id          INTEGER PRIMARY KEY REFERENCES outbox (id),
  planned_expires_at INTEGER NOT NULL,
  days               INTEGER NOT NULL CHECK (days BETWEEN 1 AND 365),
  by_letter          INTEGER NOT NULL CHECK (by_letter IN (0, 1)),
  told               INTEGER NOT NULL,
  sent_at            INTEGER,
  expires_at         INTEGER,
  dated_at           INTEGER,
  CHECK (told >= planned_expires_at),
  CHECK ((expires_at IS NULL) = (dated_at IS NULL)),
  CHECK (expires_at IS NULL OR sent_at IS NOT NULL AND dated_at >= sent_at AND expires_at >= told
                               AND expires_at > dated_at AND expires_at >= sent_at + days * 86400000)
) STRICT;
CREATE INDEX IF NOT EXISTS notice_sent ON notice (sent_at) WHERE sent_at IS NOT NULL AND expires_at IS NULL;
CREATE INDEX IF NOT EXISTS notice_unsent ON notice (told) WHERE sent_at IS NULL;

-- A lot that a notice told of: append-only. The last one counts.
CREATE TABLE IF NOT EXISTS notice_lot (
  outbox_id INTEGER NOT NULL REFERENCES notice (outbox_id),
  lot_id    INTEGER NOT NULL REFERENCES lot (id),
  PRIMARY KEY (outbox_id, lot_id)
) STRICT;
CREATE INDEX IF NOT EXISTS notice_lot_lot ON notice_lot (lot_id, outbox_id);

-- What a notice is due of: a day of slack before the days that it takes, because it counts to the end of a local day.
CREATE INDEX IF NOT EXISTS lot_notice ON lot (planned_expires_at - (notice_days + 1) * 86400000, account_id, planned_expires_at)
 WHERE awaits_notice = 1 AND remaining > 0;

-- Whether any endpoint gets notices, and whether any gets letters: they are not written before, because a message is not sent to
-- an endpoint that comes later.
CREATE VIEW IF NOT EXISTS listening AS
  SELECT EXISTS (SELECT 1 FROM webhook w
                  WHERE w.disabled_at IS NULL AND w.after_message >= 0
                    AND (w.kinds = '[]' OR EXISTS (SELECT 1 FROM json_each(w.kinds) WHERE value = 'points.annulment'))) AS messages,
         EXISTS (SELECT 1 FROM webhook w
                  WHERE w.disabled_at IS NULL AND w.after_message >= 0 AND w.with_recipient = 1
                    AND (w.kinds = '[]' OR EXISTS (SELECT 1 FROM json_each(w.kinds) WHERE value = 'message.send'))) AS letters;

-- One notice, to one member of the points that are to end at one moment.
CREATE VIEW IF NOT EXISTS give_notice AS
  SELECT 0 AS account_id, 0 AS planned_expires_at, 0 AS days, 0 AS told, 0 AS by_letter, 0 AS at WHERE 0;
CREATE TRIGGER IF NOT EXISTS notice_is_given INSTEAD OF INSERT ON give_notice BEGIN
  INSERT INTO outbox (at, member_id, kind, payload)
  SELECT NEW.at, NEW.account_id, 'points.annulment',
         json_object('points', CAST(due.points / s.power AS TEXT)
                               || iif(s.digits = 0, '', '.' || substr('0000' || CAST(due.points % s.power AS TEXT), -s.digits)),
                     'expires_at', strftime('%Y-%m-%dT%H:%M:%SZ', NEW.told / 1000, 'unixepoch'), 'days', NEW.days)
    FROM (SELECT sum(remaining) AS points FROM lot
           WHERE account_id = NEW.account_id AND awaits_notice = 1 AND remaining > 0
             AND planned_expires_at = NEW.planned_expires_at AND notice_days = NEW.days) due
    JOIN (SELECT points_scale AS digits, CAST(substr('10000', 1, points_scale + 1) AS INTEGER) AS power
            FROM program ORDER BY version DESC LIMIT 1) s;
  INSERT INTO notice (outbox_id, planned_expires_at, days, by_letter, told)
  SELECT max(id), NEW.planned_expires_at, NEW.days, NEW.by_letter, NEW.told FROM outbox;
  INSERT INTO notice_lot (outbox_id, lot_id)
  SELECT (SELECT max(id) FROM outbox), id FROM lot
   WHERE account_id = NEW.account_id AND awaits_notice = 1 AND remaining > 0
     AND planned_expires_at = NEW.planned_expires_at AND notice_days = NEW.days;
  UPDATE lot SET awaits_notice = 0
   WHERE account_id = NEW.account_id AND awaits_notice = 1 AND remaining > 0
     AND planned_expires_at = NEW.planned_expires_at AND notice_days = NEW.days;
END;

-- Recorded as sent: an endpoint took it that gets the person, and there was a person; where the program has words for it, its
-- letter.
CREATE TRIGGER IF NOT EXISTS notice_was_taken AFTER UPDATE OF status ON delivery
WHEN NEW.status = 'delivered' AND OLD.status <> 'delivered' BEGIN
  UPDATE notice SET sent_at = NEW.done_at
   WHERE sent_at IS NULL
     AND (outbox_id = NEW.outbox_id AND by_letter = 0
          OR outbox_id = (SELECT dispatch_id FROM letter WHERE id = NEW.outbox_id) AND by_letter = 1)
     AND EXISTS (SELECT 1 FROM webhook WHERE id = NEW.webhook_id AND with_recipient = 1)
     AND EXISTS (SELECT 1 FROM member m
                  WHERE m.id = coalesce((SELECT merged_into FROM member WHERE id = NEW.member_id), NEW.member_id)
                    AND m.status <> 'erased');
END;
-- The provider's word counts from when it was recorded, whatever moment it names.
CREATE TRIGGER IF NOT EXISTS notice_was_received AFTER INSERT ON receipt WHEN NEW.status IN ('delivered', 'opened') BEGIN
  UPDATE notice SET sent_at = (SELECT at FROM command WHERE id = NEW.command_id)
   WHERE outbox_id = coalesce((SELECT dispatch_id FROM letter WHERE id = NEW.outbox_id), NEW.outbox_id) AND sent_at IS NULL;
END;

-- A notice that no endpoint will get any more is written anew, as soon as there is one again.
CREATE TRIGGER IF NOT EXISTS notice_is_lost AFTER UPDATE OF disabled_at ON webhook
WHEN OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL BEGIN
  UPDATE lot SET awaits_notice = 1
   WHERE awaits_notice = 0 AND expires_at IS NULL
     AND id IN (SELECT l.id FROM notice n CROSS JOIN notice_lot p ON p.outbox_id = n.outbox_id CROSS JOIN lot l ON l.id = p.lot_id
                  CROSS JOIN member m ON m.id = l.account_id
                 WHERE n.sent_at IS NULL AND n.told > 0 AND l.planned_expires_at = n.planned_expires_at
                   AND m.status IN ('active', 'not_confirmed')
                   AND CASE n.by_letter
                     WHEN 1 THEN NOT (SELECT letters FROM listening)
                     ELSE NOT EXISTS (SELECT 1 FROM delivery d CROSS JOIN webhook w ON w.id = d.webhook_id
                                       WHERE d.outbox_id = n.outbox_id AND w.disabled_at IS NULL)
                          -- one that was written just now stands beside no endpoint yet
                          AND NOT EXISTS (SELECT 1 FROM webhook w
                                           WHERE w.disabled_at IS NULL AND w.after_message < n.outbox_id
                                             AND n.outbox_id > (SELECT until FROM progress WHERE job = 'deliver')
                                             AND (w.kinds = '[]' OR EXISTS (SELECT 1 FROM json_each(w.kinds)
                                                                             WHERE value = 'points.annulment')))
                   END);
END;

-- What a notice told of that was recorded as sent has an end now, but for lots that were put off meanwhile or of which another
-- notice tells. Whoever was told of an earlier one is told of this one, as far as something is left.
CREATE TRIGGER IF NOT EXISTS notice_ends_lots AFTER UPDATE OF expires_at ON notice
WHEN OLD.expires_at IS NULL AND NEW.expires_at IS NOT NULL BEGIN
  UPDATE lot SET expires_at = NEW.expires_at
   WHERE id IN (SELECT p.lot_id FROM notice_lot p
                 WHERE p.outbox_id = NEW.outbox_id
                   AND p.outbox_id = (SELECT max(last.outbox_id) FROM notice_lot last WHERE last.lot_id = p.lot_id))
     AND planned_expires_at = NEW.planned_expires_at AND awaits_notice = 0 AND expires_at IS NULL;
  INSERT INTO outbox (at, member_id, kind, payload)
  SELECT NEW.dated_at, moved.account_id, 'points.annulment_moved',
         json_object('points', CAST(moved.points / s.power AS TEXT)
                               || iif(s.digits = 0, '', '.' || substr('0000' || CAST(moved.points % s.power AS TEXT), -s.digits)),
                     'expires_at', strftime('%Y-%m-%dT%H:%M:%SZ', NEW.expires_at / 1000, 'unixepoch'),
                     'told_expires_at', strftime('%Y-%m-%dT%H:%M:%SZ', NEW.told / 1000, 'unixepoch'))
    FROM (SELECT l.account_id, sum(l.remaining) AS points
            FROM notice_lot n CROSS JOIN lot l ON l.id = n.lot_id
           WHERE n.outbox_id = NEW.outbox_id AND l.planned_expires_at = NEW.planned_expires_at AND l.remaining > 0
             AND l.expires_at = NEW.expires_at
             AND n.outbox_id = (SELECT max(last.outbox_id) FROM notice_lot last WHERE last.lot_id = n.lot_id)
           GROUP BY l.account_id) moved
    JOIN member m ON m.id = moved.account_id AND m.status IN ('active', 'not_confirmed')
    JOIN (SELECT points_scale AS digits, CAST(substr('10000', 1, points_scale + 1) AS INTEGER) AS power
            FROM program ORDER BY version DESC LIMIT 1) s
   WHERE NEW.expires_at > NEW.told;
END;

-- Facts are append-only: a notice is sent once, and dated once.
CREATE TRIGGER IF NOT EXISTS notice_no_update BEFORE UPDATE ON notice
WHEN (NEW.outbox_id, NEW.planned_expires_at, NEW.days, NEW.told, NEW.by_letter)
     IS NOT (OLD.outbox_id, OLD.planned_expires_at, OLD.days, OLD.told, OLD.by_letter)
  OR OLD.sent_at IS NOT NULL AND NEW.sent_at IS NOT OLD.sent_at
  OR OLD.expires_at IS NOT NULL AND (NEW.expires_at, NEW.dated_at) IS NOT (OLD.expires_at, OLD.dated_at) BEGIN
  SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS notice_no_delete BEFORE DELETE ON notice BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS notice_lot_no_update BEFORE UPDATE ON notice_lot BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS notice_lot_no_delete BEFORE DELETE ON notice_lot BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
