//! A stream that ends: at an absolute moment that no byte moves, or when enough was heard.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::model::saw::Cut;

/// How many of the first bytes an account keeps.
const FIRST: usize = 64;

/// What bytes go over: a socket, a TLS session, a script.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Tells the time. The engine hands its own in; in tests time stands still.
pub type Clock = fn() -> Instant;

/// The bounds of a conversation.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// When it ends, whatever comes.
    pub deadline: Instant,
    /// How many bytes are heard, at most.
    pub most: usize,
    /// The clock.
    pub clock: Clock,
}

/// What went over a stream so far. It outlives the stream, and whatever library took it over.
#[derive(Clone, Debug, Default)]
pub struct Account(Arc<Mutex<Tally>>);

#[derive(Debug, Default)]
struct Tally {
    heard: usize,
    said: usize,
    first: Vec<u8>,
    cut: Option<Cut>,
}

impl Account {
    /// How many bytes were heard.
    pub fn heard(&self) -> usize {
        self.with(|tally| tally.heard)
    }

    /// How many bytes were said.
    pub fn said(&self) -> usize {
        self.with(|tally| tally.said)
    }

    /// The first bytes that were heard, up to 64.
    pub fn first(&self) -> Vec<u8> {
        self.with(|tally| tally.first.clone())
    }

    /// What cut the stream, if something did; a peer that closed counts.
    pub fn cut(&self) -> Option<Cut> {
        self.with(|tally| tally.cut.clone())
    }

    fn with<T>(&self, read: impl FnOnce(&mut Tally) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn end(&self, cut: Cut) -> io::Error {
        let kind = match cut {
            Cut::TimedOut => io::ErrorKind::TimedOut,
            Cut::TooMuch => io::ErrorKind::FileTooLarge,
            _ => io::ErrorKind::ConnectionReset,
        };
        let words = format!("{cut:?}");
        self.with(|tally| tally.cut.get_or_insert(cut).clone());
        io::Error::new(kind, words)
    }
}

/// A stream within its terms.
pub struct Bounded<W> {
    wire: W,
    terms: Terms,
    end: Pin<Box<Sleep>>,
    account: Account,
    _held: Option<Box<dyn Send + Sync>>,
}

impl<W: Wire> Bounded<W> {
    /// Binds a stream to terms. What is `held` (a place among the open connections, say) is let go with the stream.
    pub fn new(wire: W, terms: Terms, held: Option<Box<dyn Send + Sync>>) -> Self {
        let end = Box::pin(sleep_until(terms.deadline));
        Self { wire, terms, end, account: Account::default(), _held: held }
    }

    /// What goes over it.
    pub fn account(&self) -> Account {
        self.account.clone()
    }

    /// Its terms.
    pub fn terms(&self) -> Terms {
        self.terms
    }

    /// Refuses to go on once cut or late.
    fn poll_in_time(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.end.as_mut().poll(cx).is_ready() {
            return Err(self.account.end(Cut::TimedOut));
        }
        match self.account.cut() {
            Some(cut) if cut != Cut::Closed => Err(self.account.end(cut)),
            _ => Ok(()),
        }
    }
}

impl<W: Wire> AsyncRead for Bounded<W> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll_in_time(cx)?;
        let left = this.terms.most.saturating_sub(this.account.heard());
        if left == 0 {
            return Poll::Ready(Err(this.account.end(Cut::TooMuch)));
        }
        let room = left.min(into.remaining());
        let mut part = ReadBuf::new(into.initialize_unfilled_to(room));
        if let Err(wrong) = ready!(Pin::new(&mut this.wire).poll_read(cx, &mut part)) {
            return Poll::Ready(Err(this.account.end(cut_of(&wrong))));
        }
        let heard = part.filled().len();
        this.account.with(|tally| {
            tally.heard += heard;
            let first = FIRST.saturating_sub(tally.first.len());
            tally.first.extend(part.filled().iter().take(first));
            if heard == 0 {
                tally.cut.get_or_insert(Cut::Closed);
            }
        });
        into.advance(heard);
        Poll::Ready(Ok(()))
    }
}

impl<W: Wire> AsyncWrite for Bounded<W> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.poll_in_time(cx)?;
        let result = ready!(Pin::new(&mut this.wire).poll_write(cx, bytes));
        Poll::Ready(match result {
            Ok(said) => {
                this.account.with(|tally| tally.said += said);
                Ok(said)
            }
            Err(wrong) => Err(this.account.end(cut_of(&wrong))),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll_in_time(cx)?;
        Pin::new(&mut this.wire).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll_in_time(cx)?;
        Pin::new(&mut this.wire).poll_shutdown(cx)
    }
}

/// What an error of an established connection says of the peer.
pub fn cut_of(wrong: &io::Error) -> Cut {
    use io::ErrorKind as Kind;
    let unreachable = |code| Cut::Unreachable { kind: 3, code, from: None };
    match wrong.kind() {
        Kind::TimedOut => Cut::TimedOut,
        Kind::UnexpectedEof => Cut::Closed,
        Kind::HostUnreachable => unreachable(1),
        Kind::NetworkUnreachable => unreachable(0),
        Kind::FileTooLarge => Cut::TooMuch,
        _ => Cut::Reset,
    }
}
