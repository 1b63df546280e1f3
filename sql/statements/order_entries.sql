-- The ledger entries that the order ?1 (internal id) caused, as JSON, oldest first (ids of one second are in no sequence).
SELECT json_object('id', e.id, 'seq', e.seq, 'kind', k.name, 'points', e.points, 'amount', e.amount,
                   'deficit_change', e.deficit_change, 'balance_after', e.balance_after, 'occurred_at', e.occurred_at,
                   'at', e.at, 'order_ref', o.ref, 'redemption_id', e.redemption_id, 'program_version', e.program_version,
                   'explanation', json(e.explanation),
                   'lots', json((SELECT json_group_array(json_array(l.id, p.points, l.activates_at,
                                                               coalesce(l.expires_at, l.planned_expires_at), l.rule_id))
                                   FROM posting p JOIN lot l ON l.id = p.lot_id WHERE p.entry_id = e.id))) AS entry
  FROM entry e JOIN kind k ON k.kind = e.kind LEFT JOIN orders o ON o.id = e.order_id
 WHERE e.order_id = ?1
    -- points may have been captured by their own call, before the order came
    OR e.id = (SELECT r.capture_entry FROM orders own JOIN redemption r ON r.id = own.redemption_id WHERE own.id = ?1)
 ORDER BY e.at, e.account_id, e.seq
