//! The same on hosted stores, at the end of ways that take time, and beside what an interactive transaction can do there.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use host::ClockMode;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::application::{Application, Servers};
use crate::arrivals;
use crate::cart::Call;
use crate::clients::Spans;
use crate::day::Day;
use crate::days::{rising, with_history};
use crate::floors::Purchases;
use crate::interactive::{self, Manner};
use crate::report::{Report, ms};

const MEMBERS: usize = 10_000;
/// Tills at once.
const CLIENTS: usize = 8;
const CLIENTS_OF_THE_DAY: usize = 64;

/// `added` are the milliseconds that the way to the servers and back takes.
pub fn section(runtime: &Runtime, folder: &Path, spans: Spans, added: &[u64]) {
    let mut report = Report::new(folder, "hosted", "Hosted stores");
    report.paragraph(&format!(
        "Two libSQL servers (sqld) on the same cores, {MEMBERS} members with {} orders each before; a way to them that takes so \
         much longer (half in each direction; opening a connection takes a round trip more). Interactive, natively by the same client \
         and connections, without HTTP and components: BEGIN IMMEDIATE, the same SELECT, what is written, COMMIT. The shortest \
         writes by the application's own one statement, the usual one by a statement for each table (an entry with its lots is one).",
        tests::population::ORDERS,
    ));
    let (mut orders, mut lines) = (Vec::new(), Vec::new());
    for &added in added {
        let Some(servers) = Servers::start(runtime, Duration::from_millis(added)) else { return };
        let data = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for data");
        let application = Application::open(runtime, data.path(), Some(&servers), ClockMode::Real);
        let members = with_history(&application, MEMBERS);
        let purchases = Arc::new(Purchases::new(members.clone(), 1_000));
        let round_trip = runtime.block_on(interactive::round_trip(&servers.url()));
        let answer = application.shop.send_all(1, vec![purchases.exchange(Call::Order)]).remove(0);
        let [one, all] = [1, CLIENTS].map(|clients| {
            let purchases = purchases.clone();
            application.shop.measure(clients, spans, move || purchases.exchange(Call::Order))
        });
        let quotes = {
            let purchases = purchases.clone();
            application.shop.measure(1, spans, move || purchases.exchange(Call::Quote))
        };
        let interactive = |manner| {
            interactive::orders(manner, &servers.url(), CLIENTS, &purchases, &application.document, &answer, spans.measured)
        };
        let (shortest, usual) = (interactive(Manner::OurStatements), interactive(Manner::StatementForEachTable));
        orders.push(vec![
            added.to_string(),
            ms(round_trip.p50()),
            ms(quotes.p50()),
            format!("{} / {}", ms(one.p50()), ms(one.p99())),
            ms(one.p50() - 2.0 * round_trip.p50()),
            ms(one.p50() - 2.0 * added as f64 / 1e3),
            format!("{:.0}", all.a_second()),
            format!("{} / {}", ms(all.p50()), ms(all.p99())),
            format!("{:.1}", shortest.statements),
            format!("{:.1}", shortest.orders.a_second()),
            ms(shortest.orders.p50()),
            format!("{:.1}", all.a_second() / shortest.orders.a_second()),
            format!("{:.1}", usual.statements),
            format!("{:.1}", usual.orders.a_second()),
            ms(usual.orders.p50()),
            format!("{:.1}", all.a_second() / usual.orders.a_second()),
            format!("{} / {}", shortest.refused, usual.refused),
        ]);
        let day = Arc::new(Day::new(members, 1_000_000_000));
        let most = arrivals::as_many_as_possible(&application.shop, CLIENTS_OF_THE_DAY, spans, &day);
        report.paragraph(&format!(
            "**A mixed day, {added} ms added.** {CLIENTS_OF_THE_DAY} clients in a closed loop: {most:.0} calls a second."
        ));
        lines.extend(rising(&mut report, &application.shop, most, spans, &day, &format!("{added} ms added")));
        application.audit_is_clean();
        runtime.block_on(application.host.stop()).expect("the application stops");
    }
    report.paragraph(&format!(
        "**Orders**, one client after another and {CLIENTS} at once, for {} s each.",
        spans.measured.as_secs_f64()
    ));
    let columns = [
        "added ms",
        "round trip ms (SELECT 1)",
        "quote p50 ms",
        "order p50 / p99 ms",
        "p50 less 2 round trips",
        "8 clients: a second",
        "p50 / p99 ms",
        "shortest interactive: statements an order",
        "a second",
        "p50 ms",
        "ratio of rates",
        "usual interactive: statements an order",
        "a second",
        "p50 ms",
        "ratio of rates",
        "in each other's way",
    ];
    report.table(&columns, &orders);
    report.chart("p99", "p99 of all calls by rate, hosted", "calls a second", "ms", &lines);
    report.end();
}
