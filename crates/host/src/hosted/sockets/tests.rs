use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::*;

const REQUEST: &[u8] = b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nend\r\n3\r\n...\r\n0\r\na: b\r\n\r\n";

impl Socket for DuplexStream {
    fn is_quiet(&self) -> bool {
        true
    }
}

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

    /// Another connection to the same place waits before it; its server's end.
    fn server_of_another(&self) -> DuplexStream {
        let (client, server) = tokio::io::duplex(1);
        let since = Instant::now();
        self.sockets.0.lock().unwrap().insert(0, Waiting { to: self.to.clone(), socket: client, since });
        server
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
    loop {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut *lent).poll_read(&mut context, &mut buffer);
        if polled.is_pending() || buffer.filled().len() == before {
            return buffer.filled().len();
        }
    }
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
async fn an_answer_before_the_end_of_its_request_is_passed_on_and_the_connection_waits_after_both() {
    let mut way = Way::new();
    let mut lent = Lent::new(way.sockets.clone(), way.to.clone(), way.sockets.take(&way.to).unwrap());
    lent.write_all(&REQUEST[..REQUEST.len() - 1]).await.unwrap();
    way.server.write_all(ANSWER).await.unwrap();
    let mut read = [0; ANSWER.len()];
    lent.read_exact(&mut read).await.unwrap();
    assert_eq!((read, readable(&mut lent), way.waiting()), (ANSWER.try_into().unwrap(), 0, 0));
    lent.write_all(&REQUEST[REQUEST.len() - 1..]).await.unwrap();
    assert_eq!((readable(&mut lent), way.waiting()), (0, 1));
}

#[tokio::test]
async fn an_answer_that_is_half_read_when_its_request_ends_is_read_to_its_end() {
    let mut way = Way::new();
    let mut lent = Lent::new(way.sockets.clone(), way.to.clone(), way.sockets.take(&way.to).unwrap());
    lent.write_all(&REQUEST[..REQUEST.len() - 1]).await.unwrap();
    way.server.write_all(ANSWER).await.unwrap();
    let mut read = [0; 5];
    lent.read_exact(&mut read).await.unwrap();
    assert_eq!(read, ANSWER[..5]);
    lent.write_all(&REQUEST[REQUEST.len() - 1..]).await.unwrap();
    assert_eq!(readable(&mut lent), ANSWER.len() - 5);
}

#[tokio::test]
async fn a_connection_that_ends_instead_of_answering_takes_those_that_wait_with_it() {
    let mut way = Way::new();
    let (_other_server, other) = (way.server_of_another(), way.waiting());
    assert_eq!(other, 2);
    let mut lent = way.asked().await;
    way.server.write_all(&ANSWER[..9]).await.unwrap();
    way.server.shutdown().await.unwrap();
    assert_eq!((readable(&mut lent), way.waiting()), (9, 0));
}

/// A listener, and a connection to it that the connector has opened.
async fn connected() -> (tokio::net::TcpListener, Connector, Lent<MaybeHttpsStream<TcpStream>>) {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to: Uri = format!("http://{}/", server.local_addr().unwrap()).parse().unwrap();
    let mut connector = Connector::new().unwrap();
    std::future::poll_fn(|context| connector.poll_ready(context)).await.unwrap();
    let lent = connector.call(to).await.unwrap();
    (server, connector, lent)
}

#[tokio::test]
async fn the_system_is_asked_whether_anything_was_heard_before_a_connection_is_used_again() {
    let (server, connector, mut lent) = connected().await;
    let (to, sockets) = (lent.to.clone(), connector.sockets.clone());
    let mut accepted = server.accept().await.unwrap().0;
    sockets.keep(to.clone(), lent.socket.take().unwrap());
    let socket = sockets.take(&to).expect("nothing was said");
    let other_end = socket2::SockRef::from(tcp(&socket)).try_clone().unwrap();
    sockets.keep(to.clone(), socket);
    accepted.write_all(b"HTTP/1.1 408 Request Timeout\r\n").await.unwrap();
    // the system has it, and this thread has given tokio no time to hear of it
    other_end.set_nonblocking(false).unwrap();
    other_end.peek(&mut [MaybeUninit::uninit()]).unwrap();
    other_end.set_nonblocking(true).unwrap();
    assert!(sockets.take(&to).is_none());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_system_ends_a_connection_whose_server_has_gone_without_a_word() {
    let (_server, _connector, lent) = connected().await;
    let socket = SockRef::from(tcp(lent.socket.as_ref().unwrap()));
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), ASKED_EVERY);
    assert_eq!(socket.tcp_keepalive_interval().unwrap(), ASKED_EVERY);
    assert_eq!(socket.tcp_user_timeout().unwrap(), Some(SILENCE));
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_not_waited_for_long() {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut connector = Connector { patience: Duration::from_millis(20), ..Connector::new().unwrap() };
    std::future::poll_fn(|context| connector.poll_ready(context)).await.unwrap();
    let to = format!("https://{}/", server.local_addr().unwrap()).parse().unwrap();
    assert_eq!(connector.call(to).await.err().unwrap().to_string(), "the server does not answer");
}

#[tokio::test]
async fn a_connection_that_takes_no_request_takes_those_that_wait_with_it() {
    let (sockets, to) = (Sockets::new(), Uri::from_static("http://books/"));
    sockets.keep(to.clone(), Broken(true));
    let mut lent = Lent::new(sockets.clone(), to, Broken(true));
    lent.write_all(b"POST").await.unwrap();
    assert_eq!(lent.write_all(REFUSED).await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert!(sockets.0.lock().unwrap().is_empty());
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

/// What the broken connection does not take.
const REFUSED: &[u8] = b"{}";

/// Answers with a line, and then with an error.
struct Broken(bool);

impl Socket for Broken {
    fn is_quiet(&self) -> bool {
        true
    }
}

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
        Poll::Ready(if bytes == REFUSED { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(bytes.len()) })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
