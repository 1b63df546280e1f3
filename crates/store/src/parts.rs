//! A statement of which only the parts are sent that something asks for. Everything in it is one text in `sql/`, where a part
//! stands between the lines `-- [name] what takes its place` and `-- [/name]`.

use std::sync::OnceLock;

/// Columns of `load.sql` that most calls don't ask for.
pub(crate) const PARTS: [&str; 10] =
    ["needs", "redemption", "order", "other", "vouchers", "event", "agreed", "whether_order", "whether_referrals", "referrals"];

const LOAD: &str = include_str!("../../../sql/statements/load.sql");

/// The text of `load.sql` with these of its [`PARTS`], without comments. Each is made once: a connection knows a statement again
/// by its text.
pub(crate) fn load_with(wanted: [bool; PARTS.len()]) -> &'static str {
    static TEXTS: [OnceLock<String>; 1 << PARTS.len()] = [const { OnceLock::new() }; 1 << PARTS.len()];
    let number = wanted.iter().fold(0, |number, wanted| number << 1 | usize::from(*wanted));
    let make = || {
        let names: Vec<&str> = PARTS.into_iter().zip(wanted).filter_map(|(name, wanted)| wanted.then_some(name)).collect();
        with_parts(LOAD, &names)
    };
    TEXTS.get(number).map_or(LOAD, |text| text.get_or_init(make))
}

fn with_parts(text: &str, wanted: &[&str]) -> String {
    let (mut kept, mut left_out) = (String::with_capacity(text.len()), None);
    for line in text.lines().map(str::trim) {
        let mark = line.strip_prefix("-- [").and_then(|rest| rest.split_once(']'));
        match (mark, left_out) {
            (Some((name, _)), Some(open)) if name.strip_prefix('/') == Some(open) => left_out = None,
            (Some((name, instead)), None) if PARTS.contains(&name) && !wanted.contains(&name) => {
                left_out = Some(name);
                kept.push_str(instead);
                kept.push('\n');
            }
            (None, None) if !line.starts_with("--") => {
                kept.push_str(line);
                kept.push('\n');
            }
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_nobody_asks_for_is_replaced_and_the_others_stay() {
        let text = "-- all of it\nSELECT\n  1 AS one,\n  -- [order] NULL AS two,\n  -- why\n  2 AS two,\n  -- [/order]\n  -- [event] 0 AS three\n  3 AS three\n  -- [/event]\n";
        assert_eq!(with_parts(text, &["order"]), "SELECT\n1 AS one,\n2 AS two,\n 0 AS three\n");
        assert_eq!(with_parts(text, &["order", "event"]), "SELECT\n1 AS one,\n2 AS two,\n3 AS three\n");
        assert_eq!(with_parts(text, &[]), "SELECT\n1 AS one,\n NULL AS two,\n 0 AS three\n");
    }

    #[test]
    fn every_part_of_the_statement_is_one_that_begins_and_ends() {
        let named = |line: &'static str| line.trim().strip_prefix("-- [")?.split_once(']').map(|(name, _)| name);
        // other comments begin with an array's fields
        let is_mark = |name: &&str| PARTS.contains(&name.trim_start_matches('/'));
        let marks: Vec<&str> = LOAD.lines().filter_map(named).filter(is_mark).collect();
        for pair in marks.chunks(2) {
            assert!(PARTS.contains(&pair[0]), "{pair:?}");
            assert_eq!(pair.get(1).and_then(|end| end.strip_prefix('/')), Some(pair[0]));
        }
        assert!(PARTS.iter().all(|part| marks.contains(part)));
        let whole = load_with([true; PARTS.len()]);
        assert!(load_with([false; PARTS.len()]).len() < whole.len() / 2);
    }

    #[test]
    fn whatever_is_left_out_the_rest_is_a_statement_with_the_same_parameters_and_columns() {
        let database = rusqlite::Connection::open_in_memory().expect("a database");
        for migration in crate::schema::BOOKS {
            database.execute_batch(migration.sql).expect("the tables");
        }
        for number in 0..1_usize << PARTS.len() {
            let text = load_with(std::array::from_fn(|part| number >> part & 1 == 1));
            let statement = database.prepare(text).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert_eq!((statement.parameter_count(), statement.column_count()), (15, 17), "{text}");
        }
    }
}
