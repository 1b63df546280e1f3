//! The four steps of a request (DESIGN.md section 2): load, judge, decide, apply, with repeats and retries around them.

use std::cell::Cell;
use std::time::{Duration, Instant};

use domain::judgement::Standing;
use domain::plan::Plan;
use domain::snapshot::{Answer, Member, Snapshot};
use domain::{Id, Ids};
use futures_util::future::join;
use ledger::{Command, Refusal};
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::{Answered, Asking, Caller, Commit, Load, Loaded, StoreError};

use crate::access::{Access, Scope};
use crate::call::{Call, Reply, hex};
use crate::database::{SpinDatabase, books};
use crate::platform::{now, random};
use crate::problem::{Problem, from_refusal, from_store};
use crate::record;
use crate::replica;
use crate::rules::{ActiveProgram, Look, likely_needs, program_by_head};

/// How often a stale plan is made again. With jitter this lets 20 tills that press at the same member at once all through.
const TRIES: u32 = 40;

/// How long a request goes on trying. Five seconds are what a till waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// Loads for one look: the first may be for another program, the second for another order.
const MOST_LOADS: usize = 4;

thread_local! {
    /// Whether this instance has met a referral that waits or is paid: from then on they are loaded at once. Before, the SELECT only
    /// asks whether there are any, which most shops and members have not.
    static MET_REFERRALS: Cell<bool> = const { Cell::new(false) };
}

/// What a decision is made with.
pub struct Context {
    pub caller: Caller,
    pub snapshot: Snapshot,
    pub program: ActiveProgram,
    pub command: Command,
}

impl Context {
    /// What the ledger must know of the program.
    #[must_use]
    pub fn terms(&self) -> ledger::Terms {
        self.program.terms(self.command.now)
    }

    /// Where the member stands now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let member = self.snapshot.member.as_ref();
        member.map_or_else(Standing::default, |member| self.program.standing(member, self.command.now))
    }

    /// Where any member stands now, by what the ledger made of it.
    pub fn standing_of(&self) -> impl Fn(&Member) -> Standing + '_ {
        |member| self.program.standing(member, self.command.now)
    }

    /// Whether the member may spend points: loaded with what they agreed to.
    ///
    /// # Errors
    /// 409 for a member who is still to confirm who they are, or to accept the program's rules.
    pub fn may_spend(&self) -> Result<(), Problem> {
        let member = self.snapshot.member.as_ref().ok_or_else(|| self.refuse(&Refusal::MemberNotFound))?;
        let asked = ledger::Asked { code: self.program.asks_for_a_code(), rules_version: self.program.rules_version() };
        ledger::may_spend(member, self.snapshot.agreed.as_ref(), asked).map_err(|refusal| self.refuse(&refusal))
    }

    /// A refusal in the API's words.
    #[must_use]
    pub fn refuse(&self, refusal: &Refusal) -> Problem {
        from_refusal(refusal, self.program.scale())
    }
}

/// What was decided: an answer and its plan.
pub struct Decision {
    /// The command's id.
    pub id: Id,
    pub status: u16,
    pub answer: Value,
    pub plan: Plan,
}

/// A new effect, or the stored answer of an earlier one.
pub enum Outcome {
    New(Box<Decision>),
    Repeat(Answer),
}

/// What a reading call sees.
pub struct Read {
    pub caller: Caller,
    pub snapshot: Snapshot,
    pub program: ActiveProgram,
    /// Where the rest is read that the answer needs.
    pub books: SpinDatabase,
}

/// A mutation: two round trips when nobody interferes, repeated as a whole when the books moved meanwhile. It is decided by what
/// the primary says, never by a replica: not everything that a decision looks at has a lock.
///
/// # Errors
/// What `decide` refuses; 422 for a key that was used for something else; 409 or 503 when trying did not help.
pub async fn mutate(
    call: &Call,
    allowed: &[Scope],
    load: Load,
    decide: impl Fn(&Context) -> Result<Outcome, Problem>,
) -> Result<Reply, Problem> {
    mutate_at(call, allowed, load, &Look::Standing, decide).await
}

/// The same for what the rules judge by what the member did before.
///
/// # Errors
/// As [`mutate`].
pub async fn mutate_at(
    call: &Call,
    allowed: &[Scope],
    mut load: Load,
    look: &Look,
    decide: impl Fn(&Context) -> Result<Outcome, Problem>,
) -> Result<Reply, Problem> {
    let idempotency_key = call.idempotency_key()?;
    let access = Access::of(call).await?;
    let fingerprint = call.fingerprint().await?;
    load.caller = access.asking();
    note_identity(call, &load);
    load.idempotency_key = Some(idempotency_key.to_owned());
    with_retries(async || {
        let now = now();
        let (loaded, program) = load_known(&load, look, now).await?;
        replica::note_read(call, &loaded, false);
        let caller = access.permit(call, loaded.caller, allowed)?;
        let fingerprint = own_fingerprint(&fingerprint, &caller);
        if let Some(answered) = loaded.answered {
            return replay(&answered, &fingerprint).map_err(Failed::Problem);
        }
        let program = program?.told_in(&call.languages);
        still_there(&load, &loaded.snapshot).map_err(|refusal| from_refusal(&refusal, program.scale()))?;
        let command = Command { now, ids: Ids::new(now, random()) };
        let context = Context { caller, snapshot: loaded.snapshot, program, command };
        match decide(&context)? {
            Outcome::Repeat(answer) => {
                Ok(Reply { replayed: true, ..Reply::new(answer.status, answer.answer.unwrap_or_default()) })
            }
            Outcome::New(decision) => {
                let answer = decision.answer.to_string();
                let commit = Commit {
                    id: decision.id,
                    idempotency_key,
                    fingerprint: &fingerprint,
                    status: decision.status,
                    answer: Some(&answer),
                    now,
                    plan: &decision.plan,
                };
                store::apply(&books(), &commit).await?;
                replica::note_mutation(call, &context.snapshot, &decision.plan);
                Ok(Reply::new(decision.status, answer))
            }
        }
    })
    .await
}

/// Nothing is done for a member whose person is gone. What only follows from an order or a redemption of theirs still is.
fn still_there(load: &Load, snapshot: &Snapshot) -> Result<(), Refusal> {
    let named = [(load.member.is_some(), &snapshot.member), (load.other.is_some(), &snapshot.other)];
    let gone = |(named, member): &(bool, &Option<Member>)| *named && member.as_ref().is_some_and(Member::is_erased);
    if named.iter().any(gone) { Err(Refusal::MemberErased) } else { Ok(()) }
}

/// A reading call: one round trip, to the primary.
///
/// # Errors
/// 401, 403, 409 without a program, 503.
pub async fn read(call: &Call, allowed: &[Scope], load: Load) -> Result<Read, Problem> {
    let (access, load) = reader(call, load).await?;
    read_primary(call, allowed, &access, &load, &Look::Standing).await
}

/// A reading call whose answer tells its age by the member's account: from the replica where there is one that is not behind what
/// the caller has seen, else from the primary. One round trip, beside the primary's word on who calls; two where the replica is
/// behind.
///
/// # Errors
/// As [`read`]; 400 for a `Kopilka-Min-Sequence` that is none.
pub async fn read_nearby(call: &Call, allowed: &[Scope], load: Load, look: &Look) -> Result<Read, Problem> {
    let at_least = call.reading.at_least()?;
    let (access, load) = reader(call, load).await?;
    if let Some(replica) = replica::for_read(call).await {
        // whether a key was revoked, and how much was asked, only the primary knows
        let nearby = Load { caller: Asking::default(), ..load.clone() };
        let found = replica::ask(replica, load_known_of(&replica, &nearby, look, now()));
        let (known, found) = join(access.known(), found).await;
        let known = known?;
        if let Some((mut loaded, program)) = found.filter(|(loaded, _)| replica::is_fresh(&load, loaded, at_least)) {
            replica::note_read(call, &loaded, true);
            loaded.caller = known;
            return told(call, allowed, &access, loaded, program, replica);
        }
    }
    read_primary(call, allowed, &access, &load, look).await
}

/// Whoever reads, and what is loaded for them.
async fn reader(call: &Call, mut load: Load) -> Result<(Access, Load), Problem> {
    let access = Access::of(call).await?;
    // whose data it is: nobody else's are even looked for
    if access.member().is_some_and(|member| load.member != Some(member)) {
        return Err(Problem::new(403, "scope_missing", "A member's token reads the member's own data and nobody else's"));
    }
    load.caller = access.asking();
    note_identity(call, &load);
    Ok((access, load))
}

async fn read_primary(call: &Call, allowed: &[Scope], access: &Access, load: &Load, look: &Look) -> Result<Read, Problem> {
    let (loaded, program) = load_known(load, look, now()).await.map_err(|error| from_store(&error))?;
    replica::note_read(call, &loaded, false);
    told(call, allowed, access, loaded, program, books())
}

/// What was loaded, for whoever may read it.
fn told(
    call: &Call,
    allowed: &[Scope],
    access: &Access,
    loaded: Loaded,
    program: Result<ActiveProgram, Problem>,
    books: SpinDatabase,
) -> Result<Read, Problem> {
    let caller = access.permit(call, loaded.caller, allowed)?;
    // a token outlives whoever it was given to by a day at most, and reads nothing then
    if access.member().is_some() && loaded.snapshot.member.as_ref().is_some_and(Member::is_erased) {
        return Err(from_refusal(&Refusal::MemberErased, 0));
    }
    Ok(Read { caller, snapshot: loaded.snapshot, program: program?.told_in(&call.languages), books })
}

/// Loads with what the program must know of the member. Which program is in force is not known before: the one that this
/// instance saw last is asked, and where another one wants to know something else, everything is loaded once more; so it is with
/// an order that was thought to be new, and with the first referral that the instance meets.
///
/// # Errors
/// [`StoreError`]; [`StoreError::Stale`] when program follows program.
pub async fn load_known(
    load: &Load,
    look: &Look,
    now: domain::Instant,
) -> Result<(Loaded, Result<ActiveProgram, Problem>), StoreError> {
    load_known_of(&books(), load, look, now).await
}

async fn load_known_of(
    books: &SpinDatabase,
    load: &Load,
    look: &Look,
    now: domain::Instant,
) -> Result<(Loaded, Result<ActiveProgram, Problem>), StoreError> {
    let likely = Load { needs: likely_needs(look, now), whether_referrals: !MET_REFERRALS.get(), ..load.clone() };
    let mut load = likely;
    for _ in 0..MOST_LOADS {
        let loaded = store::load(books, &load).await?;
        if loaded.answered.is_some() {
            return Ok((loaded, Err(Problem::new(500, "internal_error", "What was answered is not decided again"))));
        }
        let program = match program_by_head(loaded.program.as_ref()).await {
            Ok(program) => program,
            Err(problem) => return Ok((loaded, Err(problem))),
        };
        let needs = program.needs(&look.knowing(&loaded.snapshot), now);
        // whoever is not there has done nothing
        let known = needs == load.needs || loaded.snapshot.member.is_none();
        if known && !loaded.lacks_order && !loaded.lacks_referrals {
            return Ok((loaded, Ok(program)));
        }
        if loaded.lacks_referrals {
            MET_REFERRALS.set(true);
            load.whether_referrals = false;
        }
        load.whether_order &= !loaded.lacks_order;
        load.needs = needs;
    }
    Err(StoreError::Stale)
}

/// The caller of a call that needs nothing else of the store.
///
/// # Errors
/// 401, 403, 503.
pub async fn authorize(call: &Call, allowed: &[Scope]) -> Result<Caller, Problem> {
    let access = Access::of(call).await?;
    let known = access.known().await?;
    access.permit(call, known, allowed)
}

/// A member who is named by an identity may be one that the caller tries out.
fn note_identity(call: &Call, load: &Load) {
    if load.identity.is_some() || load.other_identity.is_some() {
        call.names_by_identity();
    }
}

/// The stored answer of a command, for the same request only.
///
/// # Errors
/// 422 for another request under the same key.
pub fn replay(answered: &Answered, fingerprint: &str) -> Result<Reply, Problem> {
    if answered.fingerprint != fingerprint {
        return Err(Problem::new(
            422,
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request; nothing was written. Make a new key for each change",
        ));
    }
    Ok(Reply { replayed: true, ..Reply::new(answered.status, answered.answer.as_deref().unwrap_or_default()) })
}

/// A till's requests are its own: another store's till that sends the same gets no answer of theirs.
#[must_use]
pub fn own_fingerprint(fingerprint: &str, caller: &Caller) -> String {
    match &caller.store {
        None => fingerprint.to_owned(),
        Some(store) => hash_text(&format!("{fingerprint} {store}")),
    }
}

/// Makes sure that the key of a call is known; only for calls that were refused before anything was asked of the store.
///
/// # Errors
/// 401, 429, 503.
pub(crate) async fn known_key(call: &Call) -> Result<(), Problem> {
    let access = Access::of(call).await?;
    let known = access.known().await?;
    access.permit(call, known, &Scope::ALL).map(drop)
}

/// What one try came to.
#[derive(Debug)]
pub enum Failed {
    /// Final.
    Problem(Problem),
    /// Perhaps worth another try.
    Store(StoreError),
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Tries until it succeeds, is refused, or patience ends. Only whole requests are repeated, each from a new snapshot: a
/// statement whose answer was lost is found by its idempotency key.
///
/// # Errors
/// What was refused, or the last failure of the store.
pub async fn with_retries(mut attempt: impl AsyncFnMut() -> Result<Reply, Failed>) -> Result<Reply, Problem> {
    // the monotonic clock: a virtual wall clock may stand still
    let started = Instant::now();
    let mut tries = 0;
    loop {
        tries += 1;
        record::try_begins();
        match attempt().await {
            Ok(reply) => return Ok(reply),
            Err(Failed::Problem(problem)) => return Err(problem),
            Err(Failed::Store(error)) => {
                let repeatable = matches!(error, StoreError::Stale | StoreError::Busy(_) | StoreError::Broken(_));
                if !repeatable || tries >= TRIES || started.elapsed() > PATIENCE {
                    record::trouble(error.to_string());
                    return Err(from_store(&error));
                }
                // waits of 0 to 2, 4 ... 64 ms: whoever lost may come first the next time
                let widest = 2_u64 << tries.min(5);
                spin_sdk::time::sleep(Duration::from_micros(random() % (widest * 1_000))).await;
            }
        }
    }
}

/// SHA-256 of a text in hexadecimal digits.
#[must_use]
pub fn hash_text(text: &str) -> String {
    hex(&Sha256::digest(text))
}
