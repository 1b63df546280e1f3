-- Remembers how far a sweep has come (?1). Two at once: the one that came further stands.
INSERT INTO sweep (id, swept_until) VALUES (1, ?1)
ON CONFLICT (id) DO UPDATE SET swept_until = max(swept_until, excluded.swept_until)
