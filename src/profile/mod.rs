//! Profiles: which checks, with which parameters, how much is asked, and what stops the gate.

mod diff;
mod file;
pub(crate) mod ports;
mod resolve;
pub(crate) mod select;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use include_dir::{Dir, include_dir};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalogue::recipe::Asking;
use crate::catalogue::{Catalogue, Check, File};
use crate::facts::Vocabulary;
use crate::model::complaint::Complaint;
use crate::model::digest::Digest;
use crate::model::net::CheckId;
use crate::model::plan::{Class, Limits};
use crate::model::said::Said;
use crate::model::severity::{Degree, Gate};
use crate::model::value::Value;

pub use self::diff::{Difference, Side, differences};
pub use self::file::{DueFile, GateFile, LeftOut, LimitsFile, OutOfSight, ProfileFile, Setting};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles");

/// A profile with everything it inherits, flattened.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name: `dhc-vendor`.
    pub name: String,
    /// What it is for, in a few words.
    pub title: Said,
    /// SHA-256 of everything that it says, as resolved.
    pub digest: Digest,
    /// The checks it chooses, by id.
    pub chosen: Vec<Chosen>,
    /// The TCP ports to ask of every host, besides those that are declared.
    pub ports: Vec<u16>,
    /// The strongest class of probes it wants.
    pub class: Class,
    /// The pace it wants; the authorisation may lower it.
    pub limits: Limits,
    /// What makes the gate fail.
    pub gate: GateRule,
    /// Days until a finding is due, by level: critical, high, medium, low.
    pub due_days: [u32; 4],
    /// What it makes laxer than its parent or a check's default.
    pub loosened: Vec<Loosened>,
    /// Which line set what, ancestors first.
    pub chain: Vec<Link>,
}

/// A line of a profile file that sets something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The check; none for what is about the whole profile.
    pub check: Option<CheckId>,
    /// What is set: `chosen`, `impact`, `params.days`, `ports`.
    pub what: String,
    /// To what.
    pub value: String,
    /// File and line.
    pub at: String,
}

impl Profile {
    /// The profile files that are built into the program; their ids are their names.
    pub fn built_in_files() -> Vec<File> {
        let mut files = File::embedded(&BUILT_IN, "profiles");
        // What stands in folders below is no profile: see the room `controls`.
        files.retain(|file| !file.id.contains('/'));
        files
    }

    /// Reads the profile of that name, with all that it inherits. Of two files with the same id the later one counts.
    ///
    /// # Errors
    /// Everything that is wrong in it and in the profiles that it extends.
    pub fn read(name: &str, files: &[File], checks: &Catalogue) -> Result<Self, Vec<Complaint>> {
        resolve::read(name, files, checks)
    }

    /// What the checks speak of, as it is with the parameters of this profile: each probe that a chosen check brings along
    /// has the name of what it puts on the wire.
    pub fn vocabulary(&self, checks: &Catalogue) -> Vocabulary {
        let mut vocabulary = checks.vocabulary().clone();
        for chosen in &self.chosen {
            if let Some((kind, asking)) = chosen.check.probe_kind().zip(chosen.asking()) {
                vocabulary.name_probe(kind, &asking.name);
            }
        }
        vocabulary
    }

    /// What the probes of the chosen checks put on the wire, with the checks that want it: those that would say the same
    /// are one.
    pub fn askings(&self) -> Vec<(Arc<Asking>, Vec<CheckId>)> {
        let mut all: Vec<(Arc<Asking>, Vec<CheckId>)> = Vec::new();
        for chosen in &self.chosen {
            let Some(asking) = chosen.asking() else { continue };
            match all.iter_mut().find(|(known, _)| known.name == asking.name) {
                Some((_, checks)) => checks.push(chosen.check.id.clone()),
                None => all.push((Arc::new(asking), vec![chosen.check.id.clone()])),
            }
        }
        all
    }

    /// The lines that made a check what it is here, ancestors first.
    pub fn chain_of<'p>(&'p self, check: &'p CheckId) -> impl Iterator<Item = &'p Link> {
        self.chain.iter().filter(move |link| link.check.as_ref() == Some(check))
    }
}

/// A check with the settings of a profile.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The check.
    pub check: Arc<Check>,
    /// Its parameters, in the order that the check declares them.
    pub params: Vec<Value>,
    /// Impact, perhaps changed.
    pub impact: Degree,
    /// Likelihood, perhaps changed.
    pub likelihood: Degree,
    /// Whether a fail alone stops the gate.
    pub gate: Gate,
}

impl Chosen {
    /// What the check's own probe puts on the wire here.
    pub fn asking(&self) -> Option<Asking> {
        self.check.asking(&self.params)
    }
}

/// A setting by which a profile is laxer than its parent or the check's own default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Loosened {
    /// The check.
    pub check: CheckId,
    /// What was loosened: `severity`, `params.days`, `without`.
    pub what: String,
    /// Why, in the profile's words.
    pub why: String,
    /// Where the profile says so: file and line.
    pub at: String,
}

/// What the gate asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateRule {
    /// The least share of tests that must be settled, in per cent.
    pub coverage_percent: u8,
    /// Above this share of inconclusive results, in per cent, the grade is capped at B.
    pub inconclusive_percent: u8,
    /// Above this many open medium findings the grade is capped at C.
    pub many_medium: u64,
    /// What becomes of the verdict where gate checks apply nowhere because of the vantage.
    pub out_of_sight: OutOfSight,
}

/// The word for a degree, as files spell it.
fn word(degree: Degree) -> &'static str {
    match degree {
        Degree::Low => "low",
        Degree::Medium => "medium",
        Degree::High => "high",
    }
}
