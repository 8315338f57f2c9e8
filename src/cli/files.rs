//! Opens the user's files: every one of them, so that all that is wrong is told in one run.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use super::Exit;
use crate::catalogue::Catalogue;
use crate::inventory::waivers::Waivers;
use crate::inventory::{self, Inventory, Loaded, waivers};
use crate::model::complaint::{Complaint, Source, nearest};
use crate::scope::Authorisation;
use crate::scope::authorisation;
use crate::yaml::{self, Document, Node};

/// More of a file than this is never read, in bytes; what is larger is refused by its reader.
const READ_AT_MOST: u64 = 16 * 1024 * 1024;

/// Reads a file as text.
///
/// # Errors
/// A file that cannot be opened, or is no text.
pub(crate) fn open(path: &Path) -> Result<Arc<Source>, Complaint> {
    let refused = |wrong: std::io::Error| {
        let title = format!("`{}` cannot be read: {wrong}", path.display());
        Complaint::nowhere(title)
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(refused)?;
    file.take(READ_AT_MOST).read_to_end(&mut bytes).map_err(refused)?;
    yaml::source(path, &bytes)
}

/// What the files of a command say, once everything in them is right.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// The inventory, where one is given.
    pub(crate) inventory: Option<Loaded>,
    /// The authorisations.
    pub(crate) authorisations: Vec<Document<Authorisation>>,
    /// The waivers.
    pub(crate) waivers: Vec<Document<Waivers>>,
}

impl Files {
    /// Reads all of them and holds them against each other.
    ///
    /// # Errors
    /// Everything that is wrong with any of them.
    pub(crate) fn read(
        inventory: Option<&Path>,
        authorisations: &[impl AsRef<Path>],
        waivers: &[impl AsRef<Path>],
    ) -> Result<Self, Vec<Complaint>> {
        let mut files = Self::default();
        let mut complaints = Vec::new();
        if let Some(path) = inventory {
            files.inventory = read_one(path, inventory::read, &mut complaints);
        }
        for path in authorisations {
            let read = read_one(path.as_ref(), authorisation::read, &mut complaints);
            files.authorisations.extend(read);
        }
        for path in waivers {
            files.waivers.extend(read_one(path.as_ref(), waivers::read, &mut complaints));
        }
        complaints.extend(files.against_each_other());
        if complaints.is_empty() { Ok(files) } else { Err(complaints) }
    }

    /// What is wrong between files that are right by themselves.
    pub(crate) fn against_each_other(&self) -> Vec<Complaint> {
        let mut complaints = same_ids(&self.authorisations);
        if let Some(inventory) = &self.inventory {
            let authorisations = self.authorisations.iter();
            complaints
                .extend(authorisations.flat_map(|one| authorisation::against(one, inventory)));
            complaints.extend(self.unknown_hosts(&inventory.inventory));
        }
        complaints
    }

    /// Complaints about hosts that waivers name and an inventory does not.
    pub(crate) fn unknown_hosts(&self, inventory: &Inventory) -> Vec<Complaint> {
        self.waivers.iter().flat_map(|one| waivers::against(one, inventory)).collect()
    }

    /// Complaints about checks that waivers name and that do not exist.
    pub(crate) fn unknown_checks(&self, catalogue: &Catalogue) -> Vec<Complaint> {
        self.waivers.iter().flat_map(|one| unknown_checks(one, catalogue)).collect()
    }
}

/// Two authorisations of one id could not be told apart in the audit log.
fn same_ids(authorisations: &[Document<Authorisation>]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (place, one) in authorisations.iter().enumerate() {
        let before = authorisations.get(..place).unwrap_or_default();
        if let Some(first) = before.iter().find(|other| other.value.id == one.value.id) {
            let title = format!("`{}` is the id of two authorisations", one.value.id);
            let other = format!("the other is {}", first.source.path.display());
            complaints.push(one.complaint(&["id"], title).help(other));
        }
    }
    complaints
}

fn unknown_checks(document: &Document<Waivers>, catalogue: &Catalogue) -> Vec<Complaint> {
    let waivers = document.tree.field("waivers").map(Node::items).unwrap_or_default();
    let checks = waivers.iter().filter_map(|waiver| waiver.field("check"));
    let unknown = checks.filter_map(|node| {
        let id = node.text().filter(|id| catalogue.check(id).is_none())?;
        let known = catalogue.checks().iter().map(|check| check.id.0.as_str());
        let title = match nearest(id, known) {
            Some(near) => format!("there is no check `{id}`; did you mean `{near}`?"),
            None => format!("there is no check `{id}`"),
        };
        let complaint = Complaint::at(&document.source, node.mark(), title);
        Some(complaint.help(
            "`postern check list` shows all of them; give the file of one of your own beside this",
        ))
    });
    unknown.collect()
}

/// Opens and reads one file; what is wrong with it joins the other complaints.
pub(crate) fn read_one<T>(
    path: &Path,
    read: impl FnOnce(&Arc<Source>) -> Result<T, Vec<Complaint>>,
    complaints: &mut Vec<Complaint>,
) -> Option<T> {
    let found = match open(path) {
        Ok(source) => match read(&source) {
            Ok(value) => return Some(value),
            Err(found) => found,
        },
        Err(complaint) => vec![complaint],
    };
    complaints.extend(found);
    None
}

/// Shows complaints on stderr and says how the program ends with them.
pub(crate) fn give_up(globals: &super::Globals, complaints: &[Complaint]) -> Exit {
    super::complain::complain(globals, complaints);
    Exit::Untrustworthy
}
