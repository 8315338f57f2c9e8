//! What passed, what was not settled and what does not apply: by check, with the hosts told as ranges.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::reader::{Reader, Text};
use crate::model::net::CheckId;
use crate::model::outcome::Outcome;
use crate::model::reason::Reason;

#[derive(Debug, Serialize)]
pub(super) struct Results {
    passed: Vec<Area>,
    unsettled: Vec<Row>,
    not_applicable: Vec<Row>,
    not_applicable_words: String,
}

#[derive(Debug, Serialize)]
struct Area {
    name: String,
    words: String,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    title: Text,
    check: String,
    class: &'static str,
    outcome: String,
    reasons: Vec<Text>,
    hosts: String,
}

/// The hosts of one check that came to the same outcome for the same reasons.
type Alike = BTreeMap<(usize, Outcome, Vec<Reason>), Vec<usize>>;

impl Results {
    pub(super) fn new(reader: &Reader<'_>) -> Self {
        let alike = alike(reader);
        let rows = |wanted: &[Outcome]| -> Vec<(&CheckId, Row)> {
            let those = alike.iter().filter(|((_, outcome, _), _)| wanted.contains(outcome));
            those.filter_map(|(key, hosts)| row(reader, key, hosts)).collect()
        };
        let bare = |rows: Vec<(&CheckId, Row)>| rows.into_iter().map(|(_, row)| row).collect();
        let not_applicable = rows(&[Outcome::NotApplicable]);
        let mut checks: Vec<_> = not_applicable.iter().map(|(check, _)| *check).collect();
        checks.dedup();
        Self {
            passed: by_area(reader, rows(&[Outcome::Pass])),
            unsettled: bare(rows(&[Outcome::Inconclusive, Outcome::NotTested])),
            not_applicable_words: reader.words.count("untested.na", checks.len() as u64, &[]),
            not_applicable: bare(not_applicable),
        }
    }
}

fn alike(reader: &Reader<'_>) -> Alike {
    let word = reader.words.plain("untested.this-host");
    let checks: HashMap<_, _> = reader.review.checks.iter().enumerate().map(|(at, check)| (&check.id, at)).collect();
    let mut alike = Alike::new();
    for test in &reader.review.tests {
        let Some((check, host)) = checks.get(&test.check).copied().zip(reader.host_at(&test.host)) else { continue };
        let unsettled = [Outcome::Inconclusive, Outcome::NotTested];
        let both = unsettled.into_iter().filter(|outcome| *outcome != test.worst && test.outcomes.contains_key(outcome));
        for outcome in both.chain([test.worst]) {
            let reasons = test.reasons.get(&outcome).into_iter().flatten();
            let reasons = reasons.map(|reason| reason.told_of(&test.host.0, word)).collect();
            alike.entry((check, outcome, reasons)).or_default().push(host);
        }
    }
    alike
}

fn row<'a>(
    reader: &Reader<'a>,
    (check, outcome, reasons): &(usize, Outcome, Vec<Reason>),
    hosts: &[usize],
) -> Option<(&'a CheckId, Row)> {
    let check = reader.review.checks.get(*check)?;
    let (class, word) = match outcome {
        Outcome::Pass => ("pass", "outcome.pass"),
        Outcome::Fail => ("fail", "outcome.fail"),
        Outcome::Inconclusive => ("inconclusive", "outcome.inconclusive"),
        Outcome::NotApplicable => ("none", "outcome.not-applicable"),
        Outcome::NotTested => ("untested", "outcome.not-tested"),
    };
    let row = Row {
        title: reader.said(&check.title),
        check: reader.bounded(&check.id.0),
        class,
        outcome: reader.words.plain(word).to_owned(),
        reasons: reasons.iter().map(|reason| reader.reason(reason)).collect(),
        hosts: reader.hosts(hosts.to_vec()),
    };
    Some((&check.id, row))
}

fn by_area(reader: &Reader<'_>, rows: Vec<(&CheckId, Row)>) -> Vec<Area> {
    let mut areas: Vec<(&str, Vec<Row>)> = Vec::new();
    for (check, row) in rows {
        match areas.iter_mut().find(|(area, _)| *area == check.area()) {
            Some((_, rows)) => rows.push(row),
            None => areas.push((check.area(), vec![row])),
        }
    }
    let area = |(area, rows): (&str, Vec<Row>)| {
        let name = reader.area(area);
        let words = reader.words.count("passed.summary", rows.len() as u64, &[("area", &name)]);
        Area { name, words, rows }
    };
    areas.into_iter().map(area).collect()
}
