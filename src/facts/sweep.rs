//! The states of one address's ports, as sorted ranges, put together from everything that a sweep wrote down.

use std::collections::BTreeMap;

use super::portset::PortSet;
use crate::model::net::port_ranges;
use crate::model::saw::{Cut, PortState, PortsSaw};

/// What is known of the TCP ports of one address.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// Runs of ports in the same state for the same reason, in rising order, none overlapping.
    runs: Vec<Run>,
}

/// Neighbouring ports that answered alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The lowest.
    pub(super) first: u16,
    /// The highest.
    pub(super) last: u16,
    /// Their state.
    pub(super) state: PortState,
    /// How it was told.
    pub(super) reason: Option<Cut>,
}

impl Sweep {
    /// Puts together what was seen, oldest first. A later answer replaces an earlier one; that there was no clear answer
    /// replaces nothing.
    pub(super) fn of(sights: impl IntoIterator<Item = PortsSaw>) -> Self {
        let parts: Vec<Self> = sights.into_iter().map(|saw| Self::one(&saw)).collect();
        if let Some(whole) = parts.last()
            && (parts.len() == 1 || whole.covers(&parts))
        {
            return parts.into_iter().next_back().unwrap_or_default();
        }
        let runs: Vec<Run> = parts.into_iter().flat_map(|part| part.runs).collect();
        Self { runs: painted(&runs) }
    }

    fn one(saw: &PortsSaw) -> Self {
        let mut runs = Vec::new();
        for run in &saw.states {
            runs.extend(ranges(&run.ports).map(|(first, last)| Run {
                first,
                last,
                state: run.state,
                reason: run.reason.clone(),
            }));
        }
        let asked = runs.clone();
        runs.sort_by_key(|run| run.first);
        let overlap = runs.windows(2).any(|pair| matches!(pair, [a, b] if b.first <= a.last));
        Self { runs: if overlap { painted(&asked) } else { runs } }
    }

    /// Whether it settles everything that the others speak of: a sweep that came to its end repeats all its parts.
    fn covers(&self, others: &[Self]) -> bool {
        let asked = self.asked();
        self.runs.iter().all(|run| run.state != PortState::Inconclusive)
            && others.iter().all(|other| {
                let mut beyond = other.asked();
                beyond.remove(&asked);
                beyond.len() == 0
            })
    }

    /// The ports in one of these states.
    pub(super) fn set(&self, states: &[PortState]) -> PortSet {
        let mut set = PortSet::none();
        for run in self.runs.iter().filter(|run| states.contains(&run.state)) {
            set.add(run.first..=run.last);
        }
        set
    }

    /// The ports that were asked.
    pub(super) fn asked(&self) -> PortSet {
        use PortState::{Closed, Filtered, Inconclusive, Open, OpenOrFiltered};
        self.set(&[Open, Closed, Filtered, Inconclusive, OpenOrFiltered])
    }

    /// Whether somebody is there: a port is open, or was refused, or its packets were turned away by ICMP. Silence says
    /// nothing of the kind, nor does a router that knows no way to the address or finds nobody there.
    pub(super) fn is_answered(&self) -> bool {
        self.runs.iter().any(|run| run.state.is_answer(run.reason.as_ref()))
    }

    /// The ports that are known to be shut: silent ones only where another one answered.
    pub(super) fn shut(&self) -> PortSet {
        if self.is_answered() {
            self.set(&[PortState::Closed, PortState::Filtered])
        } else {
            PortSet::none()
        }
    }

    /// The ports that are known to be open or shut.
    pub(super) fn settled(&self) -> PortSet {
        let mut settled = self.shut();
        settled.join(&self.set(&[PortState::Open]));
        settled
    }

    /// What is known of one port; none when it was not asked.
    pub(super) fn state(&self, port: u16) -> Option<&Run> {
        let at = self.runs.partition_point(|run| run.last < port);
        self.runs.get(at).filter(|run| run.first <= port)
    }

    /// The open ports, in rising order.
    pub(super) fn open(&self) -> impl Iterator<Item = u16> {
        let open = self.runs.iter().filter(|run| run.state == PortState::Open);
        open.flat_map(|run| run.first..=run.last)
    }

    /// The ports that gave no clear answer, as ranges with the first reason; none when all are settled.
    pub(super) fn unsettled(&self) -> Option<(String, Option<&Cut>)> {
        let unsettled = || self.runs.iter().filter(|run| run.state == PortState::Inconclusive);
        let ports = unsettled().flat_map(|run| run.first..=run.last).collect::<Vec<_>>();
        let reason = unsettled().find_map(|run| run.reason.as_ref());
        (!ports.is_empty()).then(|| (port_ranges(&ports), reason))
    }
}

/// The ranges in a text such as `1-21,23`; what is no range is passed over.
pub(super) fn ranges(text: &str) -> impl Iterator<Item = (u16, u16)> {
    text.split(',').filter_map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let range = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        (range.0 <= range.1).then_some(range)
    })
}

/// Runs that overlap, made into runs that do not.
fn painted(runs: &[Run]) -> Vec<Run> {
    let mut states: BTreeMap<u16, (PortState, Option<&Cut>)> = BTreeMap::new();
    for run in runs {
        for port in run.first..=run.last {
            if run.state == PortState::Inconclusive && states.contains_key(&port) {
                continue;
            }
            states.insert(port, (run.state, run.reason.as_ref()));
        }
    }
    let mut runs: Vec<Run> = Vec::new();
    for (port, (state, reason)) in states {
        match runs.last_mut() {
            Some(run)
                if run.last.checked_add(1) == Some(port)
                    && run.state == state
                    && run.reason.as_ref() == reason =>
            {
                run.last = port;
            }
            _ => runs.push(Run { first: port, last: port, state, reason: reason.cloned() }),
        }
    }
    runs
}

/// How a question ended, in words: `no answer in time`.
pub(crate) fn cut_in_words(cut: &Cut) -> String {
    match cut {
        Cut::TimedOut => "no answer in time".to_owned(),
        Cut::Refused => "the connection was refused".to_owned(),
        Cut::Reset => "the connection was reset".to_owned(),
        Cut::Closed => "the peer closed the connection too soon".to_owned(),
        Cut::RefusedBefore => "somebody in front of it refused the connection".to_owned(),
        Cut::AnsweredBefore => "somebody in front of it answers, and nobody is behind".to_owned(),
        Cut::Sampled => "told from others like it, as refusals are limited in number".to_owned(),
        Cut::GivenUp { why } => format!("it was given up: {why}"),
        Cut::TooMuch => "it sent more than is listened to".to_owned(),
        Cut::Unreachable { kind, code, from } => {
            let from = from.map(|from| format!(" from {from}")).unwrap_or_default();
            format!("the network cannot reach it (ICMP type {kind}, code {code}{from})")
        }
        Cut::Garbled { what } => format!("what it said is not of the protocol: {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::saw::PortRun;

    fn saw(states: &[(&str, PortState)]) -> PortsSaw {
        let run = |(ports, state): &(&str, PortState)| PortRun {
            ports: (*ports).to_owned(),
            state: *state,
            reason: (*state == PortState::Inconclusive).then_some(Cut::TimedOut),
        };
        PortsSaw { states: states.iter().map(run).collect(), swept: None }
    }

    #[test]
    fn ranges_are_kept_and_found() {
        use PortState::{Closed, Open};
        let ports = Sweep::of([saw(&[("22,80", Open), ("1-21,23-79,81-1000", Closed)])]);
        assert_eq!(ports.open().collect::<Vec<_>>(), [22, 80]);
        assert_eq!(ports.state(23).map(|run| run.state), Some(Closed));
        assert_eq!(ports.state(1001), None);
        assert_eq!(ports.unsettled(), None);
    }

    #[test]
    fn a_later_answer_counts_and_a_later_silence_does_not() {
        use PortState::{Closed, Filtered, Inconclusive, Open};
        let first = saw(&[("1-10", Inconclusive), ("11-20", Open)]);
        let second = saw(&[("5-15", Closed), ("16-17", Inconclusive), ("18", Filtered)]);
        let ports = Sweep::of([first, second]);
        let state = |port| ports.state(port).map(|run| run.state);
        assert_eq!(state(4), Some(Inconclusive));
        assert_eq!(state(5), Some(Closed));
        assert_eq!(state(16), Some(Open));
        assert_eq!(state(18), Some(Filtered));
        assert_eq!(ports.open().collect::<Vec<_>>(), [16, 17, 19, 20]);
        assert_eq!(ports.unsettled(), Some(("1-4".to_owned(), Some(&Cut::TimedOut))));
    }

    #[test]
    fn what_is_no_range_is_passed_over() {
        let ports = Sweep::of([saw(&[("x,9-1,70000,5", PortState::Open)])]);
        assert_eq!(ports.open().collect::<Vec<_>>(), [5]);
        assert_eq!(Sweep::of([saw(&[("0-65535", PortState::Open)])]).open().count(), 65_536);
    }
}
