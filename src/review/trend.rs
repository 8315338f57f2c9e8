//! What a review holds of the comparison with the last one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

use super::{Finding, Letter, Place, Review};
use crate::inventory::VantageKind;
use crate::model::moment::Moment;
use crate::model::net::{CheckId, HostId, Transport, parse_port_ranges};
use crate::model::said::Said;
use crate::model::severity::Severity;
use crate::model::subject::Subject;

/// What changed since the last review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// When the last review was made.
    pub last_made: Moment,
    /// In what the two were made otherwise; where in anything, the comparison is to be read with care.
    pub differs: Vec<Differs>,
    /// Fingerprints that are new.
    pub new: Vec<String>,
    /// Fingerprints that an earlier review called mended.
    #[serde(default)]
    pub came_back: Vec<String>,
    /// Fingerprints that were there before.
    pub still_open: Vec<String>,
    /// What was open and is mended: the same question was put again from the same vantage and came out pass, or the
    /// service is shut for certain.
    pub fixed: Vec<GoneLine>,
    /// What was open and is neither here nor mended for certain. The next review takes these up again, so that no date
    /// begins anew because one scan looked elsewhere.
    pub not_seen_again: Vec<GoneLine>,
    /// What earlier reviews called mended, so that it is known when it comes back.
    #[serde(default)]
    pub mended_before: Vec<MendedLine>,
    /// The last burden, for the trend.
    pub last_burden: u64,
    /// The last grade.
    pub last_letter: Letter,
}

/// In what the last review was made otherwise than this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "in")]
pub enum Differs {
    /// Another profile, or the same with other settings.
    Profile {
        /// Its name then.
        then: String,
        /// Its name now.
        now: String,
    },
    /// Other check files.
    Checks,
    /// Another vantage, or one of another kind.
    Vantage {
        /// Its id then.
        then: String,
        /// Its id now.
        now: String,
    },
    /// Other ports asked of every host, besides the declared ones.
    Ports {
        /// The ranges then.
        then: String,
        /// The ranges now.
        now: String,
    },
    /// Other hosts.
    Hosts {
        /// Those that were not in the last review.
        added: Vec<HostId>,
        /// Those that are not in this one.
        left_out: Vec<HostId>,
    },
    /// Hosts that were marked fragile only then or only now: less is asked of a fragile one.
    Fragile {
        /// Those hosts.
        hosts: Vec<HostId>,
    },
}

/// A finding that was open and is not in this review, with all that is needed to take it up again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoneLine {
    /// Its fingerprint.
    pub fingerprint: String,
    /// The check.
    pub check: CheckId,
    /// Where it was.
    pub place: String,
    /// The wanted state.
    pub title: Said,
    /// Its level then.
    pub severity: Severity,
    /// When it was first seen.
    pub first_seen: Moment,
    /// When the last review was made that saw it.
    pub last_seen: Moment,
    /// By when it was to be mended.
    pub due: Moment,
    /// The waiver that accepted it when it was last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived_by: Option<String>,
    /// What became of it.
    pub became: Became,
    /// The subjects that it showed at.
    pub subjects: Vec<Subject>,
    /// The kind of vantage that saw it.
    pub vantage_kind: VantageKind,
    /// All addresses of its host that were examined then.
    pub examined: Vec<IpAddr>,
    /// Whether its service was open then.
    pub was_open: bool,
    /// What the check asked: see `asks` of a check.
    pub asks: String,
}

/// What became of a finding that is not in this review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// Mended: the same question was put again, and came out pass.
    Passes,
    /// Mended: its service, which was open, is shut at every address.
    Shut,
    /// Not looked at: this scan was made from another vantage.
    OtherVantage,
    /// Not looked at: the host is not in this review.
    HostLeftOut,
    /// Not looked at: the profile leaves the check out.
    CheckLeftOut,
    /// Not comparable: the check or its settings ask something else now.
    CheckChanged,
    /// Not looked at: an address where it showed was not examined.
    AddressNotExamined,
    /// Looked at, and the answer does not settle it, or it could not be asked.
    NotSettled,
    /// The check does not apply there any more.
    DoesNotApply,
    /// The check fails there for something else, which hides whether this is mended.
    FailsOtherwise,
    /// The port was not asked.
    PortNotAsked,
    /// The port still answers, but what the check was about is not found there.
    NotFound,
}

impl Became {
    /// Whether it is mended for certain.
    pub fn is_mended(self) -> bool {
        matches!(self, Self::Passes | Self::Shut)
    }
}

/// A finding that an earlier review called mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MendedLine {
    /// Its fingerprint.
    pub fingerprint: String,
    /// When the review was made that called it so.
    pub mended: Moment,
}

impl Changes {
    /// Whether both were made in the same way.
    pub fn same_measure(&self) -> bool {
        self.differs.is_empty()
    }
}

impl GoneLine {
    /// What is needed of a finding of that review; what became of it is still to be found out.
    pub(super) fn of(finding: &Finding, review: &Review) -> Self {
        let first = finding.places.first();
        let host = first.map(|place| &place.subject.host);
        let line = review.hosts.iter().find(|line| Some(&line.id) == host);
        let check = review.checks.iter().find(|line| line.id == finding.check);
        Self {
            fingerprint: finding.fingerprint.clone(),
            check: finding.check.clone(),
            place: first.map(|place| place.subject.place()).unwrap_or_default(),
            title: finding.title.clone(),
            severity: finding.severity,
            first_seen: finding.first_seen,
            last_seen: review.made,
            due: finding.due,
            waived_by: finding.waived_by.clone(),
            became: Became::NotSettled,
            subjects: finding.places.iter().map(|place| place.subject.clone()).collect(),
            vantage_kind: review.scan.vantage_kind,
            examined: line.map(|line| line.addresses.clone()).unwrap_or_default(),
            was_open: first.is_some_and(|place| was_open(place, review)),
            asks: check.map(|line| line.asks.clone()).unwrap_or_default(),
        }
    }
}

/// Whether the service of a place was seen open. Many open ports of one host stand in one row without their states.
fn was_open(place: &Place, review: &Review) -> bool {
    let Some((Transport::Tcp, port)) = place.subject.service else { return false };
    let rows = review.exposure.iter().filter(|row| row.host == place.subject.host);
    let mut rows = rows.filter(|row| {
        let ports = row.port.strip_suffix("/tcp").and_then(|ports| parse_port_ranges(ports).ok());
        ports.is_some_and(|ports| ports.contains(&port))
    });
    rows.any(|row| {
        row.observed.is_empty() && row.declared_from.is_empty()
            || row.observed.iter().any(|(_, state)| state == "open")
    })
}
