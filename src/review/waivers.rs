//! What people have decided to accept, until when, and what became of it.

use super::{Finding, WaiverLine, WaiverState};
use crate::inventory::waivers::{Standing, Waiver};
use crate::model::moment::{Calendar, Moment};
use crate::model::net::HostId;

/// From how many days before its end a waiver is said to end soon.
const SOON_DAYS: i64 = 30;

/// Whether a waiver is about that finding. That its owner is not the approver, and that it is for 180 days at most, was
/// held when its file was read.
fn covers(waiver: &Waiver, finding: &Finding) -> bool {
    if waiver.check != finding.check {
        return false;
    }
    if let Some(fingerprint) = &waiver.fingerprint {
        return *fingerprint == finding.fingerprint;
    }
    let service = waiver.port.map(|port| (port.transport, port.port));
    let mut subjects = finding.places.iter().map(|place| &place.subject);
    subjects.all(|subject| {
        waiver.host.as_ref() == Some(&subject.host)
            && service.is_none_or(|service| subject.service == Some(service))
    })
}

fn state(waiver: &Waiver, covered: &[String], now: Moment, calendar: Calendar) -> WaiverState {
    match waiver.stands(now, calendar) {
        Standing::NotYet => WaiverState::NotYet,
        Standing::Ended => WaiverState::Ended,
        Standing::Holds if covered.is_empty() => WaiverState::Unused,
        Standing::Holds if calendar.days_between(now, waiver.expires) < SOON_DAYS => {
            WaiverState::EndsSoon
        }
        Standing::Holds => WaiverState::InForce,
    }
}

/// The host that a waiver is about; where only a fingerprint says so, that of the finding, or else the fingerprint.
fn host(waiver: &Waiver, finding: Option<&Finding>) -> HostId {
    let of_finding = || Some(finding?.places.first()?.subject.host.clone());
    let fingerprint = || HostId(waiver.fingerprint.clone().unwrap_or_default());
    waiver.host.clone().or_else(of_finding).unwrap_or_else(fingerprint)
}

/// Marks the findings that a waiver in force covers, and says what became of every waiver.
pub(super) fn apply(
    waivers: &[Waiver],
    findings: &mut [Finding],
    now: Moment,
    calendar: Calendar,
) -> Vec<WaiverLine> {
    let mut lines = Vec::with_capacity(waivers.len());
    for waiver in waivers {
        let mut covered = Vec::new();
        for finding in findings.iter_mut().filter(|finding| covers(waiver, finding)) {
            covered.push(finding.fingerprint.clone());
            if waiver.stands(now, calendar) == Standing::Holds {
                finding.waived_by.get_or_insert_with(|| waiver.id.clone());
            }
        }
        lines.push(WaiverLine {
            id: waiver.id.clone(),
            check: waiver.check.clone(),
            host: host(waiver, findings.iter().find(|finding| covers(waiver, finding))),
            treatment: waiver.treatment,
            reason: waiver.reason.clone(),
            compensating: waiver.compensating.clone(),
            owner: waiver.owner.clone(),
            approved_by: waiver.approved_by.clone(),
            expires: waiver.expires,
            state: state(waiver, &covered, now, calendar),
            findings: covered,
        });
    }
    lines
}
