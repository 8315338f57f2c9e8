//! A sweep over the ports of one address.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;

use crate::cell::{Cell, Kind};
use crate::order::{Chance, order};
use crate::pulse::{Noticed, Pulse};
use crate::said::{
    Event, Probe, Reason, Resetter, Settings, Settled, State, Summary, Time, Warning, Way,
};
use crate::udp::Trials;

/// Not in this sweep.
pub(crate) const NONE: u16 = u16::MAX;

/// Where the canaries are that are asked gently.
const GENTLE: usize = 3;

/// Where a sweep stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Phase {
    /// In a pass, so far.
    Passing(usize),
    /// After a pass: late answers are waited for.
    Resting(Time),
    /// Some silent ports are asked slowly, so far.
    Sampling(usize),
    /// Every port is settled; confirmations may be under way.
    Done,
}

/// A search that is under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) probe: Probe,
    pub(crate) sent: Time,
}

/// An examination of the ports of one address.
#[derive(Debug)]
pub struct Sweep {
    pub(crate) settings: Settings,
    pub(crate) pulse: Pulse,
    /// Ports in the order in which they are asked.
    pub(crate) ports: Vec<u16>,
    /// What is known of each, at the same place.
    pub(crate) cells: Vec<Cell>,
    /// How many of this sweep's ports nothing was heard of.
    pub(crate) silent: usize,
    /// Where a port stands, [`NONE`] for one of no concern.
    pub(crate) places: Vec<u16>,
    pub(crate) phase: Phase,
    /// The places that are asked in this pass.
    pub(crate) todo: Vec<u16>,
    pub(crate) pass: u32,
    pub(crate) pass_begun: Time,
    /// To be asked again, since they could not be sent.
    pub(crate) again: VecDeque<u16>,
    /// To be confirmed.
    pub(crate) confirm: VecDeque<u16>,
    pub(crate) confirming: HashSet<u16>,
    /// Searches under way, oldest first; those that were answered are only in the list.
    pub(crate) flights: VecDeque<Flight>,
    pub(crate) waiting: HashMap<Probe, Time>,
    /// Ports that serve as canaries: open ones first, then closed, then those that an ICMP error answers for; at last those
    /// that are to be asked gently, whatever answers for them.
    pub(crate) canaries: [VecDeque<u16>; 4],
    /// When one of the last may be asked again.
    pub(crate) gently_at: Time,
    pub(crate) until_canary: u32,
    /// Over UDP: who may become a canary, and how they are asked.
    pub(crate) trials: Trials,
    pub(crate) chance: Chance,
    pub(crate) next_send: Time,
    pub(crate) last_sent: Time,
    /// So many were handed out and have not left yet: whoever sends them may have to wait.
    pub(crate) owed: u32,
    pub(crate) hold_until: Time,
    /// Kinds of ICMP errors, by their place in the detail of a cell.
    pub(crate) errors: Vec<(u8, u8, Option<IpAddr>)>,
    pub(crate) host_ttl: Option<u8>,
    /// Answers in this pass to ports that had kept silent: resets, ICMP errors.
    pub(crate) late: (u32, u32),
    pub(crate) limited: Option<f64>,
    pub(crate) sample: Vec<u16>,
    pub(crate) blocked: bool,
    /// Nothing is sent for now: it looks as if nothing got through.
    pub(crate) suspicious: bool,
    pub(crate) denied: u32,
    pub(crate) opened: u32,
    pub(crate) troubles: u32,
    pub(crate) troubles_in_a_row: u32,
    pub(crate) events: VecDeque<Event>,
    pub(crate) summary: Summary,
}

impl Sweep {
    /// A sweep over those ports, each once; port 0 is none.
    pub fn new(ports: &[u16], mut settings: Settings, now: Time) -> Self {
        settings.last.sort_unstable();
        let ports = order(ports, settings.way, &settings.last, settings.seed);
        let mut places = vec![NONE; 65_536];
        for (place, port) in (0..=u16::MAX).zip(&ports) {
            if let Some(slot) = places.get_mut(usize::from(*port)) {
                *slot = place;
            }
        }
        let count = u16::try_from(ports.len()).unwrap_or(NONE);
        Self {
            pulse: Pulse::new(settings.rates, settings.give_up, now),
            cells: vec![Cell::default(); ports.len()],
            silent: ports.len(),
            todo: (0..count).collect(),
            phase: Phase::Passing(0),
            pass: 1,
            pass_begun: now,
            again: VecDeque::new(),
            confirm: VecDeque::new(),
            confirming: HashSet::new(),
            flights: VecDeque::new(),
            waiting: HashMap::new(),
            canaries: [const { VecDeque::new() }; 4],
            gently_at: now,
            until_canary: 0,
            trials: Trials::new(now),
            chance: Chance::new(settings.seed ^ 0xca_4a_47),
            next_send: now,
            last_sent: now,
            owed: 0,
            hold_until: now,
            errors: Vec::new(),
            host_ttl: None,
            late: (0, 0),
            limited: None,
            sample: Vec::new(),
            blocked: false,
            suspicious: false,
            denied: 0,
            opened: 0,
            troubles: 0,
            troubles_in_a_row: 0,
            events: VecDeque::new(),
            summary: Summary::default(),
            settings,
            ports,
            places,
        }
    }

    /// A port that is known to answer from before, and is not to be examined: it may serve as a canary.
    pub fn known(&mut self, port: u16, open: bool) {
        let (None, Some(slot), Ok(place)) = (
            self.place(port),
            self.places.get_mut(usize::from(port)),
            u16::try_from(self.ports.len()),
        ) else {
            return;
        };
        *slot = place;
        self.ports.push(port);
        let kind = if open { Kind::Open } else { Kind::Reset };
        self.cells.push(Cell { kind, foreign: true, ..Cell::default() });
        match (self.is_udp(), open) {
            (true, true) => self.may_become_a_canary(place),
            (true, false) => {}
            (false, _) => self.add_canary(place, usize::from(!open)),
        }
    }

    /// What has happened, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether everything is settled, and nothing more is to be sent.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
            && self.confirm.is_empty()
            && self.confirming.is_empty()
            && self.events.is_empty()
    }

    /// What has come of it so far, in numbers.
    pub fn summary(&self) -> Summary {
        let mut summary = self.summary.clone();
        let mut worst = f64::NEG_INFINITY;
        for cell in self.cells.iter().filter(|cell| !cell.foreign) {
            summary.tries = summary.tries.max(cell.tries);
            let [open, closed, filtered, inconclusive, either] = &mut summary.states;
            let count = match self.state(*cell).0 {
                State::Open => open,
                State::Closed => closed,
                State::Filtered => filtered,
                State::Inconclusive => inconclusive,
                State::OpenOrFiltered => either,
            };
            *count += 1;
            if cell.kind == Kind::GivenUp {
                worst = worst.max(self.ln_missed(*cell));
            }
        }
        summary.miss = if worst.is_finite() { worst.exp() } else { 0.0 };
        summary.loss = self.pulse.is_measured().then(|| self.pulse.loss_of_all());
        summary.rate = (self.pulse.highest, self.pulse.rate);
        summary.round_trip = self.pulse.round_trip();
        summary
    }

    pub(crate) fn place(&self, port: u16) -> Option<u16> {
        self.places.get(usize::from(port)).copied().filter(|place| *place != NONE)
    }

    pub(crate) fn cell(&self, place: u16) -> Cell {
        self.cells.get(usize::from(place)).copied().unwrap_or_default()
    }

    pub(crate) fn port(&self, place: u16) -> u16 {
        self.ports.get(usize::from(place)).copied().unwrap_or_default()
    }

    pub(crate) fn change(&mut self, place: u16, change: impl FnOnce(&mut Cell)) {
        if let Some(cell) = self.cells.get_mut(usize::from(place)) {
            let was_silent = cell.kind == Kind::Silent;
            change(cell);
            match (was_silent, cell.kind == Kind::Silent) {
                (true, false) => self.silent -= 1,
                (false, true) => self.silent += 1,
                _ => {}
            }
        }
    }

    /// The natural logarithm of the chance that every probe of a port was lost.
    pub(crate) fn ln(&self, cell: Cell) -> f32 {
        match cell.tries.checked_sub(1) {
            None => 0.0,
            Some(before) => cell.ln + self.pulse.ln_lost(cell.epoch, before),
        }
    }

    pub(crate) fn add_canary(&mut self, place: u16, rank: usize) {
        let rank = if self.is_gentle(self.port(place)) { GENTLE } else { rank };
        if let Some(known) = self.canaries.get_mut(rank).filter(|known| known.len() < 8)
            && !known.contains(&place)
        {
            known.push_back(place);
        }
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        let same = |known: &Warning| {
            core::mem::discriminant(known) == core::mem::discriminant(&warning)
                && !matches!(known, Warning::Ban { .. })
        };
        if let Some(known) = self.summary.warnings.iter_mut().find(|known| same(known)) {
            // The last figure is the one that counts; it is told once.
            *known = warning;
            return;
        }
        self.summary.warnings.push(warning.clone());
        self.events.push_back(Event::Warning(warning));
    }

    pub(crate) fn notice(&mut self, noticed: Option<Noticed>) {
        match noticed {
            None => {}
            Some(Noticed::Ban(rate)) => self.warn(Warning::Ban { rate }),
            Some(Noticed::Bottleneck(rate)) => self.warn(Warning::Bottleneck { rate }),
            Some(Noticed::GaveUp) => self.give_up(),
        }
    }

    /// The state of a port as far as it is known, and how.
    pub(crate) fn state(&self, cell: Cell) -> (State, Reason) {
        match cell.kind {
            Kind::Open if self.is_udp() => (State::Open, Reason::Replied),
            Kind::Open => (State::Open, Reason::Confirmed { spoke: cell.detail == 1 }),
            Kind::InFront => (State::Filtered, Reason::InFront),
            Kind::Reset => (State::Closed, Reason::Reset(self.resetter(cell.detail))),
            Kind::Unreachable => {
                let error = self.errors.get(usize::from(cell.detail)).copied();
                let (kind, code, from) = error.unwrap_or((3, 0, None));
                let state = if self.is_from_the_host(kind, code, from) {
                    State::Closed
                } else {
                    State::Filtered
                };
                (state, Reason::Unreachable { kind, code, from })
            }
            Kind::GivenUp if self.is_dumb() && self.is_unheard() => {
                (self.silent(), Reason::NoFeedback)
            }
            Kind::GivenUp if self.troubles_in_a_row > 0 && cell.tries == 0 => {
                (State::Inconclusive, Reason::Ours)
            }
            Kind::GivenUp if !self.is_sure(cell) && self.blocked => {
                (State::Inconclusive, Reason::Blocked)
            }
            Kind::GivenUp => match self.limited {
                Some(_) if self.is_udp() && !self.settings.exact && cell.detail == 0 => {
                    self.estimate_by_udp()
                }
                Some(_) if !self.is_udp() && !self.settings.exact && !self.sample.is_empty() => {
                    self.estimate()
                }
                _ => (self.silent(), Reason::Silence { miss: self.ln_missed(cell).exp() }),
            },
            Kind::Silent | Kind::Seeming | Kind::Unclear => {
                let blocked = if self.blocked { Reason::Blocked } else { Reason::Ours };
                let reason = match cell.kind {
                    Kind::Silent => blocked,
                    _ => Reason::Silence { miss: f64::from(self.ln(cell)).exp() },
                };
                (State::Inconclusive, reason)
            }
        }
    }

    /// Whether an open port would have answered by now.
    pub(crate) fn is_sure(&self, cell: Cell) -> bool {
        f64::from(self.ln(cell)) <= self.settings.miss.ln()
    }

    /// Whether nothing at all was heard.
    pub(crate) fn is_dumb(&self) -> bool {
        self.canaries.iter().all(VecDeque::is_empty)
    }

    /// Who sent a reset: by a time to live unlike that of the host's own handshakes one in front of it is known.
    fn resetter(&self, ttl: u8) -> Resetter {
        match self.host_ttl {
            Some(host) if ttl != 0 && host == ttl => Resetter::Host,
            Some(_) if ttl != 0 => Resetter::Before,
            _ => Resetter::Unknown,
        }
    }

    /// Tells what a port has come to.
    pub(crate) fn tell(&mut self, place: u16) {
        let cell = self.cell(place);
        if cell.foreign {
            return;
        }
        let (state, reason) = self.state(cell);
        let port = self.port(place);
        self.events.push_back(Event::Settled(Settled { port, state, reason, tries: cell.tries }));
    }

    pub(crate) fn is_connect(&self) -> bool {
        self.settings.way == Way::Connect
    }

    pub(crate) fn is_udp(&self) -> bool {
        self.settings.way == Way::Udp
    }

    /// What a port is that nothing came back from.
    fn silent(&self) -> State {
        if self.is_udp() { State::OpenOrFiltered } else { State::Filtered }
    }

    /// Whether a port is asked by connects.
    pub fn asks_by_connect(&self, port: u16) -> bool {
        self.is_connect() || (!self.is_udp() && self.is_gentle(port))
    }

    /// Whether a port is to be asked gently.
    pub(crate) fn is_gentle(&self, port: u16) -> bool {
        self.settings.last.binary_search(&port).is_ok()
    }

    /// When a canary may be asked at the soonest.
    pub(crate) fn canary_at(&self) -> Time {
        let others = self.canaries.iter().take(GENTLE).any(|known| !known.is_empty());
        if others { Time::ZERO } else { self.gently_at }
    }
}
