-- The same as apply.sql for plans with nothing in them but what a purchase or a redemption brings: see 0008_purchases.sql.
-- ?1 id   ?2 idempotency key   ?3 fingerprint   ?4 HTTP status   ?5 answer   ?6 now   ?7 plan (JSON)
INSERT INTO apply_purchase (id, key, fingerprint, status, answer, at, plan) VALUES (?1, ?2, ?3, ?4, ?5, ?6, jsonb(?7))
