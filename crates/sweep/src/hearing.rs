//! What an answer means.

use crate::cell::Kind;
use crate::said::{Answer, Probe, Said, Time, Warning};
use crate::sweep::{Phase, Sweep};

/// A port that denies a handshake so often is answered for by somebody in front of it.
const DENIALS: u8 = 2;
/// So many handshakes that come to nothing, and it stays unclear.
const DOUBTS: u8 = 4;
/// A port that answers though it did not before, when so little (as a logarithm) was lost, is a surprise.
const SURPRISE: f32 = -3.0;
/// So many ports at which nobody is behind the handshake, and there is somebody in front of all.
const PROXIED: u32 = 8;

impl Sweep {
    /// Takes in an answer. Late ones are always welcome.
    pub fn handle(&mut self, answer: &Answer, now: Time) {
        let Some(place) = self.place(answer.port) else { return };
        if answer.said != Said::NotConfirmed {
            self.pulse.heard(now);
            self.suspicious = false;
        }
        let confirms =
            matches!(answer.said, Said::Confirmed { .. } | Said::Denied | Said::NotConfirmed);
        if let (Some(number), false) = (answer.number, confirms) {
            let probe = Probe { port: answer.port, number };
            if let Some(sent) = self.waiting.remove(&probe)
                && !self.cell(place).has_answered()
            {
                self.pulse.sample(now.saturating_sub(sent));
            }
            let noticed = self.pulse.answered(probe, now);
            self.notice(noticed);
        }
        let dumb = self.is_dumb();
        match answer.said {
            Said::SynAck { ttl, .. } => {
                self.host_answers_with(ttl);
                self.seems_open(place, now);
            }
            Said::Established => self.seems_open(place, now),
            Said::Reset { ttl } => self.shut(place, Kind::Reset, ttl),
            Said::Refused => self.shut(place, Kind::Reset, 0),
            Said::Unreachable { kind, code, from } => {
                let error = (kind, code, from);
                let at = self.errors.iter().position(|known| *known == error);
                let at = at.unwrap_or_else(|| {
                    if self.errors.len() < 255 {
                        self.errors.push(error);
                    }
                    self.errors.len() - 1
                });
                self.shut(place, Kind::Unreachable, u8::try_from(at).unwrap_or(u8::MAX));
            }
            Said::Confirmed { spoke, .. } => self.confirmed(place, spoke),
            Said::Denied => self.denied(place),
            Said::NotConfirmed => self.not_confirmed(place, now),
            Said::Replied => self.replied(place),
        }
        if dumb && !self.is_dumb() {
            self.pulse.first_light(now);
        }
    }

    /// With that time to live the host's own packets arrive; what was refused before is told again where that says by whom.
    fn host_answers_with(&mut self, ttl: u8) {
        if self.host_ttl.replace(ttl).is_none() {
            let resets: Vec<u16> = (0..=u16::MAX)
                .zip(&self.cells)
                .filter(|(_, cell)| cell.kind == Kind::Reset && cell.detail != 0)
                .map(|(place, _)| place)
                .collect();
            for place in resets {
                self.tell(place);
            }
        }
    }

    fn seems_open(&mut self, place: u16, now: Time) {
        match self.cell(place).kind {
            Kind::Open | Kind::Seeming | Kind::InFront | Kind::Unclear => return,
            Kind::Silent | Kind::GivenUp | Kind::Reset | Kind::Unreachable => {}
        }
        self.change(place, |cell| cell.kind = Kind::Seeming);
        let [open, others @ ..] = &self.canaries;
        if open.is_empty() && others.iter().any(|known| !known.is_empty()) {
            self.pulse.begin_again(now);
        }
        self.add_canary(place, 0);
        self.confirm.push_back(place);
    }

    /// A reset, or an ICMP error. What was open stays so: a canary may be refused by a host that has enough of it.
    fn shut(&mut self, place: u16, kind: Kind, detail: u8) {
        let cell = self.cell(place);
        if self.is_udp() && cell.kind == Kind::Open {
            return self.is_gone(place);
        }
        match cell.kind {
            Kind::Silent | Kind::GivenUp => {}
            Kind::Unreachable if kind == Kind::Reset => {}
            _ => return,
        }
        let surprise = cell.tries > 1 && (self.is_udp() || cell.ln < SURPRISE);
        if surprise || matches!(self.phase, Phase::Sampling(_)) {
            let (resets, errors) = &mut self.late;
            *if kind == Kind::Reset { resets } else { errors } += 1;
        }
        self.change(place, |cell| {
            cell.kind = kind;
            cell.detail = detail;
        });
        if !self.is_udp() {
            self.add_canary(place, if kind == Kind::Reset { 1 } else { 2 });
        }
        self.tell(place);
    }

    fn confirmed(&mut self, place: u16, spoke: bool) {
        self.confirming.remove(&place);
        self.change(place, |cell| {
            cell.kind = Kind::Open;
            cell.detail = u8::from(spoke);
        });
        self.opened += 1;
        self.tell(place);
        self.look_whether_all_are_open();
    }

    pub(crate) fn look_whether_all_are_open(&mut self) {
        let asked = u32::try_from(self.ports.len()).unwrap_or(u32::MAX);
        if asked >= 20 && self.opened > asked / 10 * 9 {
            self.warn(Warning::AnswersEverything);
        }
    }

    fn denied(&mut self, place: u16) {
        self.confirming.remove(&place);
        let known = self.denied >= PROXIED && self.denied > self.opened;
        self.change(place, |cell| cell.doubts = cell.doubts.saturating_add(1));
        if self.cell(place).doubts < DENIALS && !known {
            self.confirm.push_back(place);
            return;
        }
        self.denied += 1;
        self.in_front(place);
    }

    fn not_confirmed(&mut self, place: u16, now: Time) {
        self.confirming.remove(&place);
        if self.pulse.is_doubtful(now) && !self.blocked {
            self.confirm.push_back(place);
            return;
        }
        self.change(place, |cell| cell.doubts = cell.doubts.saturating_add(1));
        if self.cell(place).doubts < DOUBTS {
            self.confirm.push_back(place);
            return;
        }
        if self.denied >= PROXIED {
            self.in_front(place);
        } else {
            self.change(place, |cell| cell.kind = Kind::Unclear);
            self.tell(place);
        }
    }

    fn in_front(&mut self, place: u16) {
        self.change(place, |cell| cell.kind = Kind::InFront);
        self.tell(place);
        if self.denied >= PROXIED && self.denied > self.opened {
            self.warn(Warning::SynProxy);
        }
    }
}
