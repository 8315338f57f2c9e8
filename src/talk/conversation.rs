//! The conversation itself: hear, say, hear, within its terms and on the record.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout_at;

use super::bounded::{Account, Bounded, Terms, Wire, cut_of};
use super::transcript::Transcript;
use crate::catalogue::recipe::{Enough, Hear, QUIET, Until};
use crate::model::observation::Line;
use crate::model::saw::Cut;

/// The longest line that is heard, in bytes.
const LINE: usize = 16 * 1024;

/// A conversation with one peer: an absolute deadline, a limit on what is heard, a transcript.
pub struct Talk {
    wire: Bounded<Box<dyn Wire>>,
    ahead: Vec<u8>,
    transcript: Transcript,
}

impl Talk {
    /// A conversation over that stream. What is `held` is let go when the stream ends.
    pub fn new(wire: Box<dyn Wire>, terms: Terms, held: Option<Box<dyn Send + Sync>>) -> Self {
        let transcript = Transcript::new(terms.clock);
        Self { wire: Bounded::new(wire, terms, held), ahead: Vec::new(), transcript }
    }

    /// The same conversation, going on inside a wire that a library laid through the stream of its beginning.
    pub fn inside(wire: Bounded<Box<dyn Wire>>, transcript: Transcript) -> Self {
        Self { wire, ahead: Vec::new(), transcript }
    }

    /// Hears what comes next: at least one byte.
    ///
    /// # Errors
    /// How the conversation was cut, before anything more was heard.
    pub async fn hear_some(&mut self) -> Result<Vec<u8>, Cut> {
        if self.ahead.is_empty() {
            self.hear_more().await?;
        }
        let heard = std::mem::take(&mut self.ahead);
        self.transcript.them(&heard);
        Ok(heard)
    }

    /// Hears one line, its line feed included.
    ///
    /// # Errors
    /// How the conversation was cut before the line was whole; what was heard of it stands in the transcript.
    pub async fn hear_line(&mut self) -> Result<Vec<u8>, Cut> {
        self.hear_until(b"\n").await
    }

    /// Hears up to and including `end`, at most 16 KiB.
    ///
    /// # Errors
    /// How the conversation was cut before `end` came; what was heard stands in the transcript.
    pub async fn hear_until(&mut self, end: &[u8]) -> Result<Vec<u8>, Cut> {
        let mut searched = 0;
        loop {
            let from = searched.min(self.ahead.len());
            let rest = self.ahead.get(from..).unwrap_or_default();
            if let Some(at) = rest.windows(end.len().max(1)).position(|part| part == end) {
                let later = self.ahead.split_off(from + at + end.len());
                let heard = std::mem::replace(&mut self.ahead, later);
                self.transcript.them(&heard);
                return Ok(heard);
            }
            searched = (self.ahead.len() + 1).saturating_sub(end.len());
            let more = match self.ahead.len() {
                short if short < LINE => self.hear_more().await,
                _ => Err(Cut::TooMuch),
            };
            if let Err(cut) = more {
                self.transcript.them(&std::mem::take(&mut self.ahead));
                return Err(cut);
            }
        }
    }

    /// Listens: for a first byte as long as `patience` lasts, then until nothing more comes for `quiet`, at most `most`
    /// bytes, and no longer than `patience` in all. Answers what was heard, perhaps nothing, and how it ended when not
    /// by the peer falling silent.
    pub async fn listen(
        &mut self,
        patience: Duration,
        quiet: Duration,
        most: usize,
    ) -> (Vec<u8>, Option<Cut>) {
        let clock = self.wire.terms().clock;
        let end = clock() + patience;
        let mut until = end;
        let mut cut = None;
        while self.ahead.len() < most {
            match timeout_at(until, self.hear_more()).await {
                Err(_) => break,
                Ok(Err(why)) => {
                    cut = Some(why);
                    break;
                }
                Ok(Ok(())) => until = end.min(clock() + quiet),
            }
        }
        let mut heard = std::mem::take(&mut self.ahead);
        if heard.len() > most {
            self.ahead = heard.split_off(most);
        }
        if heard.len() >= most {
            cut = Some(Cut::TooMuch);
        }
        if !heard.is_empty() {
            self.transcript.them(&heard);
        }
        (heard, cut)
    }

    /// Listens for what is wanted, and answers what came; how it ended, when that was not by having heard enough. For a
    /// peer that is to fall silent, silence after its first byte is that end.
    pub async fn hear_as(&mut self, hear: &Hear) -> (Vec<u8>, Option<Cut>) {
        let clock = self.wire.terms().clock;
        let end = clock() + hear.patience;
        let mut until = end;
        let (length, cut) = loop {
            match hear.enough(&self.ahead) {
                Enough::Yes(length) => break (length, None),
                Enough::TooMuch => break (hear.most, Some(Cut::TooMuch)),
                Enough::NotYet => {}
            }
            match timeout_at(until, self.hear_more()).await {
                Err(_) => break (self.ahead.len(), Some(Cut::TimedOut)),
                Ok(Err(cut)) => break (self.ahead.len(), Some(cut)),
                Ok(Ok(())) if hear.until == Until::Quiet => until = end.min(clock() + QUIET),
                Ok(Ok(())) => {}
            }
        };
        let later = self.ahead.split_off(length.min(self.ahead.len()));
        let heard = std::mem::replace(&mut self.ahead, later);
        if !heard.is_empty() {
            self.transcript.them(&heard);
        }
        (heard, cut)
    }

    /// Says something.
    ///
    /// # Errors
    /// How the conversation was cut before all of it was said.
    pub async fn say(&mut self, bytes: &[u8]) -> Result<(), Cut> {
        self.transcript.us(bytes);
        let said = async {
            self.wire.write_all(bytes).await?;
            self.wire.flush().await
        };
        said.await.map_err(|wrong| self.cut_by(&wrong))
    }

    /// Hands the stream to a library that speaks a protocol, still within its terms. The account tells afterwards what
    /// went over it and what cut it; the transcript is for notes.
    pub fn into_stream(self) -> (Bounded<Box<dyn Wire>>, Account, Transcript) {
        let account = self.wire.account();
        (self.wire, account, self.transcript)
    }

    /// What was said so far.
    pub fn lines(&self) -> Vec<Line> {
        self.transcript.lines()
    }

    /// The transcript, for notes.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    async fn hear_more(&mut self) -> Result<(), Cut> {
        let mut part = [0; 4096];
        match self.wire.read(&mut part).await {
            Ok(0) => Err(Cut::Closed),
            Ok(n) => {
                self.ahead.extend_from_slice(part.get(..n).unwrap_or(&part));
                Ok(())
            }
            Err(wrong) => Err(self.cut_by(&wrong)),
        }
    }

    fn cut_by(&self, wrong: &std::io::Error) -> Cut {
        self.wire.account().cut().unwrap_or_else(|| cut_of(wrong))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the tests' own clock, which stands still")]

    use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::{Instant, sleep};

    use super::*;

    fn talk(seconds: u64, most: usize) -> (Talk, DuplexStream) {
        let (ours, theirs) = duplex(64 * 1024);
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let terms = Terms { deadline, most, clock: Instant::now };
        (Talk::new(Box::new(ours), terms, None), theirs)
    }

    #[tokio::test(start_paused = true)]
    async fn lines_are_heard_one_by_one() {
        let (mut talk, mut peer) = talk(15, 1000);
        peer.write_all(b"220 one\r\n221 two\r\nrest").await.expect("room");
        assert_eq!(talk.hear_line().await, Ok(b"220 one\r\n".to_vec()));
        assert_eq!(talk.hear_until(b"two\r\n").await, Ok(b"221 two\r\n".to_vec()));
        assert_eq!(talk.hear_some().await, Ok(b"rest".to_vec()));
        talk.say(b"QUIT\r\n").await.expect("room");
        drop(peer);
        assert_eq!(talk.hear_some().await, Err(Cut::Closed));
        assert_eq!(talk.lines().len(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn no_byte_moves_the_deadline() {
        let (mut talk, mut peer) = talk(15, 1000);
        let begun = Instant::now();
        let drip = async {
            while peer.write_all(b"x").await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::select! {
            () = drip => {}
            heard = talk.hear_line() => assert_eq!(heard, Err(Cut::TimedOut)),
        }
        assert_eq!(begun.elapsed().as_secs(), 15);
        assert_eq!(talk.say(b"hello").await, Err(Cut::TimedOut));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_ends_at_the_limit() {
        let (mut talk, mut peer) = talk(15, 5000);
        peer.write_all(&vec![b'x'; 60_000]).await.expect("room");
        assert_eq!(talk.hear_line().await, Err(Cut::TooMuch));
        assert_eq!(talk.into_stream().1.heard(), 5000);
    }

    #[tokio::test(start_paused = true)]
    async fn listening_ends_when_the_peer_falls_silent() {
        let patience = Duration::from_secs(3);
        let quiet = Duration::from_millis(300);
        let (mut mute, _peer) = talk(15, 1000);
        let begun = Instant::now();
        assert_eq!(mute.listen(patience, quiet, 4096).await, (Vec::new(), None));
        assert_eq!(begun.elapsed(), patience);
        let (mut loud, mut peer) = talk(15, 100_000);
        peer.write_all(&vec![b'x'; 20_000]).await.expect("room");
        let (heard, cut) = loud.listen(patience, quiet, 4096).await;
        assert_eq!((heard.len(), cut), (4096, Some(Cut::TooMuch)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_cannot_hold_us() {
        let (mut talk, _peer) = talk(15, 1000);
        assert_eq!(talk.say(&vec![b'x'; 1_000_000]).await, Err(Cut::TimedOut));
    }
}
