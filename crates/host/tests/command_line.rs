//! `kopilka audit`, `kopilka rebuild --check` and `kopilka simulate` as an operator runs them: on the books of a shop that has
//! lived, whole and with rows that somebody changed by hand.

use std::path::Path;
use std::process::{Command, Output};

use rusqlite::Connection;
use tempfile::TempDir;

/// Purchases of two customers and of nobody in particular, some goods brought back; the replay pays some with points.
const INVOICES: &str = "\
InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1,10002,LAMP,3,2010-12-01 08:26:00,33.33,17850.0,United Kingdom
1,10080,CUP,7,2010-12-01 08:26:00,1.15,17850.0,United Kingdom
2,10002,LAMP,1,2010-12-01 09:00:00,33.33,13047.0,United Kingdom
3,10120,TRAY,10,2010-12-02 10:15:00,12.99,17850.0,United Kingdom
4,10125,CLOCK,2,2010-12-03 11:30:00,99.95,,United Kingdom
5,10120,TRAY,1,2010-12-06 12:00:00,12.99,13047.0,United Kingdom
6,10002,LAMP,2,2010-12-08 13:45:00,33.33,17850.0,United Kingdom
7,10080,CUP,5,2010-12-09 09:15:00,1.15,17850.0,United Kingdom
8,10120,TRAY,4,2010-12-10 16:20:00,12.99,17850.0,United Kingdom
C9,10002,LAMP,-1,2010-12-13 10:00:00,33.33,17850.0,United Kingdom
10,10125,CLOCK,1,2010-12-14 10:30:00,99.95,17850.0,United Kingdom
C11,10120,TRAY,-3,2010-12-15 11:00:00,12.99,17850.0,United Kingdom
";

/// Runs the program with these arguments on a data folder.
fn kopilka(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kopilka"))
        .args(arguments)
        .arg("--data")
        .arg(data)
        .args(["--manifest", concat!(env!("CARGO_MANIFEST_DIR"), "/../../spin.toml")])
        .output()
        .expect("the program starts")
}

/// It ended with this status; what it said.
#[track_caller]
fn ended(output: &Output, status: i32) -> String {
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{said}{complained}");
    said.into_owned()
}

/// The books of a shop that has lived, opened past every protection.
fn lived(data: &Path) -> Connection {
    let invoices = data.join("invoices.csv");
    std::fs::write(&invoices, INVOICES).expect("a file can be written");
    let invoices = invoices.to_str().expect("the folder's name is a text");
    ended(&kopilka(data, &["replay", invoices]), 0);
    let books = Connection::open(data.join("default.db")).expect("the books are there");
    books.execute_batch("PRAGMA ignore_check_constraints = ON").expect("SQLite can be told so");
    books
}

#[test]
fn books_that_were_changed_by_hand_are_found_by_the_audit_and_named_by_the_rebuild() {
    let folder = TempDir::new().expect("a folder for data");
    let data = folder.path();
    let books = lived(data);
    let said = ended(&kopilka(data, &["audit"]), 0);
    assert!(said.contains("The books agree\n"), "{said}");
    let said = ended(&kopilka(data, &["rebuild", "--check"]), 0);
    assert!(said.contains("The rebuilt projections are identical\n"), "{said}");

    let row = "FROM lot WHERE spent > 0 ORDER BY id LIMIT 1";
    let number = |query: &str| -> i64 { books.query_row(query, [], |row| row.get(0)).expect("there is such a row") };
    let (lot, spent) = (number(&format!("SELECT id {row}")), number(&format!("SELECT spent {row}")));
    let customer = number("SELECT id FROM account ORDER BY earned DESC LIMIT 1");
    let orders = number(&format!("SELECT orders FROM statistics WHERE member_id = {customer}"));
    let (order, line) = (
        number("SELECT order_id FROM order_line WHERE returned > 0 ORDER BY order_id LIMIT 1"),
        number("SELECT n FROM order_line WHERE returned > 0 ORDER BY order_id LIMIT 1"),
    );
    let returned = number(&format!("SELECT returned FROM order_line WHERE order_id = {order} AND n = {line}"));
    for corruption in [
        format!("UPDATE lot SET spent = spent - 1, remaining = remaining + 1 WHERE id = {lot}"),
        format!("UPDATE statistics SET orders = orders + 2 WHERE member_id = {customer}"),
        format!("UPDATE order_line SET returned = 0 WHERE order_id = {order} AND n = {line}"),
    ] {
        assert_eq!(books.execute(&corruption, []), Ok(1), "{corruption}");
    }

    let said = ended(&kopilka(data, &["audit"]), 1);
    for finding in [
        format!("Finding: lot differs from its postings, id \"{lot:x}\"\n"),
        format!("Finding: statistics differ from the orders, id \"{customer:x}\"\n"),
        format!("Finding: lines returned differ from the returns, id \"{order:x}\"\n"),
    ] {
        assert!(said.contains(&finding), "{finding} is not in {said}");
    }
    let said = ended(&kopilka(data, &["rebuild", "--check"]), 1);
    let remaining = number(&format!("SELECT remaining FROM lot WHERE id = {lot}"));
    for difference in [
        format!("Difference: lot {lot:x}, spent: stored {}, rebuilt {spent}\n", spent - 1),
        format!("Difference: lot {lot:x}, remaining: stored {remaining}, rebuilt {}\n", remaining - 1),
        format!("Difference: statistics {customer:x}, orders: stored {}, rebuilt {orders}\n", orders + 2),
        format!("Difference: order_line {order:x} line {line}, returned: stored 0, rebuilt {returned}\n"),
        "A rebuild would change 4 values, of which 4 are named\n".to_owned(),
    ] {
        assert!(said.contains(&difference), "{difference} is not in {said}");
    }
    assert_eq!(number(&format!("SELECT spent FROM lot WHERE id = {lot}")), spent - 1, "neither writes anything");
}

#[test]
fn a_folder_without_books_is_neither_checked_nor_made() {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("nothing");
    for arguments in [["audit"].as_slice(), &["rebuild", "--check"]] {
        let output = kopilka(&data, arguments);
        ended(&output, 1);
        assert!(String::from_utf8_lossy(&output.stderr).contains("there is no shop to check"), "{output:?}");
        assert!(!data.exists());
    }
}

#[test]
fn a_rebuild_that_would_write_is_not_there_yet() {
    let folder = TempDir::new().expect("a folder");
    let output = kopilka(folder.path(), &["rebuild"]);
    ended(&output, 2);
    assert!(String::from_utf8_lossy(&output.stderr).contains("--check"), "{output:?}");
}

/// Rules in text: `imports` before, and the interface exported.
fn rules(folder: &Path, name: &str, imports: &str) -> String {
    let text = format!(r#"(component {imports} (instance $engine) (export "kopilka:rules/engine@1.0.0" (instance $engine)))"#);
    let file = folder.join(name);
    std::fs::write(&file, wat::parse_str(text).unwrap()).unwrap();
    file.display().to_string()
}

#[test]
fn a_wrapper_and_an_engine_become_one_component() {
    let folder = TempDir::new().unwrap();
    let engine = rules(folder.path(), "engine.wasm", "");
    let wraps = r#"(import "kopilka:rules/engine@1.0.0" (instance))"#;
    let wrapper = rules(folder.path(), "wrapper.wasm", wraps);
    let asking = rules(folder.path(), "asking.wasm", &format!(r#"{wraps} (import "wasi:random/random@0.2.0" (instance))"#));
    let output = folder.path().join("rules.wasm").display().to_string();
    let wrap = |wrapper: &str| {
        let arguments = ["rules", "wrap", "--wrapper", wrapper, "--engine", &engine, "--output", &output];
        Command::new(env!("CARGO_BIN_EXE_kopilka")).args(arguments).output().expect("the program starts")
    };
    let (refused, done) = (wrap(&asking), wrap(&wrapper));
    ended(&refused, 1);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("wasi:random/random@0.2.0"));
    ended(&done, 0);
    assert!(String::from_utf8_lossy(&done.stderr).contains("imports nothing") && Path::new(&output).exists());
}

#[test]
fn a_program_is_tried_on_the_orders_of_a_shop_that_has_lived() {
    let folder = TempDir::new().expect("a folder for data");
    let data = folder.path();
    let books = lived(data);
    let text = |query: &str| -> String { books.query_row(query, [], |row| row.get(0)).expect("there is such a row") };
    let earned = text(
        "SELECT printf('%.2f', sum(points) / 100.0) FROM
           (SELECT sum(amount) AS points FROM entry WHERE kind = 'earn' AND order_id IS NOT NULL
             UNION ALL SELECT -sum(clawed_back + forgiven) FROM order_return)",
    );
    let everything = "SELECT group_concat(id || ' ' || at) FROM (SELECT id, at FROM command ORDER BY id)";
    let before = text(everything);
    let program = data.join("program.json");
    let simulate = |document: &str, further: &[&str]| {
        std::fs::write(&program, document).expect("a file can be written");
        kopilka(data, &[&["simulate", "--program", program.to_str().expect("a text")], further].concat())
    };
    let same = text("SELECT document FROM program");
    let row = |said: &str, what: &str| -> Vec<String> {
        let line = said.lines().find(|line| line.starts_with(what)).unwrap_or_else(|| panic!("no {what} in {said}"));
        line[what.len()..].split_whitespace().map(str::to_owned).collect()
    };

    let said = ended(&simulate(&same, &[]), 0);
    assert_eq!(row(&said, "Points"), [earned.as_str(), earned.as_str(), "0.00"], "{said}");
    assert_eq!((row(&said, "Orders"), row(&said, "Members")), (vec!["9".to_owned()], vec!["2".to_owned()]), "{said}");
    assert_eq!(row(&said, "  unchanged"), ["2"], "{said}");
    assert!(said.contains("orders a second"), "{said}");

    let doubled = same.replace(r#""rate":"5""#, r#""rate":"10""#);
    assert_ne!(doubled, same);
    let said = ended(&simulate(&doubled, &["--from", "2010-12-01", "--to", "2010-12-01"]), 0);
    assert_eq!((row(&said, "Orders"), row(&said, "  better off")), (vec!["2".to_owned()], vec!["2".to_owned()]), "{said}");
    assert!(said.contains("10 %") && said.contains("Most of it for mem_"), "{said}");

    let output = simulate(&same.replace(r#""rate":"5""#, r#""rate":"-5""#), &[]);
    ended(&output, 1);
    assert!(String::from_utf8_lossy(&output.stderr).contains("/document/earning/0/rate: "), "{output:?}");
    assert_eq!(text(everything), before, "nothing is written");
}
