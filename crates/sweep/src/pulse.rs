//! What gets through, and how fast: canaries are ports whose answer is known, so that an answer that stays away means a loss.
//!
//! Time is cut into epochs of some canaries each. The loss of an epoch steers the rate, and is kept: a silent port that was
//! asked in it has been missed with that chance.

mod dark;
mod verdict;

use core::time::Duration;
use std::collections::VecDeque;

use dark::Blackout;
use verdict::{Cut, Epoch};

use crate::said::{Probe, Rates, Time};

/// So many canaries a second tell enough at any rate.
const CANARIES: f64 = 500.0;
/// So many that were given up are remembered: more than are within the second after which a server repeats itself.
const OVERDUE: usize = 512;
/// Answers of so many canaries are an epoch …
const EPOCH: u32 = 16;
/// … that lasts so long at least, once it is not the beginning any more.
const EPOCH_LEAST: Duration = Duration::from_millis(60);
/// So many in a row without an answer, and nothing gets through.
const BLACKOUT: u32 = 12;
/// Nor is anything else heard for so long.
const BLACKOUT_SILENCE: Duration = Duration::from_millis(300);
/// An answer is waited for so long at least …
const PATIENCE_LEAST: Duration = Duration::from_millis(100);
/// … and at most: after a second the kernel repeats a SYN (RFC 6298 section 2).
const PATIENCE_MOST: Duration = Duration::from_millis(900);
/// After a blackout it is asked again after so long, then ever more seldom …
const BACK_OFF: Duration = Duration::from_millis(500);
/// … up to that.
const BACK_OFF_MOST: Duration = Duration::from_secs(4);
/// Never again faster than this share of what was punished.
const AFTER_PUNISHMENT: f64 = 0.6;
/// After so many canaries without a loss two probes to a silent port leave a chance of less than 1e-6 (see
/// [`Pulse::ln_lost`]), and more of them would save nothing.
const KNOWN: f64 = 410.0;
/// A loss of so many standard deviations beyond the usual …
const SURE: f64 = 3.5;
/// … and this much is more than chance; of so many it is not clear, and the next epoch will tell.
const DOUBTFUL: f64 = 1.0;
/// See there.
const LOSS_MARGIN: f64 = 0.03;
/// The epoch of a try that was none.
pub(crate) const NEVER: u16 = u16::MAX;
/// So much faster it goes after an epoch without trouble.
const RISE: f64 = 1.1;
/// A loss of so much that is gone when less is sent is no chance.
const CLEARLY: f64 = 0.25;
/// A loss of so much, and there is no doubt that more is sent than gets through.
const PLAINLY: f64 = 0.5;
/// Where nothing was wrong for so long, a little more is tried …
const CALM: Duration = Duration::from_secs(1);
/// … so much more, and each time half as much again.
const MORE: f64 = 0.05;
/// So long after nothing got through, what was begun before still comes to nothing.
const AFTER_DARK: Duration = Duration::from_secs(3);
/// Whoever was late is thought to be late again, for so long.
const LATE_FOR: Duration = Duration::from_secs(5);
/// What came of sending this share of it tells whether more is sent than gets through.
const EXPERIMENT: f64 = 0.4;
/// No trouble of our own makes it slower than this: where nothing answers, it would never go faster again.
const TROUBLED: f64 = 200.0;
/// No path is so narrow.
const FLOOR: f64 = 5.0;
/// What is thought of a path before anything is known: one loss in a hundred, with the weight of ten canaries.
const PRIOR: (f64, f64) = (0.1, 10.0);

/// A canary that is under way.
#[derive(Clone, Copy, Debug)]
struct Flight {
    probe: Probe,
    sent: Time,
    epoch: u16,
    /// Another one with that number was not answered.
    ambiguous: bool,
}

/// What the keeper of the pulse noticed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Noticed {
    /// Nothing got through for a while, after so many packets a second; now something does again.
    Ban(f64),
    /// No more than so many packets a second get through.
    Bottleneck(f64),
    /// Nothing got through for so long that the rest is given up.
    GaveUp,
}

/// Keeper of the rate.
#[derive(Debug)]
pub(crate) struct Pulse {
    pub(crate) rate: f64,
    pub(crate) highest: f64,
    ceiling: f64,
    slow_start: bool,
    /// What got through when more did not.
    soft: Option<f64>,
    /// Since when nothing was wrong with that, and how much more is tried next.
    calm_since: Time,
    more: f64,
    /// How often less was tried instead.
    lowered: u32,
    cut: Option<Cut>,
    epochs: Vec<Epoch>,
    /// The first epoch that is not judged yet.
    judged: usize,
    /// The first epoch with the rate as it is: what became of earlier ones says nothing of it.
    decides: usize,
    flights: VecDeque<Flight>,
    /// Given up for lost lately: their answers may only be late.
    overdue: VecDeque<Flight>,
    lost_in_a_row: u32,
    last_good: u16,
    last_heard: Time,
    blackout: Option<Blackout>,
    /// When the last one ended.
    light_at: Option<Time>,
    give_up: Duration,
    srtt: Option<(f64, f64)>,
    /// Lost and all, of the epochs that were as usual.
    usual: (f64, f64),
    /// The same, of those in which as much was sent as gets through.
    loaded: (f64, f64),
    /// The same, since more was tried last.
    lately: (f64, f64),
    /// Of all epochs but those in which clearly too much was sent: what was taken for that otherwise may have been bad luck.
    overall: (f64, f64),
    /// How late answers are taken in, of late.
    lateness: Duration,
    late_at: Time,
    /// How often it helped to send less.
    narrow: u32,
    /// Lost and all of epochs of which it was not clear yet whether more was lost than usual.
    held: (u32, u32),
    /// Packets sent, in tenths of seconds, of the last second.
    tenths: VecDeque<(u64, u32)>,
    /// How many were sent in a second when a canary was last answered.
    good: (f64, f64),
}

impl Pulse {
    pub(crate) fn new(rates: Rates, give_up: Duration, now: Time) -> Self {
        let ceiling = rates.ceiling.max(0.1);
        let rate = rates.start.clamp(0.1, ceiling);
        Self {
            rate,
            highest: rate,
            ceiling,
            slow_start: true,
            soft: None,
            calm_since: now,
            more: MORE,
            lowered: 0,
            cut: None,
            epochs: vec![Epoch::new(now)],
            judged: 0,
            decides: 0,
            flights: VecDeque::new(),
            overdue: VecDeque::new(),
            lost_in_a_row: 0,
            last_good: 0,
            last_heard: now,
            blackout: None,
            light_at: None,
            give_up,
            srtt: None,
            usual: PRIOR,
            loaded: PRIOR,
            lately: PRIOR,
            overall: PRIOR,
            lateness: Duration::ZERO,
            late_at: now,
            narrow: 0,
            held: (0, 0),
            tenths: VecDeque::new(),
            good: (rate, rate),
        }
    }

    /// The epoch in which it is.
    pub(crate) fn epoch(&self) -> u16 {
        u16::try_from(self.epochs.len() - 1).unwrap_or(u16::MAX)
    }

    /// Whoever drives this looked in so late.
    pub(crate) fn late(&mut self, by: Duration, now: Time) {
        if by >= self.lateness {
            (self.lateness, self.late_at) = (by, now);
        } else if now >= self.late_at + LATE_FOR {
            (self.lateness, self.late_at) = (self.lateness / 2, now);
        }
    }

    /// Packets between two canaries. Where the pace is the limit and not the path, none are needed to find out how much gets
    /// through; where many ports keep silent besides, each canary now saves probes later.
    pub(crate) fn spacing(&self, many_are_silent: bool, is_udp: bool) -> u32 {
        let at_the_pace = !is_udp && self.rate >= self.ceiling;
        if self.slow_start && !at_the_pace {
            return 2;
        }
        let least = match at_the_pace && self.overall.1 < KNOWN {
            true if many_are_silent => 3,
            true => 16,
            false => 24,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate, cut to whole packets"
        )]
        let many = (self.rate / CANARIES) as u32;
        many.max(least)
    }

    /// How long an answer is waited for (RFC 6298 section 2, with bounds of our own).
    pub(crate) fn patience(&self) -> Duration {
        // Where nothing comes in time, it may all come later (RFC 6298 section 5.5).
        let backed_off = 1 << (self.lost_in_a_row / 4).min(3);
        (self.patience_at_first() * backed_off).min(PATIENCE_MOST)
    }

    fn patience_at_first(&self) -> Duration {
        self.srtt.map_or(PATIENCE_MOST, |(srtt, var)| {
            let seconds = (srtt + 4.0 * var).clamp(0.0, 60.0);
            let late = self.lateness * 2;
            (Duration::from_secs_f64(seconds) + late).clamp(PATIENCE_LEAST, PATIENCE_MOST)
        })
    }

    /// Whether canaries are under way, or the last ones came to nothing: what was asked with them is not to be believed yet.
    pub(crate) fn is_open(&self) -> bool {
        !self.flights.is_empty() || self.asks_again()
    }

    /// Whether the last canaries came to nothing, and more of them are needed to know why.
    pub(crate) fn asks_again(&self) -> bool {
        self.lost_in_a_row >= BLACKOUT / 4
    }

    /// The smoothed round-trip time.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.srtt.map(|(srtt, _)| Duration::from_secs_f64(srtt.max(0.0)))
    }

    /// The share of all canaries lost.
    pub(crate) fn loss_of_all(&self) -> f64 {
        self.overall.0 / self.overall.1
    }

    /// The share of canaries lost where nothing was wrong otherwise.
    pub(crate) fn loss(&self) -> f64 {
        self.usual.0 / self.usual.1
    }

    /// Whether canaries were counted at all.
    pub(crate) fn is_measured(&self) -> bool {
        self.overall.1 > PRIOR.1
    }

    /// The natural logarithm of the chance that a probe of that epoch was lost, if so many before it to the same port were
    /// lost too. That they were makes it likelier that the path loses more than the canaries told, the more so the fewer
    /// there were: it is the predictive chance of a beta distribution (Gelman et al., Bayesian Data Analysis, section 2.4).
    pub(crate) fn ln_lost(&self, epoch: u16, before: u8) -> f32 {
        let Some(of) = self.epochs.get(usize::from(epoch)).filter(|of| !of.void) else {
            return 0.0;
        };
        let (lost, resolved) = (f64::from(of.lost), f64::from(of.resolved));
        let here = match of.lost {
            _ if of.loaded => self.loaded.0 / self.loaded.1,
            _ if of.congested => (lost + 1.0) / (resolved + 2.0),
            0..3 => 0.0,
            _ => lost / resolved,
        };
        let before = f64::from(before);
        let told = (self.overall.0 + before) / (self.overall.1 + before);
        #[expect(clippy::cast_possible_truncation, reason = "a logarithm of a share")]
        let ln = told.max(here).min(1.0).ln() as f32;
        ln
    }

    /// A round trip took so long.
    pub(crate) fn sample(&mut self, took: Duration) {
        let took = took.as_secs_f64();
        self.srtt = Some(match self.srtt {
            None => (took, took / 2.0),
            Some((srtt, var)) => {
                (srtt * 0.875 + took * 0.125, var * 0.75 + (srtt - took).abs() * 0.25)
            }
        });
    }

    /// Something was heard, whatever it was.
    pub(crate) fn heard(&mut self, now: Time) {
        self.last_heard = now;
        self.lost_in_a_row = 0;
    }

    /// A packet has left, whatever for.
    pub(crate) fn left(&mut self, now: Time) {
        let tenth = u64::try_from(now.as_millis() / 100).unwrap_or(u64::MAX);
        match self.tenths.back_mut() {
            Some((last, count)) if *last == tenth => *count += 1,
            _ => self.tenths.push_back((tenth, 1)),
        }
        if let Some(of) = self.epochs.last_mut() {
            of.packets += 1;
        }
        while self.tenths.front().is_some_and(|(first, _)| first + 10 <= tenth) {
            self.tenths.pop_front();
        }
    }

    /// How many have left within the last second, and how many a second that is, where it began later.
    fn of_late(&self, now: Time) -> (f64, f64) {
        let all: f64 = self.tenths.iter().map(|(_, count)| f64::from(*count)).sum();
        let since = self.tenths.front().map_or(Duration::ZERO, |(first, _)| {
            now.saturating_sub(Duration::from_millis(first.saturating_mul(100)))
        });
        (all, all / since.as_secs_f64().clamp(0.1, 1.0))
    }

    /// Nothing more could be sent, since as many are under way as may be.
    pub(crate) fn full(&mut self) {
        if let Some(of) = self.epochs.last_mut() {
            of.full = true;
        }
    }

    /// A canary has left.
    pub(crate) fn sent(&mut self, probe: Probe, now: Time) {
        // What comes by that number from now on is taken for an answer to this one, and may be one to the other: how long it
        // took is not known (Karn's rule, RFC 6298 section 3).
        let others = self.overdue.len();
        self.overdue.retain(|flight| flight.probe != probe);
        let ambiguous = self.overdue.len() < others;
        self.flights.push_back(Flight { probe, sent: now, epoch: self.epoch(), ambiguous });
        let least = self.round_trip().unwrap_or_default().max(EPOCH_LEAST);
        let Some(of) = self.epochs.last_mut() else { return };
        of.sent += 1;
        if !self.slow_start && of.sent >= EPOCH && now.saturating_sub(of.begun) >= least {
            self.next_epoch(now);
        }
    }

    /// A canary could not be sent after all.
    pub(crate) fn unsent(&mut self, probe: Probe) {
        if let Some(at) = self.flights.iter().rposition(|flight| flight.probe == probe) {
            let flight = self.flights.remove(at);
            let epoch = flight.map_or(usize::MAX, |flight| usize::from(flight.epoch));
            if let Some(of) = self.epochs.get_mut(epoch) {
                of.sent = of.sent.saturating_sub(1);
            }
        }
    }

    /// An answer to a canary, if it is one of those under way.
    pub(crate) fn answered(&mut self, probe: Probe, now: Time) -> Option<Noticed> {
        let late = |flight: &Flight| flight.probe == probe;
        let flight = if let Some(at) = self.flights.iter().position(late) {
            self.flights.remove(at)?
        } else {
            let at = self.overdue.iter().rposition(late)?;
            let flight = self.overdue.remove(at)?;
            if flight.ambiguous || now.saturating_sub(flight.sent) >= PATIENCE_MOST {
                // The server repeats its own SYN-ACK after a second: the first one was lost.
                return self.back(now);
            }
            self.sample(now.saturating_sub(flight.sent));
            if let Some(of) = self.epochs.get_mut(usize::from(flight.epoch)) {
                if of.lost > 0 && !of.congested && !of.void {
                    self.overall.0 = (self.overall.0 - 1.0).max(PRIOR.0);
                }
                of.lost = of.lost.saturating_sub(1);
                of.congested = false;
            }
            // It was slow, not lost: what was concluded from that is taken back (RFC 3522).
            if let Some(cut) = self.cut.take() {
                self.go_at(cut.before, now);
            }
            return self.back(now);
        };
        if !flight.ambiguous {
            self.sample(now.saturating_sub(flight.sent));
        }
        self.last_good = self.last_good.max(flight.epoch);
        if self.blackout.is_none() {
            let (all, a_second) = self.of_late(now);
            self.good = (all.clamp(0.1, self.rate), a_second.clamp(0.1, self.rate));
        }
        self.resolved(flight.epoch, false);
        self.back(now).or_else(|| self.judge(now))
    }

    /// Counts those as lost whose answers have stayed away too long.
    pub(crate) fn expire(&mut self, now: Time) -> Option<Noticed> {
        let patience = self.patience();
        let mut noticed = None;
        while let Some(flight) = self.flights.front().copied().filter(|f| f.sent + patience <= now)
        {
            self.flights.pop_front();
            if self.overdue.len() >= OVERDUE {
                self.overdue.pop_front();
            }
            self.overdue.push_back(flight);
            if flight.sent > self.last_heard {
                self.lost_in_a_row += 1;
            }
            self.resolved(flight.epoch, true);
            if self.blackout.is_none() && self.is_dark(now) {
                self.darken(now);
            }
            noticed = noticed.or_else(|| self.judge(now));
        }
        match self.blackout {
            Some(dark) if now >= dark.since + self.give_up => Some(Noticed::GaveUp),
            _ => noticed,
        }
    }

    /// When the oldest canary is given up.
    pub(crate) fn next_expiry(&self) -> Option<Time> {
        let first = self.flights.front().map(|flight| flight.sent + self.patience());
        let end = self.blackout.map(|dark| dark.since + self.give_up);
        first.into_iter().chain(end).min()
    }

    /// Our own machine was short of something: slower.
    pub(crate) fn stumble(&mut self, now: Time) {
        self.slow_start = false;
        self.go_at((self.rate * 0.7).max(self.rate.min(TROUBLED)), now);
    }

    /// How many canaries are under way.
    pub(crate) fn flights(&self) -> usize {
        self.flights.len()
    }

    /// How many canaries are under way to that port.
    pub(crate) fn under_way(&self, port: u16) -> usize {
        self.flights.iter().filter(|flight| flight.probe.port == port).count()
    }
}
