//! How two profiles differ, cell by cell, and which of them is stricter there.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::{Chosen, Profile};
use crate::model::net::{CheckId, port_ranges};
use crate::model::plan::Class;
use crate::model::severity::{Gate, Severity};

/// A cell that two profiles set otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The check; none for what is about the whole profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<CheckId>,
    /// What differs: `chosen`, `impact`, `params.days`, `ports`.
    pub what: String,
    /// In the first.
    pub first: String,
    /// In the second.
    pub second: String,
    /// Which of them asks for more.
    pub stricter: Side,
}

/// Which of two profiles asks for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The first.
    First,
    /// The second.
    Second,
    /// Neither: each has what the other lacks, or it is no question of strictness.
    Neither,
}

impl Side {
    fn when(first: bool, second: bool) -> Self {
        match (first, second) {
            (true, false) => Self::First,
            (false, true) => Self::Second,
            _ => Self::Neither,
        }
    }
}

/// All cells in which two profiles differ: first what is about the whole profile, then check by check.
pub fn differences(first: &Profile, second: &Profile) -> Vec<Difference> {
    let mut found = Found { check: None, all: Vec::new() };
    found.whole(first, second);
    let mut checks: BTreeMap<&CheckId, (Option<&Chosen>, Option<&Chosen>)> = BTreeMap::new();
    for chosen in &first.chosen {
        checks.entry(&chosen.check.id).or_default().0 = Some(chosen);
    }
    for chosen in &second.chosen {
        checks.entry(&chosen.check.id).or_default().1 = Some(chosen);
    }
    for (id, both) in checks {
        found.check = Some(id.clone());
        match both {
            (Some(a), Some(b)) => found.settings(a, b),
            (Some(_), None) => found.push("chosen", &"yes", &"no", Side::First),
            (None, Some(_)) => found.push("chosen", &"no", &"yes", Side::Second),
            (None, None) => {}
        }
    }
    found.all
}

/// What was found so far, and the check that is looked at.
struct Found {
    check: Option<CheckId>,
    all: Vec<Difference>,
}

impl Found {
    fn push(
        &mut self,
        what: &str,
        first: &dyn fmt::Display,
        second: &dyn fmt::Display,
        stricter: Side,
    ) {
        let (first, second) = (first.to_string(), second.to_string());
        let check = self.check.clone();
        self.all.push(Difference { check, what: what.into(), first, second, stricter });
    }

    /// Numbers of which the higher one is the stricter.
    fn higher(&mut self, what: &str, first: u64, second: u64) {
        if first != second {
            self.push(what, &first, &second, Side::when(first > second, second > first));
        }
    }

    /// Numbers of which the lower one is the stricter.
    fn lower(&mut self, what: &str, first: u64, second: u64) {
        if first != second {
            self.push(what, &first, &second, Side::when(first < second, second < first));
        }
    }

    fn whole(&mut self, a: &Profile, b: &Profile) {
        if a.ports != b.ports {
            let more = |one: &Profile, other: &Profile| {
                other.ports.iter().all(|port| one.ports.binary_search(port).is_ok())
            };
            let (first, second) = (port_ranges(&a.ports), port_ranges(&b.ports));
            self.push("ports", &first, &second, Side::when(more(a, b), more(b, a)));
        }
        if a.class != b.class {
            // Stronger probes see more; whether that is wanted is for the authorisation to say.
            self.push("class", &class(a.class), &class(b.class), Side::Neither);
        }
        for (what, first, second) in [
            ("limits.per-second", a.limits.per_second, b.limits.per_second),
            (
                "limits.per-host-per-second",
                a.limits.per_host_per_second,
                b.limits.per_host_per_second,
            ),
            ("limits.per-host-parallel", a.limits.per_host_parallel, b.limits.per_host_parallel),
            ("limits.per-host-talks-per-second", a.limits.talks(), b.limits.talks()),
        ] {
            // The pace is kindness, not strictness.
            if first != second {
                self.push(what, &first, &second, Side::Neither);
            }
        }
        let (gate, other) = (a.gate, b.gate);
        self.higher("gate.coverage", gate.coverage_percent.into(), other.coverage_percent.into());
        let (first, second) = (gate.inconclusive_percent, other.inconclusive_percent);
        self.lower("gate.inconclusive", first.into(), second.into());
        self.lower("gate.many-medium", gate.many_medium, other.many_medium);
        let levels = ["due.critical", "due.high", "due.medium", "due.low"];
        for ((what, first), second) in levels.into_iter().zip(a.due_days).zip(b.due_days) {
            self.lower(what, first.into(), second.into());
        }
    }

    /// The settings of a check that both choose.
    fn settings(&mut self, a: &Chosen, b: &Chosen) {
        if a.impact != b.impact {
            let stricter = Side::when(a.impact > b.impact, b.impact > a.impact);
            self.push("impact", &super::word(a.impact), &super::word(b.impact), stricter);
        }
        if a.likelihood != b.likelihood {
            let stricter = Side::when(a.likelihood > b.likelihood, b.likelihood > a.likelihood);
            self.push(
                "likelihood",
                &super::word(a.likelihood),
                &super::word(b.likelihood),
                stricter,
            );
        }
        if a.gate != b.gate {
            let word = |one: &Chosen| if one.gate == Gate::Stops { "stops" } else { "counts" };
            let stricter = Side::when(a.gate == Gate::Stops, b.gate == Gate::Stops);
            self.push("gate", &word(a), &word(b), stricter);
        }
        let level = |one: &Chosen| Severity::of(one.impact, one.likelihood, one.gate);
        if level(a) != level(b) {
            let place = |one| Severity::GRAVEST_FIRST.iter().position(|known| *known == level(one));
            let stricter = Side::when(place(a) < place(b), place(b) < place(a));
            self.push("severity", &level(a).word(), &level(b).word(), stricter);
        }
        for ((param, first), second) in a.check.params.iter().zip(&a.params).zip(&b.params) {
            if first == second {
                continue;
            }
            let stricter = param.stricter.map_or(Side::Neither, |way| {
                Side::when(way.is_looser(first, second), way.is_looser(second, first))
            });
            self.push(&format!("params.{}", param.name), first, second, stricter);
        }
    }
}

fn class(class: Class) -> String {
    let word = serde_json::to_value(class).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}
