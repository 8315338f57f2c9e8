//! The shape of a profile file (`schema: postern/profile/v1`), as authors write it and editors complete it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::plan::Class;
use crate::model::said::Said;
use crate::model::severity::Degree;

/// A profile file. Its name is the file's, without the ending.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProfileFile {
    /// `postern/profile/v1`
    #[schemars(extend("const" = "postern/profile/v1"))]
    pub schema: String,
    /// What it is for, in a few words.
    pub title: Said,
    /// Profiles whose settings it takes over; later ones count before earlier ones, and its own before all.
    #[serde(default)]
    pub extends: Vec<String>,
    /// The checks that it adds: ids (`tls/old-version`), globs (`tls/*`) and tags (`tag:remote-access`).
    #[serde(default)]
    pub select: Vec<String>,
    /// The checks that it leaves out.
    #[serde(default)]
    pub without: Vec<LeftOut>,
    /// What it changes in a check, by the check's id.
    #[serde(default)]
    pub set: BTreeMap<String, Setting>,
    /// What makes the gate fail.
    #[serde(default)]
    pub gate: Option<GateFile>,
    /// The TCP ports to ask of every host besides those declared: numbers, ranges (`8000-8100`) and sets by name: `all`,
    /// `well-known`, `top-20`, `top-100`, `top-1000`, `common`, `management`, `databases`, `medical`, `industrial`, and
    /// `declared`, which says that those declared are enough.
    #[serde(default)]
    pub ports: Option<String>,
    /// The strongest class of probes that it wants.
    #[serde(default)]
    pub class: Option<Class>,
    /// The pace that it wants; an authorisation may lower it.
    #[serde(default)]
    pub limits: Option<LimitsFile>,
    /// Days until a finding is due.
    #[serde(default)]
    pub due: Option<DueFile>,
}

/// A check that is left out, or one that stops no gate any more.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The check: an id, a glob or a tag.
    pub check: String,
    /// Why: it stands in the review.
    pub why: String,
}

/// What a profile changes in a check.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Parameters of the check.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub params: BTreeMap<String, serde_json::Value>,
    /// How bad it is when it fails.
    #[serde(default)]
    pub impact: Option<Degree>,
    /// How likely it is to be used against the operator.
    #[serde(default)]
    pub likelihood: Option<Degree>,
    /// Why; needed where the change makes the check laxer.
    #[serde(default)]
    pub why: Option<String>,
}

/// What makes the gate fail.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GateFile {
    /// The checks of which one fail alone is a no-go: ids, globs and tags, besides those inherited.
    #[serde(default)]
    pub checks: Vec<String>,
    /// Checks that were inherited as gates and are none any more.
    #[serde(default)]
    pub without: Vec<LeftOut>,
    /// The least share of tests that must be settled, in per cent.
    #[serde(default)]
    pub coverage: Option<u8>,
    /// Above this share of inconclusive results, in per cent, the grade is capped at B.
    #[serde(default)]
    pub inconclusive: Option<u8>,
    /// Above this many open medium findings the grade is capped at C.
    #[serde(default)]
    pub many_medium: Option<u32>,
    /// What becomes of the verdict where gate checks apply on no host because of where the scan was made from.
    #[serde(default)]
    pub out_of_sight: Option<OutOfSight>,
    /// Why; needed where a setting is laxer than the one inherited.
    #[serde(default)]
    pub why: Option<String>,
}

/// What becomes of the verdict where gate checks apply on no host because of where the scan was made from: from within,
/// nobody can tell what strangers reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OutOfSight {
    /// It stays open: not enough evidence.
    Open,
    /// It rests on the other gate checks, and the report names those that nobody could ask.
    Borne,
}

/// The pace that a profile wants.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LimitsFile {
    /// New connections and datagrams in any second, to all hosts together.
    #[serde(default)]
    pub per_second: Option<NonZeroU32>,
    /// The same, to one host.
    #[serde(default)]
    pub per_host_per_second: Option<NonZeroU32>,
    /// Conversations under way at the same time with one host.
    #[serde(default)]
    pub per_host_parallel: Option<NonZeroU32>,
    /// Conversations begun in any second with one host: what asks more of a server than whether a port is open.
    #[serde(default)]
    pub per_host_talks_per_second: Option<NonZeroU32>,
}

/// Days until a finding is due, by its level.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DueFile {
    /// Of a critical one.
    #[serde(default)]
    pub critical: Option<u32>,
    /// Of a high one.
    #[serde(default)]
    pub high: Option<u32>,
    /// Of a medium one.
    #[serde(default)]
    pub medium: Option<u32>,
    /// Of a low one.
    #[serde(default)]
    pub low: Option<u32>,
    /// Why; needed where more days are given than inherited.
    #[serde(default)]
    pub why: Option<String>,
}
