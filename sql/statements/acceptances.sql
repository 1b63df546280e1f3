-- Rules that a member (?1) and whoever was merged into it accepted, as JSON, newest first: below ?2, at most ?3.
SELECT json_object('id', a.id, 'member_id', a.member_id, 'rules_version', a.rules_version, 'at', a.at)
  FROM acceptance a
 WHERE a.member_id IN (SELECT ?1 UNION ALL SELECT id FROM member WHERE merged_into = ?1) AND a.id < ?2
 ORDER BY a.id DESC LIMIT ?3
