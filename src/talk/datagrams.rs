//! An exchange of datagrams with one port of one peer: bounded like a conversation, and on the record.

use std::time::Duration;

use tokio::time::Instant;

use super::bounded::Terms;
use super::transcript::Transcript;
use super::{Soon, Unopened};
use crate::model::observation::Line;
use crate::model::saw::Cut;

/// What carries datagrams: the engine's socket, or a script.
pub trait Carrier: Send {
    /// Sends one datagram once its turn has come, and answers how long it waited for that: no time of the peer's.
    fn send<'a>(&'a mut self, bytes: &'a [u8]) -> Soon<'a, Result<Duration, Unopened>>;

    /// Hears the next datagram of the peer's, at most `most` bytes of it.
    fn hear(&mut self, most: usize, until: Instant) -> Soon<'_, Result<Datagram, Cut>>;
}

/// A datagram that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// What it says, as far as it was heard.
    pub bytes: Vec<u8>,
    /// Whether that is all of it.
    pub whole: bool,
    /// The port that it came from: some protocols go on from another one (RFC 1350 section 4).
    pub from: u16,
}

/// An exchange of datagrams: an absolute deadline, a limit on what is heard, a transcript.
pub struct Datagrams<'a> {
    carrier: Box<dyn Carrier + 'a>,
    port: u16,
    terms: Terms,
    heard: usize,
    /// What was said last, and how often it may still be said again.
    last: Option<(Vec<u8>, u32)>,
    tries: u32,
    transcript: Transcript,
}

impl<'a> Datagrams<'a> {
    /// An exchange with that port. What stays unanswered is sent `tries` times in all, at least once.
    pub fn new(carrier: Box<dyn Carrier + 'a>, port: u16, tries: u32, terms: Terms) -> Self {
        let transcript = Transcript::new(terms.clock);
        Self { carrier, port, terms, heard: 0, last: None, tries: tries.max(1), transcript }
    }

    /// Says something, in one datagram.
    ///
    /// # Errors
    /// Why it was not sent. What the network told of an earlier datagram is told here when nobody listened for it.
    pub async fn say(&mut self, bytes: &[u8]) -> Result<(), Unopened> {
        self.last = Some((bytes.to_vec(), self.tries - 1));
        self.send(bytes).await
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Unopened> {
        self.transcript.us(bytes);
        let waited = self.carrier.send(bytes).await?;
        self.terms.deadline += waited;
        Ok(())
    }

    /// Hears one datagram, at most `most` bytes of it. When none comes for so long, what was said last is said again, as
    /// long as it stayed without any answer and there are tries left.
    ///
    /// # Errors
    /// [`Unopened::Cut`] for silence, for what the network told, and for a peer that said more than is heard; otherwise
    /// why it could not be said again.
    pub async fn hear(&mut self, most: usize, patience: Duration) -> Result<Datagram, Unopened> {
        loop {
            let left = self.terms.most.saturating_sub(self.heard);
            if left == 0 {
                return Err(Unopened::Cut(Cut::TooMuch));
            }
            let until = self.terms.deadline.min((self.terms.clock)() + patience);
            match self.carrier.hear(most.min(left), until).await {
                Ok(came) => {
                    self.heard += came.bytes.len();
                    self.last = None;
                    self.transcript.them(&came.bytes);
                    if came.from != self.port {
                        self.transcript.wire(&format!("[from port {}]", came.from));
                    }
                    return Ok(came);
                }
                Err(Cut::TimedOut) if (self.terms.clock)() < self.terms.deadline => {
                    let again = self.last.take().filter(|(_, left)| *left > 0);
                    let Some((bytes, left)) = again else { return Err(self.cut(Cut::TimedOut)) };
                    self.send(&bytes).await?;
                    self.last = Some((bytes, left - 1));
                }
                Err(cut) => return Err(self.cut(cut)),
            }
        }
    }

    /// Puts a note on the record.
    pub fn note(&self, words: &str) {
        self.transcript.wire(words);
    }

    /// What was said so far.
    pub fn lines(&self) -> Vec<Line> {
        self.transcript.lines()
    }

    fn cut(&self, cut: Cut) -> Unopened {
        self.transcript.wire(&format!("cut: {cut:?}"));
        Unopened::Cut(cut)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the tests' own clock, which stands still")]

    use std::collections::VecDeque;

    use tokio::time::sleep_until;

    use super::*;

    /// A peer that answers each datagram with the next of these, or with nothing where one is empty.
    struct Peer {
        says: VecDeque<Vec<u8>>,
        ahead: VecDeque<Vec<u8>>,
        sent: usize,
    }

    impl Carrier for &mut Peer {
        fn send<'a>(&'a mut self, _: &'a [u8]) -> Soon<'a, Result<Duration, Unopened>> {
            self.sent += 1;
            let next = self.says.pop_front().filter(|says| !says.is_empty());
            self.ahead.extend(next);
            Box::pin(async { Ok(Duration::from_secs(1)) })
        }

        fn hear(&mut self, most: usize, until: Instant) -> Soon<'_, Result<Datagram, Cut>> {
            Box::pin(async move {
                let Some(mut bytes) = self.ahead.pop_front() else {
                    sleep_until(until).await;
                    return Err(Cut::TimedOut);
                };
                let whole = bytes.len() <= most;
                bytes.truncate(most);
                Ok(Datagram { bytes, whole, from: 161 })
            })
        }
    }

    fn peer(says: &[&[u8]]) -> Peer {
        let says = says.iter().map(|says| says.to_vec()).collect();
        Peer { says, ahead: VecDeque::new(), sent: 0 }
    }

    fn with(peer: &mut Peer, tries: u32, most: usize) -> Datagrams<'_> {
        let deadline = Instant::now() + Duration::from_secs(15);
        let terms = Terms { deadline, most, clock: Instant::now };
        Datagrams::new(Box::new(peer), 161, tries, terms)
    }

    const PATIENCE: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn what_stays_unanswered_is_said_again_and_no_more_often_than_it_may() {
        let mut late = peer(&[b"", b"", b"pong"]);
        let mut talk = with(&mut late, 3, 100);
        talk.say(b"ping").await.expect("it leaves");
        let came = talk.hear(50, PATIENCE).await.expect("an answer");
        assert_eq!((came.bytes.as_slice(), came.whole), (b"pong".as_slice(), true));
        assert_eq!(talk.hear(50, PATIENCE).await, Err(Unopened::Cut(Cut::TimedOut)));
        assert_eq!(talk.lines().len(), 5);
        drop(talk);
        assert_eq!(late.sent, 3, "an answered question is not repeated");
        let mut mute = peer(&[]);
        let mut talk = with(&mut mute, 2, 100);
        talk.say(b"ping").await.expect("it leaves");
        assert_eq!(talk.hear(50, PATIENCE).await, Err(Unopened::Cut(Cut::TimedOut)));
        drop(talk);
        assert_eq!(mute.sent, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn no_number_of_tries_moves_the_deadline() {
        let begun = Instant::now();
        let mut mute = peer(&[]);
        let mut talk = with(&mut mute, 100, 100);
        talk.say(b"ping").await.expect("it leaves");
        assert_eq!(talk.hear(50, PATIENCE).await, Err(Unopened::Cut(Cut::TimedOut)));
        drop(talk);
        // The script claims to have waited a second for each turn, which is given back: 15 s and those.
        assert_eq!(begun.elapsed().as_secs(), 15 + mute.sent as u64);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_heard_is_bounded() {
        let mut loud = peer(&[&[b'x'; 60], &[b'x'; 60]]);
        let mut talk = with(&mut loud, 1, 100);
        talk.say(b"?").await.expect("it leaves");
        let came = talk.hear(50, PATIENCE).await.expect("an answer");
        assert_eq!((came.bytes.len(), came.whole), (50, false));
        talk.say(b"?").await.expect("it leaves");
        assert_eq!(talk.hear(60, PATIENCE).await.map(|came| came.bytes.len()), Ok(50));
        assert_eq!(talk.hear(60, PATIENCE).await, Err(Unopened::Cut(Cut::TooMuch)));
    }
}
