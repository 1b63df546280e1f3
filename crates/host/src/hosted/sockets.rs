//! Connections to the servers of a hosted database, kept for the next statement.
//!
//! The client of libSQL has read a statement's result before its answer has ended, and lets go of it there: hyper then closes
//! the connection, and the next statement opens another one, which takes a round trip, and two more with TLS. So it is not
//! hyper that keeps connections here. It gets a connection for one request ([`Lent`]), and the connection is here again as
//! soon as the answer has arrived whole, before its reader can have seen the end of it: the last bytes of an answer that has
//! not arrived whole are held back.

use std::io;
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

fn end_those_that_waited_too_long<S>(waiting: &mut Vec<Waiting<S>>) {
    let number = waiting.partition_point(|one| one.since.elapsed() >= LONGEST_WAIT);
    waiting.drain(..number);
}

impl<S: AsyncRead + Unpin> Sockets<S> {
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

    /// One that the server has not closed meanwhile, and on which it has said nothing that nobody asked for.
    fn take(&self, to: &Uri) -> Option<S> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        end_those_that_waited_too_long(&mut waiting);
        while let Some(place) = waiting.iter().rposition(|one| one.to == *to) {
            let mut socket = waiting.remove(place).socket;
            let mut byte = [0];
            let mut context = Context::from_waker(Waker::noop());
            if Pin::new(&mut socket).poll_read(&mut context, &mut ReadBuf::new(&mut byte)).is_pending() {
                return Some(socket);
            }
        }
        None
    }
}

/// Connects to servers as libSQL's own connector does, with and without TLS, unless a connection waits.
#[derive(Clone)]
pub(super) struct Connector {
    https: HttpsConnector<HttpConnector>,
    sockets: Arc<Sockets<MaybeHttpsStream<TcpStream>>>,
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
        let https = HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1().wrap_connector(http);
        Ok(Self { https, sockets: Sockets::new() })
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
        let connecting = self.https.call(to.clone());
        Box::pin(async move { Ok(Lent::new(sockets, to, connecting.await?)) })
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

impl<S> Lent<S> {
    fn new(sockets: Arc<Sockets<S>>, to: Uri, socket: S) -> Self {
        let (request, answer) = (Framing::new(Sender::Client), Framing::new(Sender::Server));
        Self { sockets, to, socket: Some(socket), request, answer, arrived: BytesMut::new(), error: None }
    }

    /// How many of the bytes that have arrived are not passed on yet.
    fn held_back(&self) -> usize {
        let rest_will_come = self.socket.is_some() && self.request.ended() && !self.answer.is_unknown();
        if rest_will_come { self.arrived.len().min(HELD_BACK) } else { 0 }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lent<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
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
                Ok(0) => this.socket = None,
                Err(error) => (this.socket, this.error) = (None, Some(error)),
            }
            // an answer that comes before the end of its request leaves the connection where nobody else can use it
            if this.request.ended()
                && this.answer.ended()
                && let Some(socket) = this.socket.take()
                && this.request.leaves_the_connection()
                && this.answer.leaves_the_connection()
            {
                this.sockets.keep(this.to.clone(), socket);
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lent<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Some(socket) = &mut this.socket else { return Poll::Ready(Err(io::ErrorKind::NotConnected.into())) };
        let written = ready!(Pin::new(socket).poll_write(cx, bytes))?;
        this.request.see(bytes.get(..written).unwrap_or_default());
        Poll::Ready(Ok(written))
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
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

    use super::*;

    const REQUEST: &[u8] = b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}";
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nend\r\n3\r\n...\r\n0\r\na: b\r\n\r\n";

    struct Way {
        sockets: Arc<Sockets<DuplexStream>>,
        to: Uri,
        server: DuplexStream,
    }

    impl Way {
        /// The server's end, and a connection that waits.
        fn new() -> Self {
            let (client, server) = tokio::io::duplex(1 << 20);
            let (sockets, to) = (Sockets::new(), Uri::from_static("http://books/"));
            sockets.keep(to.clone(), client);
            Self { sockets, to, server }
        }

        fn waiting(&self) -> usize {
            self.sockets.0.lock().unwrap().len()
        }

        /// The connection that waits, when the server has a request by it.
        async fn asked(&mut self) -> Lent<DuplexStream> {
            let mut lent = Lent::new(self.sockets.clone(), self.to.clone(), self.sockets.take(&self.to).unwrap());
            lent.write_all(REQUEST).await.unwrap();
            let mut arrived = [0; REQUEST.len()];
            self.server.read_exact(&mut arrived).await.unwrap();
            assert_eq!(arrived, REQUEST);
            lent
        }
    }

    /// What can be read without waiting.
    fn readable(lent: &mut Lent<DuplexStream>) -> usize {
        let mut buffer = vec![0; 1 << 20];
        let (mut buffer, mut context) = (ReadBuf::new(&mut buffer), Context::from_waker(Waker::noop()));
        while Pin::new(&mut *lent).poll_read(&mut context, &mut buffer).is_ready() {}
        buffer.filled().len()
    }

    #[tokio::test]
    async fn a_server_of_https_is_spoken_to_by_tls_and_http_1() {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = format!("https://{}/", server.local_addr().unwrap()).parse().unwrap();
        let mut connector = Connector::new().unwrap();
        std::future::poll_fn(|context| connector.poll_ready(context)).await.unwrap();
        let connecting = tokio::spawn(connector.call(to));
        let (mut stream, _) = server.accept().await.unwrap();
        let mut hello = vec![0; 4 << 10];
        let length = stream.read(&mut hello).await.unwrap();
        assert_eq!(hello[0], 22, "a handshake");
        assert!(!hello[..length].windows(3).any(|bytes| bytes == b"\x02h2"), "HTTP/2 is not offered");
        drop(stream);
        assert!(connecting.await.unwrap().is_err());
    }

    #[tokio::test]
    async fn answer_after_answer_comes_by_one_connection_however_it_is_split() {
        let mut way = Way::new();
        for split in 0..ANSWER.len() {
            let mut lent = way.asked().await;
            way.server.write_all(&ANSWER[..split]).await.unwrap();
            assert_eq!((readable(&mut lent), way.waiting()), (0, 0), "{split}");
            for byte in &ANSWER[split..] {
                assert_eq!((readable(&mut lent), way.waiting()), (0, 0), "{split}");
                way.server.write_all(&[*byte]).await.unwrap();
            }
            let first = lent.read_u8().await.unwrap();
            assert_eq!((first, way.waiting()), (ANSWER[0], 1), "it waits again before its reader has got the rest");
            let mut rest = Vec::new();
            lent.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, &ANSWER[1..], "{split}");
            assert_eq!(lent.write(REQUEST).await.unwrap_err().kind(), io::ErrorKind::NotConnected);
        }
    }

    #[tokio::test]
    async fn of_a_long_answer_all_but_the_last_bytes_is_passed_on_at_once() {
        let mut way = Way::new();
        let mut lent = way.asked().await;
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n";
        way.server.write_all(head).await.unwrap();
        for sent in 1..30 {
            way.server.write_all(&[b'x'; 10_000]).await.unwrap();
            let before = if sent == 1 { HELD_BACK - head.len() } else { 0 };
            let mut piece = vec![0; 10_000 - before];
            lent.read_exact(&mut piece).await.unwrap();
        }
        assert_eq!(way.waiting(), 0);
        way.server.write_all(&[b'x'; 10_000]).await.unwrap();
        let mut rest = Vec::new();
        lent.read_to_end(&mut rest).await.unwrap();
        assert_eq!((rest.len(), way.waiting()), (10_000 + HELD_BACK, 1));
    }

    #[tokio::test]
    async fn what_was_held_back_is_passed_on_when_the_connection_ends_in_the_middle() {
        for length in 0..ANSWER.len() {
            let mut way = Way::new();
            let mut lent = way.asked().await;
            way.server.write_all(&ANSWER[..length]).await.unwrap();
            assert_eq!(readable(&mut lent), 0);
            way.server.shutdown().await.unwrap();
            let mut read = Vec::new();
            lent.read_to_end(&mut read).await.unwrap();
            assert_eq!((&*read, way.waiting()), (&ANSWER[..length], 0));
        }
    }

    #[tokio::test]
    async fn an_error_is_told_after_what_came_before_it() {
        let mut lent = Lent::new(Sockets::new(), Uri::from_static("http://books/"), Broken(false));
        lent.write_all(REQUEST).await.unwrap();
        let mut read = Vec::new();
        assert_eq!(lent.read_to_end(&mut read).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(read, b"HTTP/1.1 200 OK\r\n");
    }

    #[tokio::test]
    async fn an_answer_whose_end_nobody_can_know_is_passed_on_at_once() {
        let mut way = Way::new();
        let mut lent = way.asked().await;
        let answer = b"HTTP/1.1 200 OK\r\n\r\nend";
        way.server.write_all(answer).await.unwrap();
        let mut read = [0; 22];
        lent.read_exact(&mut read).await.unwrap();
        assert_eq!(&read[..], &answer[..22]);
        drop(lent);
        assert_eq!(way.waiting(), 0);
    }

    #[tokio::test]
    async fn an_answer_before_the_end_of_its_request_is_passed_on_and_ends_the_connection() {
        let mut way = Way::new();
        let mut lent = Lent::new(way.sockets.clone(), way.to.clone(), way.sockets.take(&way.to).unwrap());
        lent.write_all(&REQUEST[..REQUEST.len() - 1]).await.unwrap();
        way.server.write_all(ANSWER).await.unwrap();
        let mut read = [0; ANSWER.len()];
        lent.read_exact(&mut read).await.unwrap();
        assert_eq!(read, ANSWER);
        lent.write_all(&REQUEST[REQUEST.len() - 1..]).await.unwrap();
        assert_eq!(readable(&mut lent), 0);
        drop(lent);
        assert_eq!(way.waiting(), 0);
    }

    #[tokio::test]
    async fn a_server_that_takes_leave_is_not_asked_again_by_that_connection() {
        let mut way = Way::new();
        let mut lent = way.asked().await;
        way.server.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        let mut read = Vec::new();
        lent.read_to_end(&mut read).await.unwrap();
        assert_eq!(way.waiting(), 0);
    }

    #[tokio::test]
    async fn a_connection_that_has_ended_while_it_waited_is_not_used_again() {
        let mut way = Way::new();
        assert!(way.sockets.take(&Uri::from_static("http://people/")).is_none(), "another server's");
        assert_eq!(way.waiting(), 1);
        way.server.shutdown().await.unwrap();
        assert!(way.sockets.take(&way.to).is_none());
        assert_eq!(way.waiting(), 0);

        let mut way = Way::new();
        way.server.write_all(ANSWER).await.unwrap();
        assert!(way.sockets.take(&way.to).is_none(), "it said what nobody had asked for");
    }

    #[tokio::test]
    async fn connections_wait_neither_for_ever_nor_without_number() {
        let way = Way::new();
        way.sockets.0.lock().unwrap()[0].since -= LONGEST_WAIT;
        assert!(way.sockets.take(&way.to).is_none());
        let ends: Vec<_> = (0..=MOST_WAITING)
            .map(|_| {
                let (client, server) = tokio::io::duplex(1);
                way.sockets.keep(way.to.clone(), client);
                server
            })
            .collect();
        assert_eq!((ends.len(), way.waiting()), (MOST_WAITING + 1, MOST_WAITING));
    }

    /// Answers with a line, and then with an error.
    struct Broken(bool);

    impl AsyncRead for Broken {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            if std::mem::replace(&mut self.0, true) {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            buffer.put_slice(b"HTTP/1.1 200 OK\r\n");
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Broken {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
}
