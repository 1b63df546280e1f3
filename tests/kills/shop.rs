//! A shop that is killed and comes back: its data, its clients, and what they were answered.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::checks::{self, Counts};
use crate::codes::Codes;
use crate::commands::{Client, Moment, documents};
use crate::compare::Finding;
use crate::exchange::{Answer, Connection, Exchange, Request, send_all};
use crate::expected::Expected;
use crate::process::{Process, Start, Time, last_words};
use crate::random::Random;
use crate::tally::Tally;
use crate::wishes::Wish;

/// Clients that send at the same time.
const CLIENTS: u64 = 8;
/// Members that all of them deal with.
const REGULARS: usize = 5;
/// Presets that follow one another.
const PROGRAMS: [&str; 4] = ["gw-tools", "estilo", "sela", "fixed"];
/// How far a virtual clock moves with each start: holds of a minute are over after three.
const STEP: Duration = Duration::from_secs(25);
/// Milliseconds within which a start is killed: a whole one takes about as long.
const LONGEST_START: u64 = 120;
/// Earlier changes that are repeated after each start, beside all of the latest.
const SAMPLE: usize = 40;

/// Where a shop lies, and how it is called.
#[derive(Clone, Debug)]
pub struct Place {
    /// What all its keys and ids begin with.
    pub name: String,
    pub seed: u64,
    /// Which shop of a run it is.
    pub number: u64,
    pub runtime_config: Option<PathBuf>,
    /// The machine's clock, or one that moves only with each start.
    pub real_time: bool,
}

/// A shop.
pub struct Shop {
    folder: TempDir,
    start: Start,
    time: Time,
    process: Process,
    random: Random,
    clients: Vec<Client>,
    /// Changes that were answered and have been looked at since.
    known: Vec<Exchange>,
    /// Changes that were answered since the last look.
    fresh: Vec<Exchange>,
    /// Changes without an answer, with the client that waits for it.
    open: Vec<(usize, Request)>,
    before: Counts,
    pub tally: Tally,
}

impl Shop {
    /// Opens a shop with a program and a few members, who have points.
    pub async fn open(place: &Place) -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for data");
        let (data, log) = (folder.path().join("data"), folder.path().join("log"));
        let start = Start { data, log, runtime_config: place.runtime_config.clone() };
        let time = if place.real_time { Time::Real } else { Time::At(Time::Real.now()) };
        let (mut random, mut tally) = (Random::new(&[place.seed, place.number]), Tally::default());
        if random.once_in(2) {
            kill_a_start(&start, time, &mut random, &mut tally);
        }
        let process = Process::start(&start, time);
        let (checked, findings) = checks::audit(process.address).await;
        assert!(findings.is_empty(), "the books are clean at the beginning: {findings:?}");
        let (clients, known, fresh, open) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let before = Counts::of(&checked);
        let mut shop = Self { folder, start, time, process, random, clients, known, fresh, open, before, tally };
        shop.furnish(place).await;
        shop
    }

    async fn furnish(&mut self, place: &Place) {
        let paths = PROGRAMS.map(|name| format!("/v1/program/presets/{name}"));
        let presets = send_all(self.process.address, paths.map(Request::get).to_vec()).await;
        let presets: Vec<Value> = presets.into_iter().map(|preset| preset.expect("a preset").json()["document"].take()).collect();
        let documents = Arc::new(documents(&presets));
        let codes = match place.runtime_config {
            None => Codes::Outbox(self.start.data.clone()),
            Some(_) => Codes::Nowhere,
        };
        let client = |name: &str, number: u64, regulars: &Arc<Vec<String>>| {
            let random = Random::new(&[place.seed, place.number, number]);
            Client::new(format!("{}-{name}", place.name), random, regulars.clone(), documents.clone(), codes.clone())
        };
        let mut opening = client("opening", CLIENTS, &Arc::default());
        let programs = vec![opening.publish().expect("a program")];
        self.bring_about(programs).await;
        let members: Vec<Request> = (0..REGULARS).map(|_| opening.enrol()).collect();
        let regulars = self.bring_about(members).await;
        let regulars = regulars.iter().map(|member| member.json()["id"].as_str().expect("an id").to_owned());
        let regulars = Arc::new(regulars.collect::<Vec<_>>());
        self.bring_about(regulars.iter().map(|member| opening.endow(member)).collect()).await;
        self.clients = (0..CLIENTS).map(|number| client(&number.to_string(), number, &regulars)).collect();
    }

    /// Changes that nothing may come between.
    async fn bring_about(&mut self, requests: Vec<Request>) -> Vec<Answer> {
        let answers = send_all(self.process.address, requests.clone()).await;
        let answers: Vec<Answer> = answers.into_iter().map(|answer| answer.expect("an answer")).collect();
        for (request, answer) in requests.into_iter().zip(&answers) {
            assert!(answer.status.is_success(), "{request:?}: {}", answer.text);
            self.fresh.push(Exchange { request, answer: answer.clone() });
        }
        answers
    }

    /// Lets all clients work for a while, and kills the program in the midst of it.
    pub async fn work_until_killed(&mut self, after: Duration) {
        let soon = if matches!(self.time, Time::Real) { Duration::from_secs(1) } else { STEP };
        let (time, address) = (self.time, self.process.address);
        let mut working = JoinSet::new();
        for (number, client) in self.clients.drain(..).enumerate() {
            let moment = move || Moment { now: time.now(), soon };
            working.spawn(async move { (number, work(client, moment, Connection::open(address).await).await) });
        }
        tokio::time::sleep(after).await;
        self.kill();
        let mut worked = working.join_all().await;
        worked.sort_by_key(|(number, _)| *number);
        for (number, work) in worked {
            self.clients.push(work.client);
            self.fresh.extend(work.done);
            self.open.extend(work.open.into_iter().map(|request| (number, request)));
            self.tally.add(work.tally);
        }
        self.tally.kills += 1;
    }

    /// Kills the program.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts the program again on the same data; now and then a first start is killed, too.
    pub fn start_again(&mut self) {
        if let Time::At(now) = self.time {
            self.time = Time::At(now + STEP);
        }
        if self.random.once_in(8) {
            kill_a_start(&self.start, self.time, &mut self.random, &mut self.tally);
        }
        self.process = Process::start(&self.start, self.time);
    }

    /// Repeats every request that got no answer; what comes now is its answer.
    pub async fn ask_again(&mut self) -> Vec<Finding> {
        let open = std::mem::take(&mut self.open);
        let mut findings = Vec::new();
        let answers = send_all(self.process.address, open.iter().map(|(_, request)| request.clone()).collect()).await;
        for ((number, request), answer) in open.into_iter().zip(answers) {
            match answer {
                Some(answer) if answer.status.is_success() => {
                    *if answer.replayed { &mut self.tally.found_applied } else { &mut self.tally.found_missing } += 1;
                    let done = Exchange { request, answer };
                    self.clients[number].learn(&done);
                    self.fresh.push(done);
                }
                Some(answer) if !answer.status.is_server_error() => self.tally.found_refused += 1,
                failed => {
                    let key = request.key.unwrap_or_default();
                    findings.push(Finding::differs(&key, format!("the repeat of an unanswered request fails: {failed:?}")));
                }
            }
        }
        findings
    }

    /// Looks at everything that must be there: the answers of the last cycle and some of before, and the audit. In full
    /// also every entry and order.
    pub async fn look(&mut self, in_full: bool) -> Vec<Finding> {
        let address = self.process.address;
        let mut again = self.fresh.clone();
        again.extend((0..SAMPLE).filter_map(|_| self.random.choose(&self.known).cloned()));
        self.tally.replays += again.len();
        let mut findings = checks::repeats(address, &again).await;
        self.fresh.iter().for_each(|done| self.tally.change(&done.request.wish));
        self.known.append(&mut self.fresh);
        let (checked, wrong) = checks::audit(address).await;
        findings.extend(wrong);
        self.tally.audits += 1;
        let expected = Expected::of(&self.known);
        findings.extend(checks::counts(self.before, &checked, &expected));
        // where something is wrong already, the entries say what
        if in_full || !findings.is_empty() {
            findings.extend(checks::read_back(address, &expected).await);
            self.tally.read_back += 1;
        }
        findings
    }

    /// One change by one client while nobody else works. Returns its key.
    pub async fn change(&mut self, wish: impl FnOnce(&mut Client, Moment) -> Request) -> String {
        let moment = Moment { now: self.time.now(), soon: STEP };
        let request = wish(&mut self.clients[0], moment);
        let key = request.key.clone().unwrap_or_default();
        self.bring_about(vec![request]).await;
        key
    }

    /// The latest change that was answered.
    pub fn latest(&self) -> &Exchange {
        self.fresh.last().expect("a change since the last look")
    }

    /// A member that all clients deal with.
    pub fn regular(&self) -> String {
        self.clients[0].regular()
    }

    /// Where the program answers.
    pub fn address(&self) -> SocketAddr {
        self.process.address
    }

    /// The folder of the databases.
    pub fn data(&self) -> &Path {
        &self.start.data
    }

    /// Keeps the data for whoever wants to know what happened. Returns where, and the program's last words.
    pub fn keep(self) -> (PathBuf, String) {
        let said = last_words(&self.start.log);
        (self.folder.keep(), said)
    }
}

/// A start that does not come to its end: whatever it has begun, such as making tables or keys, the next one must finish.
fn kill_a_start(start: &Start, time: Time, random: &mut Random, tally: &mut Tally) {
    Process::start_and_kill(start, time, Duration::from_millis(random.below(LONGEST_START)));
    tally.kills_at_start += 1;
}

/// What a client did until its connection broke.
struct Work {
    client: Client,
    done: Vec<Exchange>,
    open: Vec<Request>,
    tally: Tally,
}

/// Sends one request after another until there is nobody to answer.
async fn work(client: Client, moment: impl Fn() -> Moment, connection: Option<Connection>) -> Work {
    let mut work = Work { client, done: Vec::new(), open: Vec::new(), tally: Tally::default() };
    let Some(mut connection) = connection else { return work };
    loop {
        let request = work.client.next(moment());
        let Some(answer) = connection.send(&request).await else {
            work.leave_open(request);
            return work;
        };
        work.tally.answered += 1;
        if answer.status.is_success() {
            work.note(request, answer);
            continue;
        }
        work.tally.refuse(&answer);
        if answer.status.is_server_error() {
            // it does not say what became of the change; of a merge one must know whose everything is before one goes on
            let merging = matches!(request.wish, Wish::Merge { .. });
            work.leave_open(request);
            if merging {
                return work;
            }
        }
    }
}

impl Work {
    fn note(&mut self, request: Request, answer: Answer) {
        // without a key it changed nothing that would stay
        if request.key.is_some() {
            let done = Exchange { request, answer };
            self.client.learn(&done);
            self.done.push(done);
        }
    }

    fn leave_open(&mut self, request: Request) {
        if request.key.is_some() {
            self.tally.in_flight += 1;
            self.open.push(request);
        }
    }
}
