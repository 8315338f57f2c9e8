//! Mutation testing of a check: its conditions are made slightly wrong, one at a time, and one of its own tests must
//! notice. What no test notices, nobody has asked for, or nobody has tested.

use std::ops::Range;

use super::expr::{Mutation, mutations};
use super::{Check, File, read};
use crate::facts::Vocabulary;
use crate::model::complaint::Complaint;
use crate::yaml::Node;

/// How a check stood up to it.
#[derive(Debug, Default)]
pub struct Mutated {
    /// How many wrong checks were made.
    pub made: usize,
    /// Those that every test of the check let pass, each with its place.
    pub alive: Vec<Complaint>,
}

/// Makes every small wrong version of a check and runs the check's tests on it.
///
/// # Errors
/// Everything that is wrong with the file as it is, its own failing tests included: what is wrong already notices
/// nothing.
pub fn mutate(file: &File, vocabulary: &Vocabulary) -> Result<Mutated, Vec<Complaint>> {
    let parts = read::parts(file, vocabulary)?;
    let tree = &parts.document.tree;
    let check = parts.check(tree);
    let failing: Vec<Complaint> = match &check {
        Some(check) => check.tests().iter().filter_map(|test| check.test(test).err()).collect(),
        None => Vec::new(),
    };
    if !failing.is_empty() {
        return Err(failing);
    }
    let mut mutated = Mutated::default();
    for place in places(tree) {
        for wrong in wrongs(&place) {
            // One that cannot be typed would be refused when it is read: nobody could have written it.
            let changed = match place.is {
                Part::Condition => tree.with_text(place.node, &wrong.text()),
                Part::Default => tree.with_emptied(place.node),
            };
            let Some(check) = parts.check(&changed) else { continue };
            mutated.made += 1;
            if is_noticed(&check) {
                continue;
            }
            let at = place.node.within(&file.source, wrong.mutation.at.clone());
            let title = format!("no test tells this check from one that is {}", wrong.words());
            let help = "add a test that does, or leave out what makes no difference";
            mutated
                .alive
                .push(Complaint::at(&file.source, at, title).label(place.field).help(help));
        }
    }
    Ok(mutated)
}

fn is_noticed(check: &Check) -> bool {
    check.tests().iter().any(|test| check.test(test).is_err())
}

/// A part of the file that is put wrong.
struct Place<'n> {
    field: &'static str,
    node: &'n Node,
    is: Part,
}

/// What stands there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Condition,
    /// The default of a parameter.
    Default,
}

/// A wrong version of a part.
struct Wrong {
    original: String,
    mutation: Mutation,
}

impl Wrong {
    fn text(&self) -> String {
        self.mutation.applied(&self.original)
    }

    fn words(&self) -> String {
        self.mutation.what.clone()
    }
}

/// Everything in a check file that decides: conditions, conclusions of its probe, conditions of steps, and lists that
/// parameters hold by themselves.
fn places(tree: &Node) -> Vec<Place<'_>> {
    let condition = |field, node| Place { field, node, is: Part::Condition };
    let mut found = Vec::new();
    for field in ["when", "applies", "expect"] {
        found.extend(tree.field(field).map(|node| condition(field, node)));
    }
    if let Some(probe) = tree.field("probe") {
        let facts = probe.field("facts").map(Node::entries).unwrap_or_default();
        found.extend(facts.iter().map(|fact| condition("facts", &fact.value)));
        for medium in probe.entries().iter().filter(|entry| entry.name() != "facts") {
            let steps = ["steps", "requests", "questions"].map(|name| medium.value.field(name));
            for step in steps.into_iter().flatten().flat_map(Node::items) {
                found.extend(step.field("if").map(|node| condition("if", node)));
            }
        }
    }
    for param in tree.field("params").map(Node::entries).unwrap_or_default() {
        let list = param.value.field("default").filter(|default| !default.items().is_empty());
        let list = list.filter(|_| !is_whereabouts(tree, param.name()));
        found.extend(list.map(|node| Place { field: "default", node, is: Part::Default }));
    }
    found
}

/// Whether a parameter says to which ports a probe goes: a rehearsal has no ports, so that no test could tell.
fn is_whereabouts(tree: &Node, param: &str) -> bool {
    let media = tree.field("probe").map(Node::entries).unwrap_or_default().iter();
    let mut ports = media.filter_map(|medium| medium.value.field("ports")?.text());
    ports.any(|text| text.strip_prefix("params.") == Some(param))
}

fn wrongs(place: &Place<'_>) -> Vec<Wrong> {
    match place.is {
        Part::Condition => {
            let text = place.node.text().unwrap_or_default();
            let wrong = |mutation| Wrong { original: text.to_owned(), mutation };
            mutations(text).into_iter().map(wrong).collect()
        }
        Part::Default => {
            let all = Range { start: 0, end: 0 };
            let mutation =
                Mutation { at: all, with: String::new(), what: "without any of these".into() };
            vec![Wrong { original: String::new(), mutation }]
        }
    }
}
