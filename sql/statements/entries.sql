-- A member's (?1) ledger entries as JSON, newest first, from below number ?2, at most ?3.
SELECT json_object('id', e.id, 'seq', e.seq, 'kind', k.name, 'points', e.points, 'amount', e.amount,
                   'deficit_change', e.deficit_change, 'balance_after', e.balance_after, 'occurred_at', e.occurred_at,
                   'at', e.at, 'order_ref', o.ref, 'order_store', o.store,
                   'redemption_store', r.store, 'event_ref', v.ref, 'redemption_id', e.redemption_id, 'program_version', e.program_version,
                   'explanation', json(e.explanation),
                   'lots', json((SELECT json_group_array(json_array(l.id, p.points, l.activates_at,
                                                               coalesce(l.expires_at, l.planned_expires_at), l.rule_id))
                                   FROM posting p JOIN lot l ON l.id = p.lot_id WHERE p.entry_id = e.id))) AS entry
  FROM entry e JOIN kind k ON k.kind = e.kind LEFT JOIN orders o ON o.id = e.order_id
       LEFT JOIN redemption r ON r.id = e.redemption_id
       LEFT JOIN event v ON v.id = e.command_id AND e.kind = 'earn'
 WHERE e.account_id = ?1 AND e.seq < ?2
 ORDER BY e.seq DESC LIMIT ?3
