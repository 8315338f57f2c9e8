//! What follows a pass: another one, a sample, or the end.

use crate::cell::Kind;
use crate::order::Chance;
use crate::said::{Reason, State, Time, Warning};
use crate::sweep::{Phase, Sweep};

/// So many silent ports are asked slowly, where answers are limited in number.
const SAMPLE: usize = 64;
/// Nobody has answered on any port: it is asked so often before that is believed.
const DUMB_PASSES: u32 = 3;
/// So many answers to ports that had kept silent are no chance.
const LATE: f64 = 8.0;
/// Resets are limited to no fewer than so many.
const RESETS_A_SECOND: f64 = 10.0;

impl Sweep {
    /// Goes over to what comes next, when its time has come.
    pub(crate) fn go_on(&mut self, now: Time) {
        let Phase::Resting(until) = self.phase else { return };
        self.end_trial(now);
        // Where everybody has answered, nobody is waited for.
        let wait = (self.silent > 0
            && (now < until || !self.waiting.is_empty() || self.pulse.is_open()))
            || self.owed > 0
            || self.is_trial_awaited();
        if wait || !self.again.is_empty() {
            if !self.again.is_empty() {
                // The pass is over but for those that could not be sent: they are sent first.
                self.todo.clear();
                self.phase = Phase::Passing(0);
            }
            return;
        }
        if self.is_udp() {
            return self.go_on_by_udp(now);
        }
        let seconds = now.saturating_sub(self.pass_begun).as_secs_f64().max(0.001);
        let sampled = !self.sample.is_empty();
        let more = !sampled && self.look_for_a_limit(seconds);
        let open: Vec<u16> = (0..=u16::MAX)
            .zip(&self.cells)
            .filter(|(_, c)| c.kind == Kind::Silent)
            .map(|(p, _)| p)
            .collect();
        let more = match (self.is_dumb(), self.limited) {
            (false, _) if more => true,
            (true, _) => self.pass < DUMB_PASSES,
            // Every one is waited for, as long as some still answer.
            (false, Some(_)) if self.settings.exact && self.late.0 + self.late.1 > 0 => true,
            _ => false,
        };
        let dumb = self.is_dumb();
        let unsure = |place: &u16| {
            let cell = self.cell(*place);
            more || (!dumb && !self.is_sure(cell) && cell.tries < self.settings.max_tries)
        };
        let todo: Vec<u16> = open.iter().copied().filter(unsure).collect();
        if !todo.is_empty() && !sampled {
            self.todo = todo;
            self.pass += 1;
            self.pass_begun = now;
            self.late = (0, 0);
            self.phase = Phase::Passing(0);
            return;
        }
        if self.limited.is_some() && !self.settings.exact && !sampled && open.len() > SAMPLE {
            let mut sample = open;
            Chance::new(self.settings.seed ^ 0x5eed).shuffle(&mut sample);
            sample.truncate(SAMPLE);
            self.sample = sample;
            self.late = (0, 0);
            self.pass_begun = now;
            self.next_send = now;
            self.phase = Phase::Sampling(0);
            return;
        }
        self.finish();
    }

    /// Answers to ports that had kept silent, in numbers that losses do not explain, come from somebody who limits them.
    /// Where most of them have answered by now it was some trouble that is nearly over; whether that is so is answered, and
    /// the others are asked once more.
    fn look_for_a_limit(&mut self, seconds: f64) -> bool {
        let late = f64::from(self.late.0 + self.late.1);
        let answering = self.cells.iter().filter(|cell| cell.has_answered()).count();
        let lost = self.pulse.loss() * f64::from(u32::try_from(answering).unwrap_or(u32::MAX));
        let silent = self.cells.iter().filter(|cell| cell.kind == Kind::Silent).count();
        let most = f64::from(u32::try_from(silent).unwrap_or(u32::MAX)) < late;
        // Nobody refuses so seldom by a reset; ICMP errors may come once a second (RFC 1812 section 4.3.2.8).
        let seldom = self.late.0 >= self.late.1 && late < RESETS_A_SECOND * seconds;
        let surprising = self.pass > 1 && !seldom && late > LATE + 3.0 * lost + 5.0 * lost.sqrt();
        if surprising && !most {
            let rate = late / seconds;
            self.limited = Some(self.limited.map_or(rate, |known| known.min(rate)));
            self.warn(Warning::RateLimited { rate });
        }
        surprising && most
    }

    /// How fast a sample is asked: well below what is answered.
    pub(crate) fn sample_rate(&self) -> f64 {
        if self.is_udp() {
            return self.pace_of_refusals();
        }
        let rate = self.limited.map_or(10.0, |rate| rate / 4.0);
        rate.clamp(0.5, self.pulse.rate.max(0.5))
    }

    /// What the sample says of those that keep silent.
    pub(crate) fn estimate(&self) -> (State, Reason) {
        let answered =
            |place: &&u16| matches!(self.cell(**place).kind, Kind::Reset | Kind::Unreachable);
        let all = self.sample.len().max(1);
        let answered = self.sample.iter().filter(answered).count();
        let share = |part: usize| f64::from(u32::try_from(part).unwrap_or(u32::MAX));
        let refused = share(answered) / share(all);
        let by_reset = self.late.0 >= self.late.1;
        let state = if refused >= 0.5 && by_reset { State::Closed } else { State::Filtered };
        (state, Reason::Estimated { refused })
    }

    /// Settles all that is left.
    pub(crate) fn finish(&mut self) {
        self.phase = Phase::Done;
        self.flights.clear();
        self.waiting.clear();
        if self.is_dumb() && !self.ports.is_empty() {
            self.warn_of_blindness();
        }
        for place in 0..u16::try_from(self.cells.len()).unwrap_or(u16::MAX) {
            if self.cell(place).kind == Kind::Silent {
                self.change(place, |cell| cell.kind = Kind::GivenUp);
                self.tell(place);
            }
        }
    }

    /// Nobody answers any more, or nothing can be sent: what is not settled stays so.
    pub(crate) fn give_up(&mut self) {
        if self.phase == Phase::Done && self.blocked {
            return;
        }
        self.blocked = true;
        self.warn(Warning::GaveUp);
        for place in std::mem::take(&mut self.confirm)
            .into_iter()
            .chain(std::mem::take(&mut self.confirming))
        {
            self.change(place, |cell| cell.kind = Kind::Unclear);
            self.tell(place);
        }
        self.again.clear();
        self.finish();
    }
}
