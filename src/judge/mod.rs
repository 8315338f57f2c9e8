//! Checks against facts: what each check comes to on each subject. Pure.

use crate::catalogue::Verdict;

/// What all checks of a profile came to.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// One cell for each check and subject, and one for each check and host that has no such subject; in order of
    /// check, then subject. Compact on purpose: most of five million say no more than "pass".
    pub cells: Vec<Cell>,
    /// What there is to say about cells that are neither pass nor fail without a witness, found by [`Cell::detail`].
    pub details: Vec<Verdict>,
}

/// The result of one check on one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The check, by its place in the profile.
    pub check: u16,
    /// The outcome.
    pub outcome: crate::model::outcome::Outcome,
    /// On what.
    pub about: About,
    /// The place of the verdict in [`Judgement::details`], or `u32::MAX`.
    pub detail: u32,
}

/// What a cell is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// An entry of the fact base, by its place.
    Entry(u32),
    /// A host without such a subject, by its place in the plan's hosts.
    Host(u32),
}
