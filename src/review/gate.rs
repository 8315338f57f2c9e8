//! The answer to "is it safe to go on?", by gate.

use super::{Because, Coverage, Decision, Finding, GateVerdict, scoring};
use crate::model::net::{CheckId, HostId};
use crate::model::severity::Severity;
use crate::profile::OutOfSight;

/// What a decision rests on.
pub(crate) struct Grounds<'a> {
    /// All findings, gravest first.
    pub(crate) findings: &'a [Finding],
    /// How much was settled.
    pub(crate) coverage: &'a Coverage,
    /// The share that the profile asks for, in per cent.
    pub(crate) coverage_percent: u8,
    /// Gate checks with an inconclusive or untested result, by host.
    pub(crate) unsettled_gates: Vec<(CheckId, HostId)>,
    /// Gate checks that apply on no host because of the vantage.
    pub(crate) out_of_sight: Vec<CheckId>,
    /// Whether a verdict may rest on the other gate checks alone.
    pub(crate) sight: OutOfSight,
    /// Whether the scan came to its end.
    pub(crate) complete: bool,
}

/// No-go when a gate finding is open; else not enough evidence when something that matters was not settled, or was not
/// asked because nobody can ask it from where we stood, unless the profile bears that; else with conditions when there is
/// a finding of medium level or above, be it open or accepted by a waiver, for both have a date that somebody must keep;
/// else go. A low finding that is accepted is no worse than one that is open: a waiver that ends never helps.
pub(crate) fn decide(grounds: &Grounds<'_>) -> Decision {
    let decision = |verdict, because| {
        let out_of_sight = grounds.out_of_sight.clone();
        Decision { verdict, because, out_of_sight }
    };
    let gate = |finding: &&Finding| finding.gate;
    let stops: Vec<_> = scoring::open(grounds.findings)
        .filter(gate)
        .map(|finding| Because::GateFinding { finding: finding.fingerprint.clone() })
        .collect();
    if !stops.is_empty() {
        return decision(GateVerdict::NoGo, stops);
    }
    let lacking = lacking(grounds);
    if !lacking.is_empty() {
        return decision(GateVerdict::NotEnoughEvidence, lacking);
    }
    let needs_action = |finding: &&Finding| finding.severity >= Severity::Medium;
    let count = grounds.findings.iter().filter(needs_action).count() as u64;
    if count > 0 {
        return decision(GateVerdict::GoWithConditions, vec![Because::OpenFindings { count }]);
    }
    decision(GateVerdict::Go, Vec::new())
}

fn lacking(grounds: &Grounds<'_>) -> Vec<Because> {
    let incomplete = (!grounds.complete).then_some(Because::Incomplete);
    let settled = grounds.coverage.settled_percent;
    let wanted = grounds.coverage_percent;
    let coverage = if grounds.coverage.pass + grounds.coverage.fail == 0 {
        Some(Because::NothingSettled)
    } else {
        (settled < wanted).then_some(Because::Coverage { settled, wanted })
    };
    let sight = grounds.out_of_sight.iter().filter(|_| grounds.sight == OutOfSight::Open);
    let sight = sight.map(|check| Because::GateOutOfSight { check: check.clone() });
    let gates = grounds
        .unsettled_gates
        .iter()
        .map(|(check, host)| Because::GateNotSettled { check: check.clone(), host: host.clone() });
    incomplete.into_iter().chain(coverage).chain(sight).chain(gates).collect()
}
