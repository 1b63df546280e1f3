-- Delivery of the outbox: endpoints of the shop's systems that get signed messages, how far each message has come to each of
-- them, and what became of it at the member's end.

-- An endpoint (Standard Webhooks 1.0). `kinds` (a JSON array of words) are the messages that it gets, all where it is empty;
-- `with_recipient` tells whether it gets the person with them. Its secret follows from its id and `generation`, which a rotation
-- at `rotated_at` counts up. `after_message` is the last message before it: what is older is not sent to it. Disabled by whoever
-- deleted it, or by itself (410: gone).
CREATE TABLE IF NOT EXISTS webhook (
  id              INTEGER PRIMARY KEY,
  url             TEXT    NOT NULL,
  kinds           TEXT    NOT NULL,
  with_recipient  INTEGER NOT NULL CHECK (with_recipient IN (0, 1)),
  generation      INTEGER NOT NULL DEFAULT 1 CHECK (generation > 0),
  rotated_at      INTEGER,
  after_message   INTEGER NOT NULL,
  created_at      INTEGER NOT NULL,
  disabled_at     INTEGER,
  disabled_reason TEXT    CHECK (disabled_reason IN ('deleted', 'gone')),
  CHECK ((generation > 1) = (rotated_at IS NOT NULL)),
  CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
) STRICT;
CREATE INDEX IF NOT EXISTS webhook_active ON webhook (after_message) WHERE disabled_at IS NULL;

-- A message on its way to an endpoint. Of what waits for one endpoint and one member only the oldest has a `next_at`: when the
-- next attempt is due, or, while one is under way, when another may be made though nothing was heard of it. The others wait for
-- their turn, so that a member's messages arrive in their order. `first_at` is when it was tried first, or from when on it waited
-- behind one that was parked. `last_status` is an HTTP status.
CREATE TABLE IF NOT EXISTS delivery (
  outbox_id   INTEGER NOT NULL,
  webhook_id  INTEGER NOT NULL REFERENCES webhook (id),
  member_id   INTEGER,
  status      TEXT    NOT NULL CHECK (status IN ('waiting', 'delivered', 'parked', 'skipped')),
  attempts    INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  first_at    INTEGER,
  next_at     INTEGER,
  done_at     INTEGER,
  last_status INTEGER CHECK (last_status BETWEEN 100 AND 999),
  last_error  TEXT,
  PRIMARY KEY (outbox_id, webhook_id),
  CHECK ((status = 'waiting') = (done_at IS NULL)),
  CHECK (next_at IS NULL OR status = 'waiting')
) STRICT;
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS delivery_turn ON delivery (webhook_id, member_id, outbox_id) WHERE status = 'waiting';
CREATE INDEX IF NOT EXISTS delivery_status ON delivery (status, outbox_id);
CREATE INDEX IF NOT EXISTS outbox_member ON outbox (member_id) WHERE member_id IS NOT NULL;

-- What the shop's provider says of a message: append-only. `reason` may name an address, and goes with the person.
CREATE TABLE IF NOT EXISTS receipt (
  id         INTEGER PRIMARY KEY,
  outbox_id  INTEGER NOT NULL REFERENCES outbox (id),
  channel    TEXT    NOT NULL CHECK (channel IN ('email', 'sms', 'messenger', 'push')),
  status     TEXT    NOT NULL CHECK (status IN ('delivered', 'opened', 'failed')),
  at         INTEGER NOT NULL,
  reason     TEXT,
  command_id INTEGER NOT NULL UNIQUE
) STRICT;
CREATE INDEX IF NOT EXISTS receipt_message ON receipt (outbox_id);
CREATE TRIGGER IF NOT EXISTS receipt_no_update BEFORE UPDATE ON receipt
WHEN NEW.reason IS NOT NULL
  OR (NEW.id, NEW.outbox_id, NEW.channel, NEW.status, NEW.at, NEW.command_id)
     IS NOT (OLD.id, OLD.outbox_id, OLD.channel, OLD.status, OLD.at, OLD.command_id) BEGIN
  SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS receipt_no_delete BEFORE DELETE ON receipt BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;

-- Up to which message of the outbox each one stands beside the endpoints that want it.
INSERT INTO progress (job, until) VALUES ('deliver', 0) ON CONFLICT (job) DO NOTHING;
CREATE TRIGGER IF NOT EXISTS fan_out AFTER UPDATE OF until ON progress WHEN NEW.job = 'deliver' AND NEW.until > OLD.until BEGIN
  INSERT INTO delivery (outbox_id, webhook_id, member_id, status, next_at)
  SELECT o.id, w.id, o.member_id, 'waiting', o.at
    FROM outbox o CROSS JOIN webhook w
   WHERE o.id > max(OLD.until, (SELECT min(after_message) FROM webhook WHERE disabled_at IS NULL)) AND o.id <= NEW.until
     AND w.disabled_at IS NULL AND w.after_message < o.id
     AND (w.kinds = '[]' OR o.kind IN (SELECT value FROM json_each(w.kinds)))
     -- a letter is its person's
     AND (o.kind <> 'message.send' OR w.with_recipient = 1)
   ORDER BY o.id;
END;

-- A message waits behind an older one of its member.
CREATE TRIGGER IF NOT EXISTS delivery_lines_up AFTER INSERT ON delivery WHEN NEW.member_id IS NOT NULL BEGIN
  UPDATE delivery SET next_at = NULL
   WHERE outbox_id = NEW.outbox_id AND webhook_id = NEW.webhook_id
     AND EXISTS (SELECT 1 FROM delivery d
                  WHERE d.webhook_id = NEW.webhook_id AND d.member_id = NEW.member_id AND d.status = 'waiting'
                    AND d.outbox_id < NEW.outbox_id);
END;

-- The next one's turn. What stood behind one that was given up has waited for the endpoint as long.
CREATE TRIGGER IF NOT EXISTS delivery_gives_way AFTER UPDATE OF status ON delivery
WHEN OLD.status = 'waiting' AND NEW.status <> 'waiting' AND NEW.member_id IS NOT NULL BEGIN
  UPDATE delivery SET next_at = NEW.done_at,
                      first_at = coalesce(first_at, iif(NEW.status = 'parked',
                                                        max(NEW.first_at, (SELECT o.at FROM outbox o WHERE o.id = delivery.outbox_id)),
                                                        NULL))
   WHERE next_at IS NULL AND webhook_id = NEW.webhook_id
     AND outbox_id = (SELECT min(d.outbox_id) FROM delivery d
                       WHERE d.webhook_id = NEW.webhook_id AND d.member_id = NEW.member_id AND d.status = 'waiting');
END;

-- One that is sent again after it was given up comes before those that are younger.
CREATE TRIGGER IF NOT EXISTS delivery_comes_back AFTER UPDATE OF status ON delivery
WHEN OLD.status <> 'waiting' AND NEW.status = 'waiting' AND NEW.member_id IS NOT NULL BEGIN
  UPDATE delivery SET next_at = NULL
   WHERE webhook_id = NEW.webhook_id AND member_id = NEW.member_id AND status = 'waiting' AND next_at IS NOT NULL
     AND outbox_id > (SELECT min(d.outbox_id) FROM delivery d
                       WHERE d.webhook_id = NEW.webhook_id AND d.member_id = NEW.member_id AND d.status = 'waiting');
END;
