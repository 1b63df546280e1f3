-- What members are written of what happened: which message of the outbox became a letter, by which channel, and what came of it.

-- A message for which the program has words, on its way to its member: from when it happened until nobody tries any further.
-- `revision` is its lock: it counts what was decided. `channel` is the one tried last; `sent_at` is when the first one was.
-- `next_at` is when it is looked at again. `reason` says why it was not sent.
CREATE TABLE IF NOT EXISTS dispatch (
  outbox_id INTEGER PRIMARY KEY REFERENCES outbox (id),
  member_id INTEGER NOT NULL REFERENCES member (id),
  purpose   TEXT    NOT NULL CHECK (purpose IN ('urgent', 'service', 'marketing')),
  status    TEXT    NOT NULL CHECK (status IN ('waiting', 'sent', 'delivered', 'opened', 'failed', 'not_sent')),
  revision  INTEGER NOT NULL DEFAULT 0,
  channel   TEXT    CHECK (channel IN ('email', 'sms', 'messenger', 'push')),
  sent_at   INTEGER,
  next_at   INTEGER,
  reason    TEXT,
  CHECK ((channel IS NULL) = (sent_at IS NULL)),
  CHECK ((status IN ('waiting', 'not_sent')) = (sent_at IS NULL)),
  CHECK ((status = 'not_sent') = (reason IS NOT NULL)),
  CHECK (status <> 'waiting' OR next_at IS NOT NULL)
) STRICT;
CREATE INDEX IF NOT EXISTS dispatch_due ON dispatch (next_at, outbox_id) WHERE next_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS dispatch_member ON dispatch (member_id, sent_at) WHERE sent_at IS NOT NULL;

-- A letter: the message of kind `message.send` in the outbox that asks the shop's provider to send it.
CREATE TABLE IF NOT EXISTS letter (
  id        INTEGER PRIMARY KEY REFERENCES outbox (id),
  dispatch_id INTEGER NOT NULL REFERENCES dispatch (outbox_id),
  channel   TEXT    NOT NULL CHECK (channel IN ('email', 'sms', 'messenger', 'push')),
  UNIQUE (dispatch_id, channel)
) STRICT;
CREATE TRIGGER IF NOT EXISTS letter_no_update BEFORE UPDATE ON letter BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS letter_no_delete BEFORE DELETE ON letter BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;

-- One step through the outbox, from behind `from_id` up to `until`: of which messages members are written. `kinds` (JSON) says for each
-- kind how it is meant, for all (`purpose`) and for single occasions and triggers (`of`). What happened before `since` comes too late.
CREATE VIEW IF NOT EXISTS take_dispatches AS SELECT 0 AS from_id, 0 AS until, '' AS kinds, 0 AS since WHERE 0;
CREATE TRIGGER IF NOT EXISTS dispatches_taken INSTEAD OF INSERT ON take_dispatches BEGIN
  -- whoever came second takes nothing
  SELECT RAISE(ABORT, 'E_STALE') WHERE (SELECT until FROM progress WHERE job = 'notify') <> NEW.from_id;
  INSERT INTO dispatch (outbox_id, member_id, purpose, status, next_at)
  SELECT o.id, o.member_id, coalesce(k.value -> 'of' ->> (o.payload ->> o.kind), k.value ->> 'purpose'), 'waiting', o.at
    FROM outbox o CROSS JOIN json_each(NEW.kinds) k ON k.key = o.kind
   WHERE o.id > NEW.from_id AND o.id <= NEW.until AND o.member_id IS NOT NULL AND o.at > NEW.since
     AND coalesce(k.value -> 'of' ->> (o.payload ->> o.kind), k.value ->> 'purpose') IS NOT NULL;
  INSERT INTO progress (job, until) VALUES ('notify', NEW.until) ON CONFLICT (job) DO UPDATE SET until = excluded.until;
END;

-- What was decided of a dispatch, if nobody decided of it meanwhile: a letter by a channel, or none; when it is looked at again.
CREATE VIEW IF NOT EXISTS notify AS
  SELECT 0 AS dispatch_id, 0 AS revision, '' AS status, '' AS channel, 0 AS next_at, '' AS reason, 0 AS at WHERE 0;
CREATE TRIGGER IF NOT EXISTS dispatch_decided INSTEAD OF INSERT ON notify
WHEN EXISTS (SELECT 1 FROM dispatch WHERE outbox_id = NEW.dispatch_id AND revision = NEW.revision)
 AND NOT EXISTS (SELECT 1 FROM letter WHERE dispatch_id = NEW.dispatch_id AND channel = NEW.channel) BEGIN
  INSERT INTO outbox (at, member_id, kind, payload)
  SELECT NEW.at, member_id, 'message.send', json_object('message', printf('msg_%x', outbox_id), 'channel', NEW.channel)
    FROM dispatch WHERE outbox_id = NEW.dispatch_id AND NEW.channel IS NOT NULL;
  INSERT INTO letter (id, dispatch_id, channel)
  SELECT (SELECT max(id) FROM outbox), NEW.dispatch_id, NEW.channel WHERE NEW.channel IS NOT NULL;
  UPDATE dispatch SET revision = revision + 1, status = NEW.status, next_at = NEW.next_at, reason = NEW.reason,
                    channel = coalesce(NEW.channel, channel), sent_at = coalesce(sent_at, iif(NEW.channel IS NULL, NULL, NEW.at))
   WHERE outbox_id = NEW.dispatch_id;
END;

-- What the provider says is looked at at once.
CREATE TRIGGER IF NOT EXISTS receipt_of_letter AFTER INSERT ON receipt BEGIN
  UPDATE dispatch SET next_at = min(coalesce(next_at, NEW.at), NEW.at)
   WHERE outbox_id IN (SELECT dispatch_id FROM letter WHERE id = NEW.outbox_id) AND status NOT IN ('opened', 'not_sent');
END;
