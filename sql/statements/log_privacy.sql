-- Notes that a person's data were taken out: ?1 member id   ?2 id of the caller's key   ?3 now
INSERT INTO privacy_log (member_id, kind, caller_id, at) VALUES (?1, 'export', ?2, ?3)
