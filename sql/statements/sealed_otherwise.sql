-- How many persons are sealed by another key than the one whose name is ?1, counted up to ?2.
SELECT count(*)
  FROM (SELECT 1 FROM person WHERE substr(sealed, 1, 8) < ?1
        UNION ALL
        SELECT 1 FROM person WHERE substr(sealed, 1, 8) > ?1
        LIMIT ?2)
