//! What a simulation is told of members and their orders, beside the goods.

use domain::plan::UsedVoucher;
use store::{Load, Period, Place, Whose};

use crate::database::run;
use crate::purchase::purchase;
use crate::shop::Shop;

#[test]
fn a_simulation_is_told_of_segments_given_tiers_and_the_codes_that_orders_used() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    shop.is_known_for_everything(anna);
    let vouchers = vec![format!("code of {}", anna.0)];
    let voucher = shop.load(&Load { vouchers, ..Load::default() }).vouchers.remove(0);
    for (reference, used) in [("A", true), ("B", false)] {
        let command = shop.command();
        let order = purchase(reference).line("a", 1_000, 1_000);
        let mut plan = shop.plan_order(anna, &order, None, command.clone()).expect("it is in order").plan;
        if used {
            plan.used_vouchers = vec![UsedVoucher { voucher_id: voucher.id, order_id: plan.orders[0].id }];
        }
        shop.post(&command, &plan);
    }
    let buyers = run(store::simulation_members(&shop.db, 0, Period::default(), 10, false)).expect("the store answers");
    assert_eq!((buyers.len(), &buyers[0].segments), (1, &vec!["circle".to_owned()]));
    assert_eq!(buyers[0].given_tiers, [(shop.now, "gold".to_owned(), None)]);
    let whose = [anna];
    let orders = store::simulation_orders(&shop.db, Whose::Members(&whose), Period::default(), Place::BEGINNING, 10);
    let orders = run(orders).expect("the store answers");
    let codes = |place: usize| orders[place].vouchers.iter().map(|used| (&used.rule_id, &used.skus)).collect::<Vec<_>>();
    assert_eq!((codes(0), codes(1)), (vec![(&voucher.rule_id, &voucher.skus)], vec![]));
}
