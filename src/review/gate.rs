//! The answer to "is it safe to go on?", by gate.

use super::{Because, Coverage, Decision, Finding, GateVerdict, scoring};
use crate::model::net::{CheckId, HostId};
use crate::model::severity::Severity;

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
    /// Whether the scan came to its end.
    pub(crate) complete: bool,
}

/// No-go when a gate finding is open; else not enough evidence when something that matters was not settled; else with
/// conditions when a finding of medium level or above is open or a waiver is in force, for both have a date that
/// somebody must keep; else go.
pub(crate) fn decide(grounds: &Grounds<'_>) -> Decision {
    let gate = |finding: &&Finding| finding.gate;
    let stops: Vec<_> = scoring::open(grounds.findings)
        .filter(gate)
        .map(|finding| Because::GateFinding { finding: finding.fingerprint.clone() })
        .collect();
    if !stops.is_empty() {
        return Decision { verdict: GateVerdict::NoGo, because: stops };
    }
    let lacking = lacking(grounds);
    if !lacking.is_empty() {
        return Decision { verdict: GateVerdict::NotEnoughEvidence, because: lacking };
    }
    let needs_action =
        |finding: &&Finding| finding.severity >= Severity::Medium || finding.waived_by.is_some();
    let count = grounds.findings.iter().filter(needs_action).count() as u64;
    if count > 0 {
        let because = vec![Because::OpenFindings { count }];
        return Decision { verdict: GateVerdict::GoWithConditions, because };
    }
    Decision { verdict: GateVerdict::Go, because: Vec::new() }
}

fn lacking(grounds: &Grounds<'_>) -> Vec<Because> {
    let incomplete = (!grounds.complete).then_some(Because::Incomplete);
    let settled = grounds.coverage.settled_percent;
    let wanted = grounds.coverage_percent;
    let coverage = (settled < wanted).then_some(Because::Coverage { settled, wanted });
    let gates = grounds
        .unsettled_gates
        .iter()
        .map(|(check, host)| Because::GateNotSettled { check: check.clone(), host: host.clone() });
    incomplete.into_iter().chain(coverage).chain(gates).collect()
}
