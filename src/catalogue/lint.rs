//! What is asked of a check that comes with the program, beyond being right.

use super::Check;
use crate::model::complaint::Complaint;
use crate::model::outcome::Outcome;
use crate::model::said::Said;

/// The languages in which every built-in check speaks.
const LANGUAGES: [&str; 2] = ["en", "zh-Hant"];

/// What a check still lacks: tests of a pass, a fail and neither; every text in every language; sources; a fix.
pub fn lint(check: &Check) -> Vec<Complaint> {
    let lacks = |what: String| Complaint::at(&check.source, 0..0, format!("{}: {what}", check.id));
    let tested =
        |outcomes: &[Outcome]| check.tests.iter().any(|test| outcomes.contains(&test.expect));
    let mut found = Vec::new();
    for (outcomes, what) in [
        (&[Outcome::Pass][..], "no test passes"),
        (&[Outcome::Fail][..], "no test fails"),
        (
            &[Outcome::Inconclusive, Outcome::NotApplicable][..],
            "no test comes out inconclusive or not applicable",
        ),
    ] {
        if !tested(outcomes) {
            found.push(lacks(what.into()));
        }
    }
    for (field, said) in texts(check) {
        for lang in LANGUAGES {
            if said.0.get(lang).is_none_or(|text| text.trim().is_empty()) {
                found.push(lacks(format!("`{field}` says nothing in {lang}")));
            }
        }
    }
    if check.refs.is_empty() {
        found.push(lacks("it names no source under `refs`".into()));
    }
    if check.fix.is_empty() {
        found.push(lacks("it offers no fix".into()));
    }
    found
}

pub(super) fn texts(check: &Check) -> Vec<(&'static str, &Said)> {
    let mut all =
        vec![("title", &check.title), ("why", &check.why), ("says.fail", check.fail.texts())];
    all.extend(check.pass.iter().map(|sentence| ("says.pass", sentence.texts())));
    all.extend(check.otherwise.iter().map(|said| ("otherwise", said)));
    all.extend(check.fix.iter().map(|fix| ("fix.text", &fix.text)));
    all
}
