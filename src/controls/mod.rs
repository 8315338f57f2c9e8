//! Controls: which checks bear on which requirement of which framework.
//!
//! A mapping says `relates-to` and never more. The ids are those of the frameworks; that a check bears on one is this
//! library's judgement.

mod file;
mod order;
mod read;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use crate::catalogue::{Catalogue, Check, File};
use crate::model::complaint::{Complaint, Source};
use crate::model::moment::Moment;
use crate::model::net::CheckId;
use crate::model::said::Said;
use crate::model::value::Value;

pub use self::file::{ControlsFile, Coverage, Relation, RequirementFile};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles/controls");

/// A framework with its requirements.
#[derive(Clone, Debug)]
pub struct Framework {
    /// Its id: `iso27001`.
    pub id: String,
    /// Its name.
    pub name: Said,
    /// The edition that the ids were read from.
    pub edition: String,
    /// Where the ids were read.
    pub source: String,
    /// When that was.
    pub checked_on: Moment,
    /// What a reader of the ids has to know.
    pub note: Option<Said>,
    /// Its requirements, sorted by id.
    pub requirements: Vec<Requirement>,
    /// The file it was read from.
    pub file: Arc<Source>,
}

/// A requirement of a framework.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// Its id, exactly as the framework spells it.
    pub id: String,
    /// Its title, where the framework may be quoted.
    pub title: Option<String>,
    /// What it is about.
    pub about: Said,
    /// How much of it checks can test.
    pub coverage: Coverage,
    /// What the file names: ids, globs and tags.
    pub patterns: Vec<String>,
    /// The checks that those mean, by id.
    pub checks: Vec<Arc<Check>>,
    /// The laxest values with which a check may have run.
    pub needs: Vec<Need>,
    /// What to ask the provider.
    pub ask: Option<Said>,
}

/// The laxest value of a parameter with which a requirement can be met.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// The check.
    pub check: CheckId,
    /// The parameter's name.
    pub param: String,
    /// The value.
    pub laxest: Value,
}

impl Framework {
    /// The mapping files that are built into the program; their ids are their names.
    pub fn built_in_files() -> Vec<File> {
        File::embedded(&BUILT_IN, "profiles/controls")
    }

    /// Reads mapping files. Of two files with the same id the later one counts; files with mistakes are left out and
    /// complained of, and never hide the others.
    pub fn read_all(files: &[File], checks: &Catalogue) -> (Vec<Self>, Vec<Complaint>) {
        let by_id: BTreeMap<&str, &File> =
            files.iter().map(|file| (file.id.as_str(), file)).collect();
        let (mut read, mut complaints) = (Vec::new(), Vec::new());
        for file in by_id.into_values() {
            match read::read(file, checks) {
                Ok(framework) => read.push(framework),
                Err(wrong) => complaints.extend(wrong),
            }
        }
        (read, complaints)
    }
}

impl Requirement {
    /// The parameters of a check that ran laxer than this requirement allows: those named under `needs`, and for the
    /// others the check's own defaults.
    pub fn laxer<'c>(&self, check: &'c Check, params: &[Value]) -> Vec<&'c str> {
        let bound = |name: &str| {
            self.needs.iter().find(|need| need.check == check.id && need.param == name)
        };
        let laxer = check.params.iter().zip(params).filter(|(param, value)| {
            let laxest = bound(&param.name).map_or(&param.default, |need| &need.laxest);
            param.stricter.is_some_and(|way| way.is_looser(laxest, value))
        });
        laxer.map(|(param, _)| param.name.as_str()).collect()
    }
}
