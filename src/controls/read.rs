//! From a mapping file to a framework: everything that is wrong with it, in one go.

use std::cmp::Ordering;
use std::sync::Arc;

use super::file::ControlsFile;
use super::{Coverage, Framework, Need, Requirement, order};
use crate::catalogue::{Catalogue, Check, File, Reader, misnamed};
use crate::model::complaint::Complaint;
use crate::profile::select;
use crate::yaml::{self, Node};

/// Reads one mapping file.
pub(super) fn read(file: &File, catalogue: &Catalogue) -> Result<Framework, Vec<Complaint>> {
    let mut resolved = Vec::new();
    let document = yaml::read_with::<ControlsFile>(&file.source, |tree, complaints| {
        let reader = Reader::new(&file.source);
        let mut rules = Rules { reader, catalogue, before: None, resolved: Vec::new() };
        for node in tree.field("requirements").map(Node::items).unwrap_or_default() {
            rules.requirement(node);
        }
        resolved = rules.resolved;
        complaints.extend(rules.reader.complaints);
    })?;
    let shape = document.value;
    let requirements = shape.requirements.into_iter().zip(resolved);
    Ok(Framework {
        id: file.id.clone(),
        name: shape.name,
        edition: shape.edition,
        source: shape.source,
        checked_on: shape.checked_on,
        note: shape.note,
        requirements: requirements
            .map(|(one, Resolved { checks, needs })| Requirement {
                id: one.id,
                title: one.title,
                about: one.about,
                coverage: one.coverage,
                patterns: one.checks,
                checks,
                needs,
                ask: one.ask,
            })
            .collect(),
        file: Arc::clone(&file.source),
    })
}

/// What a requirement's names mean.
struct Resolved {
    checks: Vec<Arc<Check>>,
    needs: Vec<Need>,
}

/// The rules that the shape alone does not hold.
struct Rules<'s> {
    reader: Reader<'s>,
    catalogue: &'s Catalogue,
    /// The id of the requirement before.
    before: Option<String>,
    resolved: Vec<Resolved>,
}

impl Rules<'_> {
    fn requirement(&mut self, node: &Node) {
        self.place(node);
        let checks = self.checks(node);
        self.coverage(node);
        let needs = self.needs(node, &checks);
        self.resolved.push(Resolved { checks, needs });
    }

    /// Each id stands once, and where one looks for it.
    fn place(&mut self, node: &Node) {
        let Some((id, text)) = node.field("id").and_then(|id| Some((id, id.text()?))) else {
            return;
        };
        if let Some(before) = &self.before {
            match order::compare(before, text) {
                Ordering::Less => {}
                Ordering::Equal => {
                    let help = "put all that is to be said of it into one entry";
                    self.reader.wrong(id, format!("`{text}` stands here twice"), help);
                }
                Ordering::Greater => {
                    let title = format!("`{text}` stands after `{before}`");
                    self.reader.wrong(id, title, "sort the requirements by id");
                }
            }
        }
        self.before = Some(text.to_owned());
    }

    /// The checks that the patterns mean, by id, each once.
    fn checks(&mut self, node: &Node) -> Vec<Arc<Check>> {
        let mut all: Vec<Arc<Check>> = Vec::new();
        for item in node.field("checks").map(Node::items).unwrap_or_default() {
            let Some(pattern) = item.text() else { continue };
            match select::meant(pattern, self.catalogue) {
                Ok(found) => all.extend(found.into_iter().map(Arc::clone)),
                Err(title) => {
                    self.reader.wrong(item, title, "`postern check list` shows every check");
                }
            }
        }
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all.dedup_by(|a, b| a.id == b.id);
        all
    }

    fn coverage(&mut self, node: &Node) {
        let Some((at, coverage)) =
            node.field("coverage").and_then(|at| Some((at, coverage(at.text()?)?)))
        else {
            return;
        };
        let named = node.field("checks").is_some_and(|checks| !checks.items().is_empty());
        match coverage {
            Coverage::Manual if named => {
                let help = "write `part`, or take the checks out";
                self.reader.wrong(at, "what is manual has no checks", help);
            }
            Coverage::Manual if node.field("ask").is_none() => {
                let help = "add `ask: {en: …}`: what to ask the provider";
                self.reader.wrong(at, "what is manual says what to ask", help);
            }
            Coverage::Full | Coverage::Part if !named => {
                let help = "name some under `checks`, or write `manual`";
                self.reader.wrong(at, "no check tests any of this", help);
            }
            _ => {}
        }
    }

    fn needs(&mut self, node: &Node, checks: &[Arc<Check>]) -> Vec<Need> {
        let mut needs = Vec::new();
        for entry in node.field("needs").map(Node::entries).unwrap_or_default() {
            let Some(check) = checks.iter().find(|check| check.id.0 == entry.name()) else {
                let known = checks.iter().map(|check| check.id.0.as_str());
                let title = misnamed(entry.name(), "is not a check of this requirement", known);
                self.reader.wrong(&entry.key, title, "name it under `checks` too");
                continue;
            };
            for bound in entry.value.entries() {
                let Some(param) = check.params.iter().find(|one| one.name == bound.name()) else {
                    let known = check.params.iter().map(|one| one.name.as_str());
                    let what = format!("is not a parameter of `{}`", check.id);
                    let title = misnamed(bound.name(), &what, known);
                    self.reader.wrong(&bound.key, title, "`postern check explain` tells them all");
                    continue;
                };
                if param.stricter.is_none() {
                    let title = format!("`{}` has no stricter side, so no bound", param.name);
                    self.reader.wrong(&bound.key, title, "take it out");
                    continue;
                }
                if let Some(laxest) = self.reader.value(&bound.value, &param.of) {
                    let (check, param) = (check.id.clone(), param.name.clone());
                    needs.push(Need { check, param, laxest });
                }
            }
        }
        needs
    }
}

fn coverage(word: &str) -> Option<Coverage> {
    [Coverage::Full, Coverage::Part, Coverage::Manual].into_iter().find(|one| one.word() == word)
}
