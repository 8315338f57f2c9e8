//! The shape of a check file (`schema: postern/check/v1`), as authors write it and editors complete it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::recipe::{AnswerFile, PageFile, ProbeFile, WireFile};
use crate::model::outcome::Outcome;
use crate::model::said::Said;
use crate::model::severity::Degree;
use crate::model::value::Value;

/// A check file. Its id is its path under `checks/`, without the ending.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckFile {
    /// `postern/check/v1`
    #[schemars(extend("const" = "postern/check/v1"))]
    pub schema: String,
    /// Goes up when the meaning changes, so that two reviews can be compared honestly.
    pub revision: u32,
    /// The wanted state, as a sentence.
    pub title: Said,
    /// How bad it is when it fails.
    pub impact: Degree,
    /// How likely it is to be used against the operator.
    pub likelihood: Degree,
    /// A kind of fact: there is one result for each subject that has it. `probe` for each place that the check's own
    /// probe was put to.
    pub on: String,
    /// What a profile may set.
    #[serde(default)]
    pub params: BTreeMap<String, ParamFile>,
    /// What the check asks by itself. `when` decides where it goes; what comes back is `probe.…` in `applies`, `expect`
    /// and `says`.
    #[serde(default)]
    pub probe: Option<ProbeFile>,
    /// A condition; where it is false, the check does not apply.
    #[serde(default)]
    pub when: Option<String>,
    /// A second condition of the same meaning, looked at after `when`.
    #[serde(default)]
    pub applies: Option<String>,
    /// Why it does not apply where `when` or `applies` is false. Made from the condition when left out.
    #[serde(default)]
    pub otherwise: Option<Said>,
    /// The condition: true is a pass, false a fail, and not known is inconclusive.
    pub expect: String,
    /// What a result says.
    pub says: SaysFile,
    /// Why it matters, for a centre manager.
    pub why: Said,
    /// Ways to mend it.
    #[serde(default)]
    pub fix: Vec<FixText>,
    /// Sources: `RFC 8996`, `CWE-327`.
    #[serde(default)]
    pub refs: Vec<String>,
    /// Words to select it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What it comes to on made-up facts: these are run.
    #[serde(default)]
    pub tests: Vec<TestFile>,
}

/// The sentences of a check, with `{{ … }}` for facts (minijinja).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaysFile {
    /// On a fail: what was found.
    pub fail: Said,
    /// On a pass, where the title alone says too little.
    #[serde(default)]
    pub pass: Option<Said>,
}

/// A parameter.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParamFile {
    /// `bool`, `int`, `text`, `time`, the name of a scale such as `TlsVersion`, or `list` and one of those.
    #[serde(rename = "type")]
    pub of: String,
    /// What it is when no profile says otherwise.
    #[schemars(with = "serde_json::Value")]
    pub default: serde_json::Value,
    /// Which way is stricter, so that loosening can be told.
    #[serde(default)]
    pub stricter: Option<Stricter>,
    /// The least that a profile may set; of a list, for each of its entries.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Value>")]
    pub min: Option<serde_json::Value>,
    /// The most that a profile may set; of a list, for each of its entries.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Value>")]
    pub max: Option<serde_json::Value>,
    /// The only values that a profile may set; of a list, for each of its entries.
    #[serde(default, rename = "one-of")]
    #[schemars(with = "Vec<serde_json::Value>")]
    pub one_of: Vec<serde_json::Value>,
    /// Its meaning, as a sentence.
    #[serde(default)]
    pub means: String,
}

/// Which way of changing a parameter is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
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

impl Stricter {
    /// Whether `new` is laxer than `old`.
    pub(crate) fn is_looser(self, old: &Value, new: &Value) -> bool {
        match self {
            Self::Higher => rank(new) < rank(old),
            Self::Lower => rank(new) > rank(old),
            Self::Fewer => !holds_all(old, new),
            Self::More => !holds_all(new, old),
        }
    }
}

/// Where a value stands among those of its type.
pub(super) fn rank(value: &Value) -> i64 {
    match value {
        Value::Bool(is) => i64::from(*is),
        Value::Int(number) => *number,
        Value::Level(level) => i64::from(level.rank),
        Value::Moment(moment) => moment.unix_millis(),
        Value::Unknown(_) | Value::Text(_) | Value::List(_) | Value::Record(_) => 0,
    }
}

/// Whether a list has every entry of another.
fn holds_all(list: &Value, wanted: &Value) -> bool {
    match (list, wanted) {
        (Value::List(list), Value::List(wanted)) => {
            wanted.items.iter().all(|item| list.items.contains(item))
        }
        _ => true,
    }
}

/// A way to mend it, perhaps for one product only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixText {
    /// The product it is for.
    #[serde(default)]
    pub product: Option<String>,
    /// What to do.
    pub text: Said,
    /// What to type or to write into a file.
    #[serde(default)]
    pub code: Option<String>,
}

/// A test: facts that are given, and what the check must come to.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestFile {
    /// What is tried, as a sentence.
    pub name: String,
    /// Facts, by kind and field. What is left out is not known; `{unknown: why}` says why, and
    /// `{seen: […], unseen: why}` is a list of which a part was seen.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, BTreeMap<String, serde_json::Value>>")]
    pub given: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
    /// The conversation with a tcp, tls or udp probe, line by line: `> said by us` must come exactly, `< said by them`,
    /// `! closed`, `! reset`, `! silent`, `! refused`, `! reconnect`.
    #[serde(default)]
    pub wire: Vec<WireFile>,
    /// What an http probe is answered, by path; `"*"` for every other one.
    #[serde(default)]
    pub pages: BTreeMap<String, PageFile>,
    /// What a dns probe is answered, by name; `"*"` for every other one.
    #[serde(default)]
    pub answers: BTreeMap<String, AnswerFile>,
    /// What the probe must conclude, by the names of its facts.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub facts: BTreeMap<String, serde_json::Value>,
    /// Parameters that differ from their defaults.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub params: BTreeMap<String, serde_json::Value>,
    /// The outcome.
    pub expect: Outcome,
    /// On a fail: the elements that broke the expectation.
    #[serde(default)]
    #[schemars(with = "Option<Vec<serde_json::Value>>")]
    pub witness: Option<Vec<serde_json::Value>>,
    /// On a fail: the sentence in English, exactly.
    #[serde(default)]
    pub says: Option<String>,
}
