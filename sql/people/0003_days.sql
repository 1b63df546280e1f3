-- By which day of the year a person is looked for: a keyed hash of a birthday or another date, without its year. A projection of
-- `person.days`. Whether the day stands, the person says: earlier versions are here, too.
CREATE TABLE IF NOT EXISTS person_day (
  hash      TEXT    NOT NULL,
  member_id INTEGER NOT NULL,
  person_id INTEGER NOT NULL,
  PRIMARY KEY (hash, member_id, person_id)
) STRICT;
CREATE INDEX IF NOT EXISTS person_day_person ON person_day (person_id);
CREATE TRIGGER IF NOT EXISTS person_has_days AFTER INSERT ON person BEGIN
  INSERT INTO person_day (hash, member_id, person_id)
  SELECT DISTINCT value, NEW.member_id, NEW.id FROM json_each(NEW.days);
END;
CREATE TRIGGER IF NOT EXISTS person_had_days AFTER DELETE ON person BEGIN
  DELETE FROM person_day WHERE person_id = OLD.id;
END;
