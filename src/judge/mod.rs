//! Checks against facts: what each check comes to on each subject. Pure.

mod grid;
mod work;

use std::fmt;

use crate::catalogue::{Lookup, Verdict};
use crate::facts::{FactBase, KindId};
use crate::model::net::{CheckId, HostId};
use crate::model::outcome::Outcome;
use crate::model::plan::Wanted;
use crate::profile::{Chosen, Profile};

/// What all checks of a profile came to.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// The hosts that were to be judged, in the plan's order.
    pub hosts: Vec<HostId>,
    /// One cell for each check and subject, and one for each check and host that has no such subject, or may have more
    /// than were seen; in order of check, then subject. Compact on purpose: most of five million say no more than
    /// "pass".
    pub cells: Vec<Cell>,
    /// For each check: what there is to say about those of its cells that are no pass. See [`Judgement::detail`].
    pub details: Vec<Vec<Verdict>>,
}

impl Judgement {
    /// The whole verdict of a cell; none for a pass.
    pub fn detail(&self, cell: &Cell) -> Option<&Verdict> {
        self.details.get(usize::from(cell.check))?.get(cell.detail as usize)
    }
}

/// The result of one check on one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The check, by its place in the profile.
    pub check: u16,
    /// The outcome.
    pub outcome: Outcome,
    /// On what.
    pub about: About,
    /// The place of the verdict among the check's [`Judgement::details`], or [`Cell::NO_DETAIL`].
    pub detail: u32,
}

impl Cell {
    /// The `detail` of a pass.
    pub const NO_DETAIL: u32 = u32::MAX;
}

/// What a cell is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// An entry of the fact base, by its place.
    Entry(u32),
    /// A host as far as no subject of it was seen, by its place in [`Judgement::hosts`].
    Host(u32),
}

/// Something that judges subjects which have a kind of fact: a check with a profile's settings.
pub trait Judges: Sync {
    /// Its name.
    fn id(&self) -> &CheckId;
    /// The kind that its subjects have.
    fn on(&self) -> KindId;
    /// The kind that its own probe yields, if it brings one along.
    fn own(&self) -> Option<KindId> {
        None
    }
    /// What it comes to on the subject whose facts `lookup` finds.
    fn judge<'a>(&'a self, lookup: Lookup<'_, 'a>) -> Verdict;
}

impl Judges for Chosen {
    fn id(&self) -> &CheckId {
        &self.check.id
    }

    fn on(&self) -> KindId {
        self.check.on
    }

    fn own(&self) -> Option<KindId> {
        self.check.probe_kind()
    }

    fn judge<'a>(&'a self, lookup: Lookup<'_, 'a>) -> Verdict {
        self.check.judge(&self.params, lookup)
    }
}

/// A host × check pair that was wanted and has no result: an error of ours, and no review is made of such a judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unaccounted {
    /// The pairs, in the order of the plan.
    pub pairs: Vec<Wanted>,
}

impl fmt::Display for Unaccounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} planned tests have no result, such as ", self.pairs.len())?;
        let mut first = self.pairs.iter().take(3).peekable();
        while let Some(Wanted { host, check }) = first.next() {
            write!(f, "{check} on {host}{}", if first.peek().is_some() { ", " } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Unaccounted {}

/// Judges every chosen check on every subject of the hosts for which it was planned.
///
/// # Errors
/// A wanted host × check pair came to nothing at all, not even to "not tested, because".
pub fn judge(
    profile: &Profile,
    facts: &FactBase,
    wanted: &[Wanted],
) -> Result<Judgement, Unaccounted> {
    judge_all(&profile.chosen, facts, wanted)
}

/// The same for anything that judges; checks are numbered by their place in the list.
///
/// # Errors
/// As for [`judge`].
pub fn judge_all<C: Judges>(
    checks: &[C],
    facts: &FactBase,
    wanted: &[Wanted],
) -> Result<Judgement, Unaccounted> {
    work::judge_all(checks, facts, wanted)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::facts::{Absent, Entry};
    use crate::model::outcome::Outcome::{Fail, Inconclusive, NotApplicable, NotTested, Pass};
    use crate::model::outcome::Why;
    use crate::model::subject::Subject;
    use crate::model::value::Value;

    /// Fails where the first field is false, and cannot tell where it is not known.
    struct MustBeTrue(CheckId, KindId);

    impl Judges for MustBeTrue {
        fn id(&self) -> &CheckId {
            &self.0
        }

        fn on(&self) -> KindId {
            self.1
        }

        fn judge<'a>(&'a self, lookup: Lookup<'_, 'a>) -> Verdict {
            let verdict = |outcome, why| Verdict { outcome, witness: Vec::new(), why };
            match lookup(self.1).and_then(|record| record.first()) {
                Some(Value::Bool(true)) => verdict(Outcome::Pass, None),
                Some(Value::Bool(false)) => verdict(Outcome::Fail, None),
                Some(Value::Unknown(why)) => verdict(Outcome::Inconclusive, Some(why.clone())),
                other => panic!("an error of our own: {other:?}"),
            }
        }
    }

    fn host(id: &str) -> HostId {
        HostId(id.into())
    }

    fn entry(id: &str, value: Value) -> Entry {
        let host = host(id);
        let (address, service, name) = (None, None, None);
        let subject = Subject { host, address, service, name, vantage: "outside".into() };
        Entry { subject, parent: None, facts: vec![(0, Arc::new([value]))], evidence: Vec::new() }
    }

    fn absent(id: &str, outcome: Outcome) -> Absent {
        Absent { host: host(id), kind: 0, outcome, why: Why::new("closed") }
    }

    fn wanted(hosts: &[&str]) -> Vec<Wanted> {
        let pair = |id: &&str| Wanted { host: host(id), check: CheckId("a/one".into()) };
        hosts.iter().map(pair).collect()
    }

    fn outcomes(facts: &FactBase, hosts: &[&str]) -> Result<Vec<Outcome>, Unaccounted> {
        let checks = [MustBeTrue(CheckId("a/one".into()), 0)];
        let judgement = judge_all(&checks, facts, &wanted(hosts))?;
        assert!(judgement.cells.iter().all(|cell| {
            judgement
                .detail(cell)
                .map_or(cell.outcome == Outcome::Pass, |verdict| verdict.outcome == cell.outcome)
        }));
        Ok(judgement.cells.iter().map(|cell| cell.outcome).collect())
    }

    #[test]
    fn every_subject_and_every_host_without_one_is_judged() {
        let facts = FactBase {
            entries: vec![
                entry("a", Value::Bool(true)),
                entry("b", Value::Bool(false)),
                entry("b", Value::unknown("timed out")),
                entry("not-asked-about", Value::Bool(false)),
            ],
            absent: vec![absent("b", Outcome::NotTested), absent("c", Outcome::NotApplicable)],
            as_of: None,
        };
        assert_eq!(
            outcomes(&facts, &["a", "b", "c"]),
            Ok(vec![Pass, Fail, Inconclusive, NotTested, NotApplicable])
        );
    }

    #[test]
    fn a_pair_without_a_result_is_refused() {
        let facts =
            FactBase { entries: vec![entry("a", Value::Bool(true))], ..FactBase::default() };
        assert_eq!(outcomes(&facts, &["a", "z"]), Err(Unaccounted { pairs: wanted(&["z"]) }));
        let elsewhere = [MustBeTrue(CheckId("a/two".into()), 0)];
        let pairs = wanted(&["a"]);
        assert_eq!(judge_all(&elsewhere, &facts, &pairs).err(), Some(Unaccounted { pairs }));
    }

    #[test]
    fn our_own_error_costs_one_result_and_is_no_finding() {
        let facts = FactBase {
            entries: vec![entry("a", Value::Int(1)), entry("b", Value::Bool(true))],
            ..FactBase::default()
        };
        assert_eq!(outcomes(&facts, &["a", "b"]), Ok(vec![Outcome::NotTested, Outcome::Pass]));
    }
}
