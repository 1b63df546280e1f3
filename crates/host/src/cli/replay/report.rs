//! The table at the end of a replay.

use rust_decimal::Decimal;

use super::drive::Tally;
use super::plan::{Pieces, Plan};

/// What a replay came to.
pub struct Report<'a> {
    pub plan: &'a Plan,
    pub tally: &'a Tally,
    pub currency: &'a str,
    /// What one point is worth.
    pub conversion_rate: Decimal,
}

impl Report<'_> {
    /// The table: what is counted, how many, and what there is to add.
    pub fn table(&self) -> String {
        let Self { plan, tally, currency, .. } = self;
        let (points, books) = (&tally.points, &tally.books);
        let seconds = tally.time.as_secs_f64().max(0.001);
        let (orders, requests) = (tally.orders(), tally.requests);
        let unmatched: u64 = plan.unmatched.values().map(|count| count.lines).sum();
        let owed = books.owed_to_members();
        let mut liability = (owed * self.conversion_rate).round_dp(2);
        liability.rescale(2);

        let mut rows: Vec<(&str, String)> = vec![
            ("Orders", orders.to_string()),
            ("of members", tally.member_orders.to_string()),
            ("anonymous", tally.anonymous_orders.to_string()),
            ("paid in part with points", tally.paid_orders.to_string()),
            ("that no points could pay", tally.unpaid_orders.to_string()),
            ("Members enrolled", tally.members.to_string()),
            ("Lines", tally.lines.to_string()),
            ("Returns", format!("{}, of {} credit notes", tally.returns, plan.credit_notes)),
            ("Lines of credit notes without a purchase", unmatched.to_string()),
        ];
        let pieces = |count: &Pieces| format!("{} (pieces: {})", count.lines, count.pieces);
        rows.extend(plan.unmatched.iter().map(|(why, count)| (why.words(), pieces(count))));
        rows.push(("Lines skipped", plan.skipped.values().sum::<u64>().to_string()));
        rows.extend(plan.skipped.iter().map(|(why, lines)| (why.words(), lines.to_string())));
        rows.extend([
            ("Invoices skipped with all their lines", plan.empty_invoices.to_string()),
            ("Points of welcome", points.welcome.to_string()),
            ("Points earned", points.earned.to_string()),
            ("Points spent", format!("{}, {} of them back with returned goods", points.redeemed, points.restored)),
            ("Points expired", books.expired.to_string()),
            ("Points clawed back", format!("{}, forgiven {}", points.clawed_back, points.forgiven)),
            ("Points owed by members (deficit)", books.deficit.to_string()),
            ("Liability", format!("{liability} {currency}, {owed} points")),
            ("Runs of the scheduled work", tally.runs.to_string()),
            ("Requests", format!("{requests}, {:.0} a second", requests as f64 / seconds)),
            ("Orders a second", format!("{:.1}", orders as f64 / seconds)),
            ("Time", format!("{seconds:.1} s")),
        ]);
        rows.iter().map(|(what, count)| line(what, count)).collect()
    }
}

/// Reasons stand under what they are reasons of.
fn line(what: &str, count: &str) -> String {
    let indent = if what.starts_with(|first: char| first.is_lowercase()) { "  " } else { "" };
    format!("{:<58} {count}\n", format!("{indent}{what}"))
}
