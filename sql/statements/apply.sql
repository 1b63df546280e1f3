-- The whole effect of a command in one statement, which is its transaction: triggers post the plan and act as referee.
-- The plan is read two dozen times: it is parsed once.
-- ?1 id   ?2 idempotency key   ?3 fingerprint   ?4 HTTP status   ?5 answer   ?6 now   ?7 plan (JSON)
INSERT INTO apply (id, key, fingerprint, status, answer, at, plan) VALUES (?1, ?2, ?3, ?4, ?5, ?6, jsonb(?7))
