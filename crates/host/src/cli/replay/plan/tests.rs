use super::*;
use crate::cli::replay::retail::invoices;

/// Rows of (invoice, stock code, quantity, price, customer), a minute for each invoice as it comes.
fn plan(rows: &[(&str, &str, i64, &str, &str)]) -> Plan {
    let mut file = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n".to_owned();
    for (minute, (invoice, sku, quantity, price, customer)) in rows.iter().enumerate() {
        file += &format!("{invoice},{sku},GOODS,{quantity},2010-12-01 08:{minute:02}:00,{price},{customer},UK\n");
    }
    Plan::new(invoices(file.as_bytes()).unwrap())
}

/// (line, quantity).
type Lines<Quantity> = Vec<(usize, Quantity)>;

fn orders(plan: &Plan) -> Vec<(&str, Lines<i64>, String)> {
    let orders = plan.steps.iter().filter_map(|step| match &step.deed {
        Deed::Order(order) => {
            let lines = order.lines.iter().map(|line| (line.position, line.quantity)).collect();
            Some((order.number.as_str(), lines, order.delivery.to_string()))
        }
        Deed::Return(_) => None,
    });
    orders.collect()
}

fn returns(plan: &Plan) -> Vec<(&str, &str, Lines<u64>)> {
    let given = plan.steps.iter().filter_map(|step| match &step.deed {
        Deed::Order(_) => None,
        Deed::Return(given) => Some((given.number.as_str(), given.order.as_str(), given.lines.clone())),
    });
    given.collect()
}

fn unmatched(plan: &Plan) -> Vec<(Unmatched, u64, u64)> {
    plan.unmatched.iter().map(|(why, count)| (*why, count.lines, count.pieces)).collect()
}

#[test]
fn invoices_are_orders_and_carriage_is_their_delivery() {
    let plan = plan(&[
        ("1", "A", 6, "2.55", "7"),
        ("1", "POST", 2, "18", "7"),
        ("1", "JUG", 1, "0", "7"),
        ("2", "A", 1, "1.25", ""),
        ("2", "dot", 1, "4.1", ""),
        ("2", "BANK CHARGES", 1, "15", ""),
    ]);
    assert_eq!(
        orders(&plan),
        [("1", vec![(1, 6), (3, 1)], "36.00".to_owned()), ("2", vec![(1, 1)], "4.10".to_owned())],
        "a line of 0.00 beside others is kept"
    );
    assert_eq!(plan.steps[0].customer.as_deref(), Some("7"));
    assert_eq!(plan.steps[1].customer, None);
    assert_eq!(plan.skipped, BTreeMap::from([(Skipped::Charge, 1)]));
    assert_eq!(plan.empty_invoices, 0);
}

#[test]
fn what_is_no_sale_is_skipped_and_counted() {
    let plan = plan(&[
        ("1", "A", -6, "0", ""),
        ("2", "A", 5, "0", ""),
        ("2", "JUG", 5, "0.001", ""),
        ("3", "POST", 1, "18", "7"),
        ("A4", "B", 1, "-11062.06", ""),
        ("5", "A", 0, "1", ""),
        ("6", "A", -1, "2", "7"),
        ("6", "JUG", 1, "2", "7"),
    ]);
    assert_eq!(orders(&plan), [("6", vec![(2, 1)], "0".to_owned())]);
    assert_eq!(
        plan.skipped,
        BTreeMap::from([(Skipped::Negative, 2), (Skipped::Worthless, 3), (Skipped::BadDebt, 1), (Skipped::Zero, 1)])
    );
    assert_eq!(plan.empty_invoices, 5);
}

#[test]
fn a_credit_note_returns_from_several_purchases() {
    let plan = plan(&[
        ("1", "A", 6, "2.55", "7"),
        ("2", "A", 2, "2.55", "7"),
        ("2", "JUG", 1, "1", "7"),
        ("2", "A", 1, "2.55", "7"),
        ("C3", "A", -4, "2.55", "7"),
        ("C3", "JUG", -1, "1", "7"),
        ("C3", "A", -1, "2.55", "7"),
        ("C4", "A", -4, "2.55", "7"),
    ]);
    assert_eq!(
        returns(&plan),
        [("C3", "2", vec![(3, 1), (1, 2), (2, 1)]), ("C3", "1", vec![(1, 2)]), ("C4", "1", vec![(1, 4)])],
        "lines of one order make one return, quantities of one line one quantity"
    );
    assert_eq!((plan.credit_notes, unmatched(&plan)), (2, vec![]));
}

#[test]
fn what_cannot_be_matched_says_why() {
    let plan = plan(&[
        ("1", "A", 2, "2.55", "7"),
        ("2", "JUG", 9, "1", ""),
        ("C3", "A", -3, "2.55", "7"),
        ("C3", "A", -1, "2.55", "7"),
        ("C4", "A", -1, "2.55", "8"),
        ("C5", "JUG", -9, "1", ""),
        ("C6", "POST", -1, "18", ""),
        ("C6", "D", -1, "5", "7"),
        ("C6", "JUG", 1, "5", "7"),
    ]);
    assert_eq!(returns(&plan), [("C3", "1", vec![(1, 2)])]);
    assert_eq!(
        unmatched(&plan),
        [
            (Unmatched::NotGoods, 2, 2),
            (Unmatched::NotNegative, 1, 1),
            (Unmatched::NoCustomer, 1, 9),
            (Unmatched::NotBought, 1, 1),
            (Unmatched::NothingLeft, 2, 2),
        ]
    );
}

#[test]
fn worthless_invoices_cannot_be_returned() {
    let plan = plan(&[("1", "A", 2, "0", "7"), ("C2", "A", -2, "0", "7")]);
    assert!(plan.steps.is_empty());
    assert_eq!(unmatched(&plan), [(Unmatched::NotBought, 1, 2)]);
}

#[test]
fn the_same_orders_pay_in_every_run() {
    let paying: Vec<u32> = (536_365..536_395).filter(|number| pays(&number.to_string())).collect();
    assert_eq!(paying, [536_369, 536_372, 536_374, 536_378, 536_380, 536_383, 536_386]);
    let share = (0..10_000).filter(|number| pays(&number.to_string())).count();
    assert!((2_400..2_600).contains(&share), "{share} of 10 000");
    let anonymous = plan(&[("1", "A", 1, "1", ""), ("2", "A", 1, "1", ""), ("3", "A", 1, "1", ""), ("4", "A", 1, "1", "")]);
    assert!(anonymous.steps.iter().all(|step| matches!(&step.deed, Deed::Order(order) if !order.pays)));
}
