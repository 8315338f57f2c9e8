//! What must hold of every score, whatever is found: the golden cases, and the promises that no change of the model may
//! break.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::scoring::{Score, score};
use super::*;
use crate::profile::{GateRule, OutOfSight};

const RULE: GateRule = GateRule {
    coverage_percent: 90,
    inconclusive_percent: 5,
    many_medium: 20,
    out_of_sight: OutOfSight::Open,
};

fn now() -> Moment {
    Moment::from_unix_seconds(1_800_000_000)
}

/// A finding as far as a score looks at it.
#[derive(Clone, Copy, Debug)]
struct Fail {
    severity: Severity,
    gate: bool,
    waived: bool,
    overdue: bool,
}

impl Fail {
    fn of(severity: Severity) -> Self {
        let gate = severity == Severity::Critical;
        Self { severity, gate, waived: false, overdue: false }
    }

    fn finding(self, number: usize) -> Finding {
        static SAMPLE: LazyLock<Finding> = LazyLock::new(|| {
            let mut finding = sample::small().findings.swap_remove(0);
            finding.places.clear();
            finding.fix.clear();
            finding
        });
        let mut finding = SAMPLE.clone();
        finding.fingerprint = format!("pf1-{number:016x}");
        finding.severity = self.severity;
        finding.gate = self.gate;
        finding.waived_by = self.waived.then(|| "W-1".into());
        finding.due = now().plus_days(if self.overdue { -1 } else { 1 });
        finding
    }
}

/// What a review comes to: a set of fails, and how many other results there are.
#[derive(Clone, Debug)]
struct Case {
    fails: Vec<Fail>,
    pass: u64,
    inconclusive: u64,
    not_tested: u64,
}

impl Case {
    fn coverage(&self) -> Coverage {
        let mut coverage = Coverage::default();
        coverage.add(Outcome::Fail, self.fails.len() as u64);
        coverage.add(Outcome::Pass, self.pass);
        coverage.add(Outcome::Inconclusive, self.inconclusive);
        coverage.add(Outcome::NotTested, self.not_tested);
        coverage.settle();
        coverage
    }

    fn findings(&self) -> Vec<Finding> {
        self.fails.iter().enumerate().map(|(number, fail)| fail.finding(number)).collect()
    }

    fn score(&self) -> Score {
        score(&self.findings(), &self.coverage(), &RULE, now())
    }

    fn letter(&self) -> Letter {
        self.score().grade.letter
    }

    /// The verdict, worse ones higher.
    fn verdict(&self) -> u8 {
        let decision = gate::decide(&gate::Grounds {
            findings: &self.findings(),
            coverage: &self.coverage(),
            coverage_percent: RULE.coverage_percent,
            unsettled_gates: Vec::new(),
            out_of_sight: Vec::new(),
            sight: RULE.out_of_sight,
            complete: true,
        });
        match decision.verdict {
            GateVerdict::Go => 0,
            GateVerdict::GoWithConditions => 1,
            GateVerdict::NotEnoughEvidence => 2,
            GateVerdict::NoGo => 3,
        }
    }
}

/// Catalogue of 120 checks: 5 critical, 25 high, 50 medium and 40 low ones, of which so many fail.
fn golden(critical: usize, high: usize, medium: usize, low: usize) -> Case {
    let counts = [critical, high, medium, low];
    let levels = Severity::GRAVEST_FIRST.into_iter().zip(counts);
    let fails: Vec<_> =
        levels.flat_map(|(level, count)| std::iter::repeat_n(Fail::of(level), count)).collect();
    let pass = 120 - fails.len() as u64;
    Case { fails, pass, inconclusive: 0, not_tested: 0 }
}

#[test]
fn the_cases_that_averages_get_wrong() {
    let letters = [
        ("clean", golden(0, 0, 0, 0), Letter::A),
        ("one critical", golden(1, 0, 0, 0), Letter::F),
        ("40 low", golden(0, 0, 0, 40), Letter::A),
        ("20 medium", golden(0, 0, 20, 0), Letter::B),
        ("one high", golden(0, 1, 0, 0), Letter::D),
        ("3 high and 5 medium", golden(0, 3, 5, 0), Letter::D),
    ];
    for (name, case, letter) in letters {
        assert_eq!(case.letter(), letter, "{name}");
    }
    assert_eq!(golden(0, 0, 21, 0).letter(), Letter::C);
    assert_eq!(golden(1, 3, 5, 40).score().burden, 1000 + 300 + 50 + 40);
}

#[test]
fn the_reason_and_what_the_letter_would_be_without_it() {
    let grade = golden(0, 3, 5, 0).score().grade;
    assert!(matches!(grade.because, Some(Cap::Finding { .. })));
    assert_eq!((grade.more, grade.without), (2, Some(Letter::B)));
    let grade = golden(0, 0, 21, 0).score().grade;
    assert_eq!(grade.because, Some(Cap::ManyMedium { count: 21 }));
    assert_eq!((grade.more, grade.without), (0, Some(Letter::B)));
    let open = Case { inconclusive: 7, pass: 93, ..golden(0, 0, 0, 0) };
    assert_eq!(open.score().grade.because, Some(Cap::Inconclusive { percent: 7 }));
    let clean = golden(0, 0, 0, 40).score().grade;
    assert_eq!((clean.because, clean.without, clean.accepted_risk), (None, None, false));
}

#[test]
fn a_waiver_softens_by_one_step_and_shows() {
    let waived = |severity| {
        let fails = vec![Fail { waived: true, ..Fail::of(severity) }];
        let grade = Case { fails, ..golden(0, 0, 0, 0) }.score().grade;
        (grade.letter, grade.accepted_risk)
    };
    assert_eq!(waived(Severity::Critical), (Letter::D, true));
    assert_eq!(waived(Severity::High), (Letter::C, true));
    assert_eq!(waived(Severity::Medium), (Letter::A, true));
}

fn fail() -> impl Strategy<Value = Fail> {
    let severity = proptest::sample::select(Severity::GRAVEST_FIRST.to_vec());
    (severity, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(severity, gate, waived, overdue)| {
            let gate = gate || severity == Severity::Critical;
            Fail { severity, gate, waived, overdue }
        },
    )
}

fn case() -> impl Strategy<Value = Case> {
    let fails = proptest::collection::vec(fail(), 0..40);
    (fails, 1_u64..60, 0_u64..12, 0_u64..12).prop_map(|(fails, pass, inconclusive, not_tested)| {
        Case { fails, pass, inconclusive, not_tested }
    })
}

/// A case with at least one fail, and which of them is meant.
fn failing() -> impl Strategy<Value = (Case, usize)> {
    (case(), fail(), any::<proptest::sample::Index>()).prop_map(|(mut case, fail, index)| {
        case.fails.push(fail);
        let index = index.index(case.fails.len());
        (case, index)
    })
}

/// The smallest case in which it once did help.
#[test]
fn an_accepted_low_finding_is_no_worse_than_an_open_one() {
    let case = |waived| Case {
        fails: vec![Fail { waived, ..Fail::of(Severity::Low) }],
        pass: 44,
        inconclusive: 0,
        not_tested: 0,
    };
    assert!(case(false).verdict() >= case(true).verdict());
}

proptest! {
    #[test]
    fn one_more_failure_never_helps(case in case(), fail in fail()) {
        let mut added = case.clone();
        added.fails.push(fail);
        prop_assert!(added.letter() >= case.letter());
        prop_assert!(added.score().burden >= case.score().burden);
        let instead_of_a_pass = Case { pass: case.pass - 1, ..added };
        prop_assert!(instead_of_a_pass.letter() >= case.letter());
        prop_assert!(instead_of_a_pass.verdict() >= case.verdict());
    }

    #[test]
    fn a_waiver_never_beats_mending((case, which) in failing()) {
        let mut waived = case.clone();
        waived.fails[which].waived = true;
        let mut mended = case.clone();
        mended.fails.swap_remove(which);
        mended.pass += 1;
        prop_assert!(waived.letter() >= mended.letter());
        prop_assert!(waived.verdict() >= mended.verdict());
        prop_assert!(waived.score().grade.accepted_risk);
    }

    #[test]
    fn a_waiver_that_ends_never_helps((case, which) in failing()) {
        let mut waived = case.clone();
        waived.fails[which].waived = true;
        let mut ended = case.clone();
        ended.fails[which].waived = false;
        prop_assert!(ended.letter() >= waived.letter());
        prop_assert!(ended.verdict() >= waived.verdict());
        prop_assert!(ended.score().burden >= waived.score().burden);
    }

    #[test]
    fn order_does_not_matter(case in case(), seed in any::<u64>()) {
        let mut findings = case.findings();
        let before = score(&findings, &case.coverage(), &RULE, now());
        findings.sort_by_key(|one| crate::model::digest::Digest::of(
            format!("{seed}{}", one.fingerprint).as_bytes(),
        ));
        let after = score(&findings, &case.coverage(), &RULE, now());
        prop_assert_eq!(before.burden, after.burden);
        prop_assert_eq!(before.grade.letter, after.grade.letter);
        prop_assert_eq!(before.grade.without, after.grade.without);
        prop_assert_eq!(before.grade.more, after.grade.more);
    }

    #[test]
    fn not_tested_never_beats_a_pass(case in case()) {
        let skipped = Case {
            pass: case.pass - 1,
            not_tested: case.not_tested + 1,
            ..case.clone()
        };
        prop_assert!(skipped.letter() >= case.letter());
        prop_assert!(skipped.verdict() >= case.verdict());
        let unclear = Case {
            pass: case.pass - 1,
            inconclusive: case.inconclusive + 1,
            ..case.clone()
        };
        prop_assert!(unclear.letter() >= case.letter());
        prop_assert!(unclear.verdict() >= case.verdict());
    }

    #[test]
    fn a_graver_level_never_helps((case, which) in failing()) {
        let mut graver = case.clone();
        graver.fails[which].severity = match case.fails[which].severity {
            Severity::Low => Severity::Medium,
            Severity::Medium => Severity::High,
            Severity::High | Severity::Critical => Severity::Critical,
        };
        prop_assert!(graver.letter() >= case.letter());
        prop_assert!(graver.verdict() >= case.verdict());
        prop_assert!(graver.score().burden >= case.score().burden);
    }

    #[test]
    fn without_its_reasons_the_letter_is_what_is_promised(case in case()) {
        let grade = case.score().grade;
        prop_assert_eq!(grade.because.is_none(), grade.letter == Letter::A);
        prop_assert!(grade.without.is_none_or(|without| without < grade.letter));
    }
}
