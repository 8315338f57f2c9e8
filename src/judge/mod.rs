//! Checks against facts: what each check comes to on each subject. Pure.

mod grid;
mod work;

use std::fmt;

use crate::catalogue::Verdict;
use crate::facts::{FactBase, KindId};
use crate::model::net::{CheckId, HostId};
use crate::model::outcome::Outcome;
use crate::model::plan::Wanted;
use crate::model::value::Value;
use crate::profile::Profile;

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
    /// What it comes to on a subject whose facts `record` finds.
    fn judge(&self, record: &dyn Fn(KindId) -> Option<&[Value]>) -> Verdict;
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
