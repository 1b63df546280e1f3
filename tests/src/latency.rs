//! A way to a server that takes time: whatever goes through arrives so much later, in both directions, and nothing waits for
//! what went before.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Pieces that are on their way in one direction of a connection.
const ON_THE_WAY: usize = 1_024;

/// A port of this machine from which connections lead to a server by a longer way. Gone when it is dropped, with them.
pub struct LongWay {
    address: SocketAddr,
    open: watch::Sender<bool>,
    connections: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl LongWay {
    /// A way to a server on this machine on which a request and its answer together take so much longer, to about a tenth of a
    /// millisecond. Half of it is spent in each direction. Opening a connection takes a round trip more: what is sent by it
    /// before that begins its way then.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn to(server: SocketAddr, round_trip: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (open, opened) = watch::channel(true);
        let connections = Arc::<AtomicUsize>::default();
        let (carried, clock) = (connections.clone(), Clock::start());
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                carried.fetch_add(1, Ordering::Relaxed);
                let (mut opened, clock) = (opened.clone(), clock.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        // also when the way is gone
                        _ = opened.wait_for(|open| !open) => {}
                        () = lead(near, server, round_trip, &clock) => {}
                    }
                });
            }
        });
        Ok(Self { address, open, connections, accepting })
    }

    /// Ends all connections on it; new ones end at once, until it is mended.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.open.send_replace(true);
    }

    /// Where it begins.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections were opened on it so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for LongWay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Carries both directions of a connection until either side ends it: what then breaks is told by the ends themselves.
async fn lead(near: TcpStream, server: SocketAddr, round_trip: Duration, clock: &Clock) {
    let begins = Instant::now() + round_trip;
    let Ok(far) = TcpStream::connect(server).await else { return };
    if near.set_nodelay(true).and(far.set_nodelay(true)).is_err() {
        return;
    }
    let one_way = round_trip / 2;
    let arrives = move || Instant::now().max(begins) + one_way;
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::join!(carry(near_in, far_out, arrives, clock), carry(far_in, near_out, arrives, clock));
}

/// `arrives` says when what is sent now does.
async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, arrives: impl Fn() -> Instant, clock: &Clock) {
    let (sent, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let read = async move {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            if sent.send((arrives(), buffer[..length].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((due, bytes)) = arriving.recv().await {
            clock.reach(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await; // the other side may have gone already
    };
    tokio::join!(read, write);
}

/// By so much a thread that sleeps, and a task that it wakes, are late.
const LATE: Duration = Duration::from_micros(100);

/// Wakes whoever waits for a moment. Tokio's timers are late by a millisecond and more; a thread that sleeps is not.
#[derive(Clone)]
struct Clock(Sender<(Instant, oneshot::Sender<()>)>);

impl Clock {
    /// It runs until all copies of it are gone.
    fn start() -> Self {
        let (asking, asked) = channel();
        std::thread::spawn(move || wake_in_time(&asked));
        Self(asking)
    }

    /// Waits until a moment, if it is still to come.
    async fn reach(&self, moment: Instant) {
        if moment <= Instant::now() {
            return;
        }
        let (wake, woken) = oneshot::channel();
        // the thread outlives this copy
        if self.0.send((moment - LATE, wake)).is_ok() {
            let _ = woken.await;
        }
        while Instant::now() < moment {
            tokio::task::yield_now().await;
        }
    }
}

fn wake_in_time(asked: &Receiver<(Instant, oneshot::Sender<()>)>) {
    let mut waiting = BTreeMap::<(Instant, u64), oneshot::Sender<()>>::new();
    for number in 0_u64.. {
        let next = match waiting.first_key_value() {
            None => asked.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some((&(moment, _), _)) => asked.recv_timeout(moment.saturating_duration_since(Instant::now())),
        };
        match next {
            Ok((moment, wake)) => drop(waiting.insert((moment, number), wake)),
            Err(RecvTimeoutError::Timeout) => {
                if let Some((_, wake)) = waiting.pop_first() {
                    let _ = wake.send(()); // who waited may have gone
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND_TRIP: Duration = Duration::from_millis(20);

    /// A server that says the same, at the end of a way.
    async fn to_an_echo(round_trip: Duration) -> LongWay {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let way = LongWay::to(server.local_addr().unwrap(), round_trip).await.unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = server.accept().await {
                tokio::spawn(async move {
                    let mut asked = [0; 4];
                    while stream.read_exact(&mut asked).await.is_ok() {
                        stream.write_all(&asked).await.unwrap();
                    }
                });
            }
        });
        way
    }

    /// How long a question takes.
    async fn asks(client: &mut TcpStream, question: &[u8; 4]) -> Duration {
        let sent = Instant::now();
        client.write_all(question).await.unwrap();
        let mut answer = [0; 4];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, question);
        sent.elapsed()
    }

    #[tokio::test]
    async fn what_goes_a_longer_way_arrives_whole_and_later_by_just_so_much() {
        let way = to_an_echo(ROUND_TRIP).await;
        let mut client = TcpStream::connect(way.address).await.unwrap();
        let opened = asks(&mut client, b"open").await;
        assert!(opened >= ROUND_TRIP * 2, "{opened:?}");
        let mut taken = Vec::new();
        for _ in 0..20 {
            taken.push(asks(&mut client, b"ping").await);
        }
        taken.sort();
        assert!(taken[0] >= ROUND_TRIP, "{taken:?}");
        // whatever else this machine does now and then
        assert!(taken[5] < ROUND_TRIP + Duration::from_millis(1), "{taken:?}");
        assert_eq!(way.connections(), 1);
    }

    #[tokio::test]
    async fn opening_a_connection_takes_a_round_trip_which_is_over_when_nothing_was_sent_before() {
        let way = to_an_echo(ROUND_TRIP).await;
        let mut client = TcpStream::connect(way.address).await.unwrap();
        tokio::time::sleep(ROUND_TRIP * 2).await;
        let mut other = TcpStream::connect(way.address).await.unwrap();
        let (open, opening) = tokio::join!(asks(&mut client, b"open"), asks(&mut other, b"late"));
        assert!(open >= ROUND_TRIP && open < ROUND_TRIP * 2, "{open:?}");
        assert!(opening >= ROUND_TRIP * 2, "{opening:?}");
        assert_eq!(way.connections(), 2);
    }

    #[tokio::test]
    async fn a_way_that_adds_nothing_waits_for_no_clock() {
        let way = to_an_echo(Duration::ZERO).await;
        let mut client = TcpStream::connect(way.address).await.unwrap();
        let mut taken = Vec::new();
        for _ in 0..20 {
            taken.push(asks(&mut client, b"ping").await);
        }
        taken.sort();
        assert!(taken[5] < Duration::from_millis(1), "{taken:?}");
    }

    #[tokio::test]
    async fn a_way_that_is_cut_carries_nothing_until_it_is_mended() {
        let way = to_an_echo(Duration::ZERO).await;
        let mut client = TcpStream::connect(way.address).await.unwrap();
        asks(&mut client, b"ping").await;
        way.cut();
        assert_eq!(client.read(&mut [0; 4]).await.unwrap(), 0);
        way.mend();
        asks(&mut TcpStream::connect(way.address).await.unwrap(), b"ping").await;
    }
}
