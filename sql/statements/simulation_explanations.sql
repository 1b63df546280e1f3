-- How orders explained themselves to their members: [id, explanations as JSON], as they were answered when they were recorded,
-- or given to a member; rules that did not fire, too, which leave no entry.
-- ?1 ids of the orders as JSON
SELECT o.id, (SELECT c.answer -> '$.explanation' FROM command c WHERE c.id = coalesce(o.claim_command, o.command_id))
  FROM json_each(?1) wanted CROSS JOIN orders o ON o.id = wanted.value
