//! An open loop: requests are sent when they are due, at a fixed rate, whether or not those before were answered, and each one's
//! time counts from when it was due. So what piles up while the application is slow is seen (no coordinated omission).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinSet, LocalSet};

use crate::clients::{Client, Shop, Spans, is_success};
use crate::day::{Day, Kind};
use crate::native;
use crate::samples::Samples;

/// Connections at most: whoever is due beyond them waits, and the wait counts.
const CONNECTIONS: usize = 256;

/// What came of a rate.
pub struct Outcome {
    /// Requests a second that were sent.
    pub offered: f64,
    /// Requests a second that were answered within the time.
    pub answered: f64,
    pub failed: u64,
    pub all: Option<Samples>,
    kinds: Vec<(Kind, Option<Samples>)>,
}

impl Outcome {
    pub fn of(&self, kind: Kind) -> Option<&Samples> {
        self.kinds.iter().find(|(known, _)| *known == kind)?.1.as_ref()
    }

    /// Whether the application kept up: what was due was answered, by nearly all means soon.
    pub fn kept_up(&self) -> bool {
        let soon = self.all.as_ref().is_some_and(|all| all.p99() < 0.25);
        self.failed == 0 && soon && self.answered > 0.98 * self.offered
    }
}

/// Sends a day's calls at a rate, for as long as `spans` say.
pub fn send(shop: &Shop, rate: f64, spans: Spans, day: &Arc<Day>) -> Outcome {
    let (due, mut dues) = mpsc::unbounded_channel();
    let began = Instant::now();
    let (from, to) = (began + spans.warm_up, began + spans.warm_up + spans.measured);
    // a thread of its own: timers of a runtime are coarser than what is measured
    let pace = std::thread::spawn(move || {
        for number in 0_u64.. {
            let at = began + Duration::from_secs_f64(number as f64 / rate);
            if at >= to {
                return;
            }
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if due.send(at).is_err() {
                return;
            }
        }
    });
    let durations: Rc<RefCell<Vec<(Kind, Duration)>>> = Rc::default();
    let (failed, answered) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0_u64)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime for the clients");
    LocalSet::new().block_on(&runtime, async {
        let idle: Rc<RefCell<Vec<Client>>> = Rc::default();
        let free = Rc::new(Semaphore::new(CONNECTIONS));
        let mut running = JoinSet::new();
        while let Some(at) = dues.recv().await {
            let (shop, day, idle, free) = (shop.clone(), day.clone(), idle.clone(), free.clone());
            let (durations, failed, answered) = (durations.clone(), failed.clone(), answered.clone());
            running.spawn_local(async move {
                let _place = free.acquire().await.expect("it is never closed");
                let kept = idle.borrow_mut().pop();
                let mut client = match kept {
                    Some(client) => client,
                    None => Client::connect(shop).await,
                };
                let (asked, exchange) = day.next(native::now());
                let request = client.request(exchange);
                let (status, body) = client.send(request).await;
                let ended = Instant::now();
                if is_success(status) {
                    day.answered(&asked, &body);
                } else {
                    if failed.replace(failed.get() + 1) == 0 {
                        eprintln!("{}: {status} {body}", asked.kind.name());
                    }
                }
                idle.borrow_mut().push(client);
                if at >= from {
                    durations.borrow_mut().push((asked.kind, ended - at));
                }
                if ended >= from && ended < to {
                    answered.set(answered.get() + 1);
                }
            });
            while running.try_join_next().is_some() {}
        }
        while let Some(ended) = running.join_next().await {
            ended.expect("no call panics");
        }
    });
    pace.join().expect("the pace is kept");
    let durations = durations.take();
    let samples = |kind: Option<Kind>| {
        let own = durations.iter().filter(|(known, _)| kind.is_none_or(|kind| *known == kind)).map(|(_, duration)| *duration);
        let own: Vec<Duration> = own.collect();
        let sent = own.len() as u64;
        (sent > 0).then(|| Samples::within(spans.measured, own, sent))
    };
    Outcome {
        offered: rate,
        answered: answered.get() as f64 / spans.measured.as_secs_f64(),
        failed: failed.get(),
        all: samples(None),
        kinds: Kind::ALL.iter().map(|kind| (*kind, samples(Some(*kind)))).collect(),
    }
}

/// The same calls in a closed loop, so many at once: as many a second as there can be.
pub fn as_many_as_possible(shop: &Shop, clients: usize, spans: Spans, day: &Arc<Day>) -> f64 {
    let began = Instant::now();
    let (from, to) = (began + spans.warm_up, began + spans.warm_up + spans.measured);
    let day = day.clone();
    let answered = shop.run(clients, move |mut client| {
        let day = day.clone();
        async move {
            let mut answered = 0_u64;
            while Instant::now() < to {
                let (asked, exchange) = day.next(native::now());
                let request = client.request(exchange);
                let (status, body) = client.send(request).await;
                let ended = Instant::now();
                if is_success(status) {
                    day.answered(&asked, &body);
                    answered += u64::from(ended >= from && ended < to);
                } else {
                    eprintln!("{}: {status} {body}", asked.kind.name());
                }
            }
            answered
        }
    });
    answered.iter().sum::<u64>() as f64 / spans.measured.as_secs_f64()
}
