-- The store `people`: personal data, sealed by the components with a key from a Spin variable. It knows no numbers.

CREATE TABLE IF NOT EXISTS migration (
  version    INTEGER PRIMARY KEY,
  applied_at INTEGER NOT NULL
) STRICT;

-- A member's person as a command wrote it, under the command's id and before the command: the enrolment, and each change.
-- Which of them stands the books say (`member.profile`); those of a command that is not in the books are nobody's, and the
-- sweep takes them. With it is kept what the command answered, for its repeats, so that earlier ones stay until the person
-- is erased. `likeness` is a keyed hash of name and birthday: what two memberships of one person have in common. `days` are keyed
-- hashes of the days of the year on which something of the person comes round: see `person_day`. The first eight characters of
-- `sealed` say by which key.
CREATE TABLE IF NOT EXISTS person (
  id         INTEGER PRIMARY KEY,
  member_id  INTEGER NOT NULL,
  sealed     TEXT    NOT NULL,
  likeness   TEXT,
  days       TEXT    NOT NULL DEFAULT '[]',
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS person_member ON person (member_id);
CREATE INDEX IF NOT EXISTS person_likeness ON person (likeness, member_id) WHERE likeness IS NOT NULL;
CREATE INDEX IF NOT EXISTS person_sealed_by ON person (substr(sealed, 1, 8));
