-- Versions of the program, newest first, from below version ?1, at most ?2.
SELECT version, hash, published_at FROM program WHERE version < ?1 ORDER BY version DESC LIMIT ?2
