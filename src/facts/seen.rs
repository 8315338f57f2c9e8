//! What a book holds of each host, sorted by probe and place, and how each question to it ended.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::Deserialize;

use crate::model::moment::Moment;
use crate::model::net::HostId;
use crate::model::observation::{Observation, Spot};
use crate::model::outcome::{Outcome, Why};
use crate::model::plan::{Plan, Step, Untested};
use crate::model::record::{End, Opened, Row};

/// Why nothing is known of a UDP port that no check asked.
pub(super) const NO_UDP: &str = "no check of the plan asks it over UDP";

/// A book, sorted.
pub(super) struct Seen<'a> {
    /// Its head.
    pub(super) opened: Option<&'a Opened>,
    /// What is known of each host that the plan speaks of.
    pub(super) hosts: BTreeMap<&'a HostId, HostSeen<'a>>,
    /// Why a question without an end has none.
    pub(super) unfinished: String,
}

/// What the book holds of one host.
#[derive(Default)]
pub(super) struct HostSeen<'a> {
    /// What was planned for it.
    pub(super) steps: Vec<&'a Step>,
    /// What was refused beforehand.
    untested: Vec<&'a Untested>,
    sights: BTreeMap<&'a str, BTreeMap<&'a Spot, Vec<Sight<'a>>>>,
    ends: BTreeMap<&'a str, BTreeMap<&'a Spot, &'a End>>,
    refused: BTreeMap<&'a str, Vec<(&'a Spot, &'a str)>>,
}

/// An observation with its number in the book.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    /// Its number.
    pub(super) seq: u64,
    /// What was seen.
    pub(super) what: &'a Observation,
}

impl<'a> Sight<'a> {
    /// What the probe saw, in its form. None when the book holds something else there: a book of another version.
    pub(super) fn read<T: Deserialize<'a>>(&self) -> Option<T> {
        T::deserialize(&self.what.saw).ok()
    }

    /// When the question was put.
    pub(super) fn at(&self) -> Moment {
        self.what.at
    }
}

/// Something that is not known of a host, and what a check that needs it comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// Inconclusive when it was asked, not tested when it was not, not applicable when there is nothing to ask.
    pub(super) outcome: Outcome,
    /// Why, in words.
    pub(super) why: String,
}

impl Gap {
    /// It was asked, and the answer does not settle it.
    pub(super) fn inconclusive(why: impl Into<String>) -> Self {
        Self { outcome: Outcome::Inconclusive, why: why.into() }
    }

    /// It was not asked.
    pub(super) fn not_tested(why: impl Into<String>) -> Self {
        Self { outcome: Outcome::NotTested, why: why.into() }
    }

    /// There is nothing to ask.
    pub(super) fn not_applicable(why: impl Into<String>) -> Self {
        Self { outcome: Outcome::NotApplicable, why: why.into() }
    }

    /// Several gaps as one: what was not asked outweighs what was not answered, and the first few reasons are told.
    pub(super) fn together(gaps: Vec<Self>) -> Option<Self> {
        /// How many reasons fit in a sentence that people still read.
        const TOLD: usize = 3;
        let weight = |gap: &Self| match gap.outcome {
            Outcome::NotTested => 2,
            Outcome::Inconclusive => 1,
            _ => 0,
        };
        let outcome = gaps.iter().max_by_key(|gap| weight(gap))?.outcome;
        let mut reasons: Vec<String> = Vec::new();
        let of_outcome = |gap: &Self| gap.outcome == outcome;
        let (first, rest): (Vec<_>, Vec<_>) = gaps.into_iter().partition(of_outcome);
        for gap in first.into_iter().chain(rest) {
            if !reasons.contains(&gap.why) {
                reasons.push(gap.why);
            }
        }
        let more = reasons.len().saturating_sub(TOLD);
        reasons.truncate(TOLD);
        let mut why = reasons.join("; ");
        if more > 0 {
            why = format!("{why}; and {more} more such reasons");
        }
        Some(Self { outcome, why })
    }

    /// The reason as a value carries it.
    pub(super) fn reason(&self) -> Why {
        Why::new(self.why.as_str())
    }
}

/// How a question to a place ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It was put, and what was seen is in the book.
    Asked,
    /// It did not arise there: `the port is closed`.
    NotNeeded,
    /// It was not put, or not to its end.
    Open(Gap),
}

impl<'a> Seen<'a> {
    /// Sorts the rows of a book.
    pub(super) fn gather(plan: &'a Plan, rows: &'a [(u64, Row)]) -> Self {
        let mut seen = Self { opened: None, hosts: BTreeMap::new(), unfinished: String::new() };
        for wanted in &plan.wanted {
            seen.hosts.entry(&wanted.host).or_default();
        }
        for step in &plan.steps {
            seen.hosts.entry(&step.host).or_default().steps.push(step);
        }
        for untested in &plan.untested {
            seen.hosts.entry(&untested.host).or_default().untested.push(untested);
        }
        let mut stopped = None;
        for (seq, row) in rows {
            match row {
                Row::Opened(opened) => seen.opened = Some(opened),
                Row::Began { .. } => stopped = None,
                Row::Closed { why, .. } => stopped = Some(why.as_deref()),
                Row::Dial(_) | Row::Dials(_) | Row::Echo(_) => {}
                Row::Saw(_) | Row::Done { .. } | Row::Refused { .. } => seen.note(plan, *seq, row),
            }
        }
        seen.unfinished = match stopped {
            Some(Some(why)) => format!("the scan ended before this was asked: {why}"),
            _ => "the scan ended before this was asked".to_owned(),
        };
        seen
    }

    fn note(&mut self, plan: &'a Plan, seq: u64, row: &'a Row) {
        let probe = |step: u32| plan.steps.get(step as usize).map(|step| step.probe.as_str());
        match row {
            Row::Saw(what) => {
                let host = self.hosts.entry(&what.spot.host).or_default();
                let places = host.sights.entry(what.probe.as_str()).or_default();
                places.entry(&what.spot).or_default().push(Sight { seq, what });
            }
            Row::Done { step, spot, end } => {
                let Some(probe) = probe(*step) else { return };
                let host = self.hosts.entry(&spot.host).or_default();
                host.ends.entry(probe).or_default().insert(spot, end);
            }
            Row::Refused { step, spot, rule, .. } => {
                let Some(probe) = probe(*step) else { return };
                let host = self.hosts.entry(&spot.host).or_default();
                host.refused.entry(probe).or_default().push((spot, rule));
            }
            _ => {}
        }
    }
}

impl<'a> HostSeen<'a> {
    /// Everything that a probe saw, place by place; each place's observations in the order of the book.
    pub(super) fn sights(&self, probe: &str) -> impl Iterator<Item = (&'a Spot, &[Sight<'a>])> {
        self.sights
            .get(probe)
            .into_iter()
            .flatten()
            .map(|(spot, sights)| (*spot, sights.as_slice()))
    }

    /// Everything that a probe saw at a place, in the order of the book.
    pub(super) fn all(&self, probe: &str, spot: &Spot) -> &[Sight<'a>] {
        self.sights.get(probe).and_then(|places| places.get(spot)).map_or(&[], Vec::as_slice)
    }

    /// The rules of the scope that refused a probe at an address, at ports of it, or everywhere.
    pub(super) fn refusal(&self, probe: &str, address: Option<IpAddr>) -> Option<String> {
        let within = |place: Option<IpAddr>| place == address || place.is_none();
        let refused = self.refused.get(probe).into_iter().flatten();
        let rules = refused.filter(|(place, _)| within(place.address)).map(|(_, rule)| *rule);
        let rules: BTreeSet<&str> = rules.collect();
        (!rules.is_empty()).then(|| rules.into_iter().collect::<Vec<_>>().join("; "))
    }

    /// The last thing that a probe saw at a place.
    pub(super) fn last(&self, probe: &str, spot: &Spot) -> Option<Sight<'a>> {
        self.sights.get(probe)?.get(spot)?.last().copied()
    }

    /// The last thing that a probe saw at each place.
    pub(super) fn lasts(&self, probe: &str) -> impl Iterator<Item = (&'a Spot, Sight<'a>)> {
        self.sights(probe).filter_map(|(spot, sights)| Some((spot, *sights.last()?)))
    }

    /// Whether anything of that probe is planned here.
    pub(super) fn plans(&self, probe: &str) -> bool {
        self.steps.iter().any(|step| step.probe == probe)
    }

    /// How a probe's question to a place ended; the end of a wider place (the address, the host) counts where the
    /// place has none of its own.
    pub(super) fn standing(&self, probe: &str, spot: &Spot, unfinished: &str) -> Standing {
        if let Some(end) = wider(spot).find_map(|spot| self.ends.get(probe)?.get(&spot)) {
            return match end {
                End::Asked => Standing::Asked,
                End::NotNeeded { .. } => Standing::NotNeeded,
                End::NotTested { why } => Standing::Open(Gap::not_tested(why.as_str())),
                End::Ours { error } => {
                    Standing::Open(Gap::not_tested(format!("an error of our own: {error}")))
                }
            };
        }
        let why = self.why_never(probe, spot).unwrap_or_else(|| unfinished.to_owned());
        Standing::Open(Gap::not_tested(why))
    }

    /// Why a probe was never pointed at a place, when that was decided and did not just happen.
    fn why_never(&self, probe: &str, spot: &Spot) -> Option<String> {
        let within = |address: Option<IpAddr>| address == spot.address || address.is_none();
        if let Some(rule) = self.refusal(probe, spot.address) {
            return Some(rule);
        }
        let mut untested = self.untested.iter().filter(|untested| untested.probe == probe);
        if let Some(untested) = untested.find(|untested| within(untested.address)) {
            return Some(untested.why.clone());
        }
        (!self.plans(probe)).then(|| unplanned(probe).to_owned())
    }
}

/// Why a probe stands in no plan: nobody wanted it, or there is none.
fn unplanned(probe: &str) -> &'static str {
    match probe {
        "udp" => NO_UDP,
        _ => "no check of the plan asks for it",
    }
}

/// A place and every wider one that holds it, narrowest first.
fn wider(spot: &Spot) -> impl Iterator<Item = Spot> {
    let place = |address, service, name| Spot { host: spot.host.clone(), address, service, name };
    [
        spot.clone(),
        place(spot.address, spot.service, None),
        place(spot.address, None, None),
        place(None, None, None),
    ]
    .into_iter()
}
