//! What the results come to for the requirements of frameworks, one folded table a framework.

use std::collections::BTreeMap;

use serde::Serialize;

use super::reader::{Reader, Text};
use crate::controls::Coverage;
use crate::report::words::number;
use crate::review::{Bearing, FrameworkLine, Met, RequirementLine};

#[derive(Debug, Serialize)]
pub(super) struct Framework {
    caption: String,
    summary: String,
    read: String,
    note: Option<Text>,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    /// The framework's own title, or else what it is about.
    title: Text,
    about: Option<Text>,
    coverage: String,
    class: &'static str,
    outcome: String,
    checks: Vec<Group>,
    ask: Option<Text>,
}

/// Checks that came to the same.
#[derive(Debug, Serialize)]
struct Group {
    words: String,
    checks: String,
}

/// Every framework of the review, in its order.
pub(super) fn frameworks(reader: &Reader<'_>) -> Vec<Framework> {
    reader.review.controls.iter().map(|line| framework(reader, line)).collect()
}

fn framework(reader: &Reader<'_>, line: &FrameworkLine) -> Framework {
    let words = reader.words;
    let (name, edition) = (reader.said(&line.name).text, reader.bounded(&line.edition));
    let caption = words.say("controls.caption", &[("name", &name), ("edition", &edition)]);
    let counts = Met::ALL.into_iter().filter_map(|met| {
        let count = line.requirements.iter().filter(|one| one.outcome == met).count() as u64;
        let words = words.say("controls.count", &[("n", &number(count)), ("outcome", outcome(reader, met))]);
        (count > 0).then_some(words)
    });
    let counts = words.list(counts);
    Framework {
        summary: words.say("controls.summary", &[("framework", &caption), ("counts", &counts)]),
        read: words.say(
            "controls.read",
            &[("source", &reader.bounded(&line.source)), ("date", &words.date(line.checked_on))],
        ),
        caption,
        note: line.note.as_ref().map(|note| reader.said(note)),
        rows: line.requirements.iter().map(|one| row(reader, one)).collect(),
    }
}

fn row(reader: &Reader<'_>, line: &RequirementLine) -> Row {
    let about = reader.said(&line.about);
    let title = line.title.as_ref().map(|title| reader.english(title));
    Row {
        id: reader.bounded(&line.id),
        about: title.is_some().then(|| about.clone()),
        title: title.unwrap_or(about),
        coverage: reader.words.plain(coverage(line.coverage)).to_owned(),
        class: match line.outcome {
            Met::NotMet => "fail",
            Met::NotSettled => "inconclusive",
            Met::Met => "pass",
            Met::ByHand => "none",
        },
        outcome: match (line.outcome, line.coverage) {
            (Met::Met, Coverage::Full) => reader.words.plain("controls.met.full").to_owned(),
            (met, _) => outcome(reader, met).to_owned(),
        },
        checks: groups(reader, line),
        ask: line.ask.as_ref().map(|ask| reader.said(ask)),
    }
}

/// The checks by what they came to, worst first.
fn groups(reader: &Reader<'_>, line: &RequirementLine) -> Vec<Group> {
    let mut by: BTreeMap<Bearing, Vec<String>> = BTreeMap::new();
    for (check, bearing) in &line.checks {
        by.entry(*bearing).or_default().push(reader.bounded(&check.0));
    }
    let group = |(bearing, checks): (Bearing, Vec<String>)| Group {
        words: reader.words.plain(word(bearing)).to_owned(),
        checks: reader.words.list(checks),
    };
    by.into_iter().map(group).collect()
}

fn outcome<'w>(reader: &Reader<'w>, met: Met) -> &'w str {
    reader.words.plain(match met {
        Met::NotMet => "controls.not-met",
        Met::NotSettled => "controls.not-settled",
        Met::Met => "controls.met",
        Met::ByHand => "controls.by-hand",
    })
}

fn coverage(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::Full => "controls.full",
        Coverage::Part => "controls.part",
        Coverage::Manual => "controls.manual",
    }
}

fn word(bearing: Bearing) -> &'static str {
    match bearing {
        Bearing::Fail => "outcome.fail",
        Bearing::Inconclusive => "outcome.inconclusive",
        Bearing::NotTested => "outcome.not-tested",
        Bearing::Laxer => "controls.laxer",
        Bearing::NotChosen => "controls.not-chosen",
        Bearing::Pass => "outcome.pass",
        Bearing::NotApplicable => "outcome.not-applicable",
    }
}
