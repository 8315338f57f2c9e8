//! Time on the wire: how long somebody else may take. It stands still while we wait for a turn of our own, so that our
//! pace never uses up what was meant for an answer.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::world::instant;

/// An allowance of time.
#[derive(Debug)]
pub(crate) struct Allowance(watch::Sender<State>);

/// It runs while nobody waits.
#[derive(Clone, Copy, Debug)]
struct State {
    all: Duration,
    /// What was left when it was last set going or brought to a stand.
    left: Duration,
    since: Instant,
    waiting: u32,
}

impl State {
    /// What is left now.
    fn left(&self) -> Duration {
        match self.waiting {
            0 => self.left.saturating_sub(instant().saturating_duration_since(self.since)),
            _ => self.left,
        }
    }

    /// As many wait now.
    fn set(&mut self, waiting: u32) {
        *self = Self { left: self.left(), since: instant(), waiting, ..*self };
    }
}

/// As long as this lives the allowance stands still.
pub(crate) struct Waiting<'a>(&'a Allowance);

impl Allowance {
    /// That much, from now on.
    pub(crate) fn new(all: Duration) -> Self {
        Self(watch::Sender::new(State { all, left: all, since: instant(), waiting: 0 }))
    }

    /// When it is used up, if nobody waits for a turn from now on.
    pub(crate) fn end(&self) -> Instant {
        instant() + self.0.borrow().left()
    }

    /// What of it was used so far.
    pub(crate) fn used(&self) -> Duration {
        let state = self.0.borrow();
        state.all.saturating_sub(state.left())
    }

    /// A wait for a turn of ours begins.
    pub(crate) fn wait(&self) -> Waiting<'_> {
        self.0.send_modify(|state| state.set(state.waiting + 1));
        Waiting(self)
    }

    /// Comes when it is used up.
    pub(crate) async fn used_up(&self) {
        let mut changes = self.0.subscribe();
        loop {
            let state = *changes.borrow_and_update();
            let left = state.left();
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = sleep_until(instant() + left), if state.waiting == 0 => {}
                // The sender lives as long as `self`.
                _ = changes.changed() => {}
            }
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.set(state.waiting.saturating_sub(1)));
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_a_turn_costs_nothing() {
        let allowance = Allowance::new(seconds(30));
        let begun = instant();
        let works = async {
            sleep(seconds(10)).await;
            let first = allowance.wait();
            sleep(seconds(100)).await;
            let second = allowance.wait();
            drop(first);
            sleep(seconds(100)).await;
            assert_eq!(allowance.end(), begun + seconds(230));
            assert_eq!(allowance.used(), seconds(10));
            drop(second);
        };
        tokio::join!(works, allowance.used_up());
        assert_eq!(instant(), begun + seconds(230));
    }

    #[tokio::test(start_paused = true)]
    async fn used_up_it_stays_used_up() {
        let allowance = Allowance::new(seconds(3));
        allowance.used_up().await;
        let _waits = allowance.wait();
        allowance.used_up().await;
        assert_eq!(allowance.end(), instant());
    }
}
