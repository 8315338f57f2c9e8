//! What is sent next, and when.

use core::time::Duration;

use crate::cell::Kind;
use crate::said::{Probe, Time, Transmit, Warning};
use crate::sweep::{Flight, Phase, Sweep};

/// What was not sent in time may be sent late, but no more than so long's worth at once.
const CATCH_UP: Duration = Duration::from_millis(5);
/// So many confirmations are under way at the same time at most.
const CONFIRM_AT_ONCE: usize = 256;
/// A canary that may bear little is asked once in so long at most.
const GENTLY: Duration = Duration::from_secs(1);
/// After something was wrong with our own machine nothing is sent for so long.
const HOLD: Duration = Duration::from_millis(20);
/// So many silent ports are many.
const MANY: usize = 64;
/// So many canaries are under way to one port at most: there are sixteen numbers.
const NUMBERS: usize = 12;
/// So often in a row, and it is given up.
const TROUBLES: u32 = 2_000;

impl Sweep {
    /// What is to be done now, if anything. To be asked until it answers none.
    pub fn poll_transmit(&mut self, now: Time) -> Option<Transmit> {
        if let Some(due) = self.poll_timeout().filter(|due| *due < now) {
            self.pulse.late(now.saturating_sub(due).min(Duration::from_millis(200)), now);
        }
        let noticed = self.pulse.expire(now);
        self.notice(noticed);
        if let Some(over) = self.over(now) {
            return Some(over);
        }
        if now < self.hold_until {
            return None;
        }
        if let Some(next) = self.pulse.dark_until() {
            if self.blocked || now < next {
                return None;
            }
            let canary = self.canary()?;
            self.pulse.asked_in_the_dark(now);
            return Some(self.leave(Transmit::Canary(canary), now));
        }
        self.go_on(now);
        self.suspicious = self.pulse.suspects(now);
        if now < self.next_send || self.suspicious {
            return None;
        }
        if self.is_full() {
            self.pulse.full();
            return None;
        }
        let next = self.next(now)?;
        Some(self.leave(next, now))
    }

    /// When to ask again at the latest, if nothing is heard before.
    pub fn poll_timeout(&self) -> Option<Time> {
        if self.phase == Phase::Done && self.confirm.is_empty() && self.flights.is_empty() {
            return None;
        }
        let patience = self.pulse.patience();
        let flight = self.flights.front().map(|flight| flight.sent + patience);
        let canary = self.pulse.next_expiry();
        let confirms = !self.confirm.is_empty() && self.confirming.len() < CONFIRM_AT_ONCE;
        let mine = match (self.pulse.dark_until(), self.phase) {
            (Some(next), _) => Some(next),
            (None, _) if self.is_full() || self.suspicious => None,
            (None, Phase::Passing(_) | Phase::Sampling(_)) => Some(self.next_send),
            _ if confirms || !self.again.is_empty() => Some(self.next_send),
            (None, Phase::Resting(_)) if self.pulse.asks_again() && self.may_ask_canaries(true) => {
                Some(self.next_send.max(self.canaries_from()).max(self.canary_at()))
            }
            (None, Phase::Resting(_)) if self.silent == 0 && !self.is_trial_awaited() => {
                Some(self.last_sent)
            }
            (None, Phase::Resting(until))
                if self.owed == 0
                    && self.waiting.is_empty()
                    && !self.pulse.is_open()
                    && !self.is_trial_awaited() =>
            {
                Some(until)
            }
            (None, Phase::Resting(_) | Phase::Done) => None,
        };
        let mine = mine.into_iter().chain(self.trial_due()).min();
        let mine = mine.map(|at| at.max(self.hold_until));
        flight.into_iter().chain(canary).chain(mine).min()
    }

    /// The packet has left.
    pub fn sent(&mut self, what: Transmit, now: Time) {
        self.summary.sent += 1;
        self.owed = self.owed.saturating_sub(1);
        if let Phase::Resting(until) = &mut self.phase {
            *until = (*until).max(now + self.pulse.patience());
        }
        self.pulse.left(now);
        self.troubles_in_a_row = 0;
        match what {
            Transmit::Probe(probe) => {
                let first = self.flights.len() < 64;
                let connects = self.asks_by_connect(probe.port);
                if connects || (first && self.pulse.round_trip().is_none()) {
                    self.flights.push_back(Flight { probe, sent: now });
                    self.waiting.insert(probe, now);
                }
            }
            Transmit::Canary(probe) => {
                self.summary.canaries += 1;
                if !self.place(probe.port).is_some_and(|place| self.is_on_trial(place)) {
                    self.pulse.sent(probe, now);
                }
                if self.asks_by_connect(probe.port) {
                    self.flights.push_back(Flight { probe, sent: now });
                    self.waiting.insert(probe, now);
                }
            }
            Transmit::Confirm(_) | Transmit::Drop(_) => {}
        }
        self.last_sent = now;
    }

    /// It could not be sent, for want of something on our own machine: no evidence of anything, but a reason to go slower.
    pub fn unsent(&mut self, what: Transmit, now: Time) {
        self.owed = self.owed.saturating_sub(1);
        self.troubles += 1;
        self.troubles_in_a_row += 1;
        self.warn(Warning::OwnTrouble { times: self.troubles });
        if now >= self.hold_until {
            // What comes to nothing together is one trouble.
            self.pulse.stumble(now);
        }
        self.hold_until = self.hold_until.max(now + HOLD);
        let (Transmit::Probe(probe)
        | Transmit::Canary(probe)
        | Transmit::Confirm(probe)
        | Transmit::Drop(probe)) = what;
        let Some(place) = self.place(probe.port) else { return };
        let answered = self.cell(place).has_answered();
        match what {
            Transmit::Probe(_) if !answered => {
                self.waiting.remove(&probe);
                // The try does not count: its epoch stands for one of which nothing is known.
                self.change(place, |cell| {
                    cell.tries = cell.tries.saturating_sub(1);
                    cell.epoch = crate::pulse::NEVER;
                });
                self.again.push_back(place);
            }
            Transmit::Probe(_) | Transmit::Canary(_) => {
                self.waiting.remove(&probe);
                self.pulse.unsent(probe);
                if self.is_on_trial(place) {
                    self.trial_not_asked();
                }
            }
            Transmit::Confirm(_) => {
                self.confirming.remove(&place);
                self.confirm.push_back(place);
            }
            Transmit::Drop(_) => {}
        }
        if self.troubles_in_a_row >= TROUBLES {
            self.give_up();
        }
    }

    /// Answers were lost on our own machine: slower.
    pub fn stumble(&mut self, now: Time) {
        self.troubles += 1;
        self.warn(Warning::OwnTrouble { times: self.troubles });
        if now >= self.hold_until {
            // What comes to nothing together is one trouble.
            self.pulse.stumble(now);
        }
        self.hold_until = self.hold_until.max(now + HOLD);
    }

    /// The next search whose time is up, as a socket to close.
    fn over(&mut self, now: Time) -> Option<Transmit> {
        let patience = self.pulse.patience();
        while let Some(flight) = self.flights.front().copied() {
            if self.waiting.get(&flight.probe) != Some(&flight.sent) {
                self.flights.pop_front();
            } else if flight.sent + patience <= now {
                self.flights.pop_front();
                self.waiting.remove(&flight.probe);
                if self.asks_by_connect(flight.probe.port) {
                    return Some(Transmit::Drop(flight.probe));
                }
            } else {
                break;
            }
        }
        None
    }

    fn is_full(&self) -> bool {
        self.is_connect() && self.waiting.len() + self.confirming.len() >= self.settings.in_flight
    }

    /// What is due: confirmations, canaries, what could not be sent before, and the next of the pass.
    fn next(&mut self, now: Time) -> Option<Transmit> {
        if self.confirming.len() < CONFIRM_AT_ONCE
            && let Some(place) = self.confirm.pop_front()
        {
            self.confirming.insert(place);
            return Some(Transmit::Confirm(self.probe(place)));
        }
        if self.is_udp()
            && let Some(probe) = self.trial(now)
        {
            return Some(Transmit::Canary(probe));
        }
        let resting = matches!(self.phase, Phase::Resting(_)) && self.pulse.asks_again();
        let passing = matches!(self.phase, Phase::Passing(_) | Phase::Sampling(_));
        if (resting || (passing && self.until_canary == 0))
            && self.may_ask_canaries(resting)
            && now >= self.canaries_from().max(self.canary_at())
        {
            // By chance, so that it never keeps step with a queue on the way; also where none can be asked now: the first
            // packet of a bunch finds more room there than the others.
            let spacing = self.pulse.spacing(self.unheard() >= MANY, self.is_udp());
            let more = self.chance.below(usize::try_from(spacing).unwrap_or(1));
            self.canary_goes(now);
            self.until_canary = spacing / 2 + u32::try_from(more).unwrap_or(0);
            if let Some(probe) = self.canary() {
                return Some(Transmit::Canary(probe));
            }
        }
        let place = self.again.pop_front().or_else(|| self.next_of_pass(now))?;
        let ln = self.ln(self.cell(place));
        let epoch = self.pulse.epoch();
        self.change(place, |cell| {
            cell.ln = ln;
            cell.epoch = epoch;
            cell.tries = cell.tries.saturating_add(1);
        });
        self.until_canary = self.until_canary.saturating_sub(1);
        Some(Transmit::Probe(self.probe(place)))
    }

    /// How many ports have kept silent so far.
    fn unheard(&self) -> usize {
        let to_come = match self.phase {
            Phase::Passing(at) if self.pass <= 1 => self.todo.len().saturating_sub(at),
            _ => 0,
        };
        self.silent.saturating_sub(to_come + self.waiting.len())
    }

    fn next_of_pass(&mut self, now: Time) -> Option<u16> {
        match self.phase {
            Phase::Passing(mut at) => {
                while let Some(place) = self.todo.get(at).copied() {
                    at += 1;
                    self.phase = Phase::Passing(at);
                    if self.cell(place).kind == Kind::Silent {
                        return Some(place);
                    }
                }
                self.rest(now);
                None
            }
            Phase::Sampling(at) if self.is_udp() => {
                let place = self.next_of_round(at);
                if place.is_none() {
                    self.rest(now);
                }
                place
            }
            Phase::Sampling(at) => {
                let place = self.sample.get(at).copied();
                match place {
                    Some(_) => self.phase = Phase::Sampling(at + 1),
                    None => self.rest(now),
                }
                place
            }
            Phase::Resting(_) | Phase::Done => None,
        }
    }

    /// After a pass late answers are waited for.
    fn rest(&mut self, now: Time) {
        let patience = self.patience_at_rest();
        self.phase = Phase::Resting(self.last_sent.max(now) + patience);
    }

    pub(crate) fn probe(&mut self, place: u16) -> Probe {
        let port = self.port(place);
        let mut number = 0;
        self.change(place, |cell| number = cell.take_number());
        Probe { port, number }
    }

    /// The port that is asked as a canary: each of the best kind in turn, as far as their numbers go.
    fn canary(&mut self) -> Option<Probe> {
        let known = self.canaries.iter_mut().find(|known| !known.is_empty())?;
        known.rotate_left(1);
        let place = *known.front()?;
        if self.pulse.under_way(self.port(place)) >= NUMBERS {
            return None;
        }
        Some(self.probe(place))
    }

    /// After a pass a few more tell as much as many.
    fn may_ask_canaries(&self, resting: bool) -> bool {
        !resting || self.pulse.flights() < NUMBERS
    }

    /// Notes that something leaves now, and when the next may.
    fn leave(&mut self, what: Transmit, now: Time) -> Transmit {
        self.owed += 1;
        if let Transmit::Canary(probe) = what
            && self.is_gentle(probe.port)
        {
            self.gently_at = now + GENTLY;
        }
        let gap = match self.phase {
            Phase::Sampling(_) => 1.0 / self.sample_rate(),
            _ => 1.0 / self.pulse.rate,
        };
        let from = self.next_send.max(now.saturating_sub(CATCH_UP));
        self.next_send = from + Duration::from_secs_f64(gap.clamp(1e-7, 100.0));
        what
    }
}
