//! Peers on loopback that behave as they please.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What a peer does with a connection.
pub(crate) type Behaviour =
    Arc<dyn Fn(TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A behaviour from an async closure.
pub(crate) fn peer<F, T>(behave: F) -> Behaviour
where
    F: Fn(TcpStream) -> T + Send + Sync + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    Arc::new(move |wire| Box::pin(behave(wire)))
}

/// A peer that accepts, and neither says nor hears anything.
pub(crate) fn silent() -> Behaviour {
    peer(|wire| async move {
        let _held = wire;
        std::future::pending::<()>().await;
    })
}

/// A peer that hears the head of a request (or whatever comes instead of one), answers with this and closes.
pub(crate) fn http(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Behaviour {
    let answer = Arc::new(answer);
    peer(move |mut wire| {
        let answer = Arc::clone(&answer);
        async move {
            let head = head(&mut wire).await;
            let _ = wire.write_all(&answer(&head)).await;
            let _ = wire.shutdown().await;
            // What is left unread would turn our close into a reset.
            let mut rest = [0; 4096];
            while wire.read(&mut rest).await.is_ok_and(|n| n > 0) {}
        }
    })
}

/// The head of a request, or what comes in its place within a moment.
pub(crate) async fn head(wire: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut part = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = tokio::time::timeout(Duration::from_secs(2), wire.read(&mut part)).await;
        match read {
            Ok(Ok(n)) if n > 0 => head.extend_from_slice(&part[..n]),
            _ => break,
        }
        if head.first() == Some(&22) {
            break;
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Says this, a byte every 50 ms.
pub(crate) async fn drip(mut wire: TcpStream, bytes: Vec<u8>) {
    for byte in bytes {
        if wire.write_all(&[byte]).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Every peer of a test; they end with it.
#[derive(Default)]
pub(crate) struct Peers {
    tasks: JoinSet<()>,
    accepted: BTreeMap<u16, Arc<AtomicUsize>>,
}

impl Peers {
    /// A peer on a port of its own.
    pub(crate) async fn serve(&mut self, behave: Behaviour) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let count = Arc::new(AtomicUsize::new(0));
        self.accepted.insert(port, Arc::clone(&count));
        self.tasks.spawn(async move {
            let mut talks = JoinSet::new();
            while let Ok((wire, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                talks.spawn(behave(wire));
            }
        });
        port
    }

    /// A port on which nobody listens, and that nobody else gets while the tests run: it is taken.
    pub(crate) fn closed() -> u16 {
        let taken = Box::leak(Box::new(tokio::net::TcpSocket::new_v4().expect("a socket")));
        taken.bind(([127, 0, 0, 1], 0).into()).expect("a port");
        taken.local_addr().expect("its address").port()
    }

    /// How many connections a peer has accepted.
    pub(crate) fn accepted(&self, port: u16) -> usize {
        self.accepted.get(&port).map_or(0, |count| count.load(Ordering::Relaxed))
    }
}
