//! When nothing gets through any more, as after a ban.

use super::{
    AFTER_DARK, AFTER_PUNISHMENT, BACK_OFF, BACK_OFF_MOST, BLACKOUT, BLACKOUT_SILENCE, Flight,
    Noticed, Pulse,
};
use crate::said::Time;
use core::time::Duration;

/// Nothing gets through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blackout {
    pub(super) since: Time,
    next: Time,
    back_off: Duration,
    /// How many had left within a second, and at which rate.
    all: f64,
    rate: f64,
}

impl Pulse {
    /// While nothing gets through: when the next canary may go.
    pub(crate) fn dark_until(&self) -> Option<Time> {
        self.blackout.map(|dark| dark.next)
    }

    /// A canary went into the dark.
    pub(crate) fn asked_in_the_dark(&mut self, now: Time) {
        if let Some(dark) = &mut self.blackout {
            dark.next = now + dark.back_off;
            dark.back_off = (dark.back_off * 2).min(BACK_OFF_MOST);
        }
    }

    /// Whether nothing may have got through of late, so that an attempt that came to nothing says nothing.
    pub(crate) fn is_doubtful(&self, now: Time) -> bool {
        let dark = self.blackout.is_some() || self.lost_in_a_row >= BLACKOUT / 2;
        dark || self.light_at.is_some_and(|at| now < at + AFTER_DARK)
    }

    /// Whether it looks as if nothing got through any more, before that is sure: until it is, nothing more is sent.
    pub(crate) fn suspects(&self, now: Time) -> bool {
        let silence = now.saturating_sub(self.last_heard);
        let overdue = |flight: &&Flight| flight.sent + self.patience_at_first() <= now;
        silence >= BLACKOUT_SILENCE
            && self.flights.iter().take_while(overdue).count() >= BLACKOUT as usize
    }

    pub(super) fn is_dark(&self, now: Time) -> bool {
        let silence = BLACKOUT_SILENCE.max(self.patience() * 3 / 2);
        self.lost_in_a_row >= BLACKOUT && now.saturating_sub(self.last_heard) >= silence
    }

    /// Nothing gets through: what was asked since the last answer counts for nothing.
    pub(super) fn darken(&mut self, now: Time) {
        let mut gone = (0.0, 0.0);
        for of in self.epochs.iter_mut().skip(usize::from(self.last_good)) {
            if !of.void && !of.congested {
                gone = (gone.0 + f64::from(of.lost), gone.1 + f64::from(of.resolved));
            }
            of.void = true;
        }
        self.forget(gone.0, gone.1);
        let next = now + BACK_OFF;
        let (all, rate) = self.good;
        self.blackout = Some(Blackout { since: now, next, back_off: BACK_OFF * 2, all, rate });
        self.slow_start = false;
        self.next_epoch(now);
        if let Some(of) = self.epochs.last_mut() {
            of.void = true;
        }
    }

    /// Something got through again.
    pub(super) fn back(&mut self, now: Time) -> Option<Noticed> {
        let dark = self.blackout.take()?;
        self.light_at = Some(now);
        self.ceiling = self.ceiling.min(dark.rate * AFTER_PUNISHMENT).max(0.1);
        self.soft = None;
        self.cut = None;
        self.let_go();
        // It may have been as many within a second that were too many, or the rate: from the less it goes up again.
        self.go_at((dark.all * AFTER_PUNISHMENT).max(0.1), now);
        self.last_good = self.epoch();
        Some(Noticed::Ban(dark.rate))
    }

    /// The first answer of all: what was asked before, nobody knows whether it got through. The way may have had to be found
    /// first.
    pub(crate) fn first_light(&mut self, now: Time) {
        for of in &mut self.epochs {
            of.void = true;
        }
        self.next_epoch(now);
        self.last_good = self.epoch();
    }

    /// Better canaries are known: what was concluded from the others, whose answers may have been limited in number, is
    /// forgotten.
    pub(crate) fn begin_again(&mut self, now: Time) {
        if self.blackout.is_some() {
            return;
        }
        self.let_go();
        (self.cut, self.soft, self.slow_start) = (None, None, true);
        (self.usual, self.loaded, self.overall) = (super::PRIOR, super::PRIOR, super::PRIOR);
        self.lost_in_a_row = 0;
        self.next_epoch(now);
        (self.judged, self.decides) = (self.epochs.len() - 1, self.epochs.len() - 1);
    }

    /// Nobody waits any more for the canaries that are under way, and what became of their epochs is not judged.
    fn let_go(&mut self) {
        self.flights.clear();
        self.overdue.clear();
        self.judged = self.epochs.len();
    }
}
