//! A journal killed, torn, changed, locked: what comes back.

#![expect(clippy::naive_bytecount, reason = "a few kilobytes, once a test")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::*;
use crate::model::moment::Moment;
use crate::model::net::{HostId, Transport};
use crate::model::observation::{Observation, Spot};
use crate::model::plan::{Bound, Limits, Plan};
use crate::model::record::{BOOK_SCHEMA, Dial, End};

fn opened() -> Opened {
    let limits = Limits {
        per_second: 1,
        per_host_per_second: 1,
        per_host_parallel: 1,
        per_host_talks_per_second: None,
    };
    Opened {
        schema: BOOK_SCHEMA.into(),
        version: "0.1.0".into(),
        at: Moment::from_unix_seconds(1_800_000_000),
        vantage: "outside".into(),
        identity: BTreeMap::new(),
        inventory: json!({}),
        declared_at: BTreeMap::new(),
        trust: Vec::new(),
        authorisations: Vec::new(),
        waivers: json!(null),
        profile: "baseline".into(),
        plan: Plan {
            schema: "postern/plan/v1".into(),
            made: Moment::from_unix_seconds(1_800_000_000),
            vantage: "outside".into(),
            profile: "baseline".into(),
            limits,
            resolvers: Vec::new(),
            steps: Vec::new(),
            wanted: Vec::new(),
            untested: Vec::new(),
            total: Bound::default(),
        },
        digests: BTreeMap::new(),
        given: BTreeMap::new(),
        plugins: Vec::new(),
    }
}

fn spot(port: u16) -> Spot {
    Spot {
        host: HostId("web1".into()),
        address: "127.0.0.1".parse().ok(),
        service: Some((Transport::Tcp, port)),
        name: None,
    }
}

fn dial(port: u16) -> Row {
    Row::Dial(Dial {
        step: Some(0),
        address: "127.0.0.1".parse().expect("an address"),
        transport: Transport::Tcp,
        port,
        authority: "loopback".into(),
        at: Moment::from_unix_seconds(1_800_000_001),
        plugin: None,
    })
}

fn saw(step: u32, spot: Spot, saw: serde_json::Value) -> Row {
    Row::Saw(Observation {
        step,
        probe: "tcp".into(),
        revision: 1,
        spot,
        vantage: "outside".into(),
        attempt: 1,
        at: Moment::from_unix_seconds(1_800_000_001),
        took_ms: 3,
        saw,
        transcript: Vec::new(),
    })
}

fn done(step: u32, port: u16) -> Row {
    Row::Done { step, spot: spot(port), end: End::Asked }
}

/// A book with a few rows, closed.
fn written(path: &Path) {
    let journal = Journal::create(path, &opened()).expect("a new book");
    for row in [dial(443), saw(1, spot(443), json!({"said": "hello"})), done(1, 443), dial(80)] {
        journal.append(&row).expect("a row");
    }
}

#[test]
fn a_resumed_journal_knows_what_is_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("book.jsonl");
    written(&path);
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    let resumed = Journal::resume(&path).expect("the same book");
    assert_eq!(resumed.opened, opened());
    assert_eq!(resumed.torn, 0);
    assert_eq!(resumed.progress.ended(1, &spot(443)), Some(&End::Asked));
    assert_eq!(resumed.progress.ended(1, &spot(80)), None);
    assert_eq!(resumed.progress.seen(1, &spot(443)).len(), 1);
    assert!(!resumed.progress.is_complete());
    assert_eq!(resumed.journal.append(&done(1, 80)).expect("a row"), 5);
    drop(resumed);
    let again = Journal::resume(&path).expect("the chain goes on");
    assert_eq!(again.progress.ended_count(), 2);
}

#[test]
fn ports_of_a_sweep_cut_short_are_known() {
    let rows = [
        (1, saw(0, spot(1), json!({"states": [{"ports": "1-3,9", "state": "closed"}]}))),
        (2, saw(0, spot(1), json!({"states": [{"ports": "22", "state": "open"}]}))),
    ];
    let progress = Progress::of(&rows);
    let ports: Vec<u16> = progress.ports_settled(0, &spot(1)).into_iter().collect();
    assert_eq!(ports, [1, 2, 3, 9, 22]);
    assert_eq!(progress.seen_by(0).count(), 1);
}

#[test]
fn a_torn_last_row_is_cut_off_and_said_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("book.jsonl");
    written(&path);
    let whole = fs::read(&path).expect("a book");
    let before_last =
        whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').expect("more than one") + 1;
    for cut in [before_last + 1, before_last + 40, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).expect("writable");
        let resumed = Journal::resume(&path).expect("usable");
        assert_eq!(resumed.torn, (cut - before_last) as u64);
        drop(resumed);
        assert_eq!(fs::read(&path).expect("a book"), whole[..before_last]);
    }
}

#[test]
fn one_flipped_byte_is_found_at_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("book.jsonl");
    written(&path);
    let whole = fs::read(&path).expect("a book");
    for at in 0..whole.len() - 1 {
        for flip in [0x01, 0x20, 0x80] {
            let mut changed = whole.clone();
            changed[at] ^= flip;
            let line = whole[..at].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
            let broken = chain::read(&changed).expect_err("every byte counts");
            assert_eq!(broken.line, line, "byte {at}: {broken}");
        }
    }
}

#[test]
fn a_second_scan_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("book.jsonl");
    let first = Journal::create(&path, &opened()).expect("a new book");
    assert!(matches!(Journal::create(&path, &opened()), Err(Unusable::Exists(_))));
    assert!(matches!(Journal::resume(&path), Err(Unusable::InUse(_))));
    drop(first);
    assert!(Journal::resume(&path).is_ok());
}

#[test]
fn a_newer_book_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("book.jsonl");
    let newer = Opened { schema: "postern/book/v9".into(), ..opened() };
    drop(Journal::create(&path, &newer).expect("a new book"));
    let Err(Unusable::Broken(_, broken)) = Journal::resume(&path) else {
        panic!("a book of the future is not guessed at")
    };
    assert!(broken.what.contains("postern/book/v9"), "{broken}");
}
