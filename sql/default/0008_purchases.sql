-- Purchases and redemptions: what of the referee (`apply_plan` in 0002_referee.sql) reads any of 'orders', 'lines', 'entries', 'redemptions', 'redemption_updates', 'statistics', 'budgets', 'outbox',
-- word for word, and entries (`post_entry`) of all kinds but merges. A test of the store makes this file and holds it
-- against that one.

CREATE VIEW IF NOT EXISTS apply_purchase_entry AS
  SELECT 0 AS id, 0 AS account_id, 0 AS seq, '' AS kind, 0 AS amount, 0 AS deficit_change, 0 AS balance_after, 0 AS at,
         0 AS occurred_at, 0 AS parent_id, 0 AS order_id, 0 AS redemption_id, 0 AS command_id, 0 AS program_version,
         '' AS explanation, '' AS lots, '' AS postings
   WHERE 0;

CREATE TRIGGER IF NOT EXISTS post_purchase_entry INSTEAD OF INSERT ON apply_purchase_entry BEGIN
  SELECT RAISE(ABORT, 'E_KIND') WHERE NEW.kind IN ('merge_out', 'merge_in');

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

CREATE VIEW IF NOT EXISTS apply_purchase AS
  SELECT 0 AS id, '' AS key, '' AS fingerprint, 0 AS status, '' AS answer, 0 AS at, '' AS plan WHERE 0;

CREATE TRIGGER IF NOT EXISTS apply_purchase_plan INSTEAD OF INSERT ON apply_purchase BEGIN
  -- whatever else is in a plan would not be posted
  SELECT RAISE(ABORT, 'E_PLAN') FROM json_each(NEW.plan)
   WHERE key NOT IN ('orders', 'lines', 'entries', 'redemptions', 'redemption_updates', 'statistics', 'budgets', 'outbox');

  SELECT RAISE(ABORT, 'E_ANSWERED') WHERE EXISTS (SELECT 1 FROM command WHERE key = NEW.key);

  INSERT INTO command (id, key, fingerprint, status, answer, at)
  VALUES (NEW.id, NEW.key, NEW.fingerprint, NEW.status, NEW.answer, NEW.at);

  -- nothing is written of a member who was merged or erased meanwhile: what the plan moves has locks of its own, what it only
  -- names would stay behind
  SELECT RAISE(ABORT, 'E_STALE')
    FROM (SELECT value ->> 'member_id' AS id FROM json_each(NEW.plan, '$.orders')) named
    CROSS JOIN member m ON m.id = named.id
   WHERE m.merged_into IS NOT NULL OR m.status = 'erased';

  SELECT RAISE(ABORT, 'E_STALE')
    FROM json_each(NEW.plan, '$.entries') e JOIN program judging ON judging.version = e.value ->> 'program_version'
    JOIN program newest ON newest.version = (SELECT max(version) FROM program)
   WHERE (judging.currency, judging.points_scale) IS NOT (newest.currency, newest.points_scale);

  SELECT RAISE(ABORT, 'E_STALE')
    FROM json_each(NEW.plan, '$.orders') o JOIN program judging ON judging.version = o.value ->> 'program_version'
    JOIN program newest ON newest.version = (SELECT max(version) FROM program)
   WHERE (judging.currency, judging.points_scale) IS NOT (newest.currency, newest.points_scale);

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

  INSERT INTO apply_purchase_entry (id, account_id, seq, kind, amount, deficit_change, balance_after, at, occurred_at, parent_id, order_id,
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

  UPDATE lot SET expires_at = iif(lot.notice_days IS NULL, x.expires_at, NULL),
                 planned_expires_at = iif(lot.notice_days IS NULL, NULL, x.expires_at),
                 awaits_notice = lot.notice_days IS NOT NULL
    FROM extension x WHERE x.command_id = NEW.id AND lot.id = x.lot_id;

  INSERT INTO redemption (id, account_id, status, points, money, items, payable, lines, store, hold_expires_at, created_at,
                          hold_entry, code_hash, program_version)
  SELECT value ->> 'id', value ->> 'account_id', value ->> 'status', value ->> 'points', value ->> 'money', value ->> 'items',
         value ->> 'payable', value ->> 'lines', value ->> 'store', value ->> 'hold_expires_at', NEW.at, value ->> 'hold_entry',
         value ->> 'code_hash', value ->> 'program_version'
    FROM json_each(NEW.plan, '$.redemptions');

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

  -- points may count toward the tiers: the job looks
  UPDATE statistics SET review_at = min(coalesce(review_at, NEW.at), NEW.at)
   WHERE member_id IN (SELECT e.value ->> 'account_id' FROM json_each(NEW.plan, '$.entries') e
                        WHERE e.value ->> 'kind' IN ('referral', 'referral_clawback'));

  INSERT INTO outbox (at, member_id, kind, payload)
  SELECT NEW.at, value ->> 'member_id', value ->> 'kind', value ->> 'payload' FROM json_each(NEW.plan, '$.outbox');
END;
