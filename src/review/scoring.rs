//! The scoring model: what caps a grade at which letter, and what a finding weighs. Three separate statements (verdict,
//! grade, burden), never one number: an average would reward size and bury the one finding that matters.

use std::collections::BTreeMap;

use super::{Cap, Coverage, Finding, Grade, Letter, Scoring};
use crate::model::moment::{Calendar, Moment};
use crate::model::severity::Severity;
use crate::profile::GateRule;

/// The version of the model: whatever changes a grade or a burden changes this name.
pub const MODEL: &str = "postern/scoring/v1";

/// One level's place in the model.
struct Level {
    severity: Severity,
    /// What one open finding caps the grade at.
    cap: Letter,
    /// What it weighs in the burden: more than many of the next lower level, as the risk ratings of CISA's Cyber
    /// Hygiene reports do.
    weight: u64,
}

/// The model, gravest first.
const LEVELS: [Level; 4] = [
    Level { severity: Severity::Critical, cap: Letter::F, weight: 1000 },
    Level { severity: Severity::High, cap: Letter::D, weight: 100 },
    Level { severity: Severity::Medium, cap: Letter::B, weight: 10 },
    Level { severity: Severity::Low, cap: Letter::A, weight: 1 },
];

/// The letter when many medium findings are open, or one is past its date.
const NEGLECTED: Letter = Letter::C;

/// The letter when too much was left unsettled.
const UNSETTLED: Letter = Letter::B;

/// What the model makes of a set of findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// The letter with its reason.
    pub grade: Grade,
    /// The sum of weights of open findings: a waived one weighs nothing here, and is shown beside it.
    pub burden: u64,
}

/// The rules as they stand in a review.
pub fn rules(gate: &GateRule, due_days: [u32; 4]) -> Scoring {
    let by_level = |level: &Level| level.severity;
    Scoring {
        model: MODEL.into(),
        caps: LEVELS.iter().map(|level| (by_level(level), level.cap)).collect(),
        weights: LEVELS.iter().map(|level| (by_level(level), level.weight)).collect(),
        due_days: Severity::GRAVEST_FIRST.into_iter().zip(due_days).collect::<BTreeMap<_, _>>(),
        coverage_percent: gate.coverage_percent,
        inconclusive_percent: gate.inconclusive_percent,
        many_medium: gate.many_medium,
    }
}

/// Grades findings: starts at A, and each open finding caps the letter by its level. A waived finding caps one step
/// softer and marks the letter; it never counts as overdue or as one of many.
pub fn score(findings: &[Finding], coverage: &Coverage, rule: &GateRule, now: Moment) -> Score {
    let caps = caps(findings, coverage, rule, now);
    let letter = caps.iter().map(|(letter, _)| *letter).max().unwrap_or(Letter::A);
    let mut holding = caps.iter().filter(|(at, _)| *at == letter && letter != Letter::A);
    let because = holding.next().map(|(_, cap)| cap.clone());
    let more = holding.count() as u64;
    let below = caps.iter().map(|(at, _)| *at).filter(|at| *at < letter).max();
    Score {
        grade: Grade {
            letter,
            accepted_risk: findings.iter().any(|finding| finding.waived_by.is_some()),
            without: because.is_some().then(|| below.unwrap_or(Letter::A)),
            because,
            more,
        },
        burden: open(findings).map(|finding| level(finding.severity).weight).sum(),
    }
}

/// Every cap with its letter, in the order in which they are named as the reason.
fn caps(
    findings: &[Finding],
    coverage: &Coverage,
    rule: &GateRule,
    now: Moment,
) -> Vec<(Letter, Cap)> {
    let by_finding = findings.iter().map(|finding| {
        let cap = level(finding.severity).cap;
        let cap = if finding.waived_by.is_some() { softer(cap) } else { cap };
        (cap, Cap::Finding { finding: finding.fingerprint.clone() })
    });
    let medium = || open(findings).filter(|finding| finding.severity == Severity::Medium);
    let overdue = medium()
        .filter(|finding| Calendar::HONG_KONG.is_past(finding.due, now))
        .map(|finding| (NEGLECTED, Cap::Overdue { finding: finding.fingerprint.clone() }));
    let count = medium().count() as u64;
    let many = (count > rule.many_medium).then_some((NEGLECTED, Cap::ManyMedium { count }));
    by_finding.chain(overdue).chain(many).chain(unsettled(coverage, rule)).collect()
}

/// Caps for what was left open. Both shares are of the results that did not fail: counted over all of them, one more
/// failure would dilute the share and could lift the grade.
fn unsettled(coverage: &Coverage, rule: &GateRule) -> impl Iterator<Item = (Letter, Cap)> {
    // Nothing but what does not apply: there is nothing that a letter could rest on.
    let nothing = coverage.pass + coverage.fail + coverage.inconclusive + coverage.not_tested == 0;
    let nothing = nothing.then_some((UNSETTLED, Cap::Unsettled { percent: 100 }));
    let asked = coverage.pass + coverage.inconclusive;
    let inconclusive = exceeds(coverage.inconclusive, asked, rule.inconclusive_percent)
        .map(|percent| (UNSETTLED, Cap::Inconclusive { percent }));
    let open = coverage.inconclusive + coverage.not_tested;
    let borne = 100_u8.saturating_sub(rule.coverage_percent);
    let untested = exceeds(open, asked + coverage.not_tested, borne)
        .map(|percent| (UNSETTLED, Cap::Unsettled { percent }));
    inconclusive.into_iter().chain(untested).chain(nothing)
}

/// The share of `part` in `whole` in per cent, rounded up, when it is above what is borne.
fn exceeds(part: u64, whole: u64, borne: u8) -> Option<u8> {
    (part.saturating_mul(100) > whole.saturating_mul(u64::from(borne)))
        .then(|| u8::try_from(part.saturating_mul(100).div_ceil(whole.max(1))).unwrap_or(100))
}

/// The findings that no waiver in force accepts.
pub(crate) fn open(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|finding| finding.waived_by.is_none())
}

fn level(severity: Severity) -> &'static Level {
    const LAST: &Level = &LEVELS[3];
    LEVELS.iter().find(|level| level.severity == severity).unwrap_or(LAST)
}

/// One step towards A.
fn softer(letter: Letter) -> Letter {
    match letter {
        Letter::F => Letter::D,
        Letter::D => Letter::C,
        Letter::C => Letter::B,
        Letter::B | Letter::A => Letter::A,
    }
}
