//! Reads from a replica of the books, where the operator names one in the Spin variable `read_database`.
//!
//! A replica follows the primary and may be behind it. So it is asked only for what an account's own numbers tell the age of: a
//! quote, a balance, entries, an order of a member, a redemption. [`Sequence`] grows with each of those, and a caller or an
//! instance that has seen more of a member than the replica knows is answered by the primary. Where the replica says no
//! (not found, refused, no program), where nothing tells the age (an anonymous order, a redemption that awaits its code), and
//! where it does not answer, the primary is asked as well.
//!
//! Everything else is the primary's:
//!
//! - Mutations, also what they decide by. The referee locks the account, the statistics, the order and the idempotency key; it
//!   does not lock the caller's key, the rules of the program in force, the program's rules that a member accepted, or what other
//!   members did (a device, a referral's caps). A plan made from an old snapshot of those would be accepted.
//! - Who calls, and how much they asked: a key that was revoked opens nothing any more. The primary is asked for it while the
//!   replica reads. The first key and a member's token are known without the store, what came from their address or was asked
//!   with the token is not.
//! - A member's person, consents and acceptances: whoever writes to members goes by them. Jobs, the audit, what staff reads.
//!
//! What may be seen late, by as much as the replica is behind: a program that was published just now, a rule's budget that
//! others used up, a voucher that was used, whose a phone is now, the segments that a member was put into (they change nothing in
//! the books, so that no number moves with them), that a member was erased (numbers are left, no person). A quote promises
//! nothing, and the order that follows it is decided by the primary.
//!
//! An account's numbers say nothing of another's: after a merge, or when an identity has moved, a replica may still find the
//! account of before, which has come further. So the header names the account, and about another one the primary is asked.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::time::{Duration, Instant};

use domain::Id;
use domain::plan::Plan;
use domain::snapshot::{Member, RedemptionStatus, Snapshot};
use serde_json::json;
use store::{Load, Loaded, StoreError};

use crate::access::optional_variable;
use crate::call::{Call, Reply};
use crate::database::{SpinDatabase, dispensable};
use crate::log::say;
use crate::problem::Problem;

/// The header of answers about a member: how much of the account they know.
const SEQUENCE: &str = "kopilka-sequence";

/// The header of requests: how much the answer must know at least.
pub(crate) const MIN_SEQUENCE: &str = "kopilka-min-sequence";

/// Accounts of which an instance remembers what it saw last: more than it gets requests.
const REMEMBERED: usize = 256;

/// How long a replica may take for a statement. One nearby answers in milliseconds. An instance that idles for a second is thrown away, with what it
/// knows of the replica: who waits shorter does not wait again and again.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long an instance asks the primary only, after the replica did not answer.
const AWAY: Duration = Duration::from_secs(10);

thread_local! {
    /// The replica's label, once it is known; none where there is no replica.
    static REPLICA: OnceCell<Option<SpinDatabase>> = const { OnceCell::new() };
    /// Until when it is not asked.
    static AWAY_UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
    /// What was seen of accounts, the latest last. A lower bound stays true for ever.
    static SEEN: RefCell<VecDeque<(Id, Sequence)>> = const { RefCell::new(VecDeque::new()) };
    /// The newest program that was seen.
    static PROGRAM: Cell<i64> = const { Cell::new(0) };
}

/// How far an account has come: the number of its last entry, and the lock of its statistics (orders and tiers that moved no
/// points). Neither ever falls. Written `14.6`, behind the account: `mem_11ef45a98b2c7d01:14.6`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sequence {
    entries: i64,
    statistics: i64,
}

impl Sequence {
    fn of(member: &Member) -> Self {
        Self { entries: member.seq, statistics: member.revision }
    }

    /// An account, and how far it has come.
    fn parse(text: &str) -> Option<(Id, Self)> {
        let (account, numbers) = text.trim().split_once(':')?;
        let (entries, statistics) = numbers.split_once('.')?;
        let number = |text: &str| text.parse().ok().filter(|number| *number >= 0);
        let account = Id::parse(account, "mem").ok()?;
        Some((account, Self { entries: number(entries)?, statistics: number(statistics)? }))
    }

    fn written(self, account: Id) -> String {
        let Self { entries, statistics } = self;
        format!("{}:{entries}.{statistics}", account.external("mem"))
    }

    fn covers(self, other: Self) -> bool {
        self.entries >= other.entries && self.statistics >= other.statistics
    }

    fn and(self, other: Self) -> Self {
        Self { entries: self.entries.max(other.entries), statistics: self.statistics.max(other.statistics) }
    }
}

/// From where a call was answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    /// What the caller has seen, as it was sent.
    at_least: Option<String>,
    /// The replica was asked, and what it said may have led to the answer.
    from_replica: Cell<bool>,
    /// The replica is not asked any more.
    primary_only: Cell<bool>,
    /// Whose account the answer is about, and what it knows of it.
    sequence: Cell<Option<(Id, Sequence)>>,
}

impl Reading {
    pub(crate) fn asked(at_least: Option<String>) -> Self {
        Self { at_least, ..Self::default() }
    }

    /// What the caller has seen, and of which account.
    ///
    /// # Errors
    /// 400 for what no answer has said.
    pub(crate) fn at_least(&self) -> Result<Option<(Id, Sequence)>, Problem> {
        let wrong = || {
            let detail = "Kopilka-Min-Sequence is what an answer's header Kopilka-Sequence said about this member, \
                          like mem_11ef45a98b2c7d01:14.6";
            Problem::new(400, "min_sequence_invalid", detail)
        };
        self.at_least.as_deref().map(|text| Sequence::parse(text).ok_or_else(wrong)).transpose()
    }

    /// What is refused by what a replica said may be refused for being late. Who calls is known from elsewhere.
    fn is_perhaps_late(&self, problem: &Problem) -> bool {
        self.from_replica.get() && !matches!(problem.status, 401 | 429) && problem.code != "scope_missing"
    }
}

/// The answer of a route. What a replica's word led it to refuse is asked of the primary before it is told; nothing was written.
pub(crate) async fn answered<F>(call: &Call, route: F) -> Result<Reply, Problem>
where
    F: AsyncFn(&Call) -> Result<Reply, Problem>,
{
    let outcome = match route(call).await {
        Err(problem) if call.reading.is_perhaps_late(&problem) => {
            call.reading.primary_only.set(true);
            route(call).await
        }
        outcome => outcome,
    };
    let mut reply = outcome?;
    if let Some((account, sequence)) = call.reading.sequence.get() {
        reply.headers.push((SEQUENCE, sequence.written(account)));
    }
    Ok(reply)
}

/// The replica that a read may be made from now.
pub(crate) async fn for_read(call: &Call) -> Option<SpinDatabase> {
    if call.reading.primary_only.get() || AWAY_UNTIL.get().is_some_and(|end| Instant::now() < end) {
        return None;
    }
    if let Some(known) = REPLICA.with(|known| known.get().copied()) {
        return known;
    }
    let name = optional_variable("read_database").await.filter(|name| name != "default");
    REPLICA.with(|known| *known.get_or_init(|| name.map(|name| dispensable(name, PATIENCE))))
}

/// What the replica says. None where it says nothing, and the primary must be asked instead.
pub(crate) async fn ask<T>(replica: SpinDatabase, asked: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
    let failed = match asked.await {
        Ok(found) => return Some(found),
        Err(error) => error,
    };
    AWAY_UNTIL.set(Some(Instant::now() + AWAY));
    let detail = format!("the replica {} does not answer, reads go on from the primary: {failed}", replica.label());
    say(&json!({"level": "warn", "detail": detail}));
    None
}

/// Whether what the replica said of a load is as new as what the caller or this instance has seen, as far as that can be told. Of
/// another account than the caller's it can't.
pub(crate) fn is_fresh(load: &Load, loaded: &Loaded, at_least: Option<(Id, Sequence)>) -> bool {
    let snapshot = &loaded.snapshot;
    let program = loaded.program.as_ref().map_or(0, |program| program.version);
    let of_account = match &snapshot.member {
        Some(member) => {
            let covers = |asked| Sequence::of(member).covers(asked);
            covers(seen(member.id)) && at_least.is_none_or(|(account, asked)| account == member.id && covers(asked))
        }
        // nobody's cart
        None => load.member.is_none() && load.identity.is_none() && load.order.is_none() && load.redemption.is_none(),
    };
    // a code is confirmed without an entry
    let awaits = snapshot.redemption.as_ref().is_some_and(|asked| asked.status == RedemptionStatus::AwaitingConfirmation);
    of_account && !awaits && program >= PROGRAM.get()
}

/// Remembers that a call saw this.
pub(crate) fn note_read(call: &Call, loaded: &Loaded, from_replica: bool) {
    call.reading.from_replica.set(from_replica);
    if let Some(program) = &loaded.program {
        PROGRAM.set(PROGRAM.get().max(program.version));
    }
    let Snapshot { member, other, .. } = &loaded.snapshot;
    for known in [member, other].into_iter().flatten() {
        remember(known.id, Sequence::of(known));
    }
    call.reading.sequence.set(member.as_ref().map(|member| (member.id, Sequence::of(member))));
}

/// Remembers what a plan that stands has made of the accounts.
pub(crate) fn note_written(plan: &Plan) {
    for entry in &plan.entries {
        remember(entry.account_id, Sequence { entries: entry.seq, statistics: 0 });
    }
    for update in &plan.statistics {
        remember(update.member_id, Sequence { entries: 0, statistics: update.revision + 1 });
    }
}

/// The answer of a mutation knows what its plan has made of the member.
pub(crate) fn note_mutation(call: &Call, snapshot: &Snapshot, plan: &Plan) {
    note_written(plan);
    let come_to = |member: &Member| (member.id, Sequence::of(member).and(seen(member.id)));
    call.reading.sequence.set(snapshot.member.as_ref().map(come_to));
}

fn seen(account: Id) -> Sequence {
    SEEN.with_borrow(|seen| {
        seen.iter().find(|(known, _)| *known == account).map_or(Sequence::default(), |(_, sequence)| *sequence)
    })
}

fn remember(account: Id, sequence: Sequence) {
    SEEN.with_borrow_mut(|seen| {
        let place = seen.iter().position(|(known, _)| *known == account);
        let known = place.and_then(|place| seen.remove(place)).map_or(Sequence::default(), |(_, sequence)| sequence);
        if seen.len() >= REMEMBERED {
            seen.pop_front();
        }
        seen.push_back((account, known.and(sequence)));
    });
}
