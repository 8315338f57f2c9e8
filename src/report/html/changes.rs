//! What is different from the last review, and what became of accepted risks.

use serde::Serialize;

use super::reader::{Line, Reader, Text, When};
use crate::inventory::waivers::Treatment;
use crate::report::words::number;
use crate::review::{GoneLine, WaiverLine, WaiverState};

#[derive(Debug, Serialize)]
pub(super) struct ChangesView {
    against: String,
    differs: Vec<String>,
    then_letter: String,
    now_letter: String,
    then_burden: String,
    now_burden: String,
    lists: Vec<List>,
}

#[derive(Debug, Serialize)]
struct List {
    class: &'static str,
    words: String,
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    severity: &'static str,
    severity_word: String,
    place: String,
    line: Line,
    /// What became of it, where it is not here any more.
    became: Option<String>,
}

/// The comparison with the last review, when there was one.
pub(super) fn changes(reader: &Reader<'_>) -> Option<ChangesView> {
    let changes = reader.review.changes.as_ref()?;
    let words = reader.words;
    let here = |fingerprints: &[String]| fingerprints.iter().filter_map(|it| still_here(reader, it)).collect();
    let gone = |lines: &[GoneLine]| lines.iter().map(|line| no_longer(reader, line)).collect();
    let list = |class, key: &str, entries: Vec<Entry>| List {
        class,
        words: words.count(key, entries.len() as u64, &[]),
        entries,
    };
    Some(ChangesView {
        against: words.say("changes.against", &[("date", &words.date(changes.last_made))]),
        differs: changes.differs.iter().map(|one| reader.bounded(&words.differs(one))).collect(),
        then_letter: format!("{:?}", changes.last_letter),
        now_letter: format!("{:?}", reader.review.grade.letter),
        then_burden: number(changes.last_burden),
        now_burden: number(reader.review.burden),
        lists: vec![
            list("new", "changes.new", here(&changes.new)),
            list("back", "changes.back", here(&changes.came_back)),
            list("fixed", "changes.fixed", gone(&changes.fixed)),
            list("still", "changes.still", here(&changes.still_open)),
            list("gone", "changes.gone", gone(&changes.not_seen_again)),
        ],
    })
}

fn still_here(reader: &Reader<'_>, fingerprint: &str) -> Option<Entry> {
    let finding = reader.finding(fingerprint)?;
    let place = finding.places.first().map_or_else(String::new, |place| place.subject.place());
    Some(Entry {
        severity: finding.severity.word(),
        severity_word: reader.severity(finding.severity).to_owned(),
        place: reader.bounded(&place),
        line: Line { text: reader.message(finding), href: reader.anchor(fingerprint) },
        became: None,
    })
}

fn no_longer(reader: &Reader<'_>, line: &GoneLine) -> Entry {
    Entry {
        severity: line.severity.word(),
        severity_word: reader.severity(line.severity).to_owned(),
        place: reader.bounded(&line.place),
        line: Line { text: reader.said(&line.title), href: None },
        became: Some(reader.bounded(&reader.words.became(line))),
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Waiver {
    id: String,
    title: Text,
    host: String,
    treatment: String,
    reason: Text,
    compensating: Option<Text>,
    owner: String,
    approved: String,
    until: When,
    state: &'static str,
    state_word: String,
    covers: Vec<Line>,
}

/// Accepted risks, those that still count first.
pub(super) fn waivers(reader: &Reader<'_>) -> Vec<Waiver> {
    reader.review.waivers.iter().map(|line| waiver(reader, line)).collect()
}

fn waiver(reader: &Reader<'_>, line: &WaiverLine) -> Waiver {
    let (state, word) = match line.state {
        WaiverState::NotYet => ("not-yet", "waivers.not-yet"),
        WaiverState::InForce => ("in-force", "waivers.in-force"),
        WaiverState::EndsSoon => ("ends-soon", "waivers.ends-soon"),
        WaiverState::Ended => ("ended", "waivers.ended"),
        WaiverState::Unused => ("unused", "waivers.unused"),
    };
    let treatment = match line.treatment {
        Treatment::Accept => "waivers.accept",
        Treatment::Reduce => "waivers.reduce",
        Treatment::Avoid => "waivers.avoid",
        Treatment::Transfer => "waivers.transfer",
    };
    let covered = |fingerprint: &String| {
        let finding = reader.finding(fingerprint)?;
        let text = Reader::bare(reader.bounded(&finding.number));
        Some(Line { text, href: reader.anchor(fingerprint) })
    };
    Waiver {
        id: reader.bounded(&line.id),
        title: reader.title(&line.check),
        host: reader.bounded(&line.host.0),
        treatment: reader.words.plain(treatment).to_owned(),
        reason: reader.said(&line.reason),
        compensating: line.compensating.as_ref().map(|lessens| reader.said(lessens)),
        owner: reader.bounded(&line.owner),
        approved: reader.words.say("waivers.approved", &[("name", &reader.bounded(&line.approved_by))]),
        until: reader.day(line.expires),
        state,
        state_word: reader.words.plain(word).to_owned(),
        covers: line.findings.iter().filter_map(covered).collect(),
    }
}
