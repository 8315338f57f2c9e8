//! What this review's results come to for each requirement of each framework. A requirement is related to, never ruled
//! on: `met` says that nothing was found against what checks can test of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Test;
use crate::controls::{Coverage, Framework, Requirement};
use crate::model::moment::Moment;
use crate::model::net::CheckId;
use crate::model::outcome::Outcome;
use crate::model::said::Said;
use crate::profile::Profile;

/// A framework, and what this review says to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameworkLine {
    /// Its id: `iso27001`.
    pub id: String,
    /// Its name.
    pub name: Said,
    /// The edition that the ids were read from.
    pub edition: String,
    /// Where the ids were read.
    pub source: String,
    /// When that was.
    pub checked_on: Moment,
    /// What a reader of the ids has to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Said>,
    /// Its requirements, sorted by id.
    pub requirements: Vec<RequirementLine>,
}

/// A requirement, and what this review says to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequirementLine {
    /// Its id, as the framework spells it.
    pub id: String,
    /// Its title, where the framework may be quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is about.
    pub about: Said,
    /// How much of it checks can test.
    pub coverage: Coverage,
    /// What the results come to.
    pub outcome: Met,
    /// The checks that relate to it, with what each came to on all hosts together.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<CheckId, Bearing>,
    /// What to ask the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Said>,
}

/// What results come to for a requirement.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Met {
    /// A check that relates to it failed somewhere, waived or not.
    NotMet,
    /// A check that relates to it was not settled, not chosen, ran laxer than it may, or had nothing to look at.
    NotSettled,
    /// Every check that relates to it passed wherever it applies.
    Met,
    /// No check tests it: people ask.
    ByHand,
}

impl Met {
    /// Every outcome, in the order in which reports count them.
    pub const ALL: [Self; 4] = [Self::NotMet, Self::NotSettled, Self::Met, Self::ByHand];
}

/// What a check came to on all hosts together, for a requirement.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Bearing {
    /// It failed somewhere.
    Fail,
    /// It was inconclusive somewhere.
    Inconclusive,
    /// It was not tested somewhere.
    NotTested,
    /// It did not fail, but ran laxer than the requirement allows.
    Laxer,
    /// The profile does not choose it.
    NotChosen,
    /// It passed wherever it applies.
    Pass,
    /// It applies nowhere.
    NotApplicable,
}

impl Bearing {
    fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Fail => Self::Fail,
            Outcome::Inconclusive => Self::Inconclusive,
            Outcome::NotTested => Self::NotTested,
            Outcome::Pass => Self::Pass,
            Outcome::NotApplicable => Self::NotApplicable,
        }
    }
}

/// What the results say to each framework.
pub(super) fn lines(
    frameworks: &[Framework],
    profile: &Profile,
    tests: &[Test],
) -> Vec<FrameworkLine> {
    let mut worst: BTreeMap<&CheckId, Bearing> = BTreeMap::new();
    for test in tests {
        let here = Bearing::of(test.worst);
        worst.entry(&test.check).and_modify(|known| *known = here.min(*known)).or_insert(here);
    }
    let line = |framework: &Framework| FrameworkLine {
        id: framework.id.clone(),
        name: framework.name.clone(),
        edition: framework.edition.clone(),
        source: framework.source.clone(),
        checked_on: framework.checked_on,
        note: framework.note.clone(),
        requirements: framework.requirements.iter().map(|one| met(one, profile, &worst)).collect(),
    };
    frameworks.iter().map(line).collect()
}

fn met(
    requirement: &Requirement,
    profile: &Profile,
    worst: &BTreeMap<&CheckId, Bearing>,
) -> RequirementLine {
    let bearing = |check: &CheckId| {
        let chosen = profile.chosen.iter().find(|chosen| chosen.check.id == *check);
        let Some(chosen) = chosen else { return Bearing::NotChosen };
        // A check that was chosen and has no result on any host was looked at nowhere.
        match worst.get(check).copied().unwrap_or(Bearing::NotTested) {
            Bearing::Pass | Bearing::NotApplicable
                if !requirement.laxer(&chosen.check, &chosen.params).is_empty() =>
            {
                Bearing::Laxer
            }
            known => known,
        }
    };
    let checks: BTreeMap<CheckId, Bearing> =
        requirement.checks.iter().map(|check| (check.id.clone(), bearing(&check.id))).collect();
    RequirementLine {
        id: requirement.id.clone(),
        title: requirement.title.clone(),
        about: requirement.about.clone(),
        coverage: requirement.coverage,
        outcome: come_to(requirement.coverage, &checks),
        checks,
        ask: requirement.ask.clone(),
    }
}

fn come_to(coverage: Coverage, checks: &BTreeMap<CheckId, Bearing>) -> Met {
    let worst = checks.values().min().copied();
    match (coverage, worst) {
        (Coverage::Manual, _) => Met::ByHand,
        (_, Some(Bearing::Fail)) => Met::NotMet,
        (_, Some(Bearing::Pass)) => Met::Met,
        // With nothing to look at, nothing is shown.
        _ => Met::NotSettled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_check_decides_and_nothing_is_met_by_silence() {
        use Bearing::{Fail, Inconclusive, Laxer, NotApplicable, NotChosen, NotTested, Pass};
        for (bearings, wanted) in [
            (&[Pass, Pass][..], Met::Met),
            (&[Pass, NotApplicable], Met::Met),
            (&[NotApplicable], Met::NotSettled),
            (&[], Met::NotSettled),
            (&[Pass, Inconclusive], Met::NotSettled),
            (&[Pass, NotTested], Met::NotSettled),
            (&[Pass, Laxer], Met::NotSettled),
            (&[Pass, NotChosen], Met::NotSettled),
            (&[Pass, Inconclusive, Fail], Met::NotMet),
        ] {
            let numbered = bearings.iter().enumerate();
            let checks = numbered.map(|(at, one)| (CheckId(format!("a/{at}")), *one)).collect();
            for coverage in [Coverage::Full, Coverage::Part] {
                assert_eq!(come_to(coverage, &checks), wanted, "{bearings:?}");
            }
            assert_eq!(come_to(Coverage::Manual, &checks), Met::ByHand);
        }
    }
}
