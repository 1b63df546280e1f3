-- Purchases and redemptions: what of the referee (`apply_plan` in 0002_referee.sql) reads any of 'orders', 'lines', 'entries', 'redemptions', 'redemption_updates', 'statistics', 'budgets', 'outbox',
-- word for word. A test of the store makes this file and holds it against that one.

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
