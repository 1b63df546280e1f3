-- What was said about channels of messages by a member (?1) and whoever was merged into it, as JSON, newest first: below ?2, at
-- most ?3.
SELECT json_object('id', c.id, 'member_id', c.member_id, 'channel', c.channel, 'granted', c.granted, 'source', c.source,
                   'at', c.at)
  FROM consent c
 WHERE c.member_id IN (SELECT ?1 UNION ALL SELECT id FROM member WHERE merged_into = ?1) AND c.id < ?2
 ORDER BY c.id DESC LIMIT ?3
