//! The checks: from a YAML file to a condition that is typed, compiled and tested.

use std::sync::Arc;

use crate::facts::KindId;
use crate::model::complaint::Source;
use crate::model::net::CheckId;
use crate::model::outcome::{Outcome, Why};
use crate::model::said::Said;
use crate::model::severity::Degree;
use crate::model::value::{Type, Value};

/// A check, ready to be judged: every name, type and literal in it was found right when it was read.
#[derive(Debug)]
pub struct Check {
    /// Its name, for ever: the path under `checks/` without the ending.
    pub id: CheckId,
    /// Goes up when the meaning changes.
    pub revision: u32,
    /// The wanted state, as a sentence.
    pub title: Said,
    /// How bad it is when it fails.
    pub impact: Degree,
    /// How likely it is to be used against the operator.
    pub likelihood: Degree,
    /// The kind of fact it looks at: one result for each subject that has it.
    pub on: KindId,
    /// Every kind that its conditions speak of, `on` included: what the plan must provide.
    pub speaks_of: Vec<KindId>,
    /// Why it matters, for a centre manager.
    pub why: Said,
    /// Ways to mend it.
    pub fix: Vec<FixText>,
    /// Sources.
    pub refs: Vec<String>,
    /// Words to select it by.
    pub tags: Vec<String>,
    /// What a profile may set.
    pub params: Vec<Param>,
    /// The file it was read from.
    pub source: Arc<Source>,
    // Compiled conditions, message templates and self-tests stand in fields of the room's own.
}

/// A way to mend it, perhaps for one product only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixText {
    /// The product it is for.
    pub product: Option<String>,
    /// What to do.
    pub text: Said,
    /// What to type or to write into a file.
    pub code: Option<String>,
}

/// A parameter of a check.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name: `params.days`.
    pub name: String,
    /// Its type.
    pub of: Type,
    /// What it is when no profile says otherwise.
    pub default: Value,
    /// Which way is stricter, so that loosening can be told.
    pub stricter: Option<Stricter>,
    /// Its meaning, as a sentence.
    pub means: String,
}

/// Which way of changing a parameter is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stricter {
    /// A higher value.
    Higher,
    /// A lower value.
    Lower,
    /// Fewer entries in a list.
    Fewer,
    /// More entries in a list.
    More,
}

/// What a check came to on one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The outcome.
    pub outcome: Outcome,
    /// On a fail: the elements that broke the expectation.
    pub witness: Vec<Value>,
    /// On anything but pass and fail: why.
    pub why: Option<Why>,
}
