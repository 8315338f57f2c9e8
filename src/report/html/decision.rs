//! The first page: the verdict, the letter and its reason, what to do first, what could not be seen.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::findings::groups;
use super::reader::{Line, Reader, Text, When, host_of, is_open};
use crate::model::moment::Calendar;
use crate::model::net::{CheckId, HostId};
use crate::model::severity::Severity;
use crate::report::words::number;
use crate::review::{Because, Cap, Finding, GateVerdict};

/// How many actions the first page names, and how many reasons of one kind.
const FEW: usize = 3;
const SOME: usize = 5;

#[derive(Debug, Serialize)]
pub(super) struct Decision {
    class: &'static str,
    word: String,
    means: String,
    because: Vec<Line>,
    grade: Grade,
    actions: Vec<Action>,
    more_actions: Option<Line>,
    unseen: Vec<Line>,
    bar: Bar,
    counts: Vec<Count>,
}

#[derive(Debug, Serialize)]
struct Grade {
    letter: String,
    accepted: bool,
    label: String,
    because: Line,
    more: Option<String>,
    without: Option<String>,
}

#[derive(Debug, Serialize)]
struct Action {
    severity: &'static str,
    severity_word: String,
    message: Text,
    what: Text,
    place: String,
    owner: Vec<Text>,
    due: When,
    overdue: bool,
    href: String,
}

/// A bar of results, drawn on a line 1,000 long.
#[derive(Debug, Serialize)]
struct Bar {
    label: String,
    parts: Vec<Part>,
}

#[derive(Debug, Serialize)]
struct Part {
    class: &'static str,
    word: String,
    n: String,
    x: u64,
    width: u64,
}

#[derive(Debug, Serialize)]
struct Count {
    class: &'static str,
    word: String,
    n: u64,
}

impl Decision {
    pub(super) fn new(reader: &Reader<'_>) -> Self {
        let (class, word, means) = match reader.review.decision.verdict {
            GateVerdict::Go => ("go", "decision.go", "decision.go.means"),
            GateVerdict::GoWithConditions => ("conditions", "decision.conditions", "decision.conditions.means"),
            GateVerdict::NoGo => ("no-go", "decision.no-go", "decision.no-go.means"),
            GateVerdict::NotEnoughEvidence => ("unsure", "decision.unsure", "decision.unsure.means"),
        };
        let (actions, more_actions) = actions(reader);
        Self {
            class,
            word: reader.words.plain(word).to_owned(),
            means: reader.words.plain(means).to_owned(),
            because: because(reader),
            grade: grade(reader),
            actions,
            more_actions,
            unseen: unseen(reader),
            bar: bar(reader),
            counts: counts(reader),
        }
    }
}

/// The reasons for the verdict, the many of one kind told as one.
fn because(reader: &Reader<'_>) -> Vec<Line> {
    let words = reader.words;
    let mut lines = Vec::new();
    let mut unsettled: BTreeMap<&CheckId, Vec<&HostId>> = BTreeMap::new();
    let mut stopping = Vec::new();
    let mut sight = Vec::new();
    for because in &reader.review.decision.because {
        match because {
            Because::GateFinding { finding } => stopping.extend(reader.finding(finding)),
            Because::GateNotSettled { check, host } => unsettled.entry(check).or_default().push(host),
            Because::GateOutOfSight { check } => {
                let title = reader.title(check).text;
                let text = words.say("decision.because.sight", &[("title", &title)]);
                sight.push(line(text, Some("untested".into())));
            }
            Because::NothingSettled => {
                let text = words.plain("decision.because.nothing").to_owned();
                lines.push(line(text, Some("untested".into())));
            }
            Because::Coverage { settled, wanted } => {
                let (settled, wanted) = (settled.to_string(), wanted.to_string());
                let text = words.say("decision.because.coverage", &[("settled", &settled), ("wanted", &wanted)]);
                lines.push(line(text, Some("untested".into())));
            }
            Because::Incomplete => {
                lines.push(line(words.plain("decision.because.incomplete").to_owned(), None));
            }
            Because::OpenFindings { count } => {
                let text = words.count("decision.because.open", *count, &[]);
                lines.push(line(text, Some("findings".into())));
            }
        }
    }
    let gates = unsettled.into_iter().map(|(check, hosts)| {
        let hosts = reader.hosts(hosts.into_iter().filter_map(|host| reader.host_at(host)).collect());
        let title = reader.title(check).text;
        line(words.say("decision.because.gate", &[("hosts", &hosts), ("title", &title)]), Some("untested".into()))
    });
    let mut out = few(reader, stopping.into_iter().map(|finding| told(reader, finding)).collect());
    out.extend(few(reader, gates.collect()));
    out.extend(few(reader, sight));
    out.extend(lines);
    out
}

fn few(reader: &Reader<'_>, mut lines: Vec<Line>) -> Vec<Line> {
    let more = lines.len().saturating_sub(SOME);
    if more > 1 {
        lines.truncate(SOME);
        let text = reader.words.say("decision.because.more", &[("n", &number(more as u64))]);
        lines.push(line(text, None));
    }
    lines
}

/// A finding in one sentence.
fn told(reader: &Reader<'_>, finding: &Finding) -> Line {
    let message = reader.message(finding);
    let place = finding.places.first().map_or_else(String::new, |place| place.subject.place());
    let fills = [("number", finding.number.as_str()), ("place", &reader.bounded(&place)), ("message", &message.text)];
    let text = reader.words.say(sentence(finding, &message.text), &fills);
    Line { text: Text { text, lang: None }, href: reader.anchor(&finding.fingerprint) }
}

/// The sentence for a finding: a message that begins with its place is not given the place once more.
fn sentence(finding: &Finding, message: &str) -> &'static str {
    let placed = finding.places.first().is_none_or(|place| place.subject.begins(message));
    if placed { "decision.because.finding.placed" } else { "decision.because.finding" }
}

fn grade(reader: &Reader<'_>) -> Grade {
    let words = reader.words;
    let grade = &reader.review.grade;
    let letter = format!("{:?}{}", grade.letter, if grade.accepted_risk { "*" } else { "" });
    let label = if grade.accepted_risk { "grade.label.accepted" } else { "grade.label" };
    let of_finding = |key: &str, fingerprint: &str| {
        let finding = reader.finding(fingerprint);
        let number = finding.map_or("", |finding| finding.number.as_str());
        let message = finding.map_or_else(Text::default, |finding| reader.message(finding)).text;
        let fills = [("letter", letter.as_str()), ("number", number), ("message", &message)];
        line(words.say(key, &fills), reader.anchor(fingerprint))
    };
    let of_share = |key: &str, percent: u8| {
        line(words.say(key, &[("letter", &letter), ("percent", &percent.to_string())]), Some("untested".into()))
    };
    let because = match &grade.because {
        None => line(words.plain("grade.top").to_owned(), None),
        Some(Cap::Finding { finding }) => of_finding("grade.because", finding),
        Some(Cap::Overdue { finding }) => of_finding("grade.because.overdue", finding),
        Some(Cap::ManyMedium { count }) => {
            let fills = [("letter", letter.as_str()), ("n", &number(*count))];
            line(words.say("grade.because.medium", &fills), Some("findings".into()))
        }
        Some(Cap::Inconclusive { percent }) => of_share("grade.because.inconclusive", *percent),
        Some(Cap::Unsettled { percent }) => of_share("grade.because.unsettled", *percent),
    };
    let without = grade.without.map(|other| words.say("grade.without", &[("letter", &format!("{other:?}"))]));
    Grade {
        label: words.say(label, &[("letter", &format!("{:?}", grade.letter))]),
        letter: format!("{:?}", grade.letter),
        accepted: grade.accepted_risk,
        because,
        more: (grade.more > 0).then(|| words.count("grade.more", grade.more, &[])),
        without,
    }
}

/// The most urgent weaknesses, each told once however many hosts it shows on.
fn actions(reader: &Reader<'_>) -> (Vec<Action>, Option<Line>) {
    let open = groups(reader).into_iter().map(|group| group.into_iter().filter(|finding| is_open(finding)).collect());
    let open: Vec<Vec<&Finding>> = open.filter(|group: &Vec<_>| !group.is_empty()).collect();
    let more = open.len().saturating_sub(FEW) as u64;
    let text = (more > 0).then(|| reader.words.count("decision.actions.more", more, &[]));
    let actions = open.iter().take(FEW).filter_map(|group| action(reader, group)).collect();
    (actions, text.map(|text| line(text, Some("findings".into()))))
}

fn action(reader: &Reader<'_>, group: &[&Finding]) -> Option<Action> {
    let first = group.first()?;
    let fix = first.fix.iter().find(|fix| fix.product.is_none()).or_else(|| first.fix.first());
    let place = match group {
        [one] => one.places.first().map_or_else(String::new, |place| reader.bounded(&place.subject.place())),
        many => {
            let hosts = many.iter().copied().filter_map(host_of).filter_map(|host| reader.host_at(host));
            reader.hosts(hosts.collect())
        }
    };
    let mut seen = BTreeSet::new();
    let owners = group.iter().copied().filter_map(host_of).map(|host| reader.owner(host));
    let due = group.iter().map(|finding| finding.due).min()?;
    Some(Action {
        severity: first.severity.word(),
        severity_word: reader.severity(first.severity).to_owned(),
        message: reader.message(first),
        what: fix.map_or_else(|| reader.said(&first.title), |fix| reader.said(&fix.text)),
        place,
        owner: owners.filter(|owner| seen.insert(owner.text.clone())).collect(),
        due: reader.day(due),
        overdue: Calendar::HONG_KONG.is_past(due, reader.review.made),
        href: reader.anchor(&first.fingerprint)?,
    })
}

fn unseen(reader: &Reader<'_>) -> Vec<Line> {
    let words = reader.words;
    let coverage = &reader.review.coverage;
    let mut lines = Vec::new();
    if !reader.review.scan.complete {
        let reason = reader.bounded(&words.reasons(&reader.review.scan.incomplete_because));
        let reason = if reason.is_empty() { "–" } else { &reason };
        lines.push(line(words.say("decision.unseen.incomplete", &[("reason", reason)]), None));
    }
    let hidden = reader.review.decision.out_of_sight.len() as u64;
    if hidden > 0 {
        lines.push(line(words.count("decision.unseen.sight", hidden, &[]), Some("untested".into())));
    }
    if coverage.pass + coverage.fail + coverage.inconclusive + coverage.not_tested == 0 {
        lines.push(line(words.plain("decision.because.nothing").to_owned(), None));
    }
    if coverage.inconclusive + coverage.not_tested > 0 {
        let percent = coverage.settled_percent.to_string();
        lines.push(line(words.say("decision.unseen.settled", &[("settled", &percent)]), None));
    }
    if coverage.inconclusive > 0 {
        lines.push(line(words.count("decision.unseen.inconclusive", coverage.inconclusive, &[]), None));
    }
    if coverage.not_tested > 0 {
        lines.push(line(words.count("decision.unseen.not-tested", coverage.not_tested, &[]), None));
    }
    let refused = reader.review.refused.len() as u64;
    if refused > 0 {
        lines.push(line(words.count("decision.unseen.refused", refused, &[]), Some("refused".into())));
    }
    lines
}

fn bar(reader: &Reader<'_>) -> Bar {
    let coverage = &reader.review.coverage;
    let kinds = [
        ("pass", "outcome.pass", coverage.pass),
        ("fail", "outcome.fail", coverage.fail),
        ("inconclusive", "outcome.inconclusive", coverage.inconclusive),
        ("untested", "outcome.not-tested", coverage.not_tested),
    ];
    let all: u64 = kinds.iter().map(|(_, _, n)| n).sum();
    let mut x = 0;
    let mut parts = Vec::new();
    for (class, word, n) in kinds.into_iter().filter(|(_, _, n)| *n > 0) {
        // What is there at all stays visible, however small its share.
        let width = (n * 1_000 / all.max(1)).max(8);
        parts.push(Part { class, word: reader.words.plain(word).to_owned(), n: number(n), x, width });
        x += width;
    }
    let [pass, fail, inconclusive, untested] = kinds.map(|(_, _, n)| number(n));
    let fills = [("pass", pass.as_str()), ("fail", &fail), ("inconclusive", &inconclusive), ("untested", &untested)];
    Bar { label: reader.words.say("decision.bar", &fills), parts }
}

fn counts(reader: &Reader<'_>) -> Vec<Count> {
    let open = |severity| {
        let those = reader.review.findings.iter().filter(|finding| is_open(finding));
        those.filter(|finding| finding.severity == severity).count() as u64
    };
    let count = |severity: Severity| Count {
        class: severity.word(),
        word: reader.severity(severity).to_owned(),
        n: open(severity),
    };
    Severity::GRAVEST_FIRST.into_iter().map(count).collect()
}

fn line(text: String, href: Option<String>) -> Line {
    Line { text: Text { text, lang: None }, href }
}
