-- Puts a person (?1) under another key: ?2 as it was sealed   ?3 as it is. Nothing when somebody else was faster.
UPDATE person SET sealed = ?3 WHERE id = ?1 AND sealed = ?2
