//! What changed since the last review: new, still open, mended, or simply not seen again.

use std::collections::{BTreeMap, BTreeSet};

use super::findings::{due, subject};
use super::{Changes, Finding, FindingState, GoneLine, Review, ReviewInput, Tool};
use crate::judge::{About, Cell};
use crate::model::moment::Moment;
use crate::model::outcome::Outcome;

/// The last review, by fingerprint.
pub(super) struct Before<'a> {
    review: &'a Review,
    findings: BTreeMap<&'a str, &'a Finding>,
}

impl<'a> Before<'a> {
    pub(super) fn of(review: &'a Review) -> Self {
        let by_fingerprint = |finding: &'a Finding| (finding.fingerprint.as_str(), finding);
        Self { review, findings: review.findings.iter().map(by_fingerprint).collect() }
    }

    /// Gives findings that were there before the date when they were first seen, and their state.
    pub(super) fn date(&self, findings: &mut [Finding], due_days: [u32; 4]) {
        for finding in findings {
            let Some(before) = self.findings.get(finding.fingerprint.as_str()) else { continue };
            let ended = before.waived_by.is_some() && finding.waived_by.is_none();
            finding.state = if ended { FindingState::WaiverEnded } else { FindingState::StillOpen };
            finding.first_seen = Moment::min(finding.first_seen, before.first_seen);
            finding.due = due(finding.first_seen, finding.severity, due_days);
        }
    }
}

/// Compares with the last review.
pub(super) fn changes(
    before: &Before<'_>,
    input: &ReviewInput<'_>,
    findings: &[Finding],
    tool: &Tool,
) -> Changes {
    let with = |new: bool| {
        let those = findings.iter().filter(move |one| (one.state == FindingState::New) == new);
        those.map(|finding| finding.fingerprint.clone()).collect()
    };
    let now: BTreeSet<&str> = findings.iter().map(|one| one.fingerprint.as_str()).collect();
    let gone = before.review.findings.iter().filter(|one| !now.contains(one.fingerprint.as_str()));
    let (fixed, not_seen_again): (Vec<_>, Vec<_>) = gone.partition(|one| is_fixed(one, input));
    let last = before.review;
    Changes {
        last_made: last.made,
        same_measure: last.tool.profile_digest == tool.profile_digest
            && last.tool.catalogue_digest == tool.catalogue_digest,
        new: with(true),
        fixed: fixed.into_iter().map(gone_line).collect(),
        not_seen_again: not_seen_again.into_iter().map(gone_line).collect(),
        still_open: with(false),
        last_burden: last.burden,
        last_letter: last.grade.letter,
    }
}

/// Whether the check was judged again there and found nothing wrong. Where the subject itself is gone, that is so only
/// if all subjects of the host are known: a service that did not answer this time is not a service that was closed.
fn is_fixed(gone: &Finding, input: &ReviewInput<'_>) -> bool {
    let Some(host) = gone.places.first().map(|place| &place.subject.host) else { return false };
    let chosen = &input.profile.chosen;
    let Some(check) = chosen.iter().position(|chosen| chosen.check.id == gone.check) else {
        return false;
    };
    let mut judged_there = false;
    for cell in of_check(&input.judgement.cells, check) {
        let Some(subject) = subject(input, cell).filter(|subject| subject.host == *host) else {
            continue;
        };
        // A finding at a door of a host was found by looking at the host as a whole.
        let same = matches!(cell.about, About::Host(_))
            || subject.service.is_none()
            || subject.fingerprint(&gone.check) == gone.fingerprint;
        if same && !matches!(cell.outcome, Outcome::Pass | Outcome::NotApplicable) {
            return false;
        }
        judged_there = true;
    }
    judged_there
}

/// The cells of one check: they stand together.
fn of_check(cells: &[Cell], check: usize) -> &[Cell] {
    let start = cells.partition_point(|cell| usize::from(cell.check) < check);
    let end = cells.partition_point(|cell| usize::from(cell.check) <= check);
    cells.get(start..end).unwrap_or_default()
}

fn gone_line(gone: &Finding) -> GoneLine {
    GoneLine {
        fingerprint: gone.fingerprint.clone(),
        check: gone.check.clone(),
        place: gone.places.first().map(|place| place.subject.place()).unwrap_or_default(),
        title: gone.title.clone(),
        severity: gone.severity,
    }
}
