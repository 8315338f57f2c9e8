//! Where it stands, host by area: a word, a shape and a colour for each; hosts without a care folded away.

use serde::Serialize;

use super::reader::{Reader, host_of, is_open};
use crate::model::outcome::Outcome;
use crate::model::severity::Severity;
use crate::report::words::number;

#[derive(Debug, Serialize)]
pub(super) struct Heat {
    areas: Vec<String>,
    rows: Vec<Row>,
    clear: Vec<Row>,
    clear_words: String,
}

#[derive(Debug, Serialize)]
struct Row {
    host: String,
    cells: Vec<Cell>,
}

#[derive(Debug, Serialize)]
struct Cell {
    class: &'static str,
    word: String,
    href: Option<String>,
}

/// What is known of one host in one area.
#[derive(Clone, Copy, Default)]
struct Tally<'a> {
    worst: Option<(Severity, &'a str)>,
    open: u64,
    accepted: u64,
    failed: u64,
    unsettled: u64,
    passed: u64,
}

impl Tally<'_> {
    fn is_clear(&self) -> bool {
        self.open + self.accepted + self.failed + self.unsettled == 0
    }
}

impl Heat {
    pub(super) fn new(reader: &Reader<'_>) -> Self {
        let mut areas: Vec<&str> = Vec::new();
        for check in &reader.review.checks {
            if !areas.contains(&check.id.area()) {
                areas.push(check.id.area());
            }
        }
        let tallies = tallies(reader, &areas);
        let rows = reader.review.hosts.iter().zip(&tallies);
        let (clear, rows): (Vec<_>, Vec<_>) = rows.partition(|(_, row)| row.iter().all(Tally::is_clear));
        let row = |(host, row): (&crate::review::HostLine, &Vec<Tally<'_>>)| Row {
            host: reader.bounded(&host.id.0),
            cells: row.iter().map(|tally| cell(reader, tally)).collect(),
        };
        Self {
            clear_words: reader.words.count("heat.clear", clear.len() as u64, &[]),
            areas: areas.iter().map(|area| reader.area(area)).collect(),
            rows: rows.into_iter().map(row).collect(),
            clear: clear.into_iter().map(row).collect(),
        }
    }
}

fn tallies<'a>(reader: &Reader<'a>, areas: &[&str]) -> Vec<Vec<Tally<'a>>> {
    let mut tallies = vec![vec![Tally::default(); areas.len()]; reader.review.hosts.len()];
    let area_at = |area: &str| areas.iter().position(|known| *known == area);
    for test in &reader.review.tests {
        let place = reader.host_at(&test.host).zip(area_at(test.check.area()));
        let Some(tally) = place.and_then(|(host, area)| tallies.get_mut(host)?.get_mut(area)) else { continue };
        for (outcome, count) in &test.outcomes {
            let count = u64::from(*count);
            match outcome {
                Outcome::Pass => tally.passed += count,
                Outcome::Fail => tally.failed += count,
                Outcome::Inconclusive | Outcome::NotTested => tally.unsettled += count,
                Outcome::NotApplicable => {}
            }
        }
    }
    for finding in &reader.review.findings {
        let host = host_of(finding).and_then(|host| reader.host_at(host));
        let place = host.zip(area_at(finding.check.area()));
        let Some(tally) = place.and_then(|(host, area)| tallies.get_mut(host)?.get_mut(area)) else { continue };
        if !is_open(finding) {
            tally.accepted += 1;
            continue;
        }
        tally.open += 1;
        if tally.worst.is_none_or(|(worst, _)| worst < finding.severity) {
            tally.worst = Some((finding.severity, &finding.fingerprint));
        }
    }
    tallies
}

fn cell(reader: &Reader<'_>, tally: &Tally<'_>) -> Cell {
    if let Some((severity, fingerprint)) = tally.worst {
        let n = number(tally.open);
        let fills = [("severity", reader.severity(severity)), ("n", n.as_str())];
        let key = if tally.open == 1 { "heat.finding" } else { "heat.findings" };
        let word = reader.words.say(key, if tally.open == 1 { &fills[..1] } else { &fills });
        return Cell { class: severity.word(), word, href: reader.anchor(fingerprint) };
    }
    let (class, key) = match tally {
        Tally { failed: 1.., accepted: 0, .. } => ("high", "heat.failed"),
        Tally { accepted: 1.., .. } => ("accepted", "heat.accepted"),
        Tally { unsettled: 1.., .. } => ("unsettled", "heat.unsettled"),
        Tally { passed: 1.., .. } => ("pass", "heat.passed"),
        _ => ("none", "heat.none"),
    };
    Cell { class, word: reader.words.plain(key).to_owned(), href: None }
}
