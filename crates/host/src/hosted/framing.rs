//! Where a message of HTTP/1.1 ends: as much of its framing as it takes to know that.

/// As many as hyper takes.
const MOST_HEADERS: usize = 100;
/// A head that is longer is not understood.
const LONGEST_HEAD: usize = 64 << 10;

/// Who sends the message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sender {
    Client,
    Server,
}

/// What comes next in it.
#[derive(Debug, PartialEq)]
enum Next {
    Head,
    /// So many bytes of a body whose length was told.
    Body(u64),
    /// The number of a chunk's bytes, as far as it is known; none before its first digit.
    ChunkSize(Option<u64>),
    /// What else is in the line of that number.
    Extension(u64),
    /// The end of that line.
    ChunkBegins(u64),
    Chunk(u64),
    /// The end of the line after a chunk.
    ChunkEnds(&'static [u8]),
    /// A line of the trailer, or the empty one that ends it.
    Trailer,
    TrailerLine,
    LastByte,
    Nothing,
    /// Only the end of the connection can tell.
    Unknown,
}

/// How far a message has come.
#[derive(Debug)]
pub(super) struct Framing {
    sender: Sender,
    next: Next,
    head: Vec<u8>,
    /// Whether the connection can carry another one after it.
    keeps: bool,
}

impl Framing {
    pub(super) fn new(sender: Sender) -> Self {
        Self { sender, next: Next::Head, head: Vec::new(), keeps: true }
    }

    /// Whether all of it has been seen.
    pub(super) fn ended(&self) -> bool {
        self.next == Next::Nothing
    }

    /// Whether nobody can say where it ends.
    pub(super) fn is_unknown(&self) -> bool {
        self.next == Next::Unknown
    }

    /// Whether it has ended, nothing came after it, and nobody asked for the end of the connection.
    pub(super) fn leaves_the_connection(&self) -> bool {
        self.ended() && self.keeps
    }

    /// Looks at the bytes that follow those it has seen.
    pub(super) fn see(&mut self, mut bytes: &[u8]) {
        while let [byte, rest @ ..] = bytes {
            let (next, left) = match self.next {
                Next::Head => {
                    bytes = self.head(bytes);
                    continue;
                }
                Next::Body(length) => match skip(length, bytes) {
                    (0, left) => (Next::Nothing, left),
                    (length, left) => (Next::Body(length), left),
                },
                Next::Chunk(length) => match skip(length, bytes) {
                    (0, left) => (Next::ChunkEnds(b"\r\n"), left),
                    (length, left) => (Next::Chunk(length), left),
                },
                Next::ChunkSize(size) => (chunk_size(size, *byte), rest),
                Next::Extension(size) if *byte == b'\r' => (Next::ChunkBegins(size), rest),
                Next::Extension(size) if *byte != b'\n' => (Next::Extension(size), rest),
                Next::ChunkBegins(0) if *byte == b'\n' => (Next::Trailer, rest),
                Next::ChunkBegins(size) if *byte == b'\n' => (Next::Chunk(size), rest),
                Next::ChunkEnds([expected]) if byte == expected => (Next::ChunkSize(None), rest),
                Next::ChunkEnds([expected, more @ ..]) if byte == expected => (Next::ChunkEnds(more), rest),
                Next::Trailer if *byte == b'\r' => (Next::LastByte, rest),
                Next::Trailer => (Next::TrailerLine, rest),
                Next::TrailerLine if *byte == b'\n' => (Next::Trailer, rest),
                Next::TrailerLine => (Next::TrailerLine, rest),
                Next::LastByte if *byte == b'\n' => (Next::Nothing, rest),
                Next::Nothing => {
                    self.keeps = false;
                    return;
                }
                Next::Unknown => return,
                // what hyper refuses as well
                Next::Extension(_) | Next::ChunkBegins(_) | Next::ChunkEnds(_) | Next::LastByte => (Next::Unknown, rest),
            };
            (self.next, bytes) = (next, left);
        }
    }

    /// Looks at bytes of the head, and returns those after it.
    fn head<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let seen = self.head.len();
        self.head.extend_from_slice(bytes);
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let parsed = match self.sender {
            Sender::Client => {
                let mut request = httparse::Request::new(&mut headers);
                request.parse(&self.head).map(|status| match status {
                    httparse::Status::Partial => None,
                    httparse::Status::Complete(length) => Some((length, after_request(&request))),
                })
            }
            Sender::Server => {
                let mut answer = httparse::Response::new(&mut headers);
                answer.parse(&self.head).map(|status| match status {
                    httparse::Status::Partial => None,
                    httparse::Status::Complete(length) => Some((length, after_answer(&answer))),
                })
            }
        };
        match parsed {
            Ok(None) if self.head.len() <= LONGEST_HEAD => &[],
            Ok(Some((length, (next, keeps)))) => {
                (self.next, self.keeps) = (next, self.keeps && keeps);
                self.head.clear();
                bytes.get(length.saturating_sub(seen)..).unwrap_or_default()
            }
            Ok(None) | Err(_) => {
                self.next = Next::Unknown;
                &[]
            }
        }
    }
}

/// How many of so many bytes are still to come after these, and what comes after them.
fn skip(length: u64, bytes: &[u8]) -> (u64, &[u8]) {
    let skipped = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len());
    (length - skipped as u64, &bytes[skipped..])
}

fn chunk_size(size: Option<u64>, byte: u8) -> Next {
    let digit = char::from(byte).to_digit(16).map(u64::from);
    match (digit, size, byte) {
        (Some(digit), size, _) => {
            let size = size.unwrap_or_default().checked_mul(16).and_then(|size| size.checked_add(digit));
            size.map_or(Next::Unknown, |size| Next::ChunkSize(Some(size)))
        }
        (None, Some(size), b'\r') => Next::ChunkBegins(size),
        (None, Some(size), b';' | b' ' | b'\t') => Next::Extension(size),
        _ => Next::Unknown,
    }
}

/// What comes after a request's head, and whether the connection outlives the message.
fn after_request(request: &httparse::Request<'_, '_>) -> (Next, bool) {
    match request.method {
        // their answers are framed in another way
        Some("HEAD" | "CONNECT") | None => (Next::Unknown, false),
        Some(_) => body(request.headers, request.version, Next::Nothing),
    }
}

/// The same of an answer.
fn after_answer(answer: &httparse::Response<'_, '_>) -> (Next, bool) {
    match answer.code {
        Some(101) | None => (Next::Unknown, false),
        Some(100..=199) => (Next::Head, true),
        Some(204 | 304) => (Next::Nothing, body(answer.headers, answer.version, Next::Nothing).1),
        Some(_) => body(answer.headers, answer.version, Next::Unknown),
    }
}

/// What kind of body the headers announce, and whether the connection outlives it. `without` is what follows if they announce none.
fn body(headers: &[httparse::Header<'_>], version: Option<u8>, without: Next) -> (Next, bool) {
    let mut keeps = version == Some(1);
    let (mut coding, mut length) = (None, None);
    for header in headers {
        let value = String::from_utf8_lossy(header.value);
        let mut words = value.split(',').map(str::trim);
        match header.name {
            name if name.eq_ignore_ascii_case("connection") => keeps &= !words.any(|word| word.eq_ignore_ascii_case("close")),
            name if name.eq_ignore_ascii_case("transfer-encoding") => {
                coding = words.next_back().map(str::to_ascii_lowercase);
            }
            name if name.eq_ignore_ascii_case("content-length") => {
                let told = value.trim();
                let digits = !told.is_empty() && told.bytes().all(|byte| byte.is_ascii_digit());
                let Some(told) = told.parse().ok().filter(|told| digits && length.is_none_or(|before| before == *told)) else {
                    return (Next::Unknown, false);
                };
                length = Some(told);
            }
            _ => {}
        }
    }
    match (coding, length) {
        // told twice, and perhaps not the same by all that are on the way
        (Some(_), Some(_)) => (Next::Unknown, false),
        (Some(coding), None) if coding == "chunked" && version == Some(1) => (Next::ChunkSize(None), keeps),
        (Some(_), None) => (Next::Unknown, false),
        (None, Some(0)) => (Next::Nothing, keeps),
        (None, Some(length)) => (Next::Body(length), keeps),
        (None, None) => (without, keeps),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

    /// What follows a message from a server, all at once and byte by byte: the same.
    fn seen(answer: &str) -> Framing {
        let (mut whole, mut by_byte) = (Framing::new(Sender::Server), Framing::new(Sender::Server));
        whole.see(answer.as_bytes());
        for byte in answer.as_bytes() {
            by_byte.see(&[*byte]);
        }
        assert_eq!((&whole.next, whole.keeps), (&by_byte.next, by_byte.keeps), "{answer:?}");
        whole
    }

    /// It ends with its last byte, not before, and then leaves the connection to the next.
    #[track_caller]
    fn ends_there(answer: &str) {
        assert!(seen(answer).leaves_the_connection(), "{answer:?}");
        for length in 0..answer.len() {
            let framing = seen(&answer[..length]);
            assert!(!framing.ended() && !framing.is_unknown(), "{:?}", &answer[..length]);
        }
        let two = seen(&format!("{answer}H"));
        assert!(two.ended() && !two.leaves_the_connection(), "something came after it");
    }

    #[test]
    fn a_chunked_answer_ends_with_the_empty_line_after_its_last_chunk() {
        ends_there(&format!("{CHUNKED}0\r\n\r\n"));
        ends_there(&format!("{CHUNKED}3\r\n0\r\n\r\n1A\r\n{}\r\n0\r\n\r\n", "x".repeat(26)));
        ends_there(&format!("{CHUNKED}1;name=\"a\"\r\nx\r\n1 \r\ny\r\n00\r\n\r\n"));
    }

    #[test]
    fn a_trailer_belongs_to_the_answer() {
        ends_there(&format!("{CHUNKED}1\r\nx\r\n0\r\na: b\r\nc: d\r\n\r\n"));
    }

    #[test]
    fn an_answer_whose_length_is_told_ends_with_its_last_byte() {
        ends_there("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n\r\n\r\n");
        ends_there("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    }

    #[test]
    fn an_answer_without_a_body_ends_with_its_head() {
        ends_there("HTTP/1.1 204 No Content\r\n\r\n");
        ends_there("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n");
    }

    #[test]
    fn what_a_server_says_on_the_way_is_not_the_answer_yet() {
        ends_there(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\na: b\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
        );
    }

    #[test]
    fn a_server_that_takes_leave_gets_no_other_request() {
        for head in [
            "HTTP/1.1 200 OK\r\nConnection: a, Close\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
        ] {
            let framing = seen(head);
            assert!(framing.ended() && !framing.leaves_the_connection(), "{head:?}");
        }
    }

    #[test]
    fn where_the_end_can_t_be_known_nothing_is_supposed() {
        let head = |headers: &str| format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n");
        for answer in [
            "HTTP/1.1 200 OK\r\n\r\n0\r\n\r\n".to_owned(),
            "HTTP/1.1 101 Switching Protocols\r\n\r\n".to_owned(),
            "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(),
            "nonsense\r\n\r\n".to_owned(),
            head("transfer-encoding: gzip"),
            head("transfer-encoding: chunked\r\ncontent-length: 5"),
            head("content-length: 5\r\ncontent-length: 6"),
            head("content-length: +5"),
            format!("{CHUNKED}\r\n"),
            format!("{CHUNKED}1\nx\r\n"),
            format!("{CHUNKED}1\r\nxy\r\n"),
            format!("{CHUNKED}1;a\nx\r\n"),
            format!("{CHUNKED}0\r\n\rx"),
            format!("{CHUNKED}11111111111111111\r\n"),
            format!("HTTP/1.1 200 OK\r\na: {}", "b".repeat(LONGEST_HEAD)),
        ] {
            assert!(seen(&answer).is_unknown(), "{answer:?}");
        }
    }

    #[test]
    fn a_request_ends_with_its_body() {
        let mut request = Framing::new(Sender::Client);
        request.see(b"POST /v3/cursor HTTP/1.1\r\ncontent-length: 2\r\n\r\n{");
        assert!(!request.ended());
        request.see(b"}");
        assert!(request.leaves_the_connection());
        let mut bare = Framing::new(Sender::Client);
        bare.see(b"GET /health HTTP/1.1\r\n\r\n");
        assert!(bare.leaves_the_connection());
        let mut head = Framing::new(Sender::Client);
        head.see(b"HEAD / HTTP/1.1\r\n\r\n");
        assert!(head.is_unknown());
    }
}
