-- Remembers up to where the orders that left the window are marked (?1). Two at once: the one that came further stands.
INSERT INTO progress (job, until) VALUES ('tiers', ?1)
ON CONFLICT (job) DO UPDATE SET until = max(until, excluded.until)
