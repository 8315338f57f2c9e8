//! Declared against observed, host by host: those where the two differ first, the others folded away.

use serde::Serialize;

use super::reader::{Line, Reader, Text};
use crate::review::{ExposureCell, ExposureRow};

#[derive(Debug, Serialize)]
pub(super) struct Exposure {
    counts: Vec<Count>,
    differing: Vec<Host>,
    agreeing: Vec<Host>,
    agreeing_words: String,
}

#[derive(Debug, Serialize)]
struct Count {
    class: &'static str,
    word: String,
    n: usize,
}

#[derive(Debug, Serialize)]
struct Host {
    id: String,
    names: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    port: String,
    service: String,
    zones: Option<String>,
    need: Option<Text>,
    approved: Option<String>,
    seen: Vec<Seen>,
    class: &'static str,
    word: String,
    findings: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Seen {
    what: Text,
    addresses: Vec<String>,
}

/// Every comparison, what asks for something first: its class and its words.
const CELLS: [(ExposureCell, &str, &str); 6] = [
    (ExposureCell::Undeclared, "undeclared", "exposure.cell.undeclared"),
    (ExposureCell::DeclaredButClosed, "closed", "exposure.cell.closed"),
    (ExposureCell::DeclaredButFiltered, "filtered", "exposure.cell.filtered"),
    (ExposureCell::NotSettled, "unsettled", "exposure.cell.unsettled"),
    (ExposureCell::AsDeclared, "declared", "exposure.cell.as-declared"),
    (ExposureCell::ShutAsDeclared, "shut", "exposure.cell.shut"),
];

impl Exposure {
    pub(super) fn new(reader: &Reader<'_>) -> Self {
        let rows = &reader.review.exposure;
        let counts = CELLS.iter().map(|(cell, class, word)| Count {
            class,
            word: reader.words.plain(word).to_owned(),
            n: rows.iter().filter(|row| row.cell == *cell).count(),
        });
        let mut by_host: Vec<Vec<&ExposureRow>> = vec![Vec::new(); reader.review.hosts.len()];
        for row in rows {
            if let Some(host) = reader.host_at(&row.host).and_then(|at| by_host.get_mut(at)) {
                host.push(row);
            }
        }
        let some = by_host.iter().filter(|rows| !rows.is_empty());
        let (differing, agreeing): (Vec<_>, Vec<_>) = some.partition(|rows| rows.iter().any(|row| differs(row)));
        Self {
            counts: counts.filter(|count| count.n > 0).collect(),
            agreeing_words: reader.words.count("exposure.agreeing", agreeing.len() as u64, &[]),
            differing: differing.into_iter().filter_map(|rows| host(reader, rows)).collect(),
            agreeing: agreeing.into_iter().filter_map(|rows| host(reader, rows)).collect(),
        }
    }
}

fn differs(row: &ExposureRow) -> bool {
    !matches!(row.cell, ExposureCell::AsDeclared | ExposureCell::ShutAsDeclared)
}

fn host(reader: &Reader<'_>, rows: &[&ExposureRow]) -> Option<Host> {
    let line = reader.host(&rows.first()?.host)?;
    Some(Host {
        id: reader.bounded(&line.id.0),
        names: line.names.iter().map(|name| reader.bounded(name)).collect(),
        rows: rows.iter().map(|row| one(reader, row)).collect(),
    })
}

fn one(reader: &Reader<'_>, row: &ExposureRow) -> Row {
    let words = reader.words;
    let (class, word) = CELLS
        .iter()
        .find(|(cell, _, _)| *cell == row.cell)
        .map_or(("unsettled", "exposure.cell.unsettled"), |(_, class, word)| (*class, *word));
    let is_wider = row.cell == ExposureCell::Undeclared && !row.declared_from.is_empty();
    let word = if is_wider { "exposure.cell.wider" } else { word };
    let see = |fingerprint: &String| {
        let finding = reader.finding(fingerprint)?;
        let text = words.say("exposure.see", &[("number", &finding.number)]);
        Some(Line { text: Text { text, lang: None }, href: reader.anchor(fingerprint) })
    };
    Row {
        port: reader.bounded(&row.port),
        service: reader.bounded(&row.service),
        zones: (!row.declared_from.is_empty()).then(|| {
            let zones = words.list(row.declared_from.iter().map(|zone| match zone.as_str() {
                "internet" => words.plain("exposure.internet").to_owned(),
                other => reader.bounded(other),
            }));
            words.say("exposure.for", &[("zones", &zones)])
        }),
        need: row.need.as_ref().map(|need| reader.said(need)),
        approved: row.approved_by.as_ref().map(|name| words.say("exposure.approved", &[("name", &reader.bounded(name))])),
        seen: seen(reader, row),
        class,
        word: words.plain(word).to_owned(),
        findings: row.findings.iter().filter_map(see).collect(),
    }
}

/// What was seen, each answer once with all the addresses that gave it.
fn seen(reader: &Reader<'_>, row: &ExposureRow) -> Vec<Seen> {
    let mut out: Vec<(&str, Seen)> = Vec::new();
    for (address, answer) in &row.observed {
        match out.iter_mut().find(|(known, _)| known == answer) {
            Some((_, seen)) => seen.addresses.push(address.to_string()),
            None => out.push((answer, Seen { what: worded(reader, answer), addresses: vec![address.to_string()] })),
        }
    }
    out.into_iter().map(|(_, seen)| seen).collect()
}

/// The usual answers in the report's language; anything else as it was written.
fn worded(reader: &Reader<'_>, answer: &str) -> Text {
    let key = match answer {
        "open" => "seen.open",
        "closed" => "seen.closed",
        "filtered" => "seen.filtered",
        "inconclusive" => "seen.inconclusive",
        "not asked" => "seen.not-asked",
        other => return reader.english(other),
    };
    Reader::bare(reader.words.plain(key))
}
