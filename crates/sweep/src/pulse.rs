//! What gets through, and how fast: canaries are ports whose answer is known, so that an answer that stays away means a loss.
//!
//! Time is cut into epochs of some canaries each. The loss of an epoch steers the rate, and is kept: a silent port that was
//! asked in it has been missed with that chance.

use core::time::Duration;
use std::collections::VecDeque;

use crate::said::{Probe, Rates, Time};

/// Answers of so many canaries are an epoch.
const EPOCH: u32 = 16;
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
/// A loss of more than this beyond the usual, and three standard deviations, is more than chance.
const LOSS_MARGIN: f64 = 0.03;
/// The epoch of a try that was none.
pub(crate) const NEVER: u16 = u16::MAX;
/// So much faster it goes after an epoch without trouble.
const RISE: f64 = 1.1;
/// A loss of so much that is gone when less is sent is no chance.
const CLEARLY: f64 = 0.25;
/// So long after nothing got through, what was begun before still comes to nothing.
const AFTER_DARK: Duration = Duration::from_secs(3);
/// Whoever was late is thought to be late again, for so long.
const LATE_FOR: Duration = Duration::from_secs(5);
/// No more is given up at once.
const SLOWER_AT_MOST: f64 = 0.3;
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
}

/// What became of the canaries of a stretch of time.
#[derive(Clone, Copy, Debug, Default)]
struct Epoch {
    resolved: u32,
    lost: u32,
    /// Nothing got through, or nobody knows.
    void: bool,
    /// More was lost than usual, because more was sent than gets through.
    congested: bool,
    /// As much was sent as gets through, or nearly.
    loaded: bool,
}

/// A rate that was lowered, until it is known whether that helped.
#[derive(Clone, Copy, Debug)]
struct Cut {
    before: f64,
    loss: f64,
    counts: (u32, u32),
}

/// Nothing gets through.
#[derive(Clone, Copy, Debug)]
struct Blackout {
    since: Time,
    next: Time,
    back_off: Duration,
    rate: f64,
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
    cut: Option<Cut>,
    epochs: Vec<Epoch>,
    begun: Time,
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
    /// Of all epochs but those in which clearly too much was sent: what was taken for that otherwise may have been bad luck.
    overall: (f64, f64),
    /// How late answers are taken in, of late.
    lateness: Duration,
    late_at: Time,
    /// How often it helped to send less.
    narrow: u32,
    /// Packets sent, in tenths of seconds, of the last second.
    tenths: VecDeque<(u64, u32)>,
    /// How many were sent in a second when a canary was last answered.
    good_rate: f64,
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
            cut: None,
            epochs: vec![Epoch::default()],
            begun: now,
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
            overall: PRIOR,
            lateness: Duration::ZERO,
            late_at: now,
            narrow: 0,
            tenths: VecDeque::new(),
            good_rate: rate,
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

    /// Packets between two canaries.
    pub(crate) fn spacing(&self) -> u32 {
        if self.slow_start { 2 } else { 24 }
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
        while self.tenths.front().is_some_and(|(first, _)| first + 10 < tenth) {
            self.tenths.pop_front();
        }
    }

    /// How many have left within the last second.
    fn of_late(&self) -> f64 {
        self.tenths.iter().map(|(_, count)| f64::from(*count)).sum()
    }

    /// A canary has left.
    pub(crate) fn sent(&mut self, probe: Probe, now: Time) {
        self.flights.push_back(Flight { probe, sent: now, epoch: self.epoch() });
    }

    /// A canary could not be sent after all.
    pub(crate) fn unsent(&mut self, probe: Probe) {
        if let Some(at) = self.flights.iter().rposition(|flight| flight.probe == probe) {
            self.flights.remove(at);
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
            if now.saturating_sub(flight.sent) >= PATIENCE_MOST {
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
                self.rate = cut.before;
            }
            return self.back(now);
        };
        self.sample(now.saturating_sub(flight.sent));
        self.last_good = self.last_good.max(flight.epoch);
        if self.blackout.is_none() {
            self.good_rate = self.of_late().clamp(0.1, self.rate);
        }
        self.resolved(flight.epoch, false);
        self.back(now).or_else(|| self.turn(now))
    }

    /// Counts those as lost whose answers have stayed away too long.
    pub(crate) fn expire(&mut self, now: Time) -> Option<Noticed> {
        let patience = self.patience();
        let mut noticed = None;
        while let Some(flight) = self.flights.front().copied().filter(|f| f.sent + patience <= now)
        {
            self.flights.pop_front();
            if self.overdue.len() >= 64 {
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
            noticed = noticed.or_else(|| self.turn(now));
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

    /// Our own machine was short of something: slower.
    pub(crate) fn stumble(&mut self) {
        self.slow_start = false;
        self.rate = (self.rate * 0.7).max(1.0).min(self.ceiling);
    }

    /// How many canaries are under way.
    pub(crate) fn flights(&self) -> usize {
        self.flights.len()
    }

    /// How many canaries are under way to that port.
    pub(crate) fn under_way(&self, port: u16) -> usize {
        self.flights.iter().filter(|flight| flight.probe.port == port).count()
    }

    /// Whether nothing may have got through of late, so that an attempt that came to nothing says nothing.
    pub(crate) fn is_doubtful(&self, now: Time) -> bool {
        let dark = self.blackout.is_some() || self.lost_in_a_row >= BLACKOUT / 2;
        dark || self.light_at.is_some_and(|at| now < at + AFTER_DARK)
    }

    fn is_dark(&self, now: Time) -> bool {
        let silence = BLACKOUT_SILENCE.max(self.patience() * 3 / 2);
        self.lost_in_a_row >= BLACKOUT && now.saturating_sub(self.last_heard) >= silence
    }

    /// Nothing gets through: what was asked since the last answer counts for nothing.
    fn darken(&mut self, now: Time) {
        let mut gone = (0.0, 0.0);
        for of in self.epochs.iter_mut().skip(usize::from(self.last_good)) {
            if !of.void && !of.congested {
                gone = (gone.0 + f64::from(of.lost), gone.1 + f64::from(of.resolved));
            }
            of.void = true;
        }
        self.forget(gone.0, gone.1);
        let next = now + BACK_OFF;
        let rate = self.good_rate;
        self.blackout = Some(Blackout { since: now, next, back_off: BACK_OFF * 2, rate });
        self.slow_start = false;
        self.next_epoch(now);
        if let Some(of) = self.epochs.last_mut() {
            of.void = true;
        }
    }

    /// Something got through again.
    fn back(&mut self, now: Time) -> Option<Noticed> {
        let dark = self.blackout.take()?;
        self.light_at = Some(now);
        self.ceiling = self.ceiling.min(dark.rate * AFTER_PUNISHMENT).max(0.1);
        self.rate = self.rate.min(self.ceiling);
        self.soft = None;
        self.cut = None;
        self.flights.clear();
        self.overdue.clear();
        self.next_epoch(now);
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
        self.flights.clear();
        self.overdue.clear();
        (self.cut, self.soft, self.slow_start) = (None, None, true);
        (self.usual, self.loaded, self.overall) = (PRIOR, PRIOR, PRIOR);
        self.lost_in_a_row = 0;
        self.next_epoch(now);
    }

    fn next_epoch(&mut self, now: Time) {
        if self.epochs.len() < usize::from(u16::MAX) {
            self.epochs.push(Epoch::default());
        }
        self.begun = now;
    }

    /// Ends the epoch once enough is known of it, and goes faster or slower.
    fn turn(&mut self, now: Time) -> Option<Noticed> {
        let here = usize::from(self.epoch());
        let of = self.epochs.get(here).copied()?;
        let long = self.round_trip().unwrap_or_default();
        let enough = if of.lost == 0 { EPOCH } else { 2 * EPOCH };
        if of.void
            || of.resolved < enough
            || self.lost_in_a_row >= BLACKOUT
            || now.saturating_sub(self.begun) < long
        {
            return None;
        }
        let (missing, all) = (f64::from(of.lost), f64::from(of.resolved));
        let (loss, usual) = (missing / all, self.loss());
        let chance = 3.0 * (usual * (1.0 - usual) / all).sqrt();
        let mut noticed = None;
        if of.lost >= 3 && loss > usual + chance + LOSS_MARGIN {
            self.slow_start = false;
            match self.cut.take() {
                // It did not help to send less: the path loses as much by itself.
                Some(cut) if loss < 0.5 && !self.helped(cut, loss) => {
                    self.learn(missing + f64::from(cut.counts.0), all + f64::from(cut.counts.1));
                    self.rate = cut.before;
                }
                _ => {
                    self.cut =
                        Some(Cut { before: self.rate, loss, counts: (of.lost, of.resolved) });
                    let through = 0.85 * (1.0 - loss) / (1.0 - usual).max(0.05);
                    self.rate *= through.clamp(SLOWER_AT_MOST, 1.0);
                    if let Some(of) = self.epochs.get_mut(here) {
                        of.congested = true;
                    }
                    if loss >= CLEARLY {
                        self.forget(missing, all);
                    }
                }
            }
        } else {
            if let Some(cut) = self.cut {
                if !self.helped(cut, loss) {
                    self.learn(f64::from(cut.counts.0), f64::from(cut.counts.1));
                    self.rate = cut.before;
                } else if cut.loss < CLEARLY && self.narrow == 0 {
                    // It may have been chance: the same once more will tell.
                    self.narrow = 1;
                    self.rate = cut.before / RISE;
                } else {
                    self.narrow += 1;
                    self.soft = Some(self.rate);
                    noticed = Some(Noticed::Bottleneck(self.rate));
                }
                self.cut = None;
            }
            if self.soft.is_none_or(|soft| self.rate < soft * 0.7) {
                self.learn(missing, all);
            } else {
                self.loaded = (self.loaded.0 + missing, self.loaded.1 + all);
                if let Some(of) = self.epochs.get_mut(here) {
                    of.loaded = true;
                }
            }
            self.rate = match (self.slow_start, self.soft) {
                (true, _) => self.rate * 2.0,
                (false, None) => self.rate * RISE,
                (false, Some(soft)) => {
                    self.soft = Some(soft * 1.002);
                    (self.rate * 1.01).min(soft)
                }
            };
        }
        self.rate = self.rate.max(self.ceiling.min(FLOOR)).min(self.ceiling);
        self.slow_start &= self.rate < self.ceiling;
        self.highest = self.highest.max(self.rate);
        self.next_epoch(now);
        noticed
    }

    /// One more canary of that epoch was answered, or lost.
    fn resolved(&mut self, epoch: u16, lost: bool) {
        let Some(of) = self.epochs.get_mut(usize::from(epoch)) else { return };
        of.resolved += 1;
        of.lost += u32::from(lost);
        if !of.congested && !of.void {
            self.overall.0 += f64::from(u8::from(lost));
            self.overall.1 += 1.0;
        }
    }

    /// Of so many in all so many were lost to something that has nothing to do with the path.
    fn forget(&mut self, lost: f64, all: f64) {
        self.overall.0 = (self.overall.0 - lost).max(PRIOR.0);
        self.overall.1 = (self.overall.1 - all).max(PRIOR.1);
    }

    /// Whether it helped to send less.
    fn helped(&self, cut: Cut, loss: f64) -> bool {
        // If no more gets through than did before, so much would be lost now; if the path loses so much by itself, as much
        // as before. What it is nearer to, it is.
        let narrow = 1.0 - (1.0 - cut.loss) * cut.before / self.rate.max(0.1);
        loss < f64::midpoint(cut.loss, narrow.max(0.0))
    }

    fn learn(&mut self, lost: f64, all: f64) {
        self.usual.0 += lost;
        self.usual.1 += all;
    }
}
