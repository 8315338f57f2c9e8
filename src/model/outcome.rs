//! What a check came to on a subject: five outcomes, never fewer.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why something is not known, does not apply or was not tested: one sentence, in English, that we wrote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Why(pub Arc<str>);

impl Why {
    /// A reason in words.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The outcome of a check on a subject. A timeout is never a pass.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The expectation holds.
    Pass,
    /// It does not, and the evidence shows it.
    Fail,
    /// Asked, and the answer does not settle it.
    Inconclusive,
    /// The check has no meaning for this subject.
    NotApplicable,
    /// Not asked: scope, privilege, budget, interruption or an error of our own.
    NotTested,
}

impl Outcome {
    /// Every outcome, in the order in which reports list them.
    pub const ALL: [Self; 5] =
        [Self::Fail, Self::Inconclusive, Self::NotTested, Self::Pass, Self::NotApplicable];

    /// The word for it, as files and reports spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::NotApplicable => "not-applicable",
            Self::NotTested => "not-tested",
        }
    }
}
