use super::*;

const WRITE: &str = "-- changes something\nINSERT INTO t VALUES (1)";
const READ: &str = "SELECT 1";

fn all_kinds(seed: u64) -> Faults {
    Faults { seed, lost_answers: 50, busy: 50, errors: 50, drops: 50, waits: 50, longest_wait: Duration::from_millis(2) }
}

/// What happens to so many statements, each on a connection of its own that did open.
fn meets(injector: &Arc<Injector>, statement: &str, count: usize) -> Vec<Fault> {
    let mut connections = std::iter::from_fn(|| Some(Link::open(Some(injector.clone())))).flatten();
    (0..count).filter_map(|_| Some(connections.next()?.next(statement))).collect()
}

#[test]
fn a_seed_gives_one_sequence_with_all_kinds_and_each_fault_is_counted() {
    let injector = Arc::new(Injector::new(all_kinds(7)));
    let seen = meets(&injector, WRITE, 2_000);
    assert_eq!(seen, meets(&Arc::new(Injector::new(all_kinds(7))), WRITE, 2_000));
    assert_ne!(seen, meets(&Arc::new(Injector::new(all_kinds(8))), WRITE, 2_000));
    let counts = injector.counts();
    for (kind, count) in [
        ("lost answers", counts.lost_answers),
        ("busy", counts.busy),
        ("errors", counts.errors),
        ("drops", counts.drops),
        ("waits", counts.waits),
    ] {
        assert!((50..=250).contains(&count), "{kind}: {count} of 2 000 at 5 %");
    }
    let lost = seen.iter().filter(|fault| fault.answer_lost.is_some()).count();
    assert_eq!(lost as u64, counts.lost_answers);
    let waited = seen.iter().filter(|fault| !(fault.wait_before + fault.wait_after).is_zero());
    assert!(waited.clone().count() > 0);
    assert!(waited.into_iter().all(|fault| fault.wait_before + fault.wait_after <= Duration::from_millis(2)));
    assert_eq!(counts.failures(), counts.lost_answers + counts.busy + counts.errors + counts.drops);
}

#[test]
fn a_statement_that_only_reads_never_commits_without_an_answer() {
    let injector = Arc::new(Injector::new(Faults { lost_answers: 1_000, ..Faults::default() }));
    assert!(meets(&injector, READ, 10).iter().all(|fault| *fault == Fault::default()));
    assert!(meets(&injector, WRITE, 10).iter().all(|fault| fault.answer_lost.is_some()));
    assert_eq!(injector.counts(), FaultCounts { lost_answers: 10, ..FaultCounts::default() });
}

#[test]
fn a_broken_connection_stays_broken_until_it_is_opened_again() {
    let injector = Arc::new(Injector::new(Faults { drops: 1_000, ..Faults::default() }));
    let link = Link::open(Some(injector.clone())).unwrap();
    let error = link.next(READ).instead.unwrap();
    injector.switch(false);
    assert_eq!(link.clone().next(READ).instead, Some(error));
    assert_eq!(Link::open(Some(injector.clone())).unwrap().next(READ), Fault::default());
    assert_eq!(injector.counts().drops, 1, "once, however many statements failed on it");
    let idle = Link::open(Some(injector.clone())).unwrap();
    injector.drop_connections();
    assert_eq!(idle.next(READ).instead, Some(EXPIRED));
    assert_eq!(Link::open(Some(injector)).unwrap().next(READ), Fault::default());
}

#[test]
fn a_store_that_is_down_does_nothing_and_a_full_one_reads() {
    let injector = Arc::new(Injector::new(Faults::default()));
    let link = Link::open(Some(injector.clone())).unwrap();
    injector.stores_are(Condition::Down);
    assert!(Link::open(Some(injector.clone())).is_err_and(|error| DOWN.contains(&error)));
    assert!(link.next(READ).instead.is_some_and(|error| DOWN.contains(&error)));
    injector.stores_are(Condition::Full);
    assert!(Link::open(Some(injector.clone())).is_ok());
    assert_eq!(link.next(READ), Fault::default());
    assert!(link.next(WRITE).instead.is_some_and(|error| FULL.contains(&error)));
    injector.stores_are(Condition::Working);
    assert_eq!(link.next(WRITE), Fault::default());
    assert_eq!(injector.counts(), FaultCounts::default(), "conditions are no faults by chance");
}

#[test]
fn there_are_never_more_faults_than_statements() {
    assert!(Faults { busy: 600, errors: 400, ..Faults::default() }.are_possible());
    assert!(!Faults { busy: 600, errors: 401, ..Faults::default() }.are_possible());
    assert!(!Faults { busy: u32::MAX, errors: u32::MAX, ..Faults::default() }.are_possible());
}
