//! Groups fails into findings: one for each check, host, service and name, with every place where it shows.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::evidence::Witnesses;
use super::make::{check_line, fix};
use super::{Finding, FindingState, Place, ReviewInput};
use crate::catalogue::{Door, Verdict};
use crate::facts::Entry;
use crate::judge::{About, Cell};
use crate::model::heard::shown;
use crate::model::moment::Moment;
use crate::model::net::HostId;
use crate::model::outcome::Outcome;
use crate::model::said::Said;
use crate::model::severity::{Gate, Severity};
use crate::model::subject::Subject;
use crate::model::value::Value;
use crate::profile::Chosen;

/// How many elements that broke an expectation are listed, and how long each may be, in characters.
const WITNESS: (usize, usize) = (20, 200);

/// Where a finding stands among the others: gravest first, then in the order of hosts, checks and services.
type Order = (Reverse<Severity>, usize, u16, Subject);

/// Finds the fails of a judgement.
pub(super) struct Finder<'a> {
    input: &'a ReviewInput<'a>,
    witnesses: Witnesses<'a>,
    began: Moment,
}

impl<'a> Finder<'a> {
    pub(super) fn new(input: &'a ReviewInput<'a>, began: Moment) -> Self {
        Self { input, witnesses: Witnesses { rows: input.rows }, began }
    }

    /// All findings, gravest first, numbered.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let hosts: BTreeMap<&HostId, usize> =
            self.input.inventory.hosts.iter().map(|host| &host.id).zip(0..).collect();
        let mut groups: BTreeMap<String, (Order, Finding)> = BTreeMap::new();
        let fails = self.input.judgement.cells.iter().filter(|cell| cell.outcome == Outcome::Fail);
        for cell in fails {
            let Some(chosen) = self.input.profile.chosen.get(usize::from(cell.check)) else {
                continue;
            };
            for place in self.places(cell, chosen) {
                let fingerprint = place.subject.fingerprint(&chosen.check.id);
                let (_, finding) = groups.entry(fingerprint).or_insert_with_key(|fingerprint| {
                    let finding = self.finding(chosen, fingerprint);
                    let host = hosts.get(&place.subject.host).copied().unwrap_or(usize::MAX);
                    ((Reverse(finding.severity), host, cell.check, place.subject.clone()), finding)
                });
                finding.places.push(place);
            }
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        groups.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut findings: Vec<_> = groups.into_iter().map(|(_, finding)| finding).collect();
        for (finding, number) in findings.iter_mut().zip(1..) {
            finding.number = format!("F-{number:03}");
            finding.places.sort_by(|a, b| a.subject.cmp(&b.subject));
        }
        findings
    }

    fn finding(&self, chosen: &Chosen, fingerprint: &str) -> Finding {
        let line = check_line(chosen);
        Finding {
            fingerprint: fingerprint.to_owned(),
            number: String::new(),
            check: line.id,
            revision: line.revision,
            title: line.title,
            severity: line.severity,
            impact: chosen.impact,
            likelihood: chosen.likelihood,
            gate: chosen.gate == Gate::Stops,
            places: Vec::new(),
            why: line.why,
            fix: chosen.check.fix.iter().map(fix).collect(),
            refs: line.refs,
            first_seen: self.began,
            due: due(self.began, line.severity, self.input.profile.due_days),
            state: FindingState::New,
            waived_by: None,
        }
    }

    /// Where a fail shows: at its subject, or at each of the doors that broke the expectation of a host as a whole, so
    /// that one port's finding is not another's.
    fn places(&self, cell: &Cell, chosen: &Chosen) -> Vec<Place> {
        let Some(verdict) = self.input.judgement.detail(cell) else { return Vec::new() };
        let Some(subject) = subject(self.input, cell) else { return Vec::new() };
        let entry = match cell.about {
            About::Entry(at) => self.input.facts.entries.get(at as usize),
            About::Host(_) => None,
        };
        let lookup = |kind| entry.and_then(|entry| self.input.facts.record(entry, kind));
        let doors = match subject.service {
            None => chosen.check.doors(&chosen.params, &lookup),
            Some(_) => Vec::new(),
        };
        if doors.is_empty() {
            return vec![self.place(chosen, verdict, subject, entry)];
        }
        let at_door = |(door, element): (Door, Value)| {
            let verdict = Verdict { witness: vec![element], ..verdict.clone() };
            let service = Some((door.transport, door.port));
            let subject = Subject { address: door.address, service, ..subject.clone() };
            self.place(chosen, &verdict, subject, entry)
        };
        doors.into_iter().map(at_door).collect()
    }

    fn place(
        &self,
        chosen: &Chosen,
        verdict: &Verdict,
        subject: Subject,
        entry: Option<&Entry>,
    ) -> Place {
        let (most, chars) = WITNESS;
        let witness = verdict.witness.iter().take(most);
        Place {
            message: self.message(chosen, verdict, &subject, entry),
            witness: witness.map(|value| cut(&value.to_string(), chars)).collect(),
            evidence: entry.map_or_else(Vec::new, |entry| self.witnesses.of(entry, &subject)),
            subject,
        }
    }

    /// The check's sentence, in every language in which it has a title.
    fn message(
        &self,
        chosen: &Chosen,
        verdict: &Verdict,
        subject: &Subject,
        entry: Option<&Entry>,
    ) -> Said {
        let Chosen { check, params, .. } = chosen;
        let lookup = |kind| entry.and_then(|entry| self.input.facts.record(entry, kind));
        let languages: BTreeSet<&str> =
            check.title.0.keys().map(String::as_str).chain(["en"]).collect();
        let in_language = |lang: &str| {
            let text = check.message(verdict, subject, params, &lookup, lang);
            (lang.to_owned(), shown(&text))
        };
        Said(languages.into_iter().map(in_language).collect())
    }
}

/// What a cell is about; a host as a whole where no subject was seen.
pub(super) fn subject(input: &ReviewInput<'_>, cell: &Cell) -> Option<Subject> {
    match cell.about {
        About::Entry(at) => input.facts.entries.get(at as usize).map(|entry| entry.subject.clone()),
        About::Host(at) => input.judgement.hosts.get(at as usize).map(|host| Subject {
            host: host.clone(),
            address: None,
            service: None,
            name: None,
            vantage: input.opened.vantage.clone(),
        }),
    }
}

/// When a finding of that level, first seen then, is due.
pub(super) fn due(first_seen: Moment, severity: Severity, days: [u32; 4]) -> Moment {
    let levels = Severity::GRAVEST_FIRST.into_iter().zip(days);
    let days = levels.filter(|(level, _)| *level == severity).map(|(_, days)| days).next();
    first_seen.plus_days(i64::from(days.unwrap_or(0)))
}

/// At most that many characters, with an ellipsis where something was left out.
pub(super) fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
