//! The main job, end to end: the demo's findings equal the demo vendor's known weaknesses, none missing, none extra.

#![expect(clippy::disallowed_methods, reason = "how long it takes is what is measured")]

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use postern::demo::{Loopback, weaknesses};
use postern::model::reason::Reason;
use postern::review::{GateVerdict, Review};

#[test]
fn the_demo_finds_what_is_wrong_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("review");
    let began = Instant::now();
    let run = Command::new(env!("CARGO_BIN_EXE_postern"))
        .args(["demo", "--out"])
        .arg(&out)
        .output()
        .expect("it runs");
    let said =
        format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert_eq!(run.status.code(), Some(1), "the vendor does not pass the gate:\n{said}");
    // The promise is 15 seconds; a busy machine may be late, a hang is something else.
    assert!(began.elapsed() < Duration::from_secs(60), "it took {:?}", began.elapsed());

    let review = fs::read_to_string(out.join("review.json")).expect("a review was written");
    let review: Review = serde_json::from_str(&review).expect("it can be read again");
    assert!(review.scan.complete, "{said}");
    assert_eq!(review.decision.verdict, GateVerdict::NoGo);

    // A report in Chinese has no English sentence of ours: every reason is one that the words files know.
    let reasons = review.tests.iter().flat_map(|test| test.reasons.values().flatten());
    let untold: BTreeSet<_> =
        reasons.filter(|reason| matches!(reason, Reason::Verbatim { .. })).collect();
    assert!(untold.is_empty(), "nobody translated {untold:#?}");

    let inventory =
        fs::read_to_string(out.join("inventory.yaml")).expect("the vendor's inventory was written");
    let loopback = if inventory.contains("::1") { Loopback::Both } else { Loopback::V4 };
    let known: BTreeSet<_> =
        weaknesses(loopback).into_iter().map(|(check, host)| format!("{check} {host}")).collect();
    let found: BTreeSet<_> = review
        .findings
        .iter()
        .flat_map(|finding| {
            finding
                .places
                .iter()
                .map(move |place| format!("{} {}", finding.check, place.subject.host))
        })
        .collect();
    let extra: Vec<_> = found.difference(&known).collect();
    let missing: Vec<_> = known.difference(&found).collect();
    assert!(extra.is_empty() && missing.is_empty(), "extra: {extra:#?}\nmissing: {missing:#?}");

    for page in ["report.html", "report.zh-Hant.html"] {
        assert!(out.join(page).exists(), "{page} was not written:\n{said}");
    }
}
