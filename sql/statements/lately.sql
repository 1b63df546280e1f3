-- When what begins with ?2 (and ends before ?3) last happened by itself to these members (?1, a JSON array of ids), since ?4.
SELECT v.member_id, max(v.occurred_at)
  FROM json_each(?1) wanted CROSS JOIN event v ON v.member_id = wanted.value AND v.occurred_at >= ?4
 WHERE v.ref >= ?2 AND v.ref < ?3
 GROUP BY v.member_id
