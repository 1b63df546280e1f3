-- Whether the books can be worked with, as one row: the newest migration that they have, and whether a program is published.
-- Books without any migration have no such tables: the statement fails then, as every other does.
SELECT (SELECT max(version) FROM migration) AS version, EXISTS (SELECT 1 FROM program) AS published
