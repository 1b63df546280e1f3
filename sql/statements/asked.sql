-- Remembers that program ?1 was asked about the members up to ?2, and (?3 1) about all. Two at once: the one that came further
-- stands.
INSERT INTO tier_review (version, member_id, done) VALUES (?1, ?2, ?3)
ON CONFLICT (version) DO UPDATE SET member_id = max(member_id, excluded.member_id), done = max(done, excluded.done)
