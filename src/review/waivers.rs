//! What people have decided to accept, until when, and what became of it.

use super::{Finding, WaiverLine, WaiverState};
use crate::inventory::DeclaredPort;
use crate::model::moment::Moment;
use crate::model::net::{CheckId, HostId};
use crate::model::said::Said;

/// From how many days before its end a waiver is said to end soon.
const SOON_DAYS: i64 = 30;

/// A fail that somebody accepts until a date. That the owner is not the approver, and that it is for 180 days at most,
/// was held when the file was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// Its id: `W-2026-004`.
    pub id: String,
    /// The check.
    pub check: CheckId,
    /// The host.
    pub host: HostId,
    /// The service, when it is for one only.
    pub port: Option<DeclaredPort>,
    /// Why the risk is accepted.
    pub reason: Said,
    /// Who carries it.
    pub owner: String,
    /// Who approved it.
    pub approved_by: String,
    /// The last day on which it holds, in UTC.
    pub expires: Moment,
}

impl Waiver {
    /// Whether it still holds: to the end of its last day.
    pub fn in_force(&self, now: Moment) -> bool {
        now.date() <= self.expires.date()
    }

    fn covers(&self, finding: &Finding) -> bool {
        let service = |port: DeclaredPort| Some((port.transport, port.port));
        let mut places = finding.places.iter().map(|place| &place.subject);
        self.check == finding.check
            && places.all(|subject| {
                subject.host == self.host
                    && self.port.is_none_or(|port| subject.service == service(port))
            })
    }

    fn state(&self, covered: &[String], now: Moment) -> WaiverState {
        if !self.in_force(now) {
            WaiverState::Ended
        } else if covered.is_empty() {
            WaiverState::Unused
        } else if now.days_until(self.expires) < SOON_DAYS {
            WaiverState::EndsSoon
        } else {
            WaiverState::InForce
        }
    }
}

/// Marks the findings that a waiver in force covers, and says what became of every waiver.
pub(super) fn apply(waivers: &[Waiver], findings: &mut [Finding], now: Moment) -> Vec<WaiverLine> {
    let mut lines = Vec::with_capacity(waivers.len());
    for waiver in waivers {
        let mut covered = Vec::new();
        for finding in findings.iter_mut().filter(|finding| waiver.covers(finding)) {
            covered.push(finding.fingerprint.clone());
            if waiver.in_force(now) {
                finding.waived_by.get_or_insert_with(|| waiver.id.clone());
            }
        }
        lines.push(WaiverLine {
            id: waiver.id.clone(),
            check: waiver.check.clone(),
            host: waiver.host.clone(),
            reason: waiver.reason.clone(),
            owner: waiver.owner.clone(),
            approved_by: waiver.approved_by.clone(),
            expires: waiver.expires,
            state: waiver.state(&covered, now),
            findings: covered,
        });
    }
    lines
}
