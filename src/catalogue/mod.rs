//! The checks: from a YAML file to a condition that is typed, compiled and tested.

mod expr;

use std::sync::Arc;

use crate::facts::{KindId, Vocabulary};
use crate::model::complaint::{Complaint, Source};
use crate::model::digest::Digest;
use crate::model::net::CheckId;
use crate::model::outcome::{Outcome, Why};
use crate::model::said::Said;
use crate::model::severity::Degree;
use crate::model::subject::Subject;
use crate::model::value::{Type, Value};

/// A check file as it was found: its text and the name that its path gives it.
#[derive(Clone, Debug)]
pub struct File {
    /// The path under `checks/` without the ending: `tls/old-version`.
    pub id: String,
    /// The text.
    pub source: Arc<Source>,
}

/// All checks that can be chosen from, in order of their ids.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    checks: Vec<Arc<Check>>,
    replaced: Vec<CheckId>,
    digest: Option<Digest>,
}

impl Catalogue {
    /// Reads checks. Of two files with the same id the later one counts; files with mistakes are left out and complained
    /// of, and never hide the others.
    pub fn read(_files: &[File], _vocabulary: &Vocabulary) -> (Self, Vec<Complaint>) {
        (Self::default(), Vec::new())
    }

    /// The checks that are built into the program.
    pub fn built_in_files() -> Vec<File> {
        Vec::new()
    }

    /// The checks, in order of their ids.
    pub fn checks(&self) -> &[Arc<Check>] {
        &self.checks
    }

    /// The check of that id.
    pub fn check(&self, id: &str) -> Option<&Arc<Check>> {
        let at = self.checks.binary_search_by(|check| check.id.0.as_str().cmp(id)).ok()?;
        self.checks.get(at)
    }

    /// The ids that more than one file had: the last of them is the one that counts.
    pub fn replaced(&self) -> &[CheckId] {
        &self.replaced
    }

    /// SHA-256 of all files with their ids.
    pub fn digest(&self) -> Digest {
        self.digest.unwrap_or_else(|| Digest::of(b""))
    }
}

/// The record of a kind, as seen from the subject that is judged; `None` when there is none.
pub type Lookup<'f, 'a> = &'f dyn Fn(KindId) -> Option<&'a [Value]>;

impl Check {
    /// Its parameters as they are when no profile says otherwise.
    pub fn defaults(&self) -> Vec<Value> {
        self.params.iter().map(|param| param.default.clone()).collect()
    }

    /// What it comes to on one subject, with parameters in the order of [`Check::params`].
    pub fn judge<'a>(&'a self, _params: &'a [Value], _lookup: Lookup<'_, 'a>) -> Verdict {
        Verdict { outcome: Outcome::NotTested, witness: Vec::new(), why: None }
    }

    /// Its sentence for a verdict, in that language: plain text, with what peers said made safe to show. The format that
    /// shows it still escapes it for its own place.
    pub fn message<'a>(
        &'a self,
        _verdict: &Verdict,
        _subject: &Subject,
        _params: &'a [Value],
        _lookup: Lookup<'_, 'a>,
        _lang: &str,
    ) -> String {
        String::new()
    }
}

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
