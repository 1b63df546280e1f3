-- The store `default`: the program, the books, orders. No personal data: people are opaque ids and keyed hashes here.
-- Points and money are integers in minor units (points: 10^-scale of the program; money: hundredths), quantities are
-- thousandths, moments are milliseconds since 1970 UTC, intervals are half-open. Ids are made by the components.
--
-- One statement is one transaction: a component inserts one row into the view `apply`, and triggers post its plan.
-- Each statement of this file can be run again without effect, alone or all together.

CREATE TABLE IF NOT EXISTS migration (
  version    INTEGER PRIMARY KEY,
  applied_at INTEGER NOT NULL
) STRICT;

-- Published programs; immutable. `hash` (SHA-256 of the document) is what caches are keyed by.
CREATE TABLE IF NOT EXISTS program (
  version      INTEGER PRIMARY KEY,
  hash         TEXT    NOT NULL,
  document     TEXT    NOT NULL,
  currency     TEXT    NOT NULL,
  points_scale INTEGER NOT NULL CHECK (points_scale BETWEEN 0 AND 4),
  published_at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS program_hash ON program (hash);

-- Keys of callers; only a hash of each is kept. `scopes` is a JSON array of words, `store` narrows a till's key. `expires_at`
-- is the first instant at which it opens nothing; `replaces` is the key whose successor it is: a key has one.
CREATE TABLE IF NOT EXISTS api_key (
  id         INTEGER PRIMARY KEY,
  hash       TEXT    NOT NULL UNIQUE,
  name       TEXT    NOT NULL,
  scopes     TEXT    NOT NULL,
  store      TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER CHECK (expires_at > created_at),
  replaces   INTEGER UNIQUE REFERENCES api_key (id),
  revoked_at INTEGER
) STRICT;

-- Every mutation that had an effect, with its answer: the same key and fingerprint get it again, byte for byte. A wrong
-- one-time code has one too: it is counted, and its refusal is kept.
-- `answer` is null where the answer holds personal data: it is then kept, sealed, in the store `people`.
CREATE TABLE IF NOT EXISTS command (
  id          INTEGER PRIMARY KEY,
  key         TEXT    NOT NULL UNIQUE CHECK (length(key) BETWEEN 1 AND 128),
  fingerprint TEXT    NOT NULL,
  status      INTEGER NOT NULL CHECK (status BETWEEN 200 AND 299 OR status = 422),
  answer      TEXT,
  at          INTEGER NOT NULL
) STRICT;

-- `merged_into` is the member that took over this one: never one that was merged itself. `segments` (a JSON array of words)
-- are the groups that the shop put the member into. `profile` is the command that wrote the person's data as they are now, which
-- the store `people` keeps under its id, and their lock. `awaits_welcome` is 1 for a new member whose welcome comes with the right
-- code. Of an erased member only the numbers are left.
CREATE TABLE IF NOT EXISTS member (
  id             INTEGER PRIMARY KEY,
  channel        TEXT    NOT NULL,
  status         TEXT    NOT NULL CHECK (status IN ('active', 'not_confirmed', 'merged', 'erased')),
  referral_code  TEXT    NOT NULL UNIQUE,
  joined_at      INTEGER NOT NULL,
  merged_into    INTEGER REFERENCES member (id),
  segments       TEXT    NOT NULL DEFAULT '[]',
  profile        INTEGER NOT NULL,
  awaits_welcome INTEGER NOT NULL CHECK (awaits_welcome = 0 OR awaits_welcome = 1 AND status <> 'active'),
  CHECK ((status = 'merged') = (merged_into IS NOT NULL) AND merged_into IS NOT id)
) STRICT;
CREATE INDEX IF NOT EXISTS member_merged ON member (merged_into) WHERE merged_into IS NOT NULL;

-- A phone, e-mail, card, messenger or external id by its keyed hash; it belongs to one member.
CREATE TABLE IF NOT EXISTS identity (
  hash      TEXT    NOT NULL PRIMARY KEY,
  kind      TEXT    NOT NULL CHECK (kind IN ('external_id', 'phone', 'email', 'card', 'telegram')),
  member_id INTEGER NOT NULL REFERENCES member (id)
) STRICT;
CREATE INDEX IF NOT EXISTS identity_member ON identity (member_id);

-- What a member allowed or forbade a channel, and where that was said: the history, append-only. The last row of a channel
-- stands; `id` is the sequence in which they were written.
CREATE TABLE IF NOT EXISTS consent (
  id         INTEGER PRIMARY KEY,
  command_id INTEGER NOT NULL,
  member_id  INTEGER NOT NULL REFERENCES member (id),
  channel    TEXT    NOT NULL CHECK (channel IN ('email', 'sms', 'messenger', 'push')),
  granted    INTEGER NOT NULL CHECK (granted IN (0, 1)),
  source     TEXT    NOT NULL,
  at         INTEGER NOT NULL,
  UNIQUE (command_id, member_id, channel)
) STRICT;
CREATE INDEX IF NOT EXISTS consent_member ON consent (member_id, channel);

-- Versions of the program's rules that a member accepted: the history, append-only; the last row stands.
CREATE TABLE IF NOT EXISTS acceptance (
  id            INTEGER PRIMARY KEY,
  command_id    INTEGER NOT NULL UNIQUE,
  member_id     INTEGER NOT NULL REFERENCES member (id),
  rules_version TEXT    NOT NULL,
  at            INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS acceptance_member ON acceptance (member_id);

-- The one-time code that a member was sent last, by the command that made it: its keyed hash, how many wrong ones came, and how many
-- were sent on its day (in UTC, counted from 1970).
CREATE TABLE IF NOT EXISTS member_code (
  member_id  INTEGER PRIMARY KEY REFERENCES member (id),
  command_id INTEGER NOT NULL,
  code_hash  TEXT    NOT NULL,
  expires_at INTEGER NOT NULL,
  attempts   INTEGER NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 3),
  day        INTEGER NOT NULL,
  sent       INTEGER NOT NULL DEFAULT 1 CHECK (sent > 0)
) STRICT;

-- Who took out or erased a person's data, and when. `caller_id` is the key's, 0 the shop's first one.
CREATE TABLE IF NOT EXISTS privacy_log (
  id        INTEGER PRIMARY KEY,
  member_id INTEGER NOT NULL REFERENCES member (id),
  kind      TEXT    NOT NULL CHECK (kind IN ('export', 'erasure')),
  caller_id INTEGER NOT NULL,
  at        INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS privacy_log_member ON privacy_log (member_id);
CREATE INDEX IF NOT EXISTS privacy_log_erasures ON privacy_log (at) WHERE kind = 'erasure';

-- What orders say of a member, net of returns. `revision` is the optimistic lock of orders, events and whatever else is
-- judged by what the member did before. `tier` is the one held when they were written, `own_tier` the one without gifts, of
-- which `grace_until` keeps one that is no longer fulfilled and `stepped_at` is when a step down led to it; at `review_at` it
-- must be looked at again, because time alone may change it.
CREATE TABLE IF NOT EXISTS statistics (
  member_id        INTEGER PRIMARY KEY REFERENCES member (id),
  revision         INTEGER NOT NULL DEFAULT 0,
  orders           INTEGER NOT NULL DEFAULT 0 CHECK (orders >= 0),
  qualifying_spend INTEGER NOT NULL DEFAULT 0 CHECK (qualifying_spend >= 0),
  tier             TEXT,
  tier_since       INTEGER,
  grace_until      INTEGER,
  stepped_at       INTEGER,
  own_tier         TEXT,
  review_at        INTEGER,
  first_order_at   INTEGER,
  last_order_at    INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS statistics_review ON statistics (review_at) WHERE review_at IS NOT NULL;

-- A tier that was given instead of reached: for a time, or (`until` null) as a floor. By an event, or by the staff with a
-- reason. Whoever takes it away sets its end.
CREATE TABLE IF NOT EXISTS granted_tier (
  id        INTEGER PRIMARY KEY,
  member_id INTEGER NOT NULL REFERENCES member (id),
  tier      TEXT    NOT NULL,
  until     INTEGER,
  given_at  INTEGER NOT NULL,
  event_id  INTEGER,
  reason    TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS granted_tier_member ON granted_tier (member_id);

-- How far a job has come that goes through time: `until` is where the next run begins; of what is of that very moment, it begins
-- behind `cursor`.
CREATE TABLE IF NOT EXISTS progress (
  job    TEXT    PRIMARY KEY,
  until  INTEGER NOT NULL,
  cursor INTEGER NOT NULL DEFAULT 0
) STRICT;

-- How far the job `tiers` has come with asking a published program about all members: `member_id` is the last one that it was
-- asked about, `done` tells that there were no more. Publishing itself touches no member.
CREATE TABLE IF NOT EXISTS tier_review (
  version   INTEGER PRIMARY KEY,
  member_id INTEGER NOT NULL,
  done      INTEGER NOT NULL CHECK (done IN (0, 1))
) STRICT;

-- A member's running totals: a projection of `entry` and `posting`. `seq` is the optimistic lock and the total order of
-- the account's entries. remaining = available + pending; earned = issued - revoked, so that
-- earned = remaining + held + redeemed + expired.
CREATE TABLE IF NOT EXISTS account (
  id        INTEGER PRIMARY KEY REFERENCES member (id),
  seq       INTEGER NOT NULL DEFAULT 0,
  last_at   INTEGER NOT NULL DEFAULT 0,
  remaining INTEGER NOT NULL DEFAULT 0 CHECK (remaining >= 0),
  held      INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
  deficit   INTEGER NOT NULL DEFAULT 0 CHECK (deficit >= 0),
  earned    INTEGER NOT NULL DEFAULT 0 CHECK (earned >= 0),
  redeemed  INTEGER NOT NULL DEFAULT 0 CHECK (redeemed >= 0),
  expired   INTEGER NOT NULL DEFAULT 0 CHECK (expired >= 0),
  CHECK (remaining + held + redeemed + expired = earned)
) STRICT;

-- The state machine as data: how an entry of a kind moves points between a lot's buckets. Every row sums to 0, but for a
-- merge, which moves whole lots from one account to another and posts nothing to them.
-- `name` is the kind's name outside, `parent` the kind of the entry that it completes or undoes.
CREATE TABLE IF NOT EXISTS kind (
  kind         TEXT PRIMARY KEY,
  name         TEXT    NOT NULL,
  d_remaining  INTEGER NOT NULL,
  d_held       INTEGER NOT NULL,
  d_spent      INTEGER NOT NULL,
  d_expired    INTEGER NOT NULL,
  d_revoked    INTEGER NOT NULL,
  creates_lots INTEGER NOT NULL CHECK (creates_lots IN (0, 1)),
  moves_lots   INTEGER NOT NULL CHECK (moves_lots IN (0, 1)),
  parent       TEXT,
  CHECK (moves_lots = 1 OR d_remaining + d_held + d_spent + d_expired + d_revoked = 0)
) STRICT;
INSERT INTO kind VALUES
  ('earn',                'earn',                 1, 0, 0, 0,-1, 1, 0, NULL),
  ('hold',                'hold',                -1, 1, 0, 0, 0, 0, 0, NULL),
  ('capture',             'capture',              0,-1, 1, 0, 0, 0, 0, 'hold'),
  ('release',             'release',              1,-1, 0, 0, 0, 0, 0, 'hold'),
  ('redemption_rollback', 'redemption_rollback',  1, 0,-1, 0, 0, 0, 0, 'capture'),
  ('expire',              'expire',              -1, 0, 0, 1, 0, 0, 0, NULL),
  ('clawback',            'clawback',            -1, 0, 0, 0, 1, 0, 0, 'earn'),
  ('settle',              'clawback',            -1, 0, 0, 0, 1, 0, 0, NULL),
  ('adjust_in',           'adjust',               1, 0, 0, 0,-1, 1, 0, NULL),
  ('adjust_out',          'adjust',              -1, 0, 0, 0, 1, 0, 0, NULL),
  ('transfer_out',        'transfer',            -1, 0, 0, 0, 1, 0, 0, NULL),
  ('transfer_in',         'transfer',             1, 0, 0, 0,-1, 1, 0, 'transfer_out'),
  -- what friends bring belongs to no order: it is taken back as a whole
  ('referral',            'earn',                 1, 0, 0, 0,-1, 1, 0, NULL),
  ('referral_clawback',   'clawback',            -1, 0, 0, 0, 1, 0, 0, 'referral'),
  ('merge_out',           'transfer',            -1, 0, 0, 0, 0, 0, 1, NULL),
  ('merge_in',            'transfer',             1, 0, 0, 0, 0, 0, 1, 'merge_out')
  ON CONFLICT (kind) DO NOTHING;

-- One grant. Born fully in `revoked` (not granted); the posting of its entry then grants it. A projection. A merge gives it
-- to another account. Its dates never change, but for `expires_at` of points that live on by activity: see `extension`.
-- `expires_at` null: never. `awaits_activation` is 1 until the activation of a delayed lot was announced. `returned` is what
-- returns of its order took back of what it granted, from whichever lot: see `order_return`.
-- Where its points are annulled only after a notice, `planned_expires_at` is its end as planned, `notice_days` how long before it a
-- notice must have been recorded as sent, and `expires_at` is null until one was: see `notice`. `awaits_notice` is 1 until a
-- message told of it.
CREATE TABLE IF NOT EXISTS lot (
  id                 INTEGER PRIMARY KEY,
  account_id         INTEGER NOT NULL REFERENCES account (id),
  entry_id           INTEGER NOT NULL,
  rule_id            TEXT    NOT NULL,
  issued             INTEGER NOT NULL CHECK (issued > 0),
  remaining          INTEGER NOT NULL DEFAULT 0 CHECK (remaining >= 0),
  held               INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
  spent              INTEGER NOT NULL DEFAULT 0 CHECK (spent >= 0),
  expired            INTEGER NOT NULL DEFAULT 0 CHECK (expired >= 0),
  revoked            INTEGER NOT NULL DEFAULT 0 CHECK (revoked >= 0),
  returned           INTEGER NOT NULL DEFAULT 0 CHECK (returned BETWEEN 0 AND issued),
  activates_at       INTEGER NOT NULL,
  expires_at         INTEGER,
  planned_expires_at INTEGER,
  notice_days        INTEGER CHECK (notice_days BETWEEN 1 AND 365),
  awaits_activation  INTEGER NOT NULL DEFAULT 0 CHECK (awaits_activation IN (0, 1)),
  awaits_notice      INTEGER NOT NULL DEFAULT 0
                     CHECK (awaits_notice = 0 OR awaits_notice = 1 AND notice_days IS NOT NULL AND expires_at IS NULL),
  CHECK (remaining + held + spent + expired + revoked = issued),
  CHECK (expires_at IS NULL OR expires_at > activates_at),
  CHECK ((planned_expires_at IS NULL) = (notice_days IS NULL)),
  CHECK (planned_expires_at IS NULL OR planned_expires_at > activates_at),
  CHECK (planned_expires_at IS NULL OR expires_at IS NULL OR expires_at >= planned_expires_at)
) STRICT;
CREATE INDEX IF NOT EXISTS lot_open ON lot (account_id, expires_at) WHERE remaining > 0;
CREATE INDEX IF NOT EXISTS lot_due ON lot (expires_at, account_id) WHERE remaining > 0 AND expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS lot_activation ON lot (activates_at) WHERE awaits_activation = 1;
CREATE INDEX IF NOT EXISTS lot_entry ON lot (entry_id);
CREATE INDEX IF NOT EXISTS lot_rule ON lot (account_id, rule_id);

-- A lot's end that was put off, by the command that did it. Where it needs a notice, it is the planned end that is.
CREATE TABLE IF NOT EXISTS extension (
  lot_id     INTEGER NOT NULL,
  command_id INTEGER NOT NULL,
  was        INTEGER NOT NULL,
  expires_at INTEGER NOT NULL CHECK (expires_at > was),
  UNIQUE (command_id, lot_id)
) STRICT;

-- What each rule gave all members together, net of what returns took back: a projection of the lots that were earned. The
-- budgets of campaigns are checked against it.
CREATE TABLE IF NOT EXISTS rule_total (
  rule_id TEXT    PRIMARY KEY,
  points  INTEGER NOT NULL CHECK (points >= 0)
) STRICT;

-- The ledger: append-only facts. `amount` is what moves, `points` its effect on remaining (signed), `balance_after`
-- the running sum of `points`. `at` never goes back within an account; `occurred_at` is when it happened in the shop.
-- A deficit grows by a clawback of what is gone (deficit_change > 0) and is paid by new lots (< 0), or by points that came
-- back (`settle`: its amount is both the points and what they pay); a merge moves it.
-- Ids: a command's entries and lots are numbered from the command's own id.
CREATE TABLE IF NOT EXISTS entry (
  id              INTEGER PRIMARY KEY,
  account_id      INTEGER NOT NULL,
  seq             INTEGER NOT NULL,
  kind            TEXT    NOT NULL,
  amount          INTEGER NOT NULL CHECK (amount BETWEEN 0 AND 1000000000000),
  points          INTEGER NOT NULL,
  deficit_change  INTEGER NOT NULL DEFAULT 0,
  balance_after   INTEGER NOT NULL,
  at              INTEGER NOT NULL,
  occurred_at     INTEGER NOT NULL,
  parent_id       INTEGER,
  order_id        INTEGER,
  redemption_id   INTEGER,
  command_id      INTEGER,
  program_version INTEGER NOT NULL,
  explanation     TEXT    NOT NULL,
  UNIQUE (account_id, seq),
  CHECK (amount > 0 OR kind IN ('merge_out', 'merge_in'))
) STRICT;
CREATE INDEX IF NOT EXISTS entry_parent ON entry (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS entry_order ON entry (order_id) WHERE order_id IS NOT NULL;

-- An entry's share in a lot.
CREATE TABLE IF NOT EXISTS posting (
  entry_id INTEGER NOT NULL,
  lot_id   INTEGER NOT NULL,
  points   INTEGER NOT NULL CHECK (points > 0),
  UNIQUE (entry_id, lot_id)
) STRICT;
CREATE INDEX IF NOT EXISTS posting_lot ON posting (lot_id);

-- A purchase. `ref` is the shop's own id. Anonymous orders have no member. `content_hash` tells a repeat from another
-- order under the same id; `revision` is the optimistic lock of returns, cancellation and claims. `claim_command` is the
-- command that gave an anonymous order to a member. `qualifying` counts toward the tiers, net of returns; `kept` is what is
-- left of `earned` after them: projections of the lines and the returns.
CREATE TABLE IF NOT EXISTS orders (
  id              INTEGER PRIMARY KEY,
  ref             TEXT    NOT NULL UNIQUE,
  member_id       INTEGER REFERENCES member (id),
  content_hash    TEXT    NOT NULL,
  command_id      INTEGER NOT NULL,
  status          TEXT    NOT NULL CHECK (status IN ('recorded', 'cancelled')),
  revision        INTEGER NOT NULL DEFAULT 0,
  occurred_at     INTEGER NOT NULL,
  recorded_at     INTEGER NOT NULL,
  channel         TEXT    NOT NULL,
  store           TEXT,
  device          TEXT, -- by its keyed hash
  currency        TEXT    NOT NULL,
  items           INTEGER NOT NULL CHECK (items >= 0),
  discount        INTEGER NOT NULL CHECK (discount >= 0),
  delivery        INTEGER NOT NULL CHECK (delivery >= 0),
  paid_points     INTEGER NOT NULL CHECK (paid_points >= 0),
  paid_money      INTEGER NOT NULL CHECK (paid_money >= 0),
  payable         INTEGER NOT NULL CHECK (payable >= 0),
  earned          INTEGER NOT NULL CHECK (earned >= 0),
  qualifying      INTEGER NOT NULL CHECK (qualifying >= 0),
  kept            INTEGER NOT NULL CHECK (kept BETWEEN 0 AND earned),
  redemption_id   INTEGER,
  claim_command   INTEGER,
  program_version INTEGER NOT NULL,
  CHECK (items - discount + delivery - paid_money = payable)
) STRICT;
CREATE INDEX IF NOT EXISTS orders_member ON orders (member_id, occurred_at) WHERE member_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS orders_occurred ON orders (occurred_at);
-- a redemption pays one order
CREATE UNIQUE INDEX IF NOT EXISTS orders_redemption ON orders (redemption_id) WHERE redemption_id IS NOT NULL;

-- `amount` is price x quantity less the line's discount; `paid_*` the line's part of the points paid; `shares` its part
-- of each lot that the order earned: [[lot, points], ...]. `returned` counts up to `quantity`.
CREATE TABLE IF NOT EXISTS order_line (
  order_id         INTEGER NOT NULL,
  n                INTEGER NOT NULL,
  id               TEXT    NOT NULL,
  sku              TEXT    NOT NULL,
  name             TEXT,
  category         TEXT,
  brand            TEXT,
  labels           TEXT,
  quantity         INTEGER NOT NULL CHECK (quantity > 0),
  price            INTEGER NOT NULL CHECK (price >= 0),
  discount         INTEGER NOT NULL CHECK (discount >= 0),
  cost             INTEGER,
  tax              INTEGER,
  promo            INTEGER NOT NULL CHECK (promo IN (0, 1)),
  amount           INTEGER NOT NULL CHECK (amount >= 0),
  program_discount INTEGER NOT NULL CHECK (program_discount >= 0),
  paid_points      INTEGER NOT NULL CHECK (paid_points >= 0),
  paid_money       INTEGER NOT NULL CHECK (paid_money BETWEEN 0 AND amount - program_discount),
  qualifying       INTEGER NOT NULL CHECK (qualifying >= 0),
  shares           TEXT    NOT NULL,
  returned         INTEGER NOT NULL DEFAULT 0 CHECK (returned BETWEEN 0 AND quantity),
  UNIQUE (order_id, n)
) STRICT;

-- A return of some lines, or the cancellation of an order (`ref` null). `lines` is [[n, quantity], ...].
-- `forgiven` is what was not taken back: it had expired unspent, or the program's policy let the member keep it. `lots` is
-- what was taken back for each of the order's lots, [[lot, points], ...], from whichever lot it came. `unclaimed` is 1 for goods
-- that came back before the order had a member: they earned nothing.
CREATE TABLE IF NOT EXISTS order_return (
  id           INTEGER PRIMARY KEY,
  order_id     INTEGER NOT NULL,
  ref          TEXT,
  content_hash TEXT    NOT NULL,
  command_id   INTEGER NOT NULL,
  occurred_at  INTEGER NOT NULL,
  recorded_at  INTEGER NOT NULL,
  lines        TEXT    NOT NULL,
  clawed_back  INTEGER NOT NULL CHECK (clawed_back >= 0),
  lots         TEXT    NOT NULL,
  forgiven     INTEGER NOT NULL CHECK (forgiven >= 0),
  restored     INTEGER NOT NULL CHECK (restored >= 0),
  refund       INTEGER NOT NULL CHECK (refund >= 0),
  unclaimed    INTEGER NOT NULL CHECK (unclaimed IN (0, 1)),
  UNIQUE (order_id, ref)
) STRICT;

-- Points set aside for an order: held until captured, released, or the deadline. `lines` is the agreed share of each
-- line, `items` the amount of goods that they were agreed for, `order_ref` the shop's order that took the points.
-- `code_hash` is the keyed hash of the one-time code, `attempts` how many wrong ones came.
-- `release_entry`, `released_at` and `returned_until` are set by the job that ends overdue holds.
CREATE TABLE IF NOT EXISTS redemption (
  id              INTEGER PRIMARY KEY,
  account_id      INTEGER NOT NULL REFERENCES account (id),
  status          TEXT    NOT NULL CHECK (status IN ('awaiting_confirmation', 'held', 'captured', 'released', 'expired')),
  points          INTEGER NOT NULL CHECK (points > 0),
  money           INTEGER NOT NULL CHECK (money >= 0),
  captured        INTEGER NOT NULL DEFAULT 0 CHECK (captured BETWEEN 0 AND points),
  items           INTEGER NOT NULL,
  payable         INTEGER NOT NULL,
  lines           TEXT    NOT NULL,
  store           TEXT,
  hold_expires_at INTEGER NOT NULL,
  created_at      INTEGER NOT NULL,
  hold_entry      INTEGER NOT NULL,
  capture_entry   INTEGER,
  order_ref       TEXT,
  code_hash       TEXT,
  attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 3),
  release_entry   INTEGER,
  released_at     INTEGER,
  returned_until  INTEGER,
  program_version INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS redemption_account ON redemption (account_id, status);
CREATE INDEX IF NOT EXISTS redemption_due ON redemption (hold_expires_at) WHERE status IN ('awaiting_confirmation', 'held');

-- Something that a member did beside buying. `ref` is the shop's own id; the id is its command's. `data` is whatever the
-- shop says of it; no personal data.
CREATE TABLE IF NOT EXISTS event (
  id              INTEGER PRIMARY KEY,
  ref             TEXT    NOT NULL UNIQUE,
  member_id       INTEGER NOT NULL REFERENCES member (id),
  type            TEXT    NOT NULL,
  content_hash    TEXT    NOT NULL,
  occurred_at     INTEGER NOT NULL,
  recorded_at     INTEGER NOT NULL,
  channel         TEXT,
  data            TEXT    NOT NULL,
  earned          INTEGER NOT NULL CHECK (earned >= 0),
  program_version INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS event_member ON event (member_id, occurred_at);

-- A rule that an event fired, also where it gave no points.
CREATE TABLE IF NOT EXISTS firing (
  event_id    INTEGER NOT NULL,
  rule_id     TEXT    NOT NULL,
  member_id   INTEGER NOT NULL,
  occurred_at INTEGER NOT NULL,
  UNIQUE (event_id, rule_id)
) STRICT;
CREATE INDEX IF NOT EXISTS firing_member ON firing (member_id, rule_id);

-- A promo code that unlocks a rule once; personal where it has a member, for some goods where it has `skus` (a JSON array).
-- `order_id` is the order that used it: a projection of `voucher_use`. `expires_at` is the first instant at which it is over.
CREATE TABLE IF NOT EXISTS voucher (
  id         INTEGER PRIMARY KEY,
  code       TEXT    NOT NULL UNIQUE,
  rule_id    TEXT    NOT NULL,
  member_id  INTEGER REFERENCES member (id),
  skus       TEXT    NOT NULL DEFAULT '[]',
  expires_at INTEGER,
  created_at INTEGER NOT NULL,
  order_id   INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS voucher_member ON voucher (member_id) WHERE member_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS voucher_order ON voucher (order_id) WHERE order_id IS NOT NULL;

-- An order that used a voucher. What became of the order says whether the voucher is free again.
CREATE TABLE IF NOT EXISTS voucher_use (
  voucher_id INTEGER NOT NULL,
  order_id   INTEGER NOT NULL,
  UNIQUE (voucher_id, order_id)
) STRICT;
CREATE INDEX IF NOT EXISTS voucher_use_order ON voucher_use (order_id);

-- By what a member was known before: a phone that is given up is still this person's when friends are paid for.
CREATE TABLE IF NOT EXISTS former_identity (
  hash      TEXT    NOT NULL,
  member_id INTEGER NOT NULL REFERENCES member (id),
  PRIMARY KEY (hash, member_id)
) STRICT;
CREATE INDEX IF NOT EXISTS former_identity_member ON former_identity (member_id);

-- On which devices a member enrolled or bought, by keyed hash. Several members may have one.
CREATE TABLE IF NOT EXISTS device (
  hash      TEXT    NOT NULL,
  member_id INTEGER NOT NULL REFERENCES member (id),
  PRIMARY KEY (hash, member_id)
) STRICT;
CREATE INDEX IF NOT EXISTS device_member ON device (member_id);

-- A friend (the referee) who enrolled with somebody's code; `referrer_id` null: nobody has such a code. Both stay as they
-- were, also when members are merged. `outcome` and `reason` are those of the last verdict: a projection, and their lock.
CREATE TABLE IF NOT EXISTS referral (
  referee_id  INTEGER PRIMARY KEY REFERENCES member (id),
  referrer_id INTEGER REFERENCES member (id),
  outcome     TEXT    NOT NULL CHECK (outcome IN ('waiting', 'paid', 'refused', 'taken_back')),
  reason      TEXT    NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS referral_referrer ON referral (referrer_id) WHERE referrer_id IS NOT NULL;

-- What was decided on a referral, step by step, and why: append-only. Of a payment: by which order (null: by enrolling), how
-- much of it must be kept, and the entries of both sides (null: that side gets nothing).
CREATE TABLE IF NOT EXISTS referral_verdict (
  id             INTEGER PRIMARY KEY,
  referee_id     INTEGER NOT NULL REFERENCES referral (referee_id),
  command_id     INTEGER NOT NULL,
  outcome        TEXT    NOT NULL CHECK (outcome IN ('waiting', 'paid', 'refused', 'taken_back')),
  reason         TEXT    NOT NULL,
  order_id       INTEGER,
  keep           INTEGER,
  referrer_entry INTEGER,
  referee_entry  INTEGER,
  at             INTEGER NOT NULL,
  UNIQUE (referee_id, command_id)
) STRICT;

-- What members and the shop's systems are to be told, written with its cause. Delivery is another matter.
CREATE TABLE IF NOT EXISTS outbox (
  id        INTEGER PRIMARY KEY,
  at        INTEGER NOT NULL,
  member_id INTEGER,
  kind      TEXT    NOT NULL,
  payload   TEXT    NOT NULL
) STRICT;
