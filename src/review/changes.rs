//! What changed since the last review: new, still open, come back, mended, or simply not seen again.
//!
//! "Mended" is said of what is certain: the same question was put again from the same vantage and came out pass, or the
//! service that was open is shut at every address. Whatever else is missing is carried on to the next review with its
//! dates, for a scan that looked elsewhere mends nothing. What was mended and is here again has come back: it is a new
//! piece of work with a date of its own, and called what it is.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::findings::{due, subject};
use super::{
    Became, Changes, CheckLine, Differs, Finding, FindingState, GoneLine, HostLine, MendedLine,
    Review, ReviewInput, Scan, Tool, scan,
};
use crate::facts::Vocabulary;
use crate::judge::{About, Cell};
use crate::model::moment::Moment;
use crate::model::net::{HostId, Transport};
use crate::model::outcome::Outcome;
use crate::model::subject::Subject;
use crate::model::value::Value;

/// What earlier reviews know.
pub(super) struct Before<'a> {
    review: &'a Review,
    /// What was open, in the last review or carried on by it, by fingerprint.
    open: BTreeMap<&'a str, GoneLine>,
    /// What was called mended.
    mended: Vec<MendedLine>,
}

impl<'a> Before<'a> {
    pub(super) fn of(review: &'a Review) -> Self {
        let carried = review.changes.iter().flat_map(|changes| &changes.not_seen_again);
        let carried = carried.map(|line| (line.fingerprint.as_str(), line.clone()));
        let found = review.findings.iter();
        let found = found.map(|one| (one.fingerprint.as_str(), GoneLine::of(one, review)));
        let open: BTreeMap<_, _> = carried.chain(found).collect();
        let newly = review
            .changes
            .iter()
            .flat_map(|changes| &changes.fixed)
            .map(|line| MendedLine { fingerprint: line.fingerprint.clone(), mended: review.made });
        let earlier = review.changes.iter().flat_map(|changes| &changes.mended_before).cloned();
        let mended = newly.chain(earlier);
        let mended = mended.filter(|line| !open.contains_key(line.fingerprint.as_str())).collect();
        Self { review, open, mended }
    }

    /// Gives findings that were there before the date when they were first seen, and their state.
    pub(super) fn date(&self, findings: &mut [Finding], due_days: [u32; 4]) {
        for finding in findings {
            if let Some(before) = self.open.get(finding.fingerprint.as_str()) {
                let ended = before.waived_by.is_some() && finding.waived_by.is_none();
                finding.state =
                    if ended { FindingState::WaiverEnded } else { FindingState::StillOpen };
                finding.first_seen = Moment::min(finding.first_seen, before.first_seen);
                finding.due = due(finding.first_seen, finding.severity, due_days);
            } else if self.mended.iter().any(|line| line.fingerprint == finding.fingerprint) {
                finding.state = FindingState::CameBack;
            }
        }
    }
}

/// What this review is made of, as far as a comparison needs it.
pub(super) struct Present<'a> {
    pub(super) input: &'a ReviewInput<'a>,
    pub(super) findings: &'a [Finding],
    pub(super) checks: &'a [CheckLine],
    pub(super) hosts: &'a [HostLine],
    pub(super) tool: &'a Tool,
    pub(super) scan: &'a Scan,
}

/// Compares with the last review.
pub(super) fn changes(before: &Before<'_>, now: &Present<'_>) -> Changes {
    let with = |states: &[FindingState]| {
        let those = now.findings.iter().filter(|one| states.contains(&one.state));
        those.map(|finding| finding.fingerprint.clone()).collect()
    };
    let here: BTreeSet<&str> = now.findings.iter().map(|one| one.fingerprint.as_str()).collect();
    let gone = before.open.values().filter(|line| !here.contains(line.fingerprint.as_str()));
    let seen = Seen::of(now);
    let gone = gone.map(|line| GoneLine { became: seen.became(line), ..line.clone() });
    let (fixed, not_seen_again) = gone.partition(|line| line.became.is_mended());
    let still = before.mended.iter().filter(|line| !here.contains(line.fingerprint.as_str()));
    Changes {
        last_made: before.review.made,
        differs: differs(before.review, now),
        new: with(&[FindingState::New]),
        came_back: with(&[FindingState::CameBack]),
        still_open: with(&[FindingState::StillOpen, FindingState::WaiverEnded]),
        fixed: sorted(fixed),
        not_seen_again: sorted(not_seen_again),
        mended_before: still.cloned().collect(),
        last_burden: before.review.burden,
        last_letter: before.review.grade.letter,
    }
}

/// Gravest first, then by place.
fn sorted(mut lines: Vec<GoneLine>) -> Vec<GoneLine> {
    lines.sort_by(|a, b| {
        let by_level = b.severity.cmp(&a.severity);
        by_level.then_with(|| a.subjects.cmp(&b.subjects)).then_with(|| a.check.cmp(&b.check))
    });
    lines
}

/// In what the last review was made otherwise.
fn differs(last: &Review, now: &Present<'_>) -> Vec<Differs> {
    let mut differs = Vec::new();
    if last.tool.profile_digest != now.tool.profile_digest {
        let (then, now) = (last.tool.profile.clone(), now.tool.profile.clone());
        differs.push(Differs::Profile { then, now });
    }
    if last.tool.catalogue_digest != now.tool.catalogue_digest {
        differs.push(Differs::Checks);
    }
    if (&last.scan.vantage, last.scan.vantage_kind) != (&now.scan.vantage, now.scan.vantage_kind) {
        let (then, now) = (last.scan.vantage.clone(), now.scan.vantage.clone());
        differs.push(Differs::Vantage { then, now });
    }
    if last.scan.ports != now.scan.ports {
        let (then, now) = (last.scan.ports.clone(), now.scan.ports.clone());
        differs.push(Differs::Ports { then, now });
    }
    let missing = |from: &[HostLine], of: &[HostLine]| -> Vec<HostId> {
        let known: BTreeSet<&HostId> = from.iter().map(|host| &host.id).collect();
        of.iter().map(|host| &host.id).filter(|id| !known.contains(id)).cloned().collect()
    };
    let (added, left_out) = (missing(&last.hosts, now.hosts), missing(now.hosts, &last.hosts));
    if !added.is_empty() || !left_out.is_empty() {
        differs.push(Differs::Hosts { added, left_out });
    }
    let marked: BTreeMap<&HostId, bool> =
        last.hosts.iter().map(|host| (&host.id, host.fragile)).collect();
    let turned = now.hosts.iter().filter(|host| marked.get(&host.id) == Some(&!host.fragile));
    let hosts: Vec<HostId> = turned.map(|host| host.id.clone()).collect();
    if !hosts.is_empty() {
        differs.push(Differs::Fragile { hosts });
    }
    differs
}

/// What this scan saw, as far as it tells what became of a finding.
struct Seen<'a> {
    now: &'a Present<'a>,
    examined: BTreeMap<HostId, BTreeSet<IpAddr>>,
}

impl<'a> Seen<'a> {
    fn of(now: &'a Present<'a>) -> Self {
        Self { now, examined: scan::addresses(now.input.rows) }
    }

    fn became(&self, gone: &GoneLine) -> Became {
        let Self { now, .. } = self;
        let Some(subject) = gone.subjects.first() else { return Became::NotFound };
        let elsewhere = gone.subjects.iter().any(|one| one.vantage != now.scan.vantage);
        if elsewhere || gone.vantage_kind != now.scan.vantage_kind {
            return Became::OtherVantage;
        }
        if !now.input.judgement.hosts.contains(&subject.host) {
            return Became::HostLeftOut;
        }
        let Some(check) = now.checks.iter().position(|line| line.id == gone.check) else {
            return Became::CheckLeftOut;
        };
        if !self.all_examined(gone, &subject.host) {
            return Became::AddressNotExamined;
        }
        let answers = Answers::of(now.input, check, gone, subject);
        let asks = now.checks.get(check).map(|line| line.asks.as_str());
        let same_question = asks == Some(gone.asks.as_str());
        if same_question && answers.pass(&gone.subjects) {
            return Became::Passes;
        }
        let settled = subject.service.map(|service| self.door(&subject.host, service));
        if gone.was_open && settled == Some(Some(Door::Shut)) {
            return Became::Shut;
        }
        let any = |outcome: Outcome| {
            let there = answers.there.iter().map(|(_, known)| known);
            there.chain(&answers.host).chain(&answers.unseen).any(|known| *known == outcome)
        };
        if !same_question {
            Became::CheckChanged
        } else if any(Outcome::Inconclusive) || any(Outcome::NotTested) {
            Became::NotSettled
        } else if settled == Some(None) {
            Became::PortNotAsked
        } else if any(Outcome::Fail) {
            Became::FailsOtherwise
        } else if any(Outcome::NotApplicable) {
            Became::DoesNotApply
        } else {
            Became::NotFound
        }
    }

    /// Whether every address where it showed was examined again. One that is gone counts as moved only where the host has
    /// a new one of the same family in its stead: an address taken out of the inventory is not mended by that.
    fn all_examined(&self, gone: &GoneLine, host: &HostId) -> bool {
        let none = BTreeSet::new();
        let now = self.examined.get(host).unwrap_or(&none);
        let moved = |from: IpAddr| {
            let mut new = now.iter().filter(|address| !gone.examined.contains(address));
            new.any(|address| address.is_ipv4() == from.is_ipv4())
        };
        let mut places = gone.subjects.iter().filter_map(|subject| subject.address);
        places.all(|address| now.contains(&address) || moved(address))
    }

    /// Whether a port is known to be open at an address of a host, or shut at all of them; none when that is not settled.
    fn door(&self, host: &HostId, (transport, port): (Transport, u16)) -> Option<Door> {
        // The kinds that are built in come first, whatever probes add to them.
        let vocabulary = Vocabulary::built_in();
        let id = vocabulary.id("ports")?;
        let kind = vocabulary.kind(id)?;
        let facts = self.now.input.facts;
        let is_host = |subject: &Subject| {
            subject.host == *host && subject.address.is_none() && subject.service.is_none()
        };
        let entry = facts.entries.iter().find(|entry| is_host(&entry.subject))?;
        let record = facts.record(entry, id).filter(|_| transport == Transport::Tcp)?;
        let field = |name: &str| record.get(kind.slot(name)?);
        let has = |list: &Value| match list {
            Value::List(list) => list.items.contains(&Value::Int(i64::from(port))),
            _ => false,
        };
        let open_over = |family: &str| match field(family) {
            // Asked, open, shut: the fields of a family, in order.
            Some(Value::Record(fields)) => fields.get(1).is_some_and(has),
            _ => false,
        };
        if open_over("v4") || open_over("v6") {
            return Some(Door::Open);
        }
        field("settled").is_some_and(has).then_some(Door::Shut)
    }
}

/// A port over all addresses of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Open,
    Shut,
}

/// What one check came to where a finding was.
#[derive(Default)]
struct Answers {
    /// At the very subject, address by address.
    there: Vec<(Option<IpAddr>, Outcome)>,
    /// At the host as a whole: a finding at one of its doors was found by looking at all of them.
    host: Vec<Outcome>,
    /// Where there is no subject, or may be more than were seen.
    unseen: Vec<Outcome>,
}

impl Answers {
    fn of(input: &ReviewInput<'_>, check: usize, gone: &GoneLine, at: &Subject) -> Self {
        let mut answers = Self::default();
        for cell in of_check(&input.judgement.cells, check) {
            let Some(subject) = subject(input, cell).filter(|subject| subject.host == at.host)
            else {
                continue;
            };
            if matches!(cell.about, About::Host(_)) {
                answers.unseen.push(cell.outcome);
            } else if subject.fingerprint(&gone.check) == gone.fingerprint {
                answers.there.push((subject.address, cell.outcome));
            } else if subject.service.is_none() {
                answers.host.push(cell.outcome);
            }
        }
        answers
    }

    /// Whether the question was put again, and every answer is a pass. Where something of the host was not seen, that is so
    /// only if there is an answer at each address where the finding was.
    fn pass(&self, subjects: &[Subject]) -> bool {
        if self.there.is_empty() {
            return !self.host.is_empty()
                && self.unseen.is_empty()
                && self.host.iter().all(|outcome| *outcome == Outcome::Pass);
        }
        let answered = |subject: &Subject| {
            let at = subject.address;
            at.is_some() && self.there.iter().any(|(address, _)| *address == at)
        };
        (self.unseen.is_empty() || subjects.iter().all(answered))
            && self.there.iter().all(|(_, outcome)| *outcome == Outcome::Pass)
    }
}

/// The cells of one check: they stand together.
fn of_check(cells: &[Cell], check: usize) -> &[Cell] {
    let start = cells.partition_point(|cell| usize::from(cell.check) < check);
    let end = cells.partition_point(|cell| usize::from(cell.check) <= check);
    cells.get(start..end).unwrap_or_default()
}
