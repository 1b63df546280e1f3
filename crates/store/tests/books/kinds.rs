//! The state machine stands twice: as rows of the table `kind`, and as [`Kind`] in the ledger. They say the same.

use ledger::Kind;

use crate::shop::Shop;

#[test]
fn the_table_and_the_ledger_move_points_alike() {
    let shop = Shop::open();
    for kind in Kind::ALL {
        let (remaining, held, earned, redeemed) = kind.effect();
        let row = format!("SELECT count(*) FROM kind WHERE kind = '{}'", kind.word());
        let same = format!(
            "{row} AND d_remaining = {remaining} AND d_held = {held} AND -d_revoked = {earned} AND d_spent = {redeemed} \
             AND d_expired = 0"
        );
        assert_eq!((shop.db.number(&row), shop.db.number(&same)), (1, 1), "{kind:?}");
    }
}

#[test]
fn the_table_has_the_ledgers_kinds_and_the_expiry_of_the_job() {
    let shop = Shop::open();
    let mut words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
    words.push("expire");
    words.sort_unstable();
    assert_eq!(shop.db.texts("SELECT kind FROM kind ORDER BY kind"), words);
}

#[test]
fn every_kind_keeps_the_sum_of_the_buckets_but_a_merge_which_moves_the_lots_themselves() {
    let shop = Shop::open();
    let moving = "SELECT kind FROM kind WHERE d_remaining + d_held + d_spent + d_expired + d_revoked <> 0 ORDER BY kind";
    assert_eq!(shop.db.texts(moving), ["merge_in", "merge_out"]);
    assert_eq!(shop.db.texts("SELECT kind FROM kind WHERE moves_lots = 1 ORDER BY kind"), ["merge_in", "merge_out"]);
}

#[test]
fn every_parent_is_a_kind_itself() {
    let shop = Shop::open();
    assert_eq!(shop.db.number("SELECT count(*) FROM kind WHERE parent NOT IN (SELECT kind FROM kind)"), 0);
}
