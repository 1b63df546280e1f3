-- The referee: what posts a plan, and refuses one that would break the books. It never chooses lots.
-- An error's text begins with a token: E_STALE and E_ANSWERED are worth planning again, the others are planner's bugs.

-- One row a ledger entry. `lots` are the lots that the entry creates: [{"id","rule_id","issued","activates_at",
-- "expires_at", "notice_days"}], where `expires_at` is a plan if it needs a notice so long before; `postings` its share in each lot:
-- [[lot, points], ...].
CREATE VIEW IF NOT EXISTS apply_entry AS
  SELECT 0 AS id, 0 AS account_id, 0 AS seq, '' AS kind, 0 AS amount, 0 AS deficit_change, 0 AS balance_after, 0 AS at,
         0 AS occurred_at, 0 AS parent_id, 0 AS order_id, 0 AS redemption_id, 0 AS command_id, 0 AS program_version,
         '' AS explanation, '' AS lots, '' AS postings
   WHERE 0;

CREATE TRIGGER IF NOT EXISTS post_entry INSTEAD OF INSERT ON apply_entry
WHEN NEW.kind NOT IN ('merge_out', 'merge_in') BEGIN
  -- 1. the fact, and the lots that it creates (born fully in `revoked`)
  INSERT INTO entry (id, account_id, seq, kind, amount, points, deficit_change, balance_after, at, occurred_at, parent_id,
                     order_id, redemption_id, command_id, program_version, explanation)
  SELECT NEW.id, NEW.account_id, NEW.seq, NEW.kind, NEW.amount,
         (NEW.amount - abs(NEW.deficit_change)) * k.d_remaining, NEW.deficit_change, NEW.balance_after, NEW.at,
         NEW.occurred_at, NEW.parent_id, NEW.order_id, NEW.redemption_id, NEW.command_id, NEW.program_version, NEW.explanation
    FROM kind k WHERE k.kind = NEW.kind;
  SELECT RAISE(ABORT, 'E_KIND') WHERE changes() <> 1;
  INSERT INTO lot (id, account_id, entry_id, rule_id, issued, revoked, activates_at, expires_at, planned_expires_at, notice_days,
                   awaits_activation, awaits_notice)
  SELECT value ->> 'id', NEW.account_id, NEW.id, value ->> 'rule_id', value ->> 'issued', value ->> 'issued',
         value ->> 'activates_at', iif(value ->> 'notice_days' IS NULL, value ->> 'expires_at', NULL),
         iif(value ->> 'notice_days' IS NULL, NULL, value ->> 'expires_at'), value ->> 'notice_days',
         value ->> 'activates_at' > NEW.at, value ->> 'notice_days' IS NOT NULL
    FROM json_each(NEW.lots);
  INSERT INTO posting (entry_id, lot_id, points) SELECT NEW.id, value ->> 0, value ->> 1 FROM json_each(NEW.postings);

  -- 2. postings and the movement of the deficit are the amount; only new lots and a settlement pay a deficit, the latter as
  --    much as it takes; only a clawback makes one
  SELECT RAISE(ABORT, 'E_AMOUNT')
   WHERE (SELECT coalesce(sum(points), 0) FROM posting WHERE entry_id = NEW.id) + abs(NEW.deficit_change) <> NEW.amount
      OR NEW.deficit_change > 0 AND NEW.kind NOT IN ('clawback', 'referral_clawback')
      OR (SELECT creates_lots FROM kind WHERE kind = NEW.kind)
         <> ((SELECT coalesce(sum(issued), 0) FROM lot WHERE entry_id = NEW.id) = NEW.amount)
      OR NEW.deficit_change < 0 AND NEW.kind <> 'settle' AND NOT (SELECT creates_lots FROM kind WHERE kind = NEW.kind)
      OR NEW.kind = 'settle' AND NEW.amount <> -2 * NEW.deficit_change;

  -- 3. every lot is this account's; live when points are held or given to somebody, due when they expire, its own when
  --    they are granted
  SELECT RAISE(ABORT, 'E_LOT')
   WHERE EXISTS (SELECT 1 FROM posting p LEFT JOIN lot l ON l.id = p.lot_id JOIN kind k ON k.kind = NEW.kind
                  WHERE p.entry_id = NEW.id
                    AND (l.account_id IS NOT NEW.account_id
                         OR NEW.kind = 'hold' AND (l.activates_at > NEW.at OR l.expires_at <= NEW.at)
                         OR NEW.kind = 'expire' AND (l.expires_at IS NULL OR l.expires_at > NEW.at)
                         OR k.creates_lots AND (l.entry_id <> NEW.id OR p.points > l.issued)))
      OR NEW.kind = 'transfer_in' AND EXISTS (
           SELECT 1 FROM entry o JOIN posting p ON p.entry_id = o.id JOIN lot l ON l.id = p.lot_id
            WHERE o.id = NEW.parent_id AND o.account_id <> NEW.account_id AND (l.activates_at > o.at OR l.expires_at <= o.at));

  -- 4. the parent is of the right kind and this account's, or of one that was merged into it (what is transferred comes
  --    from any account); its children never exceed it: clawbacks and transfers in all, captures, releases and
  --    rollbacks in each lot
  SELECT RAISE(ABORT, 'E_PARENT')
   WHERE (SELECT parent FROM kind WHERE kind = NEW.kind) IS NOT
         (SELECT p.kind FROM entry p
           WHERE p.id = NEW.parent_id
             AND (NEW.kind = 'transfer_in' OR p.account_id = NEW.account_id
                  OR NEW.account_id = (SELECT merged_into FROM member WHERE id = p.account_id)))
      OR NEW.kind IN ('clawback', 'referral_clawback', 'transfer_in')
         AND (SELECT sum(c.amount) FROM entry c WHERE c.parent_id = NEW.parent_id)
             > (SELECT p.amount FROM entry p WHERE p.id = NEW.parent_id)
      OR NEW.parent_id IS NOT NULL AND NEW.kind NOT IN ('clawback', 'referral_clawback', 'transfer_in') AND EXISTS (
           SELECT 1 FROM posting own WHERE own.entry_id = NEW.id
              -- CROSS JOIN: from the few children, not from everything that the lot ever gave
              AND (SELECT sum(c.points) FROM entry o CROSS JOIN posting c ON c.entry_id = o.id AND c.lot_id = own.lot_id
                    WHERE o.parent_id = NEW.parent_id)
                  > coalesce((SELECT points FROM posting WHERE entry_id = NEW.parent_id AND lot_id = own.lot_id), 0));

  -- 5. project: the totals of the rules, the lots, then the account; seq is the lock
  INSERT INTO rule_total (rule_id, points)
  SELECT value ->> 'rule_id', value ->> 'issued' FROM json_each(NEW.lots) WHERE NEW.kind = 'earn'
      ON CONFLICT (rule_id) DO UPDATE SET points = rule_total.points + excluded.points;
  UPDATE lot SET remaining = remaining + p.points * k.d_remaining, held = held + p.points * k.d_held,
                 spent = spent + p.points * k.d_spent, expired = expired + p.points * k.d_expired,
                 revoked = revoked + p.points * k.d_revoked
    FROM posting p, kind k WHERE p.entry_id = NEW.id AND k.kind = NEW.kind AND lot.id = p.lot_id;
  UPDATE account SET seq = NEW.seq, last_at = NEW.at, deficit = deficit + NEW.deficit_change,
                     remaining = remaining + (NEW.amount - abs(NEW.deficit_change)) * k.d_remaining,
                     held = held + (NEW.amount - abs(NEW.deficit_change)) * k.d_held,
                     earned = earned - (NEW.amount - abs(NEW.deficit_change)) * k.d_revoked,
                     redeemed = redeemed + (NEW.amount - abs(NEW.deficit_change)) * k.d_spent,
                     expired = expired + (NEW.amount - abs(NEW.deficit_change)) * k.d_expired
    FROM kind k
   WHERE k.kind = NEW.kind AND account.id = NEW.account_id AND seq = NEW.seq - 1 AND last_at <= NEW.at
     AND remaining + (NEW.amount - abs(NEW.deficit_change)) * k.d_remaining = NEW.balance_after;
  SELECT RAISE(ABORT, 'E_STALE') WHERE changes() <> 1;
END;

-- All lots of an account that a merge empties, by the merge's first entry: those that its own entries made, and those of
-- members that were merged into it before.
CREATE VIEW IF NOT EXISTS merging_lot AS
  SELECT o.id AS merge_out, l.id, l.issued, l.held, l.spent, l.expired, l.revoked
    FROM entry o CROSS JOIN entry e ON e.account_id = o.account_id CROSS JOIN lot l ON l.entry_id = e.id
  UNION ALL
  SELECT o.id, l.id, l.issued, l.held, l.spent, l.expired, l.revoked
    FROM entry o CROSS JOIN member m ON m.merged_into = o.account_id CROSS JOIN entry e ON e.account_id = m.id
    CROSS JOIN lot l ON l.entry_id = e.id;

-- A merge is a pair of entries: the first leaves an account empty, the second adds the same to the other one and takes
-- over the lots, spent and expired ones too, so that everything that ever came of them can still be undone.
CREATE TRIGGER IF NOT EXISTS post_merge INSTEAD OF INSERT ON apply_entry
WHEN NEW.kind IN ('merge_out', 'merge_in') BEGIN
  INSERT INTO entry (id, account_id, seq, kind, amount, points, deficit_change, balance_after, at, occurred_at, parent_id,
                     command_id, program_version, explanation)
  SELECT NEW.id, NEW.account_id, NEW.seq, NEW.kind, NEW.amount,
         (NEW.amount - abs(NEW.deficit_change)) * k.d_remaining, NEW.deficit_change, NEW.balance_after, NEW.at,
         NEW.occurred_at, NEW.parent_id, NEW.command_id, NEW.program_version, NEW.explanation
    FROM kind k WHERE k.kind = NEW.kind;
  SELECT RAISE(ABORT, 'E_PARENT')
   WHERE iif(NEW.kind = 'merge_out', NEW.parent_id IS NOT NULL,
             NOT EXISTS (SELECT 1 FROM entry o
                          WHERE o.id = NEW.parent_id AND o.kind = 'merge_out' AND o.account_id <> NEW.account_id
                            AND o.amount = NEW.amount AND o.deficit_change = -NEW.deficit_change)
             OR (SELECT count(*) FROM entry WHERE parent_id = NEW.parent_id) <> 1);
  UPDATE account SET seq = NEW.seq, last_at = NEW.at, remaining = NEW.balance_after, deficit = deficit + NEW.deficit_change,
                     held = iif(NEW.kind = 'merge_in', account.held + moved.held, 0),
                     earned = iif(NEW.kind = 'merge_in', account.earned + moved.earned, 0),
                     redeemed = iif(NEW.kind = 'merge_in', account.redeemed + moved.redeemed, 0),
                     expired = iif(NEW.kind = 'merge_in', account.expired + moved.expired, 0)
    FROM (SELECT coalesce(sum(held), 0) AS held, coalesce(sum(issued - revoked), 0) AS earned,
                 coalesce(sum(spent), 0) AS redeemed, coalesce(sum(expired), 0) AS expired
            FROM merging_lot WHERE merge_out = NEW.parent_id) moved
   WHERE account.id = NEW.account_id AND seq = NEW.seq - 1 AND last_at <= NEW.at
     AND iif(NEW.kind = 'merge_in', remaining + NEW.amount - abs(NEW.deficit_change) = NEW.balance_after,
             remaining = NEW.amount - abs(NEW.deficit_change) AND deficit + NEW.deficit_change = 0 AND NEW.balance_after = 0);
  SELECT RAISE(ABORT, 'E_STALE') WHERE changes() <> 1;
  UPDATE lot SET account_id = NEW.account_id
   WHERE NEW.kind = 'merge_in' AND id IN (SELECT id FROM merging_lot WHERE merge_out = NEW.parent_id);
END;

-- Facts are append-only.
CREATE TRIGGER IF NOT EXISTS entry_no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS entry_no_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS posting_no_update BEFORE UPDATE ON posting BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS posting_no_delete BEFORE DELETE ON posting BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS extension_no_update BEFORE UPDATE ON extension BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS extension_no_delete BEFORE DELETE ON extension BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS voucher_use_no_update BEFORE UPDATE ON voucher_use BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS voucher_use_no_delete BEFORE DELETE ON voucher_use BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS consent_no_update BEFORE UPDATE ON consent BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS consent_no_delete BEFORE DELETE ON consent BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS acceptance_no_update BEFORE UPDATE ON acceptance BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS acceptance_no_delete BEFORE DELETE ON acceptance BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS privacy_log_no_update BEFORE UPDATE ON privacy_log BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS privacy_log_no_delete BEFORE DELETE ON privacy_log BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS referral_verdict_no_update BEFORE UPDATE ON referral_verdict BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS referral_verdict_no_delete BEFORE DELETE ON referral_verdict BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS program_no_update BEFORE UPDATE ON program BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;
CREATE TRIGGER IF NOT EXISTS program_no_delete BEFORE DELETE ON program BEGIN SELECT RAISE(ABORT, 'E_IMMUTABLE');
END;

-- A delayed lot that became available is announced once, in the statement that ends its waiting.
CREATE TRIGGER IF NOT EXISTS announce_activation AFTER UPDATE OF awaits_activation ON lot
WHEN OLD.awaits_activation = 1 AND NEW.awaits_activation = 0 AND NEW.remaining > 0 BEGIN
  INSERT INTO outbox (at, member_id, kind, payload)
  SELECT NEW.activates_at, NEW.account_id, 'points.activated',
         json_object('lot', printf('lot_%x', NEW.id),
                     'points', CAST(NEW.remaining / s.power AS TEXT)
                               || iif(s.digits = 0, '', '.' || substr('0000' || CAST(NEW.remaining % s.power AS TEXT), -s.digits)),
                     'activates_at', strftime('%Y-%m-%dT%H:%M:%SZ', NEW.activates_at / 1000, 'unixepoch'),
                     'expires_at', strftime('%Y-%m-%dT%H:%M:%SZ', coalesce(NEW.expires_at, NEW.planned_expires_at) / 1000,
                                            'unixepoch'))
    FROM (SELECT points_scale AS digits, CAST(substr('10000', 1, points_scale + 1) AS INTEGER) AS power
            FROM program ORDER BY version DESC LIMIT 1) s;
END;

-- An expiry is told, in the statement that posts it.
CREATE TRIGGER IF NOT EXISTS announce_expiry AFTER INSERT ON entry WHEN NEW.kind = 'expire' BEGIN
  INSERT INTO outbox (at, member_id, kind, payload)
  SELECT NEW.at, NEW.account_id, 'points.expired',
         json_object('points', CAST(NEW.amount / s.power AS TEXT)
                               || iif(s.digits = 0, '', '.' || substr('0000' || CAST(NEW.amount % s.power AS TEXT), -s.digits)),
                     'entry', printf('ent_%x', NEW.id))
    FROM (SELECT points_scale AS digits, CAST(substr('10000', 1, points_scale + 1) AS INTEGER) AS power
            FROM program WHERE version = NEW.program_version) s;
END;

-- A hold that the job ends, row by row in the sequence of the rows inserted: which lots pay what is owed depends on it.
CREATE VIEW IF NOT EXISTS end_hold AS
  SELECT 0 AS id, 0 AS release_entry, 0 AS at, 0 AS returned_until WHERE 0;
CREATE TRIGGER IF NOT EXISTS end_hold_in_turn INSTEAD OF INSERT ON end_hold BEGIN
  UPDATE redemption SET status = 'expired', release_entry = NEW.release_entry, released_at = NEW.at,
                        returned_until = NEW.returned_until
   WHERE id = NEW.id;
END;

-- The job that ends overdue holds sets `release_entry`; the points go back to their lots in the same statement, hold by
-- hold, so that an account with several of them stays in sequence. What comes back to a lot that is over is good until
-- `returned_until`, where the program has such a grace: it goes from there to a new lot, by a transfer within the account, which
-- needs a notice where any of them did.
-- What is there then pays what is owed. A release takes up to five ids from `release_entry`.
CREATE TRIGGER IF NOT EXISTS release_overdue AFTER UPDATE OF release_entry ON redemption
WHEN OLD.release_entry IS NULL AND NEW.release_entry IS NOT NULL BEGIN
  SELECT RAISE(ABORT, 'E_HOLD')
   WHERE OLD.status NOT IN ('awaiting_confirmation', 'held') OR NEW.status <> 'expired' OR NEW.hold_expires_at > NEW.released_at;
  INSERT INTO apply_entry (id, account_id, seq, kind, amount, deficit_change, balance_after, at, occurred_at, parent_id,
                           redemption_id, program_version, explanation, lots, postings)
  SELECT NEW.release_entry, a.id, a.seq + 1, 'release', NEW.points, 0, a.remaining + NEW.points, max(NEW.released_at, a.last_at),
         NEW.hold_expires_at, NEW.hold_entry, NEW.id, NEW.program_version,
         json_array(json_object('rule_id', 'redemption', 'program_version', NEW.program_version, 'fired', json('true'),
           'points', (SELECT iif(points_scale = 0, CAST(NEW.points AS TEXT),
                             CAST(NEW.points / CAST(power AS INTEGER) AS TEXT) || '.'
                             || substr('0000' || CAST(NEW.points % CAST(power AS INTEGER) AS TEXT), -points_scale))
                        FROM (SELECT points_scale, substr('10000', 1, points_scale + 1) AS power
                                FROM program WHERE version = NEW.program_version)),
           'code', 'hold_expired',
           'reason', 'The hold was not used by ' || strftime('%Y-%m-%dT%H:%M:%SZ', NEW.hold_expires_at / 1000, 'unixepoch'))),
         '[]', (SELECT json_group_array(json_array(lot_id, points)) FROM posting WHERE entry_id = NEW.hold_entry)
    FROM account a WHERE a.id = NEW.account_id;
  INSERT INTO apply_entry (id, account_id, seq, kind, amount, deficit_change, balance_after, at, occurred_at, parent_id,
                           redemption_id, program_version, explanation, lots, postings)
  SELECT NEW.release_entry + 1 + step, a.id, a.seq + 1 + step, iif(step = 0, 'transfer_out', 'transfer_in'), over.points, 0,
         a.remaining - iif(step = 0, over.points, 0), a.last_at, NEW.hold_expires_at,
         iif(step = 0, NULL, NEW.release_entry + 1), NEW.id, NEW.program_version,
         json_array(json_object('rule_id', 'returned_grace', 'program_version', NEW.program_version, 'fired', json('true'),
           'points', (SELECT iif(step = 0, '-', '')
                             || iif(points_scale = 0, CAST(over.points AS TEXT),
                                    CAST(over.points / CAST(power AS INTEGER) AS TEXT) || '.'
                                    || substr('0000' || CAST(over.points % CAST(power AS INTEGER) AS TEXT), -points_scale))
                        FROM (SELECT points_scale, substr('10000', 1, points_scale + 1) AS power
                                FROM program WHERE version = NEW.program_version)),
           'code', 'returned_grace',
           'reason', 'Came back after their time; good until '
                     || strftime('%Y-%m-%dT%H:%M:%SZ', NEW.returned_until / 1000, 'unixepoch'))),
         iif(step = 0, '[]', json_array(json_object('id', NEW.release_entry + 3, 'rule_id', 'returned_grace',
                                                    'issued', over.points, 'activates_at', a.last_at,
                                                    'expires_at', NEW.returned_until, 'notice_days', over.notice_days))),
         iif(step = 0, over.postings, json_array(json_array(NEW.release_entry + 3, over.points)))
    FROM account a
    JOIN (SELECT sum(p.points) AS points, json_group_array(json_array(p.lot_id, p.points)) AS postings,
                 max(l.notice_days) AS notice_days
            FROM posting p JOIN lot l ON l.id = p.lot_id
           WHERE p.entry_id = NEW.hold_entry
             AND l.expires_at <= (SELECT last_at FROM account WHERE id = NEW.account_id)) over
    JOIN (SELECT 0 AS step UNION ALL SELECT 1) ON over.points > 0
   WHERE a.id = NEW.account_id AND NEW.returned_until > a.last_at
   ORDER BY step;
  INSERT INTO apply_entry (id, account_id, seq, kind, amount, deficit_change, balance_after, at, occurred_at, redemption_id,
                           program_version, explanation, lots, postings)
  SELECT NEW.release_entry + 4, a.id, a.seq + 1, 'settle', 2 * paid.points, -paid.points, a.remaining - paid.points, a.last_at,
         NEW.hold_expires_at, NEW.id, NEW.program_version,
         json_array(json_object('rule_id', 'clawback', 'program_version', NEW.program_version, 'fired', json('true'),
           'points', (SELECT '-' || iif(points_scale = 0, CAST(paid.points AS TEXT),
                             CAST(paid.points / CAST(power AS INTEGER) AS TEXT) || '.'
                             || substr('0000' || CAST(paid.points % CAST(power AS INTEGER) AS TEXT), -points_scale))
                        FROM (SELECT points_scale, substr('10000', 1, points_scale + 1) AS power
                                FROM program WHERE version = NEW.program_version)),
           'code', 'deficit_settled',
           'reason', 'What came back pays for earned points of goods that were returned before')),
         '[]', paid.postings
    FROM account a
    JOIN (SELECT sum(part) AS points, json_group_array(json_array(id, part)) AS postings
            FROM (SELECT l.id, min(l.remaining, o.deficit + l.remaining
                                   - sum(l.remaining) OVER (ORDER BY coalesce(l.expires_at, l.planned_expires_at) IS NULL,
                                                                     coalesce(l.expires_at, l.planned_expires_at), l.id)) AS part
                    FROM account o JOIN lot l ON l.account_id = o.id
                   WHERE o.id = NEW.account_id AND o.deficit > 0 AND l.remaining > 0
                     AND (l.expires_at IS NULL OR l.expires_at > o.last_at))
           WHERE part > 0) paid ON paid.points > 0
   WHERE a.id = NEW.account_id;
END;

-- What stands of what members said: the last word on each channel.
CREATE VIEW IF NOT EXISTS standing_consent AS
  SELECT c.member_id, c.channel, c.granted, c.source, c.at FROM consent c
   WHERE c.id = (SELECT max(id) FROM consent WHERE member_id = c.member_id AND channel = c.channel);

-- One row a command: its idempotency key, its answer, and the plan as JSON, one array for each kind of row.
CREATE VIEW IF NOT EXISTS apply AS
  SELECT 0 AS id, '' AS key, '' AS fingerprint, 0 AS status, '' AS answer, 0 AS at, '' AS plan WHERE 0;

CREATE TRIGGER IF NOT EXISTS apply_plan INSTEAD OF INSERT ON apply BEGIN
  SELECT RAISE(ABORT, 'E_ANSWERED') WHERE EXISTS (SELECT 1 FROM command WHERE key = NEW.key);
  INSERT INTO command (id, key, fingerprint, status, answer, at)
  VALUES (NEW.id, NEW.key, NEW.fingerprint, NEW.status, NEW.answer, NEW.at);

  -- nothing is written of a member who was merged or erased meanwhile: what the plan moves has locks of its own, what it only
  -- names would stay behind
  SELECT RAISE(ABORT, 'E_STALE')
    FROM (SELECT value ->> 'member_id' AS id FROM json_each(NEW.plan, '$.events')
          UNION ALL SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.vouchers')
          UNION ALL SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.segments')
          UNION ALL SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.granted_tiers')
          UNION ALL SELECT value FROM json_each(NEW.plan, '$.ended_tiers')
          UNION ALL SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.identities')
          UNION ALL SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.orders')
          UNION ALL SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.claims')
          UNION ALL SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.member_codes')
          UNION ALL SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.consents')
          UNION ALL SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.acceptances')
          UNION ALL SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.devices')
          UNION ALL SELECT value ->> 'referrer_id' FROM json_each(NEW.plan, '$.verdicts')) named
    CROSS JOIN member m ON m.id = named.id
   WHERE m.merged_into IS NOT NULL OR m.status = 'erased';

  -- once orders or points are recorded the currency and the scale stand, and nothing is recorded by another scale
  SELECT RAISE(ABORT, 'E_STALE')
    FROM json_each(NEW.plan, '$.programs') p JOIN program newest ON newest.version = (SELECT max(version) FROM program)
   WHERE (p.value ->> 'currency', p.value ->> 'points_scale') IS NOT (newest.currency, newest.points_scale)
     AND ((SELECT max(id) FROM entry) IS NOT NULL OR (SELECT max(id) FROM orders) IS NOT NULL);
  SELECT RAISE(ABORT, 'E_STALE')
    FROM json_each(NEW.plan, '$.entries') e JOIN program judging ON judging.version = e.value ->> 'program_version'
    JOIN program newest ON newest.version = (SELECT max(version) FROM program)
   WHERE (judging.currency, judging.points_scale) IS NOT (newest.currency, newest.points_scale);
  SELECT RAISE(ABORT, 'E_STALE')
    FROM json_each(NEW.plan, '$.orders') o JOIN program judging ON judging.version = o.value ->> 'program_version'
    JOIN program newest ON newest.version = (SELECT max(version) FROM program)
   WHERE (judging.currency, judging.points_scale) IS NOT (newest.currency, newest.points_scale);

  INSERT INTO program (version, hash, document, currency, points_scale, published_at)
  SELECT value ->> 'version', value ->> 'hash', value ->> 'document', value ->> 'currency', value ->> 'points_scale', NEW.at
    FROM json_each(NEW.plan, '$.programs');
  -- a key that was revoked meanwhile has no successor
  SELECT RAISE(ABORT, 'E_STALE')
    FROM json_each(NEW.plan, '$.ending_keys') ending CROSS JOIN api_key k ON k.id = ending.value ->> 'id'
   WHERE k.revoked_at IS NOT NULL;
  INSERT INTO api_key (id, hash, name, scopes, store, created_at, expires_at, replaces)
  SELECT value ->> 'id', value ->> 'hash', value ->> 'name', value ->> 'scopes', value ->> 'store', NEW.at,
         value ->> 'expires_at', value ->> 'replaces'
    FROM json_each(NEW.plan, '$.api_keys');
  -- a key that is replaced goes on for a while, and never longer than it would have
  UPDATE api_key SET expires_at = min(coalesce(expires_at, ending.at), ending.at)
    FROM (SELECT value ->> 'id' AS id, value ->> 'expires_at' AS at FROM json_each(NEW.plan, '$.ending_keys')) ending
   WHERE api_key.id = ending.id;
  UPDATE api_key SET revoked_at = NEW.at
   WHERE id IN (SELECT value FROM json_each(NEW.plan, '$.revoked_keys')) AND revoked_at IS NULL;

  INSERT INTO member (id, channel, status, referral_code, joined_at, profile, awaits_welcome)
  SELECT value ->> 'id', value ->> 'channel', value ->> 'status', value ->> 'referral_code', value ->> 'joined_at', NEW.id,
         value ->> 'awaits_welcome'
    FROM json_each(NEW.plan, '$.members');
  INSERT INTO account (id) SELECT value ->> 'id' FROM json_each(NEW.plan, '$.members');
  INSERT INTO statistics (member_id, tier, own_tier, tier_since)
  SELECT value ->> 'id', value ->> 'tier', value ->> 'tier', iif(value ->> 'tier' IS NULL, NULL, value ->> 'joined_at')
    FROM json_each(NEW.plan, '$.members');
  -- a changed person: the version that was there is the lock
  UPDATE member SET profile = NEW.id
    FROM json_each(NEW.plan, '$.profiles') p
   WHERE member.id = p.value ->> 'member_id' AND member.profile = p.value ->> 'from'
     AND member.status IN ('active', 'not_confirmed');
  SELECT RAISE(ABORT, 'E_STALE') WHERE changes() <> coalesce(json_array_length(NEW.plan, '$.profiles'), 0);
  INSERT INTO former_identity (hash, member_id)
  SELECT i.hash, i.member_id
    FROM json_each(NEW.plan, '$.profiles') p, json_each(p.value, '$.kinds') anew
    CROSS JOIN identity i ON i.member_id = p.value ->> 'member_id' AND i.kind = anew.value
   WHERE true ON CONFLICT (hash, member_id) DO NOTHING;
  DELETE FROM identity
   WHERE (member_id, kind) IN (SELECT p.value ->> 'member_id', anew.value
                                 FROM json_each(NEW.plan, '$.profiles') p, json_each(p.value, '$.kinds') anew);
  -- a code says nothing of a phone that it was not sent to
  UPDATE member_code SET attempts = 3
   WHERE member_id IN (SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.profiles')
                        WHERE json_array_length(value, '$.kinds') > 0);
  INSERT INTO identity (hash, kind, member_id)
  SELECT value ->> 'hash', value ->> 'kind', value ->> 'member_id' FROM json_each(NEW.plan, '$.identities');
  INSERT INTO consent (command_id, member_id, channel, granted, source, at)
  SELECT NEW.id, value ->> 'member_id', value ->> 'channel', value ->> 'granted', value ->> 'source', NEW.at
    FROM json_each(NEW.plan, '$.consents');
  INSERT INTO acceptance (command_id, member_id, rules_version, at)
  SELECT NEW.id, value ->> 'member_id', value ->> 'rules_version', NEW.at FROM json_each(NEW.plan, '$.acceptances');
  -- one code after the other, and none for whoever needs none any more
  SELECT RAISE(ABORT, 'E_STALE')
    FROM json_each(NEW.plan, '$.member_codes') c JOIN member m ON m.id = c.value ->> 'member_id'
    LEFT JOIN member_code k ON k.member_id = m.id
   WHERE m.status <> 'not_confirmed' OR k.command_id IS NOT c.value ->> 'replaces';
  INSERT INTO member_code (member_id, command_id, code_hash, expires_at, day)
  SELECT value ->> 'member_id', NEW.id, value ->> 'code_hash', value ->> 'expires_at', value ->> 'day'
    FROM json_each(NEW.plan, '$.member_codes') WHERE true
  ON CONFLICT (member_id) DO UPDATE SET command_id = excluded.command_id, code_hash = excluded.code_hash,
                                        expires_at = excluded.expires_at, attempts = 0,
                                        sent = iif(day = excluded.day, sent + 1, 1), day = excluded.day;
  -- a code that came: each is counted, the right one confirms
  UPDATE member_code SET attempts = attempts + (NOT c.value ->> 'right')
    FROM json_each(NEW.plan, '$.member_confirmations') c
   WHERE member_code.member_id = c.value ->> 'member_id' AND member_code.command_id = c.value ->> 'code_id'
     AND member_code.attempts = c.value ->> 'attempts';
  SELECT RAISE(ABORT, 'E_STALE') WHERE changes() <> coalesce(json_array_length(NEW.plan, '$.member_confirmations'), 0);
  UPDATE member SET status = 'active', awaits_welcome = 0
    FROM json_each(NEW.plan, '$.member_confirmations') c
   WHERE c.value ->> 'right' AND member.id = c.value ->> 'member_id' AND member.status = 'not_confirmed';
  SELECT RAISE(ABORT, 'E_STALE')
   WHERE changes() <> (SELECT count(*) FROM json_each(NEW.plan, '$.member_confirmations') WHERE value ->> 'right');
  -- an erased member has no identity, and nobody changes it any more
  UPDATE orders SET device = NULL
   WHERE device IS NOT NULL AND member_id IN (SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.erasures'));
  UPDATE event SET data = '{}' WHERE member_id IN (SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.erasures'));
  UPDATE granted_tier SET reason = ''
   WHERE reason IS NOT NULL AND member_id IN (SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.erasures'));
  UPDATE member SET status = 'erased', segments = '[]'
    FROM json_each(NEW.plan, '$.erasures') e
   WHERE member.id = e.value ->> 'member_id' AND member.status IN ('active', 'not_confirmed');
  SELECT RAISE(ABORT, 'E_STALE') WHERE changes() <> coalesce(json_array_length(NEW.plan, '$.erasures'), 0);
  DELETE FROM identity WHERE member_id IN (SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.erasures'));
  DELETE FROM member_code WHERE member_id IN (SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.erasures'));
  DELETE FROM former_identity
   WHERE member_id IN (SELECT m.id FROM json_each(NEW.plan, '$.erasures') e
                         CROSS JOIN member m ON m.id = e.value ->> 'member_id'
                       UNION ALL
                       SELECT m.id FROM json_each(NEW.plan, '$.erasures') e
                         CROSS JOIN member m ON m.merged_into = e.value ->> 'member_id');
  DELETE FROM device
   WHERE member_id IN (SELECT m.id FROM json_each(NEW.plan, '$.erasures') e
                         CROSS JOIN member m ON m.id = e.value ->> 'member_id'
                       UNION ALL
                       SELECT m.id FROM json_each(NEW.plan, '$.erasures') e
                         CROSS JOIN member m ON m.merged_into = e.value ->> 'member_id');
  UPDATE receipt SET reason = NULL
   WHERE reason IS NOT NULL
     AND outbox_id IN (SELECT o.id FROM json_each(NEW.plan, '$.erasures') e
                         CROSS JOIN outbox o ON o.member_id = e.value ->> 'member_id'
                       UNION ALL
                       SELECT o.id FROM json_each(NEW.plan, '$.erasures') e
                         CROSS JOIN member m ON m.merged_into = e.value ->> 'member_id'
                         CROSS JOIN outbox o ON o.member_id = m.id);
  -- nobody is there who could be told: what needs a notice stays
  UPDATE lot SET awaits_notice = 0
   WHERE awaits_notice = 1 AND account_id IN (SELECT value ->> 'member_id' FROM json_each(NEW.plan, '$.erasures'));
  INSERT INTO privacy_log (member_id, kind, caller_id, at)
  SELECT value ->> 'member_id', 'erasure', value ->> 'caller_id', NEW.at FROM json_each(NEW.plan, '$.erasures');

  INSERT INTO orders (id, ref, member_id, content_hash, command_id, status, occurred_at, recorded_at, channel, store, device,
                      currency, items, discount, delivery, paid_points, paid_money, payable, earned, qualifying, kept,
                      redemption_id, program_version)
  SELECT value ->> 'id', value ->> 'ref', value ->> 'member_id', value ->> 'content_hash', NEW.id, 'recorded',
         value ->> 'occurred_at', NEW.at, value ->> 'channel', value ->> 'store', value ->> 'device', value ->> 'currency',
         value ->> 'items', value ->> 'discount', value ->> 'delivery', value ->> 'paid_points', value ->> 'paid_money',
         value ->> 'payable', value ->> 'earned', value ->> 'qualifying', value ->> 'earned', value ->> 'redemption_id',
         value ->> 'program_version'
    FROM json_each(NEW.plan, '$.orders');
  -- a line is an array, in the sequence of the columns
  INSERT INTO order_line (order_id, n, id, sku, name, category, brand, labels, quantity, price, discount, cost, tax, promo,
                          amount, program_discount, paid_points, paid_money, qualifying, shares)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8,
         value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14, value ->> 15, value ->> 16,
         value ->> 17, value ->> 18, value ->> 19
    FROM json_each(NEW.plan, '$.lines');
  SELECT RAISE(ABORT, 'E_LINES')
   WHERE EXISTS (SELECT 1 FROM json_each(NEW.plan, '$.orders') o
                  WHERE (o.value ->> 'items', o.value ->> 'discount', o.value ->> 'paid_points', o.value ->> 'paid_money',
                         o.value ->> 'qualifying')
                        IS NOT (SELECT sum(amount), sum(program_discount), sum(paid_points), sum(paid_money), sum(qualifying)
                                  FROM order_line WHERE order_id = o.value ->> 'id'));

  -- returns and cancellation: the order's revision is the lock
  UPDATE orders SET revision = revision + 1, status = u.value ->> 'status'
    FROM json_each(NEW.plan, '$.order_updates') u
   WHERE orders.id = u.value ->> 'id' AND orders.revision = u.value ->> 'revision' AND orders.status = 'recorded';
  SELECT RAISE(ABORT, 'E_STALE') WHERE changes() <> coalesce(json_array_length(NEW.plan, '$.order_updates'), 0);
  UPDATE order_line SET returned = u.value ->> 2
    FROM json_each(NEW.plan, '$.returned') u
   WHERE order_line.order_id = u.value ->> 0 AND order_line.n = u.value ->> 1 AND order_line.returned < u.value ->> 2;
  SELECT RAISE(ABORT, 'E_LINES') WHERE changes() <> coalesce(json_array_length(NEW.plan, '$.returned'), 0);
  -- an anonymous order is given to a member once
  UPDATE orders SET revision = revision + 1, member_id = c.value ->> 'member_id', earned = c.value ->> 'earned',
                    kept = c.value ->> 'earned', claim_command = NEW.id
    FROM json_each(NEW.plan, '$.claims') c
   WHERE orders.id = c.value ->> 'id' AND orders.revision = c.value ->> 'revision' AND orders.status = 'recorded'
     AND orders.member_id IS NULL;
  SELECT RAISE(ABORT, 'E_STALE') WHERE changes() <> coalesce(json_array_length(NEW.plan, '$.claims'), 0);
  UPDATE order_line SET qualifying = c.value ->> 2, shares = c.value ->> 3
    FROM json_each(NEW.plan, '$.claimed_lines') c
   WHERE order_line.order_id = c.value ->> 0 AND order_line.n = c.value ->> 1;
  SELECT RAISE(ABORT, 'E_LINES') WHERE changes() <> coalesce(json_array_length(NEW.plan, '$.claimed_lines'), 0);
  INSERT INTO order_return (id, order_id, ref, content_hash, command_id, occurred_at, recorded_at, lines, clawed_back, lots,
                            forgiven, restored, refund, unclaimed)
  SELECT value ->> 'id', value ->> 'order_id', value ->> 'ref', value ->> 'content_hash', NEW.id, value ->> 'occurred_at',
         NEW.at, value ->> 'lines', value ->> 'clawed_back', value ->> 'lots', value ->> 'forgiven', value ->> 'restored',
         value ->> 'refund', (SELECT member_id IS NULL FROM orders WHERE id = value ->> 'order_id')
    FROM json_each(NEW.plan, '$.returns');
  -- what is left of the orders: whole and rest apart, their products stay within 64 bits up to 3 000 000 pieces
  UPDATE orders SET qualifying = (SELECT sum(l.qualifying - (l.qualifying / l.quantity * l.returned
                                                             + l.qualifying % l.quantity * l.returned / l.quantity))
                                    FROM order_line l WHERE l.order_id = orders.id)
   WHERE id IN (SELECT value ->> 'id' FROM json_each(NEW.plan, '$.order_updates'))
      OR id IN (SELECT value ->> 'id' FROM json_each(NEW.plan, '$.claims'));
  UPDATE orders SET kept = kept - (r.value ->> 'clawed_back')
    FROM json_each(NEW.plan, '$.returns') r WHERE orders.id = r.value ->> 'order_id';
  -- what was taken back counts against the lots that the order earned, and the rules that gave them
  SELECT RAISE(ABORT, 'E_LINES')
   WHERE EXISTS (SELECT 1 FROM json_each(NEW.plan, '$.returns') r
                  WHERE r.value ->> 'clawed_back'
                        <> (SELECT coalesce(sum(taken.value ->> 1), 0) FROM json_each(r.value, '$.lots') taken)
                     OR EXISTS (SELECT 1 FROM json_each(r.value, '$.lots') taken
                                  LEFT JOIN lot l ON l.id = taken.value ->> 0 LEFT JOIN entry e ON e.id = l.entry_id
                                 WHERE e.kind IS NOT 'earn' OR e.order_id IS NOT r.value ->> 'order_id'));
  UPDATE lot SET returned = lot.returned + (taken.value ->> 1)
    FROM json_each(NEW.plan, '$.returns') r, json_each(r.value, '$.lots') taken WHERE lot.id = taken.value ->> 0;
  UPDATE rule_total SET points = rule_total.points - back.points
    FROM (SELECT l.rule_id, sum(taken.value ->> 1) AS points
            FROM json_each(NEW.plan, '$.returns') r, json_each(r.value, '$.lots') taken JOIN lot l ON l.id = taken.value ->> 0
           GROUP BY l.rule_id) back
   WHERE rule_total.rule_id = back.rule_id;

  INSERT INTO apply_entry (id, account_id, seq, kind, amount, deficit_change, balance_after, at, occurred_at, parent_id, order_id,
                           redemption_id, command_id, program_version, explanation, lots, postings)
  SELECT value ->> 'id', value ->> 'account_id', value ->> 'seq', value ->> 'kind', value ->> 'amount',
         value ->> 'deficit_change', value ->> 'balance_after', value ->> 'at', value ->> 'occurred_at', value ->> 'parent_id',
         value ->> 'order_id', value ->> 'redemption_id', NEW.id, value ->> 'program_version', value ->> 'explanation',
         value ->> 'lots', value ->> 'postings'
    FROM json_each(NEW.plan, '$.entries');
  -- what leaves an account by transfer or merge arrives in another
  SELECT RAISE(ABORT, 'E_PARENT')
   WHERE EXISTS (SELECT 1 FROM json_each(NEW.plan, '$.entries') e
                  WHERE e.value ->> 'kind' IN ('transfer_out', 'merge_out')
                    AND e.value ->> 'amount'
                        IS NOT (SELECT sum(amount) FROM entry WHERE parent_id = e.value ->> 'id'));

  -- no rule gives all members together more than its budget: whoever came later plans again with what is left
  SELECT RAISE(ABORT, 'E_STALE')
   WHERE EXISTS (SELECT 1 FROM json_each(NEW.plan, '$.budgets') b JOIN rule_total t ON t.rule_id = b.value ->> 'rule_id'
                  WHERE t.points > b.value ->> 'points');

  INSERT INTO event (id, ref, member_id, type, content_hash, occurred_at, recorded_at, channel, data, earned, program_version)
  SELECT value ->> 'id', value ->> 'ref', value ->> 'member_id', value ->> 'type', value ->> 'content_hash',
         value ->> 'occurred_at', NEW.at, value ->> 'channel', value ->> 'data', value ->> 'earned',
         value ->> 'program_version'
    FROM json_each(NEW.plan, '$.events');
  INSERT INTO firing (event_id, rule_id, member_id, occurred_at)
  SELECT e.value ->> 'id', fired.value, e.value ->> 'member_id', e.value ->> 'occurred_at'
    FROM json_each(NEW.plan, '$.events') e, json_each(e.value, '$.rules') fired;
  UPDATE member SET segments = s.value ->> 'segments'
    FROM json_each(NEW.plan, '$.segments') s WHERE member.id = s.value ->> 'member_id';
  UPDATE granted_tier SET until = NEW.at
   WHERE member_id IN (SELECT value FROM json_each(NEW.plan, '$.ended_tiers')) AND (until IS NULL OR until > NEW.at);
  INSERT INTO granted_tier (id, member_id, tier, until, given_at, event_id, reason)
  SELECT value ->> 'id', value ->> 'member_id', value ->> 'tier', value ->> 'until', NEW.at, value ->> 'event_id',
         value ->> 'reason'
    FROM json_each(NEW.plan, '$.granted_tiers');

  -- points that live on by activity: their end is put off, never nearer, and not of what is over; what was told of it is void
  INSERT INTO extension (lot_id, command_id, was, expires_at)
  SELECT l.id, NEW.id, coalesce(l.planned_expires_at, l.expires_at), max(x.value ->> 'expires_at')
    FROM json_each(NEW.plan, '$.extensions') x
    CROSS JOIN lot l ON l.account_id = x.value ->> 'member_id' AND l.rule_id = x.value ->> 'rule_id'
   WHERE l.remaining + l.held > 0 AND (l.expires_at IS NULL OR l.expires_at > x.value ->> 'at')
     AND coalesce(l.expires_at, l.planned_expires_at) < x.value ->> 'expires_at'
   GROUP BY l.id;
  UPDATE lot SET expires_at = iif(lot.notice_days IS NULL, x.expires_at, NULL),
                 planned_expires_at = iif(lot.notice_days IS NULL, NULL, x.expires_at),
                 awaits_notice = lot.notice_days IS NOT NULL
    FROM extension x WHERE x.command_id = NEW.id AND lot.id = x.lot_id;

  INSERT INTO voucher (id, code, rule_id, member_id, skus, expires_at, created_at)
  SELECT value ->> 'id', value ->> 'code', value ->> 'rule_id', value ->> 'member_id', value ->> 'skus',
         value ->> 'expires_at', NEW.at
    FROM json_each(NEW.plan, '$.vouchers');
  -- a voucher is used once; what undoes the whole order frees it
  UPDATE voucher SET order_id = u.value ->> 'order_id'
    FROM json_each(NEW.plan, '$.used_vouchers') u WHERE voucher.id = u.value ->> 'voucher_id' AND voucher.order_id IS NULL;
  SELECT RAISE(ABORT, 'E_STALE') WHERE changes() <> coalesce(json_array_length(NEW.plan, '$.used_vouchers'), 0);
  INSERT INTO voucher_use (voucher_id, order_id)
  SELECT value ->> 'voucher_id', value ->> 'order_id' FROM json_each(NEW.plan, '$.used_vouchers');
  UPDATE voucher SET order_id = NULL
   WHERE order_id IN (SELECT o.id FROM json_each(NEW.plan, '$.order_updates') u JOIN orders o ON o.id = u.value ->> 'id'
                       WHERE o.status = 'cancelled'
                          OR NOT EXISTS (SELECT 1 FROM order_line l WHERE l.order_id = o.id AND l.returned < l.quantity));

  -- duplicates: what was the one member's is the other's, and whoever was confirmed as either of them is
  UPDATE member SET status = 'active', awaits_welcome = 0
    FROM json_each(NEW.plan, '$.merges') m JOIN member f ON f.id = m.value ->> 'from'
   WHERE member.id = m.value ->> 'into' AND member.status = 'not_confirmed' AND f.status = 'active';
  DELETE FROM member_code WHERE member_id IN (SELECT value ->> 'from' FROM json_each(NEW.plan, '$.merges'));
  UPDATE member SET status = 'merged', merged_into = m.value ->> 'into'
    FROM json_each(NEW.plan, '$.merges') m
   WHERE member.id = m.value ->> 'from' AND member.status IN ('active', 'not_confirmed');
  SELECT RAISE(ABORT, 'E_STALE') WHERE changes() <> coalesce(json_array_length(NEW.plan, '$.merges'), 0);
  SELECT RAISE(ABORT, 'E_STALE')
   WHERE EXISTS (SELECT 1 FROM json_each(NEW.plan, '$.merges') m JOIN member i ON i.id = m.value ->> 'into'
                  WHERE i.status NOT IN ('active', 'not_confirmed'));
  UPDATE member SET merged_into = m.value ->> 'into'
    FROM json_each(NEW.plan, '$.merges') m WHERE member.merged_into = m.value ->> 'from';
  -- the groups of both as they are now: they have no lock, and somebody may have said others since the plan was made
  UPDATE member SET segments = (SELECT json_group_array(value)
                                  FROM (SELECT value FROM json_each(member.segments)
                                        UNION ALL
                                        SELECT value FROM json_each(f.segments)
                                         WHERE value NOT IN (SELECT value FROM json_each(member.segments))))
    FROM json_each(NEW.plan, '$.merges') m JOIN member f ON f.id = m.value ->> 'from'
   WHERE member.id = m.value ->> 'into';
  -- who said no as either of them has said no; a yes is not carried over to where this member never answered
  INSERT INTO consent (command_id, member_id, channel, granted, source, at)
  SELECT NEW.id, m.value ->> 'into', said.channel, said.granted, 'merge', NEW.at
    FROM json_each(NEW.plan, '$.merges') m JOIN standing_consent said ON said.member_id = m.value ->> 'from'
    LEFT JOIN standing_consent own ON own.member_id = m.value ->> 'into' AND own.channel = said.channel
   WHERE said.granted = 0 AND own.granted IS NOT 0;
  -- of the rules that either of them accepted the later ones stand
  INSERT INTO acceptance (command_id, member_id, rules_version, at)
  SELECT NEW.id, m.value ->> 'into', said.rules_version, said.at
    FROM json_each(NEW.plan, '$.merges') m
    JOIN acceptance said ON said.id = (SELECT max(id) FROM acceptance WHERE member_id = m.value ->> 'from')
   WHERE said.at > coalesce((SELECT at FROM acceptance WHERE member_id = m.value ->> 'into' ORDER BY id DESC LIMIT 1), 0);
  UPDATE identity SET member_id = m.value ->> 'into'
    FROM json_each(NEW.plan, '$.merges') m WHERE identity.member_id = m.value ->> 'from';
  UPDATE orders SET member_id = m.value ->> 'into'
    FROM json_each(NEW.plan, '$.merges') m WHERE orders.member_id = m.value ->> 'from';
  UPDATE redemption SET account_id = m.value ->> 'into'
    FROM json_each(NEW.plan, '$.merges') m WHERE redemption.account_id = m.value ->> 'from';
  UPDATE event SET member_id = m.value ->> 'into'
    FROM json_each(NEW.plan, '$.merges') m WHERE event.member_id = m.value ->> 'from';
  UPDATE firing SET member_id = m.value ->> 'into'
    FROM json_each(NEW.plan, '$.merges') m WHERE firing.member_id = m.value ->> 'from';
  UPDATE granted_tier SET member_id = m.value ->> 'into'
    FROM json_each(NEW.plan, '$.merges') m WHERE granted_tier.member_id = m.value ->> 'from';
  UPDATE voucher SET member_id = m.value ->> 'into'
    FROM json_each(NEW.plan, '$.merges') m WHERE voucher.member_id = m.value ->> 'from';
  UPDATE statistics SET first_order_at = coalesce(min(statistics.first_order_at, f.first_order_at),
                                                  statistics.first_order_at, f.first_order_at),
                        last_order_at = coalesce(max(statistics.last_order_at, f.last_order_at),
                                                 statistics.last_order_at, f.last_order_at)
    FROM json_each(NEW.plan, '$.merges') m JOIN statistics f ON f.member_id = m.value ->> 'from'
   WHERE statistics.member_id = m.value ->> 'into';
  UPDATE statistics SET first_order_at = NULL, last_order_at = NULL
    FROM json_each(NEW.plan, '$.merges') m WHERE statistics.member_id = m.value ->> 'from';

  INSERT INTO redemption (id, account_id, status, points, money, items, payable, lines, store, hold_expires_at, created_at,
                          hold_entry, code_hash, program_version)
  SELECT value ->> 'id', value ->> 'account_id', value ->> 'status', value ->> 'points', value ->> 'money', value ->> 'items',
         value ->> 'payable', value ->> 'lines', value ->> 'store', value ->> 'hold_expires_at', NEW.at, value ->> 'hold_entry',
         value ->> 'code_hash', value ->> 'program_version'
    FROM json_each(NEW.plan, '$.redemptions');
  -- a code that came: a right one makes it a hold, a wrong one is counted
  UPDATE redemption SET attempts = attempts + (c.value ->> 'wrong'), status = c.value ->> 'status',
                        hold_expires_at = c.value ->> 'hold_expires_at'
    FROM json_each(NEW.plan, '$.confirmations') c
   WHERE redemption.id = c.value ->> 'id' AND redemption.status = 'awaiting_confirmation'
     AND redemption.attempts = c.value ->> 'attempts';
  SELECT RAISE(ABORT, 'E_STALE') WHERE changes() <> coalesce(json_array_length(NEW.plan, '$.confirmations'), 0);
  -- a redemption ends once: captured, released or expired
  UPDATE redemption SET status = u.value ->> 'status', captured = u.value ->> 'captured',
                        capture_entry = u.value ->> 'capture_entry', order_ref = u.value ->> 'order_ref'
    FROM json_each(NEW.plan, '$.redemption_updates') u
   WHERE redemption.id = u.value ->> 'id' AND redemption.status = u.value ->> 'from'
     AND redemption.status IN ('awaiting_confirmation', 'held');
  SELECT RAISE(ABORT, 'E_STALE') WHERE changes() <> coalesce(json_array_length(NEW.plan, '$.redemption_updates'), 0);
  -- what an order says was paid, and its returns will give back, is what was captured for it
  SELECT RAISE(ABORT, 'E_LINES')
   WHERE EXISTS (SELECT 1 FROM json_each(NEW.plan, '$.orders') o
                  WHERE o.value ->> 'paid_points'
                        <> coalesce((SELECT captured FROM redemption WHERE id = o.value ->> 'redemption_id'), 0));

  UPDATE statistics SET revision = statistics.revision + 1, orders = orders + (u.value ->> 'orders'),
                        qualifying_spend = qualifying_spend + (u.value ->> 'qualifying_spend'),
                        tier = u.value ->> 'tier', tier_since = u.value ->> 'tier_since',
                        grace_until = u.value ->> 'grace_until', stepped_at = u.value ->> 'stepped_at',
                        own_tier = u.value ->> 'own_tier',
                        review_at = u.value ->> 'review_at',
                        first_order_at = coalesce(min(first_order_at, u.value ->> 'order_at'), first_order_at, u.value ->> 'order_at'),
                        last_order_at = coalesce(max(last_order_at, u.value ->> 'order_at'), last_order_at, u.value ->> 'order_at')
    FROM json_each(NEW.plan, '$.statistics') u
   WHERE statistics.member_id = u.value ->> 'member_id' AND statistics.revision = u.value ->> 'revision';
  SELECT RAISE(ABORT, 'E_STALE') WHERE changes() <> coalesce(json_array_length(NEW.plan, '$.statistics'), 0);

  -- friends: a device that the plan took for nobody else's is nobody else's
  SELECT RAISE(ABORT, 'E_STALE')
   WHERE EXISTS (SELECT 1 FROM json_each(NEW.plan, '$.devices') d
                   CROSS JOIN device x ON x.hash = d.value ->> 'hash' AND x.member_id <> d.value ->> 'member_id'
                   CROSS JOIN member m ON m.id = x.member_id
                  WHERE d.value ->> 'alone' AND m.merged_into IS NOT d.value ->> 'member_id');
  INSERT INTO device (hash, member_id)
  SELECT value ->> 'hash', value ->> 'member_id' FROM json_each(NEW.plan, '$.devices') WHERE 1
      ON CONFLICT (hash, member_id) DO NOTHING;
  INSERT INTO referral (referee_id, referrer_id, outcome, reason)
  SELECT value ->> 'referee_id', value ->> 'referrer_id', 'waiting', 'enrolled' FROM json_each(NEW.plan, '$.referrals');
  -- a referral goes on from where the plan found it
  UPDATE referral SET outcome = v.value ->> 'outcome', reason = v.value ->> 'reason'
    FROM json_each(NEW.plan, '$.verdicts') v
   WHERE referral.referee_id = v.value ->> 'referee_id' AND referral.outcome = v.value ->> 'from';
  SELECT RAISE(ABORT, 'E_STALE') WHERE changes() <> coalesce(json_array_length(NEW.plan, '$.verdicts'), 0);
  INSERT INTO referral_verdict (referee_id, command_id, outcome, reason, order_id, keep, referrer_entry, referee_entry, at)
  SELECT value ->> 'referee_id', NEW.id, value ->> 'outcome', value ->> 'reason', value ->> 'order_id', value ->> 'keep',
         value ->> 'referrer_entry', value ->> 'referee_entry', NEW.at
    FROM json_each(NEW.plan, '$.verdicts');
  -- the limits were judged by as many friends as were paid for until now, and nobody is paid who was merged meanwhile
  SELECT RAISE(ABORT, 'E_STALE')
   WHERE EXISTS (SELECT 1 FROM json_each(NEW.plan, '$.verdicts') v
                   CROSS JOIN referral r ON r.referee_id = v.value ->> 'referee_id'
                   CROSS JOIN member b ON b.id = r.referrer_id
                  WHERE v.value ->> 'outcome' = 'paid'
                    AND (coalesce(b.merged_into, b.id) <> v.value ->> 'referrer_id'
                         OR (SELECT count(*) FROM referral s
                               CROSS JOIN referral_verdict p ON p.referee_id = s.referee_id AND p.outcome = 'paid'
                              WHERE s.referrer_id IN (SELECT v.value ->> 'referrer_id' UNION ALL
                                                      SELECT m.id FROM member m WHERE m.merged_into = v.value ->> 'referrer_id'))
                            <> (v.value ->> 'friends_paid') + 1));
  -- a friend who left buys nothing any more
  INSERT INTO referral_verdict (referee_id, command_id, outcome, reason, at)
  SELECT r.referee_id, NEW.id, 'refused', 'referee_left', NEW.at
    FROM referral r
   WHERE r.outcome = 'waiting'
     AND r.referee_id IN (SELECT e.value ->> 'member_id' FROM json_each(NEW.plan, '$.erasures') e
                          UNION ALL
                          SELECT m.id FROM json_each(NEW.plan, '$.erasures') e
                            CROSS JOIN member m ON m.merged_into = e.value ->> 'member_id');
  UPDATE referral SET outcome = 'refused', reason = 'referee_left'
   WHERE outcome = 'waiting'
     AND referee_id IN (SELECT e.value ->> 'member_id' FROM json_each(NEW.plan, '$.erasures') e
                        UNION ALL
                        SELECT m.id FROM json_each(NEW.plan, '$.erasures') e
                          CROSS JOIN member m ON m.merged_into = e.value ->> 'member_id');
  -- points may count toward the tiers: the job looks
  UPDATE statistics SET review_at = min(coalesce(review_at, NEW.at), NEW.at)
   WHERE member_id IN (SELECT e.value ->> 'account_id' FROM json_each(NEW.plan, '$.entries') e
                        WHERE e.value ->> 'kind' IN ('referral', 'referral_clawback'));

  INSERT INTO outbox (at, member_id, kind, payload)
  SELECT NEW.at, value ->> 'member_id', value ->> 'kind', value ->> 'payload' FROM json_each(NEW.plan, '$.outbox');

  -- endpoints that messages are sent to; the generation of a secret is its lock
  INSERT INTO webhook (id, url, kinds, with_recipient, after_message, created_at)
  SELECT value ->> 'id', value ->> 'url', value ->> 'kinds', value ->> 'with_recipient',
         (SELECT coalesce(max(id), 0) FROM outbox), NEW.at
    FROM json_each(NEW.plan, '$.webhooks');
  UPDATE webhook SET generation = webhook.generation + 1, rotated_at = NEW.at
    FROM json_each(NEW.plan, '$.rotations') r
   WHERE webhook.id = r.value ->> 'webhook_id' AND webhook.generation = r.value ->> 'from' AND webhook.disabled_at IS NULL;
  SELECT RAISE(ABORT, 'E_STALE') WHERE changes() <> coalesce(json_array_length(NEW.plan, '$.rotations'), 0);
  UPDATE webhook SET disabled_at = coalesce(disabled_at, NEW.at), disabled_reason = 'deleted'
   WHERE id IN (SELECT value FROM json_each(NEW.plan, '$.deleted_webhooks')) AND disabled_reason IS NOT 'deleted';
  SELECT RAISE(ABORT, 'E_STALE') WHERE changes() <> coalesce(json_array_length(NEW.plan, '$.deleted_webhooks'), 0);
  -- a message that was given up is sent again
  UPDATE delivery SET status = 'waiting', attempts = 0, first_at = NULL, next_at = NEW.at, done_at = NULL
    FROM json_each(NEW.plan, '$.redeliveries') r CROSS JOIN webhook w ON w.id = r.value ->> 'webhook_id'
   WHERE delivery.outbox_id = r.value ->> 'message_id' AND delivery.webhook_id = w.id AND delivery.status = 'parked'
     AND w.disabled_at IS NULL;
  SELECT RAISE(ABORT, 'E_STALE') WHERE changes() <> coalesce(json_array_length(NEW.plan, '$.redeliveries'), 0);
  INSERT INTO receipt (outbox_id, channel, status, at, reason, command_id)
  SELECT value ->> 'message_id', value ->> 'channel', value ->> 'status', value ->> 'at', value ->> 'reason', NEW.id
    FROM json_each(NEW.plan, '$.receipts');
END;
