//! The pages of docs/reference/controls: each framework with the checks that bear on its requirements.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::cell;
use crate::cli::controls::{bounds, counts};
use crate::cli::library::Library;
use crate::controls::{Framework, Requirement};

/// An index, and a page for each framework, by path.
pub(super) fn pages(library: &Library) -> BTreeMap<String, String> {
    let (frameworks, _) = library.frameworks();
    let mut pages = BTreeMap::from([("controls.md".to_owned(), index(&frameworks))]);
    for framework in &frameworks {
        pages.insert(format!("controls/{}.md", framework.id), page(framework));
    }
    pages
}

fn index(frameworks: &[Framework]) -> String {
    let mut text = String::from(
        "# Controls\n\nWhich checks bear on which requirement of which framework.\nA check *relates to* a requirement; \
         whether a finding breaks it, and whether a framework is kept, is for people to judge.\nWhat no check tests says \
         what to ask the provider.\nNo requirement is marked as tested in full: a scan from outside sees doors and \
         answers, never the whole of a rule.\n\n| framework | edition | checks bear on |\n|---|---|---|\n",
    );
    for one in frameworks {
        let tested = one.requirements.iter().filter(|one| !one.checks.is_empty()).count();
        let _ = writeln!(
            text,
            "| [{}](controls/{}.md) | {} | {tested} of {} requirements |",
            cell(one.name.in_lang("en")),
            one.id,
            cell(&one.edition),
            one.requirements.len()
        );
    }
    text
}

fn page(framework: &Framework) -> String {
    let mut text = format!("# {}\n\n", framework.id);
    for said in framework.name.0.values() {
        let _ = writeln!(text, "**{said}**\\");
    }
    let _ = write!(
        text,
        "Edition: {}; {}.\nIds read from {}, {}.\n",
        framework.edition,
        counts(framework),
        framework.source,
        framework.checked_on.date()
    );
    for note in framework.note.iter().flat_map(|note| note.0.values()) {
        let _ = write!(text, "\n{note}\n");
    }
    text.push_str(
        "\n| requirement | tested | checks that relate to it, or what to ask |\n|---|---|---|\n",
    );
    for one in &framework.requirements {
        let _ = writeln!(
            text,
            "| **{}**{} | {} | {} |",
            cell(&one.id),
            about(one),
            one.coverage.word(),
            bearing(one)
        );
    }
    text
}

fn about(one: &Requirement) -> String {
    let own = one.about.0.values().map(String::as_str);
    let texts = one.title.iter().map(String::as_str).chain(own).map(cell);
    std::iter::once(String::new()).chain(texts).collect::<Vec<_>>().join("<br>")
}

fn bearing(one: &Requirement) -> String {
    let mut parts = Vec::new();
    if !one.patterns.is_empty() && one.checks.is_empty() {
        parts.push(format!("None yet: {}", cell(&one.patterns.join(", "))));
    }
    let links: Vec<String> = one
        .checks
        .iter()
        .map(|check| format!("[{id}](../checks/{id}.md)", id = check.id))
        .collect();
    if !links.is_empty() {
        parts.push(links.join(", "));
    }
    let bounds = bounds(one);
    if !bounds.is_empty() {
        parts.push(format!("No laxer than {}", cell(&bounds.join("; "))));
    }
    parts.extend(one.ask.iter().flat_map(|ask| ask.0.values()).map(|ask| cell(ask)));
    parts.join("<br>")
}
