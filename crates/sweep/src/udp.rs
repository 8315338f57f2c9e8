//! What is different over UDP: who may be a canary, what is done where nobody is one, and how refusals are waited for.
//!
//! A port that replies is open, and no second handshake has to say so. It is a canary only if it replies again and again: a
//! time server that answers each asker once in some seconds (RFC 5905 section 7.4) would tell of losses that are none. A port
//! that the host refuses is never one, since a host sends a few ICMP errors and then about one a second, whatever the path
//! loses (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4).
//!
//! So a missing refusal is no loss. Who replies is found out first, by as many tries as the canaries ask for; then some of the
//! silent ports are asked at the pace at which refusals come, and the others are told from those.

use core::time::Duration;
use std::collections::VecDeque;
use std::net::IpAddr;

use crate::cell::{Cell, Kind};
use crate::order::Chance;
use crate::said::{Probe, Reason, State, Time, Warning};
use crate::sweep::{Phase, Sweep};

/// Canaries go no oftener than this.
const GAP: Duration = Duration::from_millis(200);
/// So often is asked whoever may become one …
const TRIALS: u8 = 8;
/// … and so often has it to reply.
const PASSED: u8 = 4;
/// More canaries than this are not needed.
const CANARIES: usize = 4;
/// More than this do not wait for their trial.
const WAITING: usize = 16;
/// Without a canary every port is asked so often …
const BLIND_PASSES: u32 = 4;
/// … and so much is thought to be lost of it.
const BLIND_LOSS: f64 = 0.1;
/// A service takes its time, unlike a kernel.
const PATIENCE: Duration = Duration::from_millis(500);
/// Refusals come about so often a second where nothing else was seen: Linux sends one a second to each asker (icmp(7)).
const REFUSALS: f64 = 0.9;
/// No shorter time tells how often they come: the first few come at once.
const LONG_ENOUGH: f64 = 2.0;
/// So many of the silent ports are asked slowly.
const SAMPLE: usize = 24;
/// So many of them in a row without a refusal, and refusals are not what they wait for.
const IN_VAIN: u32 = 8;
/// So many rounds it takes at most: a refusal may be lost.
const ROUNDS: u8 = 3;
/// If fewer of the sample were refused, they had only been lost before.
const HARDLY_ANY: f64 = 0.15;
/// If so many were, so would be the others.
const NEARLY_ALL: f64 = 0.75;

/// Who may become a canary, and how the silent ports are asked slowly.
#[derive(Debug)]
pub(crate) struct Trials {
    waiting: VecDeque<u16>,
    on: Option<Trial>,
    /// No canary goes before.
    next: Time,
    /// So many at the beginning of the sample are there for their own sake, and stand for nobody else.
    own: usize,
    round: u8,
    /// How many were asked in this round.
    asked: u32,
}

/// A port that has replied, and is asked whether it goes on doing so.
#[derive(Clone, Copy, Debug)]
struct Trial {
    place: u16,
    asked: u8,
    replied: u8,
}

impl Trials {
    pub(crate) fn new(now: Time) -> Self {
        Self { waiting: VecDeque::new(), on: None, next: now, own: 0, round: 0, asked: 0 }
    }
}

impl Sweep {
    /// A datagram came back.
    pub(crate) fn replied(&mut self, place: u16) {
        if let Some(trial) = self.trials.on.as_mut().filter(|trial| trial.place == place) {
            trial.replied = trial.replied.saturating_add(1).min(trial.asked);
        }
        if self.cell(place).kind == Kind::Open {
            return;
        }
        self.change(place, |cell| cell.kind = Kind::Open);
        self.opened += 1;
        self.may_become_a_canary(place);
        self.tell(place);
        self.look_whether_all_are_open();
    }

    pub(crate) fn may_become_a_canary(&mut self, place: u16) {
        if self.trials.waiting.len() < WAITING {
            self.trials.waiting.push_back(place);
        }
    }

    /// A port that replied is refused now: whoever listened there is gone.
    pub(crate) fn is_gone(&mut self, place: u16) {
        let [open, ..] = &mut self.canaries;
        open.retain(|known| *known != place);
        self.trials.waiting.retain(|known| *known != place);
        if self.trials.on.is_some_and(|trial| trial.place == place) {
            self.trials.on = None;
        }
    }

    /// Whether that is said by the host itself: nobody is behind the port (RFC 1122 section 4.1.3.1, RFC 4443 section 3.1).
    pub(crate) fn is_from_the_host(&self, kind: u8, code: u8, from: Option<IpAddr>) -> bool {
        let unreachable = matches!((kind, code), (3, 3) | (1, 4));
        self.is_udp() && unreachable && from.is_some() && from == self.settings.host
    }

    /// Whether nothing was heard of the address, neither good nor bad.
    pub(crate) fn is_unheard(&self) -> bool {
        !self.is_udp() || (self.errors.is_empty() && self.opened == 0)
    }

    /// The natural logarithm of the chance that a port would reply, and no reply came through.
    pub(crate) fn ln_missed(&self, cell: Cell) -> f64 {
        if self.is_udp() && self.is_dumb() {
            return f64::from(cell.tries) * BLIND_LOSS.ln();
        }
        f64::from(self.ln(cell))
    }

    /// When the next canary may go, if that is not at once.
    pub(crate) fn canaries_from(&self) -> Time {
        if self.is_udp() { self.trials.next } else { Time::ZERO }
    }

    pub(crate) fn canary_goes(&mut self, now: Time) {
        self.trials.next = now + GAP;
    }

    pub(crate) fn is_on_trial(&self, place: u16) -> bool {
        self.trials.on.is_some_and(|trial| trial.place == place)
    }

    /// It could not be sent.
    pub(crate) fn trial_not_asked(&mut self) {
        if let Some(trial) = &mut self.trials.on {
            trial.asked = trial.asked.saturating_sub(1);
        }
    }

    /// The next question to the port that is on trial, if it is due.
    pub(crate) fn trial(&mut self, now: Time) -> Option<Probe> {
        self.end_trial(now);
        let [known, ..] = &self.canaries;
        let (enough, due) = (known.len() >= CANARIES, now >= self.trials.next);
        if !due || self.phase == Phase::Done {
            return None;
        }
        if self.trials.on.is_none() && !enough {
            let next = self.trials.waiting.pop_front();
            self.trials.on = next.map(|place| Trial { place, asked: 0, replied: 0 });
        }
        let trial = self.trials.on.as_mut().filter(|trial| trial.asked < TRIALS)?;
        trial.asked += 1;
        let place = trial.place;
        self.canary_goes(now);
        Some(self.probe(place))
    }

    /// Ends a trial that has been passed, or in which the last reply stays away.
    pub(crate) fn end_trial(&mut self, now: Time) {
        let Some(trial) = self.trials.on else { return };
        let over = trial.asked >= TRIALS && now >= self.trials.next + PATIENCE;
        if trial.replied >= PASSED {
            let dumb = self.is_dumb();
            self.add_canary(trial.place, 0);
            if dumb {
                self.pulse.first_light(now);
            }
        } else if !over {
            return;
        }
        self.trials.on = None;
    }

    /// When something is to be done about a trial.
    pub(crate) fn trial_due(&self) -> Option<Time> {
        let [known, ..] = &self.canaries;
        let comes = known.len() < CANARIES && !self.trials.waiting.is_empty();
        if !self.is_udp() || self.phase == Phase::Done || self.pulse.dark_until().is_some() {
            return None;
        }
        match self.trials.on {
            Some(trial) if trial.replied >= PASSED => Some(self.next_send),
            Some(trial) if trial.asked >= TRIALS => {
                Some((self.trials.next + PATIENCE).max(self.next_send))
            }
            Some(_) => Some(self.trials.next.max(self.next_send)),
            None => comes.then(|| self.trials.next.max(self.next_send)),
        }
    }

    /// Whether it depends on a trial how often silent ports are asked.
    pub(crate) fn is_trial_awaited(&self) -> bool {
        if !self.is_udp() {
            return false;
        }
        let comes = self.trials.on.is_some() || !self.trials.waiting.is_empty();
        comes && self.is_dumb() && self.cells.iter().any(|cell| cell.kind == Kind::Silent)
    }

    /// How long late answers are waited for.
    pub(crate) fn patience_at_rest(&self) -> Duration {
        let patience = self.pulse.patience();
        if self.is_udp() { patience.max(PATIENCE) } else { patience }
    }

    /// What follows a pass: another one, a round of slow questions, or the end.
    pub(crate) fn go_on_by_udp(&mut self, now: Time) {
        let silent: Vec<u16> = (0..=u16::MAX)
            .zip(&self.cells)
            .filter(|(_, cell)| cell.kind == Kind::Silent)
            .map(|(place, _)| place)
            .collect();
        let more = if self.sample.is_empty() {
            self.passes_again(&silent, now) || self.asks_slowly(silent, now)
        } else {
            self.asks_slowly_again(now)
        };
        if !more {
            self.finish();
        }
    }

    /// Begins another pass, if a reply may have been missed.
    fn passes_again(&mut self, silent: &[u16], now: Time) -> bool {
        let seconds = now.saturating_sub(self.pass_begun).as_secs_f64();
        let (_, refused) = self.late;
        if self.pass > 1 && seconds >= LONG_ENOUGH && refused > 0 {
            let rate = f64::from(refused) / seconds;
            self.limited = Some(self.limited.map_or(rate, |known| known.max(rate)));
        }
        let unsure = |place: &u16| {
            let cell = self.cell(*place);
            if self.is_dumb() {
                self.pass < BLIND_PASSES
            } else {
                !self.is_sure(cell) && cell.tries < self.settings.max_tries
            }
        };
        let todo: Vec<u16> = silent.iter().copied().filter(unsure).collect();
        if todo.is_empty() {
            return false;
        }
        self.todo = todo;
        self.pass += 1;
        self.pass_begun = now;
        self.late = (0, 0);
        self.phase = Phase::Passing(0);
        true
    }

    /// Begins to ask silent ports slowly, if somebody refuses at all.
    fn asks_slowly(&mut self, silent: Vec<u16>, now: Time) -> bool {
        let any = self.cells.iter().any(|cell| cell.kind == Kind::Unreachable);
        if !any || silent.is_empty() {
            return false;
        }
        self.limited.get_or_insert(REFUSALS);
        self.choose(silent);
        self.begin_round(now);
        true
    }

    /// Begins another round, as long as refusals still come; otherwise it is known what silence means.
    fn asks_slowly_again(&mut self, now: Time) -> bool {
        let (_, refused) = self.late;
        let left = self.sample.iter().any(|place| self.cell(*place).kind == Kind::Silent);
        let rounds = if self.settings.exact { self.settings.max_tries } else { ROUNDS };
        if left && refused > 0 && self.trials.round < rounds {
            self.begin_round(now);
            return true;
        }
        let others = self.cells.iter().any(|cell| cell.kind == Kind::Silent && cell.detail == 0);
        if self.share_refused() < HARDLY_ANY {
            // Nobody limits anything: those are silent that are silent.
            self.sample.clear();
            self.limited = None;
        } else if others {
            let rate = self.limited.unwrap_or(REFUSALS);
            self.warn(Warning::RateLimited { rate });
        }
        false
    }

    /// Chooses whom to ask slowly: all where it is to be exact, otherwise those that matter most, and some by chance.
    fn choose(&mut self, silent: Vec<u16>) {
        if self.settings.exact || silent.len() <= SAMPLE {
            self.sample = silent;
        } else {
            let matters = |place: &u16| self.settings.matter.contains(&self.port(*place));
            let (mut known, mut others): (Vec<u16>, Vec<u16>) =
                silent.into_iter().partition(matters);
            Chance::new(self.settings.seed ^ 0x5eed).shuffle(&mut others);
            others.truncate(SAMPLE);
            self.trials.own = known.len();
            known.append(&mut others);
            self.sample = known;
        }
        for place in self.sample.clone() {
            self.change(place, |cell| cell.detail = 1);
        }
    }

    fn begin_round(&mut self, now: Time) {
        self.trials.round += 1;
        self.trials.asked = 0;
        self.late = (0, 0);
        self.pass_begun = now;
        self.next_send = now;
        self.phase = Phase::Sampling(0);
    }

    /// The next of those that are asked slowly.
    pub(crate) fn next_of_round(&mut self, mut at: usize) -> Option<u16> {
        let in_vain = self.trials.asked >= IN_VAIN && self.late == (0, 0);
        while let Some(place) = self.sample.get(at).copied().filter(|_| !in_vain) {
            at += 1;
            self.phase = Phase::Sampling(at);
            if self.cell(place).kind == Kind::Silent {
                self.trials.asked += 1;
                return Some(place);
            }
        }
        None
    }

    /// How fast they are asked: no faster than refusals come.
    pub(crate) fn pace_of_refusals(&self) -> f64 {
        let pace = self.limited.map_or(REFUSALS, |rate| (rate / 2.0).max(REFUSALS));
        pace.min(self.pulse.rate.max(0.1))
    }

    /// The part of the sample that stands for others.
    fn chosen(&self) -> impl Iterator<Item = Cell> {
        self.sample.iter().skip(self.trials.own).map(|place| self.cell(*place))
    }

    /// How many of those were refused, from 0 to 1.
    fn share_refused(&self) -> f64 {
        let refused = self.chosen().filter(|cell| cell.kind == Kind::Unreachable).count();
        let number = |many: usize| f64::from(u32::try_from(many).unwrap_or(u32::MAX));
        number(refused) / number(self.chosen().count().max(1))
    }

    /// What the sample says of those that were not asked slowly.
    pub(crate) fn estimate_by_udp(&self) -> (State, Reason) {
        let refused = self.share_refused();
        let is = |cell: &Cell, state| self.state(*cell).0 == state;
        let refusals = || self.chosen().filter(|cell| cell.kind == Kind::Unreachable);
        let closed = refusals().filter(|cell| is(cell, State::Closed)).count();
        let state = if refused < NEARLY_ALL {
            State::OpenOrFiltered
        } else if closed * 2 >= refusals().count() {
            State::Closed
        } else {
            State::Filtered
        };
        (state, Reason::Estimated { refused })
    }

    /// That nobody knew what gets through is said, where it mattered.
    pub(crate) fn warn_of_blindness(&mut self) {
        if self.is_unheard() {
            self.warn(Warning::NoFeedback);
        } else if self.cells.iter().any(|cell| cell.kind == Kind::Silent) {
            self.warn(Warning::Blind { assumed: BLIND_LOSS });
        }
    }
}
