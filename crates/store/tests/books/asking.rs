//! A program that was published is asked about the tiers of all members, page by page; publishing itself touches none of them.

use domain::plan::{Plan, Program};
use domain::snapshot::Needs;
use domain::{Id, Money};
use ledger::Gift;
use store::Load;

use crate::database::run;
use crate::purchase::{purchase, standing};
use crate::shop::{Shop, day};

fn publish(shop: &mut Shop, version: i64) {
    let (hash, document) = (format!("hash of {version}"), "{}".to_owned());
    let program = Program { version, hash, document, currency: "RUB".to_owned(), points_scale: 2 };
    let command = shop.command();
    shop.post(&command, &Plan { programs: vec![program], ..Plan::default() });
}

/// Whether a program waits to be asked, and how many members to be looked at.
fn waiting(shop: &Shop) -> (bool, i64) {
    let due = run(store::due(&shop.db, shop.now, 10)).expect("the store answers");
    (due.unasked == 1, due.tiers)
}

fn page(shop: &Shop, version: i64) -> Vec<Id> {
    let members = run(store::unasked(&shop.db, version, &Needs::default(), 2)).expect("the store answers");
    members.iter().map(|member| member.id).collect()
}

fn asked(shop: &Shop, version: i64, last: Id, done: bool, otherwise: &[Id]) {
    run(store::asked(&shop.db, version, last, done, otherwise, shop.now)).expect("nothing is in its way");
}

#[test]
fn a_new_program_is_asked_about_every_member_page_by_page() {
    let mut shop = Shop::open();
    let members = [shop.enrol(&[]), shop.enrol(&[]), shop.enrol(&[])];
    publish(&mut shop, 2);
    assert_eq!(waiting(&shop), (true, 0), "publishing marks nobody");
    assert_eq!(page(&shop, 2), members[..2]);
    assert_eq!(page(&shop, 2), members[..2], "a run that ends here is made again");
    asked(&shop, 2, members[1], false, &members[..1]);
    assert_eq!((waiting(&shop), page(&shop, 2)), ((true, 1), vec![members[2]]));
    // another run, which began earlier and ends now, does not turn it back
    asked(&shop, 2, members[0], false, &[]);
    assert_eq!(page(&shop, 2), members[2..]);
    asked(&shop, 2, members[2], true, &[]);
    assert_eq!((waiting(&shop), page(&shop, 2)), ((false, 1), vec![]));
    assert_eq!(run(store::reviews(&shop.db, shop.now, 10)).expect("it answers")[0].member, members[0]);
    publish(&mut shop, 3);
    assert_eq!(
        (waiting(&shop), page(&shop, 3)),
        ((true, 1), members[..2].to_vec()),
        "the next program is asked from the beginning"
    );
}

#[test]
fn members_who_left_are_not_asked_about() {
    let mut shop = Shop::open();
    let (anna, double) = (shop.enrol(&[]), shop.enrol(&[]));
    shop.merge(double, anna);
    publish(&mut shop, 2);
    assert_eq!(page(&shop, 2), [anna]);
}

#[test]
fn a_program_is_told_of_a_member_what_a_decision_is_told() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[("welcome", 500, shop.now, None)]);
    for (reference, happened) in [("A", -400), ("B", -10)] {
        let order = purchase(reference).happened(day(happened)).line("a", 1_000, 1_000).earns("purchase", &[5]);
        shop.order(anna, &order.reaching("silver"), None);
    }
    let gift = Gift { tier: "gold".to_owned(), until: Some(day(2)), reason: "as agreed".to_owned() };
    let command = shop.command();
    let placed = ledger::give_tier(&shop.snapshot(anna), Some(&gift), |_| standing("gold"), command.clone());
    shop.post(&command, &placed.expect("she has enrolled").plan);
    let needs = Needs { windows: vec![day(-365)], largest_order: true, ..Needs::default() };
    let known =
        shop.load(&Load { member: Some(anna), needs: needs.clone(), ..Load::default() }).member.expect("she has enrolled");
    let told = (known.activity[0].orders, known.largest_order, known.granted_tiers.len(), known.earned.0);
    assert_eq!(told, (1, Money(1_000), 1, 510));
    assert_eq!(run(store::unasked(&shop.db, 1, &needs, 2)), Ok(vec![known]));
}
