-- The document of a version of the program, by its content hash (?1) or version (?2).
SELECT version, document, published_at, hash FROM program
 WHERE ?1 IS NOT NULL AND hash = ?1 OR ?1 IS NULL AND version = ?2 LIMIT 1
