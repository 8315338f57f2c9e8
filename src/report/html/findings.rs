//! What is wrong: one card for each check that failed, gravest first, so that a weakness of many hosts is told once.

use std::collections::HashMap;

use serde::Serialize;

use super::reader::{Line, Reader, Text, When, host_of, is_open};
use crate::facts::kinds::SCALES;
use crate::model::moment::Calendar;
use crate::model::net::CheckId;
use crate::report::words::number;
use crate::review::{Evidence, Finding, FindingState, Fix, Place};

/// How much of one transcript is shown, in characters and lines; the book holds all of it.
const LONGEST_TRANSCRIPT: usize = 4_000;
const MOST_LINES: usize = 60;

#[derive(Debug, Serialize)]
pub(super) struct Card {
    anchor: String,
    check: String,
    revision: u32,
    severity: &'static str,
    severity_word: String,
    open: bool,
    gate: bool,
    title: Text,
    risk: String,
    spread: Option<String>,
    why: Vec<Text>,
    fixes: Vec<FixView>,
    refs: Vec<Line>,
    items: Vec<Item>,
}

#[derive(Debug, Serialize)]
struct FixView {
    product: Option<String>,
    text: Vec<Text>,
    code: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Item {
    anchor: String,
    number: String,
    place: String,
    state: &'static str,
    state_word: String,
    accepted: Option<String>,
    first_seen: String,
    age: Option<String>,
    due: When,
    overdue: bool,
    owner: Text,
    id: String,
    shows: Vec<Shows>,
}

#[derive(Debug, Serialize)]
struct Shows {
    at: Option<String>,
    message: Text,
    elements: Option<String>,
    evidence_words: String,
    evidence: Vec<EvidenceView>,
}

#[derive(Debug, Serialize)]
struct EvidenceView {
    seen: String,
    lines: Vec<TranscriptLine>,
    cut: Option<String>,
    again: Vec<String>,
}

#[derive(Debug, Serialize)]
struct TranscriptLine {
    class: &'static str,
    text: String,
}

/// Findings by check, in the order in which their gravest comes; what is wholly accepted stands last.
pub(super) fn groups<'a>(reader: &Reader<'a>) -> Vec<Vec<&'a Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut places: HashMap<&CheckId, usize> = HashMap::new();
    for finding in &reader.review.findings {
        let place = *places.entry(&finding.check).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            group.push(finding);
        }
    }
    groups.sort_by_key(|group| !group.iter().any(|finding| is_open(finding)));
    groups
}

/// The cards of all findings.
pub(super) fn cards(reader: &Reader<'_>) -> Vec<Card> {
    let groups = groups(reader);
    groups.iter().enumerate().filter_map(|(at, group)| card(reader, at, group)).collect()
}

fn card(reader: &Reader<'_>, at: usize, group: &[&Finding]) -> Option<Card> {
    let first = group.first()?;
    let risk = first.impact.weight() * first.likelihood.weight();
    let [impact, likelihood] = [first.impact, first.likelihood].map(|side| side.weight().to_string());
    let mut hosts: Vec<_> = group.iter().copied().filter_map(host_of).collect();
    hosts.sort();
    hosts.dedup();
    Some(Card {
        anchor: format!("c{}", at + 1),
        check: reader.bounded(&first.check.0),
        revision: first.revision,
        severity: first.severity.word(),
        severity_word: reader.severity(first.severity).to_owned(),
        open: group.iter().any(|finding| is_open(finding)),
        gate: first.gate,
        title: reader.said(&first.title),
        risk: reader.words.say(
            "findings.risk",
            &[("impact", &impact), ("likelihood", &likelihood), ("risk", &risk.to_string())],
        ),
        spread: (hosts.len() > 1).then(|| reader.words.count("findings.places", hosts.len() as u64, &[])),
        why: reader.paragraphs(&first.why),
        fixes: first.fix.iter().map(|fix| fix_view(reader, fix)).collect(),
        refs: first.refs.iter().map(|source| reference(reader, source)).collect(),
        items: group.iter().filter_map(|finding| item(reader, finding)).collect(),
    })
}

fn fix_view(reader: &Reader<'_>, fix: &Fix) -> FixView {
    FixView {
        product: fix.product.as_ref().map(|product| reader.bounded(product)),
        text: reader.paragraphs(&fix.text),
        code: fix.code.iter().flat_map(|code| code.trim_end().lines()).map(|line| reader.bounded(line)).collect(),
    }
}

/// A source: a link only where it is a plain https address.
fn reference(reader: &Reader<'_>, source: &str) -> Line {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&()*+,;=%".contains(c);
    let is_link = source.len() < 500
        && source.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && rest.chars().all(plain));
    Line { text: Reader::bare(reader.bounded(source)), href: is_link.then(|| source.to_owned()) }
}

fn item(reader: &Reader<'_>, finding: &Finding) -> Option<Item> {
    let words = reader.words;
    let (state, state_word) = match finding.state {
        FindingState::New => ("new", "state.new"),
        FindingState::StillOpen => ("still-open", "state.still-open"),
        FindingState::WaiverEnded => ("waiver-ended", "state.waiver-ended"),
        FindingState::CameBack => ("came-back", "state.came-back"),
    };
    let made = reader.review.made;
    let days = u64::try_from(finding.first_seen.days_until(made)).unwrap_or(0);
    let revision = finding.revision.to_string();
    let waiver = finding.waived_by.as_ref().map(|id| reader.review.waivers.iter().find(|waiver| waiver.id == *id));
    let accepted = waiver.map(|waiver| {
        let until = waiver.map_or_else(|| "–".to_owned(), |waiver| words.date(waiver.expires));
        words.say("state.accepted", &[("date", &until)])
    });
    Some(Item {
        anchor: reader.anchor(&finding.fingerprint)?,
        number: reader.bounded(&finding.number),
        place: finding.places.first().map_or_else(String::new, |place| reader.bounded(&place.subject.place())),
        state,
        state_word: words.plain(state_word).to_owned(),
        first_seen: words.say("findings.first-seen", &[("date", &words.date(finding.first_seen))]),
        age: (days > 0).then(|| words.count("findings.age", days, &[])),
        due: reader.day(finding.due),
        overdue: accepted.is_none() && Calendar::HONG_KONG.is_past(finding.due, made),
        accepted,
        owner: host_of(finding).map_or_else(Text::default, |host| reader.owner(host)),
        id: words.say(
            "findings.id",
            &[
                ("fingerprint", &reader.bounded(&finding.fingerprint)),
                ("check", &reader.bounded(&finding.check.0)),
                ("revision", &revision),
            ],
        ),
        shows: finding.places.iter().map(|place| shows(reader, place)).collect(),
    })
}

fn shows(reader: &Reader<'_>, place: &Place) -> Shows {
    let words = reader.words;
    let message = reader.said(&place.message);
    let telling = place.witness.iter().filter(|element| tells_more(element, &message.text));
    let elements = words.list(telling.take(MOST_LINES).map(|element| reader.bounded(element)));
    Shows {
        at: place.subject.address.map(|address| words.say("findings.at", &[("address", &address.to_string())])),
        message,
        elements: (!elements.is_empty()).then(|| words.say("findings.elements", &[("elements", &reader.bounded(&elements))])),
        evidence_words: words.count("findings.evidence", place.evidence.len() as u64, &[]),
        evidence: place.evidence.iter().map(|evidence| view(reader, evidence, &place.subject.vantage)).collect(),
    }
}

/// Whether a value says something that its message has not said: a bare yes, no or level names nothing by itself.
fn tells_more(element: &str, message: &str) -> bool {
    let level = || SCALES.iter().any(|scale| scale.rank(element).is_some());
    !matches!(element, "true" | "false") && !level() && !message.contains(element)
}

fn view(reader: &Reader<'_>, evidence: &Evidence, vantage: &str) -> EvidenceView {
    let words = reader.words;
    let mut left = LONGEST_TRANSCRIPT;
    let mut lines = Vec::new();
    let mut cut = 0u64;
    for line in &evidence.lines {
        let length = line.chars().count();
        let kept = if lines.len() < MOST_LINES { length.min(left) } else { 0 };
        left -= kept;
        cut += (length - kept) as u64;
        if kept > 0 || length == 0 {
            lines.push(transcript_line(line.chars().take(kept).collect()));
        }
    }
    let fills = [
        ("when", words.time(evidence.at)),
        ("vantage", reader.bounded(vantage)),
        ("probe", reader.bounded(&evidence.probe)),
        ("row", number(evidence.row)),
    ];
    let fills = fills.each_ref().map(|(name, value)| (*name, value.as_str()));
    EvidenceView {
        seen: words.say("findings.evidence.seen", &fills),
        lines,
        cut: (cut > 0).then(|| words.say("findings.evidence.cut", &[("n", &number(cut))])),
        again: evidence.again.iter().flat_map(|again| again.lines()).map(|line| reader.bounded(line)).collect(),
    }
}

fn transcript_line(text: String) -> TranscriptLine {
    let class = match text.get(..2) {
        Some("> ") => "said",
        Some("< ") => "heard",
        _ => "note",
    };
    TranscriptLine { class, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_and_what_the_message_says_are_not_repeated() {
        let message = "web1 443/tcp still accepts TLSv1.0.";
        for element in ["open", "true", "false", "TLSv1.1", "443/tcp"] {
            assert!(!tells_more(element, message), "{element}");
        }
        assert!(tells_more("booking.example", message));
    }
}
