//! The shape of a mapping file (`schema: postern/controls/v1`), as authors write it and editors complete it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::moment::Moment;
use crate::model::said::Said;

/// A mapping file: one framework, requirement by requirement. Its id is the file's name, without the ending.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlsFile {
    /// `postern/controls/v1`
    #[schemars(extend("const" = "postern/controls/v1"))]
    pub schema: String,
    /// The framework's name.
    pub name: Said,
    /// The edition that the ids were read from.
    #[schemars(length(min = 1))]
    pub edition: String,
    /// Where the ids were read.
    #[schemars(length(min = 1))]
    pub source: String,
    /// When that was.
    pub checked_on: Moment,
    /// What a check and a requirement have to do with each other: always `relates-to`, for whether a finding breaks a
    /// requirement is for people to judge.
    pub relation: Relation,
    /// What a reader of the ids has to know: another edition, a doubt.
    #[serde(default)]
    pub note: Option<Said>,
    /// The requirements, each once, sorted by id; numbers within ids count as numbers.
    #[schemars(length(min = 1))]
    pub requirements: Vec<RequirementFile>,
}

/// What a check and a requirement have to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// The check is about what the requirement is about.
    RelatesTo,
}

/// A requirement.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequirementFile {
    /// Its id, exactly as the framework spells it.
    #[schemars(length(min = 1))]
    pub id: String,
    /// Its title, where the framework may be quoted.
    #[serde(default)]
    pub title: Option<String>,
    /// What it is about, in words of one's own.
    pub about: Said,
    /// How much of it checks can test.
    pub coverage: Coverage,
    /// The checks that bear on it: ids, globs and tags.
    #[serde(default)]
    pub checks: Vec<String>,
    /// The laxest values of parameters with which a check may have run, by check and parameter. Where nothing is said,
    /// it is the check's own default.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, BTreeMap<String, serde_json::Value>>")]
    pub needs: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
    /// What to ask the provider about what no check tests.
    #[serde(default)]
    pub ask: Option<Said>,
}

/// How much of a requirement checks can test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Coverage {
    /// All of it.
    Full,
    /// A part of it; the rest is to be asked.
    Part,
    /// Nothing: people ask and look.
    Manual,
}

impl Coverage {
    /// The word for it, as files spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Part => "part",
            Self::Manual => "manual",
        }
    }
}
