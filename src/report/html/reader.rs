//! A review as it is read out in one language: names for places, owners, dates, and texts bounded and attributed.

use std::collections::HashMap;

use serde::Serialize;

use crate::model::moment::Moment;
use crate::model::net::{CheckId, HostId};
use crate::model::reason::Reason;
use crate::model::said::Said;
use crate::model::severity::Severity;
use crate::report::words::{Words, number};
use crate::review::{CheckLine, Finding, HostLine, Review};

/// The most of one text that a peer may have chosen, in characters; the book holds all of it.
const LONGEST: usize = 1_000;

/// A text, and its language where that is not the report's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Text {
    pub text: String,
    pub lang: Option<String>,
}

/// A point in time: in words, and as machines read it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct When {
    pub words: String,
    pub iso: String,
}

/// A sentence, perhaps with a place to go on reading.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Line {
    pub text: Text,
    pub href: Option<String>,
}

/// A review in the hands of somebody who reads it out.
pub(super) struct Reader<'a> {
    pub review: &'a Review,
    pub words: &'a Words,
    hosts: HashMap<&'a HostId, usize>,
    findings: HashMap<&'a str, usize>,
    checks: HashMap<&'a CheckId, usize>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(review: &'a Review, words: &'a Words) -> Self {
        Self {
            review,
            words,
            hosts: review.hosts.iter().enumerate().map(|(at, host)| (&host.id, at)).collect(),
            findings: review.findings.iter().enumerate().map(|(at, f)| (f.fingerprint.as_str(), at)).collect(),
            checks: review.checks.iter().enumerate().map(|(at, check)| (&check.id, at)).collect(),
        }
    }

    /// A text in the report's language, or in the one there is, and then marked as such.
    pub(super) fn said(&self, said: &Said) -> Text {
        let lang = self.words.lang();
        let text = self.bounded(said.in_lang(lang));
        let spoken = if said.0.contains_key(lang) {
            lang
        } else if said.0.contains_key("en") {
            "en"
        } else {
            said.0.keys().next().map_or(lang, String::as_str)
        };
        let tag = spoken.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && !spoken.is_empty();
        Text { text, lang: (tag && spoken != lang).then(|| spoken.to_owned()) }
    }

    /// The paragraphs of a text.
    pub(super) fn paragraphs(&self, said: &Said) -> Vec<Text> {
        let whole = self.said(said);
        let lines = whole.text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(|line| Text { text: line.to_owned(), lang: whole.lang.clone() }).collect()
    }

    /// A text that exists in English only, or of which nothing better is known.
    pub(super) fn english(&self, text: &str) -> Text {
        let lang = (self.words.lang() != "en").then(|| "en".to_owned());
        Text { text: self.bounded(text), lang }
    }

    /// A reason: in the report's language where the words are ours or a check's, and else as it was said.
    pub(super) fn reason(&self, reason: &Reason) -> Text {
        match reason {
            Reason::Check { said } => self.said(said),
            Reason::Ours { .. } => Self::bare(self.bounded(&self.words.reason(reason))),
            Reason::Verbatim { verbatim } => self.english(verbatim),
        }
    }

    /// A text that stands in no particular language: an id, a name, an address.
    pub(super) fn bare(text: impl Into<String>) -> Text {
        Text { text: text.into(), lang: None }
    }

    /// At most so much of a text, and how much was cut.
    pub(super) fn bounded(&self, text: &str) -> String {
        let Some((end, _)) = text.char_indices().nth(LONGEST) else { return text.to_owned() };
        let (kept, cut) = text.split_at(end);
        let note = self.words.say("findings.cut", &[("n", &number(cut.chars().count() as u64))]);
        format!("{kept} {note}")
    }

    pub(super) fn day(&self, moment: Moment) -> When {
        When { words: self.words.date(moment), iso: moment.to_string() }
    }

    pub(super) fn time(&self, moment: Moment) -> When {
        When { words: self.words.time(moment), iso: moment.to_string() }
    }

    /// The place of a host in the inventory's order.
    pub(super) fn host_at(&self, id: &HostId) -> Option<usize> {
        self.hosts.get(id).copied()
    }

    pub(super) fn host(&self, id: &HostId) -> Option<&'a HostLine> {
        self.review.hosts.get(self.host_at(id)?)
    }

    pub(super) fn finding(&self, fingerprint: &str) -> Option<&'a Finding> {
        self.review.findings.get(*self.findings.get(fingerprint)?)
    }

    pub(super) fn check(&self, id: &CheckId) -> Option<&'a CheckLine> {
        self.review.checks.get(*self.checks.get(id)?)
    }

    /// The wanted state of a check; its id, should the review not tell it.
    pub(super) fn title(&self, id: &CheckId) -> Text {
        self.check(id).map_or_else(|| Self::bare(self.bounded(&id.0)), |check| self.said(&check.title))
    }

    /// Where a finding stands in this report.
    pub(super) fn anchor(&self, fingerprint: &str) -> Option<String> {
        self.findings.get(fingerprint).map(|at| format!("f{}", at + 1))
    }

    /// Who has to act on a host: the provider of its system, else the operator.
    pub(super) fn owner(&self, host: &HostId) -> Text {
        let system = self.host(host).and_then(|host| host.system.as_deref());
        let system = self.review.systems.iter().find(|line| Some(line.id.as_str()) == system);
        let provider = system.and_then(|line| line.provider.as_deref());
        let party = self.review.providers.iter().find(|party| Some(party.id.as_str()) == provider);
        self.said(&party.unwrap_or(&self.review.operator).name)
    }

    /// Hosts in words, neighbours in the inventory told as a range: `web1, app1 to app40 (40 hosts)`.
    pub(super) fn hosts(&self, mut places: Vec<usize>) -> String {
        places.sort_unstable();
        places.dedup();
        if places.len() > 1 && places.len() == self.review.hosts.len() {
            return self.words.say("passed.all", &[("n", &number(places.len() as u64))]);
        }
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for place in places {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == place => *last = place,
                _ => runs.push((place, place)),
            }
        }
        self.words.list(runs.into_iter().map(|run| self.run(run)))
    }

    fn run(&self, (first, last): (usize, usize)) -> String {
        let name = |at: usize| self.review.hosts.get(at).map_or("", |host| host.id.0.as_str());
        match last - first {
            0 => name(first).to_owned(),
            1 => self.words.list([name(first), name(last)]),
            more => {
                let n = number(more as u64 + 1);
                self.words.say("format.range", &[("first", name(first)), ("last", name(last)), ("n", &n)])
            }
        }
    }

    /// What a finding says is wrong, in its first place; the wanted state where it says nothing.
    pub(super) fn message(&self, finding: &Finding) -> Text {
        let message = finding.places.first().map(|place| self.said(&place.message));
        message.filter(|text| !text.text.is_empty()).unwrap_or_else(|| self.said(&finding.title))
    }

    pub(super) fn severity(&self, severity: Severity) -> &'a str {
        self.words.plain(match severity {
            Severity::Critical => "severity.critical",
            Severity::High => "severity.high",
            Severity::Medium => "severity.medium",
            Severity::Low => "severity.low",
        })
    }

    /// The name of an area of checks; its id where it has none.
    pub(super) fn area(&self, area: &str) -> String {
        let key = match area {
            "exposure" => "area.exposure",
            "firewall" => "area.firewall",
            "tls" => "area.tls",
            "certificate" => "area.certificate",
            "service" => "area.service",
            "database" => "area.database",
            "ssh" => "area.ssh",
            "web" => "area.web",
            "dns" => "area.dns",
            "mail" => "area.mail",
            "messaging" => "area.messaging",
            "monitoring" => "area.monitoring",
            unknown => return self.bounded(unknown),
        };
        self.words.plain(key).to_owned()
    }
}

/// The host that a finding is about.
pub(super) fn host_of(finding: &Finding) -> Option<&HostId> {
    finding.places.first().map(|place| &place.subject.host)
}

/// Whether a finding still asks for something: nobody has accepted it.
pub(super) fn is_open(finding: &Finding) -> bool {
    finding.waived_by.is_none()
}
