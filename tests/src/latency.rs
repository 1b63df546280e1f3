//! A way to a server that takes time: whatever goes through arrives so much later, in both directions, and nothing waits for
//! what went before.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Pieces that are on their way in one direction of a connection.
const ON_THE_WAY: usize = 1_024;

/// A port of this machine from which connections lead to a server by a longer way. Gone when it is dropped, with them.
pub struct LongWay {
    address: SocketAddr,
    open: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl LongWay {
    /// A way to a server on this machine on which a request and its answer together take so much longer. Half of it is
    /// spent in each direction, to the millisecond; opening a connection takes no longer than without it.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn to(server: SocketAddr, round_trip: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (open, opened) = watch::channel(true);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let mut opened = opened.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        // also when the way is gone
                        _ = opened.wait_for(|open| !open) => {}
                        () = lead(near, server, round_trip / 2) => {}
                    }
                });
            }
        });
        Ok(Self { address, open, accepting })
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
}

impl Drop for LongWay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Carries both directions of a connection until either side ends it: what then breaks is told by the ends themselves.
async fn lead(near: TcpStream, server: SocketAddr, one_way: Duration) {
    let Ok(far) = TcpStream::connect(server).await else { return };
    if near.set_nodelay(true).and(far.set_nodelay(true)).is_err() {
        return;
    }
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::join!(carry(near_in, far_out, one_way), carry(far_in, near_out, one_way));
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, one_way: Duration) {
    let (sent, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let read = async move {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            if sent.send((Instant::now() + one_way, buffer[..length].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((due, bytes)) = arriving.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await; // the other side may have gone already
    };
    tokio::join!(read, write);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_goes_a_longer_way_arrives_whole_and_later() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let way = LongWay::to(server.local_addr().unwrap(), Duration::from_millis(60)).await.unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = server.accept().await.unwrap();
            let mut asked = [0; 4];
            while stream.read_exact(&mut asked).await.is_ok() {
                stream.write_all(&asked).await.unwrap();
            }
        });
        let mut client = TcpStream::connect(way.address).await.unwrap();
        for question in [b"ping", b"more"] {
            let sent = Instant::now();
            client.write_all(question).await.unwrap();
            let mut answer = [0; 4];
            client.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, question);
            assert!(sent.elapsed() >= Duration::from_millis(60));
        }
    }
}
