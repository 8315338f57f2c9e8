//! What every check came to on every host, and how much of it is settled.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::{Coverage, ReviewInput, Test};
use crate::catalogue::Check;
use crate::judge::{About, Cell};
use crate::model::net::{CheckId, HostId};
use crate::model::outcome::{Outcome, Why};
use crate::model::reason::Reason;
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
    reasons: [Vec<Arc<str>>; Outcome::ALL.len()],
}

/// Reasons that were taken apart already: many hosts give the same.
#[derive(Default)]
struct Known(HashMap<Arc<str>, Vec<Reason>>);

impl Known {
    /// A reason that can be told in any language. Why a check does not apply is said by its own file, where it says so.
    fn reasons(&mut self, why: Arc<str>, outcome: Outcome, check: &Check) -> Vec<Reason> {
        let own = check
            .otherwise()
            .filter(|said| outcome == Outcome::NotApplicable && said.in_lang("en") == &*why);
        if let Some(said) = own {
            return vec![Reason::Check { said: said.clone() }];
        }
        let take_apart = |why: &Arc<str>| Reason::all(why);
        self.0.entry(why).or_insert_with_key(take_apart).clone()
    }
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
        let mut known = Known::default();
        let mut unsettled = BTreeSet::new();
        for (at, tally) in tallies.into_iter().enumerate() {
            let (Some(host), Some(chosen)) =
                (input.judgement.hosts.get(at / width), chosen.get(at % width))
            else {
                continue;
            };
            let Some(test) = tally.test(&chosen.check, host, &mut known) else { continue };
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
            && !reasons.contains(&why.0)
        {
            reasons.push(Arc::clone(&why.0));
        }
    }

    /// None when there is no result: that pair was not wanted.
    fn test(self, check: &Check, host: &HostId, known: &mut Known) -> Option<Test> {
        let counted = Outcome::ALL.into_iter().zip(self.counts).filter(|(_, count)| *count > 0);
        let (worst, _) = counted.clone().next()?;
        let mut reasons: BTreeMap<Outcome, Vec<Reason>> = BTreeMap::new();
        for (outcome, whys) in Outcome::ALL.into_iter().zip(self.reasons) {
            for reason in whys.into_iter().flat_map(|why| known.reasons(why, outcome, check)) {
                let told = reasons.entry(outcome).or_default();
                if !told.contains(&reason) {
                    told.push(reason);
                }
            }
        }
        Some(Test {
            check: check.id.clone(),
            host: host.clone(),
            outcomes: counted.collect(),
            worst,
            reasons,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::facts::Vocabulary;

    #[test]
    fn each_outcome_has_reasons_of_its_own() {
        let vocabulary = Vocabulary::built_in();
        let (catalogue, _) = Catalogue::read(&Catalogue::built_in_files(), &vocabulary);
        let check = catalogue.check("exposure/no-stated-need").expect("a check");
        let host = HostId("web1".into());
        let mut tally = Tally::default();
        let mut add = |outcome, why: &str| tally.count(outcome, Some(&Why::new(why)));
        add(Outcome::NotApplicable, "The port is not declared.");
        add(Outcome::Inconclusive, "its ports were not asked; no answer in time");
        add(Outcome::Inconclusive, "no answer in time");
        add(Outcome::NotTested, "web1 is fragile: it gets connects and nothing else");
        let test = tally.test(check, &host, &mut Known::default()).expect("results");
        let ours = |reason: &Reason| match reason {
            Reason::Ours { key, .. } => key.clone(),
            Reason::Check { said } => said.in_lang("zh-Hant").to_owned(),
            Reason::Verbatim { verbatim } => panic!("{verbatim}"),
        };
        let told = |outcome| test.reasons[&outcome].iter().map(ours).collect::<Vec<_>>();
        assert_eq!(told(Outcome::Inconclusive), ["host-ports-not-asked", "timed-out"]);
        assert_eq!(told(Outcome::NotTested), ["fragile"]);
        assert_eq!(told(Outcome::NotApplicable), ["此連接埠沒有申報。"]);
        assert_eq!(test.reasons.len(), 3);
    }
}
