//! What was said, kept as far as evidence needs it: bounded, and with secrets cut.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::{Clock, secrets};
use crate::model::heard::Heard;
use crate::model::observation::{Line, Who};

/// How many utterances are kept.
const LINES: usize = 64;
/// How many bytes of one utterance are kept.
const BYTES: usize = 1024;

/// A transcript. Clones write into the same one.
#[derive(Clone, Debug)]
pub struct Transcript {
    begun: Instant,
    clock: Clock,
    lines: Arc<Mutex<Vec<Line>>>,
}

impl Transcript {
    /// An empty one that begins now.
    pub fn new(clock: Clock) -> Self {
        Self { begun: clock(), clock, lines: Arc::default() }
    }

    /// We said this.
    pub fn us(&self, bytes: &[u8]) {
        self.add(Who::Us, bytes);
    }

    /// They said this.
    pub fn them(&self, bytes: &[u8]) {
        self.add(Who::Them, bytes);
    }

    /// The network did this, or the conversation came to its end so.
    pub fn wire(&self, note: &str) {
        self.add(Who::Wire, note.as_bytes());
    }

    /// The utterances so far.
    pub fn lines(&self) -> Vec<Line> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, who: Who, bytes: &[u8]) {
        let ms = (self.clock)().saturating_duration_since(self.begun).as_millis();
        let ms = u32::try_from(ms).unwrap_or(u32::MAX);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        match lines.len() {
            LINES => lines.push(Line { who: Who::Wire, ms, text: "[and more]".into() }),
            full if full > LINES => {}
            _ => lines.push(Line { who, ms, text: kept(bytes) }),
        }
    }
}

/// The part of an utterance that is kept. Secrets are cut before its end is, so that no half of one is left.
fn kept(bytes: &[u8]) -> Heard {
    let long = bytes.get(..4 * BYTES).unwrap_or(bytes);
    let text = secrets::cut(&String::from_utf8_lossy(long));
    Heard::new(text.as_bytes(), BYTES)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the tests' own clock, which stands still")]

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_bounded_and_keeps_no_secrets() {
        let transcript = Transcript::new(Instant::now);
        tokio::time::sleep(std::time::Duration::from_millis(7)).await;
        transcript.them(b"Set-Cookie: sid=abcdef; Path=/\r\n");
        for _ in 0..10_000 {
            transcript.us(&[b'x'; 5000]);
        }
        let lines = transcript.lines();
        assert_eq!(lines.len(), LINES + 1);
        let first = lines.first().expect("a line");
        assert_eq!((first.ms, first.text.raw()), (7, "Set-Cookie: sid=[cut]; Path=/\r\n"));
        assert!(lines.iter().all(|line| line.text.raw().len() <= BYTES));
    }
}
