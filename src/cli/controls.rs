//! `postern controls`: lists frameworks, and shows which checks bear on which requirement of one.

use clap::Args;

use super::facts::Format;
use super::library::{Folders, Library};
use super::page::{Page, Style};
use super::{Exit, Globals, complain, files};
use crate::controls::{Framework, Requirement};
use crate::model::complaint::{Complaint, nearest};

/// Show which checks bear on which requirement of a framework
///
/// A mapping says that a check relates to a requirement, never that a framework is kept or broken: that is for people to
/// judge. What no check tests says what to ask the provider. With the folder `controls` in that of your profiles you add
/// frameworks, or replace those of the same name.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern controls                       the frameworks, and how much of each is tested
  postern controls hk-s17                one of them, requirement by requirement
  postern controls hk-s17 --lang zh-Hant
  postern controls --format json         everything, for programs")]
pub(crate) struct Controls {
    /// One framework.
    #[arg(value_name = "FRAMEWORK")]
    framework: Option<String>,
    #[command(flatten)]
    folders: Folders,
    /// For people or for programs.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// The language of our own sentences: en, zh-Hant.
    #[arg(long, value_name = "LANG", default_value = "en", env = "POSTERN_LANG")]
    lang: String,
}

impl Controls {
    pub(crate) fn run(&self, globals: &Globals) -> Exit {
        let (library, mut complaints) = Library::open(&self.folders);
        let (mut frameworks, wrong) = library.frameworks();
        complaints.extend(wrong);
        if let Some(name) = &self.framework {
            if !frameworks.iter().any(|one| one.id == *name) {
                complaints.push(unknown(name, &frameworks));
                return files::give_up(globals, &complaints);
            }
            frameworks.retain(|one| one.id == *name);
        }
        let mut page = Page::new(globals);
        match (self.format, &self.framework) {
            (Format::Json, _) => page.line(as_json(&frameworks)),
            (Format::Text, None) => list(&mut page, &frameworks, &self.lang),
            (Format::Text, Some(_)) => {
                for framework in &frameworks {
                    whole(&mut page, framework, &self.lang);
                }
            }
        }
        page.print();
        if complaints.is_empty() {
            return Exit::Passed;
        }
        complain::complain(globals, &complaints);
        Exit::Untrustworthy
    }
}

fn unknown(name: &str, frameworks: &[Framework]) -> Complaint {
    let known: Vec<&str> = frameworks.iter().map(|one| one.id.as_str()).collect();
    let near = nearest(name, known.iter().copied());
    let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    Complaint::nowhere(format!("`{name}` is not a framework{near}"))
        .help(format!("the frameworks: {}", known.join(", ")))
}

fn list(page: &mut Page, frameworks: &[Framework], lang: &str) {
    let widest = frameworks.iter().map(|one| one.id.len()).max().unwrap_or(0);
    for framework in frameworks {
        let id = page.styled(&framework.id, Style::Cyan, widest + 2);
        let text = format!(
            "{} ({}): {}",
            framework.name.in_lang(lang),
            framework.edition,
            counts(framework)
        );
        page.paragraph(&id, widest + 2, &text);
    }
    page.line("");
    page.line("`postern controls FRAMEWORK` shows one, requirement by requirement.");
}

/// How many requirements there are, and how many of them checks bear on.
pub(crate) fn counts(framework: &Framework) -> String {
    let all = framework.requirements.len();
    let tested = framework.requirements.iter().filter(|one| !one.checks.is_empty()).count();
    format!("checks bear on {tested} of {all} requirements")
}

fn whole(page: &mut Page, framework: &Framework, lang: &str) {
    page.line(page.styled(framework.name.in_lang(lang), Style::Bold, 0));
    let read = format!(
        "Edition {}; {}. Ids read from {}, {}.",
        framework.edition,
        counts(framework),
        framework.source,
        framework.checked_on.date()
    );
    page.paragraph("", 0, &read);
    if let Some(note) = &framework.note {
        page.paragraph("", 0, note.in_lang(lang));
    }
    for one in &framework.requirements {
        page.heading(&format!("{}  {}", one.id, one.coverage.word()));
        if let Some(title) = &one.title {
            page.paragraph("  ", 2, title);
        }
        page.paragraph("  ", 2, one.about.in_lang(lang));
        let checks = checks(one);
        if !checks.is_empty() {
            page.row(2, "checks", Style::Cyan, 8, &checks);
        }
        for need in bounds(one) {
            page.row(2, "needs", Style::Cyan, 8, &need);
        }
        if let Some(ask) = &one.ask {
            page.row(2, "ask", Style::Cyan, 8, ask.in_lang(lang));
        }
    }
}

/// The checks that bear on a requirement; where there are none yet, the patterns that wait for them.
fn checks(requirement: &Requirement) -> String {
    if requirement.checks.is_empty() && !requirement.patterns.is_empty() {
        return format!("none yet; {} will be", requirement.patterns.join(", "));
    }
    let ids: Vec<&str> = requirement.checks.iter().map(|check| check.id.0.as_str()).collect();
    ids.join(", ")
}

/// The bounds of a requirement, in words.
pub(crate) fn bounds(requirement: &Requirement) -> Vec<String> {
    let words =
        |need: &crate::controls::Need| format!("{} {} {}", need.check, need.param, need.laxest);
    requirement.needs.iter().map(words).collect()
}

fn as_json(frameworks: &[Framework]) -> String {
    let requirement = |one: &Requirement| {
        serde_json::json!({
            "id": one.id,
            "title": one.title,
            "about": one.about,
            "coverage": one.coverage,
            "checks": one.checks.iter().map(|check| &check.id).collect::<Vec<_>>(),
            "needs": one.needs.iter().map(|need| {
                serde_json::json!({
                    "check": need.check,
                    "param": need.param,
                    "laxest": need.laxest.to_string(),
                })
            }).collect::<Vec<_>>(),
            "ask": one.ask,
        })
    };
    let framework = |one: &Framework| {
        serde_json::json!({
            "id": one.id,
            "name": one.name,
            "edition": one.edition,
            "source": one.source,
            "checked_on": one.checked_on.date(),
            "relation": "relates-to",
            "note": one.note,
            "requirements": one.requirements.iter().map(requirement).collect::<Vec<_>>(),
        })
    };
    let all: Vec<_> = frameworks.iter().map(framework).collect();
    serde_json::to_string_pretty(&all).unwrap_or_default()
}
