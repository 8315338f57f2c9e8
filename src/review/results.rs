//! What every check came to on every host, and how much of it is settled.

use std::collections::{BTreeMap, BTreeSet};

use super::{Coverage, ReviewInput, Test};
use crate::judge::{About, Cell};
use crate::model::net::{CheckId, HostId};
use crate::model::outcome::{Outcome, Why};
use crate::model::severity::Gate;

/// How many different reasons a test names for one outcome.
const REASONS: usize = 5;

/// The results of a judgement, counted.
pub(super) struct Results {
    pub(super) coverage: Coverage,
    /// One for each host × check, host by host.
    pub(super) tests: Vec<Test>,
    /// Gate checks with a result that is inconclusive or not tested, and where.
    pub(super) unsettled_gates: Vec<(CheckId, HostId)>,
}

/// What one check came to on one host, while it is counted.
#[derive(Clone, Default)]
struct Tally {
    counts: [u32; Outcome::ALL.len()],
    /// For each outcome, the reasons of its own.
    reasons: [Vec<String>; Outcome::ALL.len()],
}

impl Results {
    pub(super) fn of(input: &ReviewInput<'_>) -> Self {
        let chosen = &input.profile.chosen;
        let width = chosen.len();
        let mut tallies = vec![Tally::default(); width * input.judgement.hosts.len()];
        let mut coverage = Coverage::default();
        let hosts = places(input);
        for cell in &input.judgement.cells {
            coverage.add(cell.outcome, 1);
            let host = match cell.about {
                About::Host(host) => Some(host as usize),
                About::Entry(entry) => hosts.get(entry as usize).copied().flatten(),
            };
            let at = host.map(|host| host * width + usize::from(cell.check));
            if let Some(tally) = at.and_then(|at| tallies.get_mut(at)) {
                tally.add(cell, input);
            }
        }
        coverage.settle();

        let mut tests = Vec::new();
        let mut unsettled = BTreeSet::new();
        for (at, tally) in tallies.into_iter().enumerate() {
            let (Some(host), Some(chosen)) =
                (input.judgement.hosts.get(at / width), chosen.get(at % width))
            else {
                continue;
            };
            let Some(test) = tally.test(&chosen.check.id, host) else { continue };
            let open = [Outcome::Inconclusive, Outcome::NotTested];
            if chosen.gate == Gate::Stops && open.iter().any(|o| test.outcomes.contains_key(o)) {
                unsettled.insert((at % width, at / width));
            }
            tests.push(test);
        }
        coverage.planned = input.opened.plan.wanted.len() as u64;
        let name = |(check, host): (usize, usize)| {
            let check = chosen.get(check)?.check.id.clone();
            Some((check, input.judgement.hosts.get(host)?.clone()))
        };
        Self { coverage, tests, unsettled_gates: unsettled.into_iter().filter_map(name).collect() }
    }
}

/// The place of each entry's host in the judgement.
fn places(input: &ReviewInput<'_>) -> Vec<Option<usize>> {
    let hosts: BTreeMap<_, _> = input.judgement.hosts.iter().zip(0..).collect();
    let place = |host| hosts.get(host).copied();
    input.facts.entries.iter().map(|entry| place(&entry.subject.host)).collect()
}

impl Tally {
    fn add(&mut self, cell: &Cell, input: &ReviewInput<'_>) {
        let why = input.judgement.detail(cell).and_then(|verdict| verdict.why.as_ref());
        self.count(cell.outcome, why);
    }

    fn count(&mut self, outcome: Outcome, why: Option<&Why>) {
        let Some(at) = Outcome::ALL.iter().position(|known| *known == outcome) else { return };
        if let Some(count) = self.counts.get_mut(at) {
            *count += 1;
        }
        if let (Some(why), Some(reasons)) = (why, self.reasons.get_mut(at))
            && reasons.len() < REASONS
            && !reasons.iter().any(|known| **known == *why.0)
        {
            reasons.push(why.to_string());
        }
    }

    /// Why something is not settled; only where all is settled, why something does not apply: what is said of the one
    /// explains nothing of the other.
    fn told(reasons: [Vec<String>; Outcome::ALL.len()]) -> Vec<String> {
        let mut reasons: BTreeMap<Outcome, Vec<String>> =
            Outcome::ALL.into_iter().zip(reasons).collect();
        let mut told = Vec::new();
        for outcome in [Outcome::Inconclusive, Outcome::NotTested] {
            for reason in reasons.remove(&outcome).unwrap_or_default() {
                if !told.contains(&reason) {
                    told.push(reason);
                }
            }
        }
        if told.is_empty() {
            told = reasons.remove(&Outcome::NotApplicable).unwrap_or_default();
        }
        told
    }

    /// None when there is no result: that pair was not wanted.
    fn test(self, check: &CheckId, host: &HostId) -> Option<Test> {
        let counted = Outcome::ALL.into_iter().zip(self.counts).filter(|(_, count)| *count > 0);
        let (worst, _) = counted.clone().next()?;
        Some(Test {
            check: check.clone(),
            host: host.clone(),
            outcomes: counted.collect(),
            worst,
            reasons: Self::told(self.reasons),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_apply_explains_nothing_that_is_not_settled() {
        let (check, host) = (CheckId("a/one".into()), HostId("web1".into()));
        let mut tally = Tally::default();
        for n in 0..REASONS {
            tally.count(Outcome::NotApplicable, Some(&Why::new(format!("no web site, {n}"))));
        }
        let elsewhere = tally.clone().test(&check, &host).expect("results");
        assert_eq!(elsewhere.reasons.len(), REASONS);
        tally.count(Outcome::Inconclusive, Some(&Why::new("timed out")));
        let test = tally.test(&check, &host).expect("results");
        assert_eq!(test.reasons, ["timed out"]);
    }
}
