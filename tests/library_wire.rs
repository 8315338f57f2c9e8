//! Everything that the library's own probes put on the wire, recorded: each check with a probe is carried out through the
//! real engine, once against each conversation of its own tests, and once against a peer that says yes to everything.
//!
//! Whatever the peer does: no credential, no write, no byte that the check does not write down, and never more requests
//! than its plan promises. The list of checks is the catalogue itself.

#![expect(clippy::disallowed_methods, reason = "the tests' own peers and clock")]
#![allow(
    clippy::similar_names,
    clippy::single_match_else,
    clippy::format_collect,
    reason = "they read well here"
)]

#[path = "library_wire/harm.rs"]
mod harm;
#[path = "library_wire/peer.rs"]
mod peer;
#[path = "library_wire/scan.rs"]
mod scan;
#[path = "library_wire/words.rs"]
mod words;

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use postern::catalogue::recipe::{Asking, Medium};
use postern::catalogue::{Catalogue, Check, CheckFile, File, TestFile};
use postern::facts::Vocabulary;
use postern::model::complaint::Source;
use postern::model::net::Transport;
use postern::model::outcome::Outcome;
use postern::model::plan::Class;
use postern::yaml;

use peer::{Heard, Peer, Plays};
use words::Written;

/// So many conversations are held at once: most of them wait.
const AT_ONCE: usize = 32;

/// A conversation to be held.
struct Case {
    check: Arc<Check>,
    asking: Arc<Asking>,
    file: Arc<CheckFile>,
    /// Its test; none for the peer that says yes.
    test: Option<usize>,
}

impl Case {
    fn test(&self) -> Option<&TestFile> {
        self.file.tests.get(self.test?)
    }

    fn name(&self) -> String {
        let with = self.test().map_or("a peer that says yes", |test| &test.name);
        format!("{}, {with}", self.check.id)
    }

    /// What the peer does.
    fn plays(&self) -> Plays {
        let Some(test) = self.test() else { return Plays::Yes };
        match self.asking.medium {
            Medium::Tcp | Medium::Tls | Medium::Udp => Plays::Wire(words::lines(test)),
            Medium::Http => Plays::Pages(test.pages.clone()),
            Medium::Dns | Medium::DnsTcp => Plays::Answers(test.answers.clone()),
        }
    }

    fn transport(&self) -> Transport {
        if self.asking.medium.is_datagrams() { Transport::Udp } else { Transport::Tcp }
    }
}

/// Every check with a probe: with each of its tests that pass or fail by a conversation, and with the peer that says yes.
fn cases(files: &[File]) -> Vec<Case> {
    let (catalogue, wrong) = Catalogue::read(files, &Vocabulary::built_in());
    assert!(wrong.is_empty(), "{wrong:?}");
    let mut all = Vec::new();
    for check in catalogue.checks() {
        let Some(asking) = check.asking(&check.defaults()) else { continue };
        let asking = Arc::new(asking);
        let document = yaml::read::<CheckFile>(&check.source).expect("it was read before");
        let file = Arc::new(document.value);
        let settles = |test: &TestFile| {
            let talks = !(test.wire.is_empty() && test.pages.is_empty() && test.answers.is_empty());
            let settled = matches!(test.expect, Outcome::Pass | Outcome::Fail);
            talks && settled && test.params.is_empty() && words::can_be_played(test)
        };
        let tests = file.tests.iter().enumerate().filter(|(_, test)| settles(test));
        for test in tests.map(|(at, _)| Some(at)).chain([None]) {
            let (check, asking, file) = (check.clone(), asking.clone(), file.clone());
            all.push(Case { check, asking, file, test });
        }
    }
    all
}

/// Holds a conversation, and says everything that is wrong with it.
async fn wrong(case: &Case) -> Vec<String> {
    let peer = Peer::start(case.asking.medium, case.plays()).await;
    let seen = scan::ask(&case.asking, case.transport(), peer.port()).await;
    let heard = peer.heard().await;
    let mut wrong = seen.wrong;
    wrong.extend(too_much(&case.asking, &heard, seen.kept));
    wrong.extend(harm::found(&heard));
    if heard.all().next().is_none() {
        wrong.push("the peer heard nothing of it".into());
    }
    let written = Written::of(&case.file, &case.asking);
    wrong.extend(match (case.asking.medium, case.test()) {
        (Medium::Http, _) => written.other_requests(&heard),
        (Medium::Dns | Medium::DnsTcp, _) => written.other_questions(&heard),
        (_, Some(test)) => words::other_bytes(&words::lines(test), &heard, case.asking.tries()),
        (_, None) => written.unknown_bytes(&heard),
    });
    wrong.into_iter().map(|one| format!("{}: {one}", case.name())).collect()
}

/// What goes beyond the plan.
fn too_much(asking: &Asking, heard: &Heard, kept: usize) -> Vec<String> {
    let bound = asking.bound;
    let counts = [
        ("connections", heard.connections.len() as u64, bound.connections),
        ("datagrams", heard.datagrams.len() as u64, bound.datagrams),
    ];
    let mut wrong: Vec<String> = counts
        .into_iter()
        .filter(|(_, came, most)| came > most)
        .map(|(what, came, most)| format!("{came} {what}, and its plan says {most}"))
        .collect();
    // Each request may keep its own body; all else shares one limit.
    if asking.medium != Medium::Http && kept > asking.caps.bytes {
        wrong.push(format!("{kept} bytes are kept, and its plan says {}", asking.caps.bytes));
    }
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_harmful_and_nothing_undeclared_is_ever_sent() {
    let cases = cases(&Catalogue::built_in_files());
    let checks: std::collections::BTreeSet<_> = cases.iter().map(|case| &case.check.id).collect();
    assert!(checks.len() >= 3, "the library has probes of its own");
    let played = cases.iter().filter(|case| case.test.is_some()).count();
    assert!(played >= checks.len(), "each of them has a test with a conversation");
    let mut failures = stream::iter(&cases).map(wrong).buffer_unordered(AT_ONCE).concat().await;
    failures.sort();
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn every_probe_of_the_library_only_reads() {
    for case in cases(&Catalogue::built_in_files()) {
        assert!(case.asking.class <= Class::ReadOnly, "{} does more than read", case.check.id);
    }
}

/// A check that logs in, and whose plan is not what it says: so that this test is known to notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_logs_in_is_noticed() {
    let text = include_str!("../checks/database/redis-without-password.yaml")
        .replace("PING", "AUTH hunter2")
        .replace("hunter2\\r\\n\", \"< +PONG", "hunter3\\r\\n\", \"< +PONG");
    let source = Arc::new(Source { path: "lab/logs-in.yaml".into(), text });
    let files = [File { id: "lab/logs-in".into(), source }];
    let mut all = Vec::new();
    for case in cases(&files) {
        all.extend(wrong(&case).await);
    }
    let all = all.join("\n");
    assert!(all.contains("`AUTH hunter2` logs in"), "{all}");
    assert!(all.contains("“AUTH hunter2\\r\\n") && all.contains("hunter3"), "{all}");
}
