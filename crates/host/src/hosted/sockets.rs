//! Connections to the servers of a hosted database, kept for the next statement.
//!
//! The client of libSQL has read a statement's result before its answer has ended, and lets go of it there: hyper then closes
//! the connection, and the next statement opens another one, which takes a round trip, and two more with TLS. So it is not
//! hyper that keeps connections here. It gets a connection for one request ([`Lent`]), and the connection is here again as
//! soon as the answer has arrived whole, before its reader can have seen the end of it: the last bytes of an answer that has
//! not arrived whole are held back.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use hyper_of_libsql::Uri;
use hyper_of_libsql::client::HttpConnector;
use hyper_of_libsql::client::connect::{Connected, Connection};
use hyper_of_libsql::service::Service;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::io::poll_read_buf;

use super::framing::{Framing, Sender};

/// How long a connection waits for its next statement. Servers and what stands before them wait a minute or longer.
const LONGEST_WAIT: Duration = Duration::from_secs(50);
/// How many wait at most.
const MOST_WAITING: usize = 256;
/// How many of an answer's bytes are held back until it has arrived whole: more than follow a statement's result.
const HELD_BACK: usize = 4 << 10;
/// How much is read at once.
const READ_AT_ONCE: usize = 16 << 10;
/// How long a connection may take to open, TLS included. On Linux also how long a server may leave unacknowledged, or unaccepted,
/// what was sent to it: then it has gone without taking leave.
const SILENCE: Duration = Duration::from_secs(10);
/// How often the system of a server that owes an answer is asked whether it is there.
const ASKED_EVERY: Duration = Duration::from_secs(5);

type BoxedError = Box<dyn std::error::Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxedError>> + Send>>;

/// A connection that nobody uses.
struct Waiting<S> {
    to: Uri,
    socket: S,
    since: Instant,
}

/// Connections that wait, the latest last.
pub(super) struct Sockets<S>(Mutex<Vec<Waiting<S>>>);

/// A connection that can be kept.
pub(super) trait Socket: AsyncRead + Unpin {
    /// Whether nothing has arrived by it, not even its end, as far as the system knows.
    fn is_quiet(&self) -> bool;
}

impl Socket for MaybeHttpsStream<TcpStream> {
    fn is_quiet(&self) -> bool {
        // tokio knows only what it has asked for
        let heard = SockRef::from(tcp(self)).peek(&mut [MaybeUninit::uninit()]);
        heard.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

fn tcp(stream: &MaybeHttpsStream<TcpStream>) -> &TcpStream {
    match stream {
        MaybeHttpsStream::Http(stream) => stream,
        MaybeHttpsStream::Https(stream) => stream.get_ref().0,
    }
}

/// Has the system end a connection whose other end has gone without a word.
fn watch(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(ASKED_EVERY).with_interval(ASKED_EVERY))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(SILENCE))?;
    Ok(())
}

fn end_those_that_waited_too_long<S>(waiting: &mut Vec<Waiting<S>>) {
    let number = waiting.partition_point(|one| one.since.elapsed() >= LONGEST_WAIT);
    waiting.drain(..number);
}

impl<S: Socket> Sockets<S> {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::default()))
    }

    fn keep(&self, to: Uri, socket: S) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        end_those_that_waited_too_long(&mut waiting);
        if waiting.len() < MOST_WAITING {
            waiting.push(Waiting { to, socket, since: Instant::now() });
        }
    }

    /// One that the server is not known to have closed meanwhile, and on which it has said nothing that nobody asked for. It may be
    /// about to: then what is sent gets no answer.
    fn take(&self, to: &Uri) -> Option<S> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        end_those_that_waited_too_long(&mut waiting);
        while let Some(place) = waiting.iter().rposition(|one| one.to == *to) {
            let mut socket = waiting.remove(place).socket;
            if !socket.is_quiet() {
                continue;
            }
            let mut byte = [0];
            let mut context = Context::from_waker(Waker::noop());
            if Pin::new(&mut socket).poll_read(&mut context, &mut ReadBuf::new(&mut byte)).is_pending() {
                return Some(socket);
            }
        }
        None
    }

    /// One to that place ended instead of answering: the others may be no better.
    fn forget(&self, to: &Uri) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|one| one.to != *to);
    }
}

/// Connects to servers as libSQL's own connector does, with and without TLS, unless a connection waits.
#[derive(Clone)]
pub(super) struct Connector {
    https: HttpsConnector<HttpConnector>,
    sockets: Arc<Sockets<MaybeHttpsStream<TcpStream>>>,
    patience: Duration,
}

impl Connector {
    /// Reads the certificates that the system trusts, which takes some milliseconds.
    ///
    /// # Errors
    /// Where there are none.
    pub(super) fn new() -> io::Result<Self> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(SILENCE / 2)); // for all addresses of a name together
        let https = HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1().wrap_connector(http);
        Ok(Self { https, sockets: Sockets::new(), patience: SILENCE })
    }
}

impl Service<Uri> for Connector {
    type Response = Lent<MaybeHttpsStream<TcpStream>>;
    type Error = BoxedError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxedError>> {
        self.https.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let sockets = self.sockets.clone();
        if let Some(socket) = sockets.take(&to) {
            return Box::pin(std::future::ready(Ok(Lent::new(sockets, to, socket))));
        }
        let connecting = tokio::time::timeout(self.patience, self.https.call(to.clone()));
        Box::pin(async move {
            let socket = connecting.await.map_err(|_| "the server does not answer")??;
            watch(tcp(&socket))?;
            Ok(Lent::new(sockets, to, socket))
        })
    }
}

/// A connection for one request and its answer. After them it looks as if the server had closed it.
pub(super) struct Lent<S> {
    sockets: Arc<Sockets<S>>,
    to: Uri,
    /// None when the answer has arrived, or the connection has ended.
    socket: Option<S>,
    request: Framing,
    answer: Framing,
    /// What has arrived and was not read.
    arrived: BytesMut,
    /// Why the connection ended: told when what had arrived before has been read.
    error: Option<io::Error>,
}

impl<S: Socket> Lent<S> {
    fn new(sockets: Arc<Sockets<S>>, to: Uri, socket: S) -> Self {
        let (request, answer) = (Framing::new(Sender::Client), Framing::new(Sender::Server));
        Self { sockets, to, socket: Some(socket), request, answer, arrived: BytesMut::new(), error: None }
    }

    /// How many of the bytes that have arrived are not passed on yet.
    fn held_back(&self) -> usize {
        let rest_will_come = self.socket.is_some() && self.request.ended() && !self.answer.is_unknown();
        if rest_will_come { self.arrived.len().min(HELD_BACK) } else { 0 }
    }

    /// Gives the connection back once the answer has arrived whole; where it came before the end of its request, once that is sent.
    fn give_back(&mut self) {
        if self.request.ended()
            && self.answer.ended()
            && let Some(socket) = self.socket.take()
            && self.request.leaves_the_connection()
            && self.answer.leaves_the_connection()
        {
            self.sockets.keep(self.to.clone(), socket);
        }
    }

    /// The connection has ended.
    fn end(&mut self, error: Option<io::Error>) {
        (self.socket, self.error) = (None, error);
        if !self.answer.ended() && !self.answer.is_unknown() {
            self.sockets.forget(&self.to);
        }
    }
}

impl<S: Socket> AsyncRead for Lent<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            this.give_back();
            let passed = this.arrived.len() - this.held_back();
            if passed > 0 {
                buffer.put_slice(&this.arrived.split_to(passed.min(buffer.remaining())));
                return Poll::Ready(Ok(()));
            }
            let Some(socket) = &mut this.socket else { return Poll::Ready(this.error.take().map_or(Ok(()), Err)) };
            let before = this.arrived.len();
            this.arrived.reserve(READ_AT_ONCE);
            match ready!(poll_read_buf(Pin::new(socket), cx, &mut this.arrived)) {
                Ok(1..) => this.answer.see(&this.arrived[before..]),
                Ok(0) => this.end(None),
                Err(error) => this.end(Some(error)),
            }
        }
    }
}

impl<S: Socket + AsyncWrite> AsyncWrite for Lent<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Some(socket) = &mut this.socket else { return Poll::Ready(Err(io::ErrorKind::NotConnected.into())) };
        let written = ready!(Pin::new(socket).poll_write(cx, bytes));
        match &written {
            Ok(written) => this.request.see(bytes.get(..*written).unwrap_or_default()),
            // what it may have said before is still to be read
            Err(_) => this.sockets.forget(&this.to),
        }
        Poll::Ready(written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().socket.as_mut().map_or(Poll::Ready(Ok(())), |socket| Pin::new(socket).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().socket.as_mut().map_or(Poll::Ready(Ok(())), |socket| Pin::new(socket).poll_shutdown(cx))
    }
}

impl<S> Connection for Lent<S> {
    fn connected(&self) -> Connected {
        let once = Connected::new();
        once.poison(); // hyper is not to keep it for another request
        once
    }
}

#[cfg(test)]
#[path = "sockets/tests.rs"]
mod tests;
