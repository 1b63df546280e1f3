-- The store `people`: personal data, sealed by the components with a key from a Spin variable. It knows no numbers.

CREATE TABLE IF NOT EXISTS migration (
  version    INTEGER PRIMARY KEY,
  applied_at INTEGER NOT NULL
) STRICT;

-- One row a person, under the member's id, written before the member. A
-- refused enrolment takes its person back; the sweep takes those of enrolments
-- that broke off.
CREATE TABLE IF NOT EXISTS person (
  member_id  INTEGER PRIMARY KEY,
  sealed     TEXT    NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS person_created ON person (created_at);
