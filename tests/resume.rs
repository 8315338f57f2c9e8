//! A scan that is killed again and again goes on each time, asks nothing twice that was answered, and comes to the
//! review of one that was left alone.
//!
//! Six kills by default; thirty with `POSTERN_FULL=1`. `POSTERN_SEED` repeats the points of an earlier run.

#![expect(clippy::disallowed_methods, reason = "the resolver of the tests has a socket of its own")]
#![expect(clippy::naive_bytecount, reason = "a few kilobytes, now and then")]
#![expect(clippy::print_stderr, reason = "a failure can be repeated only with the seed it printed")]

#[path = "resume/killing.rs"]
mod killing;
#[path = "resume/lab.rs"]
mod lab;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use postern::book::{Book, Completeness};
use postern::engine::wall_clock;
use postern::model::moment::Moment;
use postern::model::net::{HostId, Transport, parse_port_ranges};
use postern::model::observation::{Spot, StepId};
use postern::model::plan::{Limits, Over};
use postern::model::record::Row;
use postern::model::saw::{PortState, PortsSaw};
use serde_json::Value;

use killing::killed_at;
use lab::{Door, Lab, SPOKEN, authorisation, postern, resume};

#[test]
fn killed_and_resumed_it_comes_to_the_same_review() {
    let kills = if std::env::var_os("POSTERN_FULL").is_some() { 30 } else { 6 };
    let mut random = Random::seeded();
    let lab = Lab::new("127.45.0.53", &SPOKEN);
    let ended = lab.begin("alone", "127.45.0.53", &[]).wait().expect("it runs");
    assert!(ended.code().is_some());
    let alone = lab.path("alone");
    let whole = book(&alone);
    assert_eq!(whole.complete(), Completeness::Complete);
    for door in &lab.doors {
        let opened = door.opened.swap(0, Ordering::SeqCst);
        assert_eq!(opened, dials(&whole, door), "port {}", door.port);
    }

    let killed = lab.path("killed");
    let rows = whole.rows().len();
    let mut points: Vec<usize> = (0..kills).map(|_| random.between(2, rows)).collect();
    points.sort_unstable();
    let mut child = lab.begin("killed", "127.45.0.53", &[]);
    let mut did = 0;
    for point in points {
        if !killed_at(&mut child, &killed.join("book.jsonl"), point) {
            break;
        }
        did += 1;
        child = resume(lab.folder.path(), &killed);
    }
    assert!(child.wait().expect("it runs").code().is_some());
    assert!(did >= kills / 2, "it was hardly killed");

    let pieced = book(&killed);
    assert_eq!(pieced.complete(), Completeness::Complete);
    let answered = nothing_asked_twice(&pieced);
    assert_eq!(answered, nothing_asked_twice(&whole), "as much as in one go");
    eprintln!(
        "killed {did} times at rows out of {rows}: {answered} questions answered, none of them put again; {} packets \
         intended, and {} by the scan left alone",
        all_dials(&pieced),
        all_dials(&whole)
    );
    for door in &lab.doors {
        let opened = door.opened.load(Ordering::SeqCst);
        assert!(opened <= dials(&pieced, door), "port {} was dialled without a row", door.port);
    }
    let (pieced, alone) = (review(&killed), review(&alone));
    for (part, expected) in alone.as_object().expect("a review") {
        assert_eq!(pieced.get(part), Some(expected), "{part}");
    }
}

/// Killed three times while the ports of one host are asked.
#[test]
fn within_a_host_only_what_is_left_is_asked() {
    let spoken = [("127.45.6.10", Some("SSH-2.0-OpenSSH_9.2p1\r\n"), None)];
    let lab = Lab::asking("1-4000", 1000, "127.45.6.53", &spoken);
    let killed = lab.path("killed");
    let mut child = lab.begin("killed", "127.45.6.53", &[]);
    let mut asked = Vec::new();
    for rows in [200, 700, 1300] {
        assert!(killed_at(&mut child, &killed.join("book.jsonl"), rows), "it ended before");
        let cut = book(&killed);
        let done = |row: &Row| matches!(row, Row::Done { spot, .. } if spot.address == Some(lab.doors[0].address));
        assert!(!cut.rows().iter().any(|(_, row)| done(row)), "within a step");
        asked.push(to_find_out(&cut));
        child = resume(lab.folder.path(), &killed);
    }
    assert!(child.wait().expect("it runs").code().is_some());
    let pieced = book(&killed);
    assert_eq!(pieced.complete(), Completeness::Complete);
    nothing_asked_twice(&pieced);
    let all = to_find_out(&pieced);
    // Rows of other steps come between.
    assert!(asked.is_sorted() && asked[0] < asked[2], "each went on: {asked:?}");
    eprintln!(
        "{asked:?} ports asked at the kills, {all} packets in all, {} rows",
        pieced.rows().len()
    );
    // What was under way at a kill is asked again: not more than a fifth of a second's worth each time.
    assert!((4001..4001 + 3 * 200).contains(&all), "{all} packets for 4001 ports");
    let last = pieced.rows().iter().rev().find_map(|(_, row)| match row {
        Row::Saw(saw) if saw.probe == "tcp" && saw.spot.address == Some(lab.doors[0].address) => {
            serde_json::from_value::<PortsSaw>(saw.saw.clone()).ok()
        }
        _ => None,
    });
    let last = last.expect("the ports were seen");
    let states: BTreeMap<PortState, usize> = last
        .states
        .iter()
        .map(|run| (run.state, parse_port_ranges(&run.ports).expect("ports").len()))
        .collect();
    // Others may listen on this machine; nobody keeps silent.
    let settled = [PortState::Open, PortState::Closed].map(|state| states.get(&state).copied());
    assert_eq!(settled.into_iter().flatten().sum::<usize>(), 4001, "{states:?}");
}

/// How many packets went to ports whose state was not known yet.
fn to_find_out(book: &Book) -> usize {
    let packets = |row: &Row| match row {
        Row::Dials(dials) if dials.again.is_none() => dials.ports.len(),
        _ => 0,
    };
    book.rows().iter().map(|(_, row)| packets(row)).sum()
}

/// Killed between an answer and the end of its step, whatever probe it was.
#[test]
fn an_answer_without_its_end_is_an_answer() {
    let spoken = [SPOKEN[0], SPOKEN[1]].map(|(_, first, answer)| ("127.45.3.10", first, answer));
    let resolver = "127.45.3.53";
    let lab = Lab::new(resolver, &spoken);
    lab.begin("alone", resolver, &[]).wait().expect("it runs");
    let text = std::fs::read_to_string(lab.path("alone/book.jsonl")).expect("a book");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let whole = book(&lab.path("alone"));
    lab.doors.iter().for_each(|door| door.opened.store(0, Ordering::SeqCst));
    lab.asked.lock().expect("counted").clear();
    let mut cuts = BTreeMap::new();
    for (row, after) in whole.rows().iter().zip(whole.rows().iter().skip(1)) {
        let ((seq, Row::Saw(saw)), (_, Row::Done { .. })) = (row, after) else { continue };
        // Of the probes that checks write down three will do.
        let recipes = cuts.keys().filter(|probe: &&String| probe.starts_with("ask-")).count();
        if cuts.contains_key(&saw.probe) || saw.probe.starts_with("ask-") && recipes == 3 {
            continue;
        }
        let out = lab.path(&saw.probe);
        std::fs::create_dir(&out).expect("writable");
        let rows = lines.get(..=usize::try_from(*seq).expect("short")).expect("rows").concat();
        std::fs::write(out.join("book.jsonl"), &rows).expect("writable");
        let cut = Book::read(rows.as_bytes()).expect("a book");
        cuts.insert(saw.probe.clone(), (resume(lab.folder.path(), &out), cut));
    }
    let (recipes, probes): (BTreeSet<String>, BTreeSet<String>) =
        cuts.keys().cloned().partition(|probe| probe.starts_with("ask-"));
    assert_eq!(recipes.len(), 3, "{recipes:?}");
    let (mut dialled, mut asked) = (vec![0; lab.doors.len()], 0);
    for (probe, (mut child, cut)) in cuts {
        child.wait().expect("it runs");
        let pieced = book(&lab.path(&probe));
        assert_eq!(pieced.complete(), Completeness::Complete);
        assert_eq!(nothing_asked_twice(&pieced), nothing_asked_twice(&whole), "{probe}");
        for (door, sum) in lab.doors.iter().zip(&mut dialled) {
            *sum += dials(&pieced, door) - dials(&cut, door);
        }
        asked += questions(&pieced) - questions(&cut);
    }
    for (door, dialled) in lab.doors.iter().zip(dialled) {
        assert_eq!(door.opened.load(Ordering::SeqCst), dialled, "port {}", door.port);
    }
    let heard: usize = lab.asked.lock().expect("counted").values().sum();
    assert!(heard == 0 || heard == asked, "{heard} questions heard, {asked} in the books");
    let all = ["greeting", "http", "names", "tcp", "tls"].map(str::to_owned);
    assert_eq!(probes, all.into(), "every probe was cut off once");
}

#[test]
fn a_resumed_scan_writes_what_the_first_was_told_to() {
    let resolver = "127.45.4.53";
    let lab = Lab::new(resolver, &[("127.45.4.10", Some("220 hello\r\n"), None)]);
    lab.begin("last", resolver, &[]).wait().expect("it runs");
    let last = lab.path("last/review.json");
    let mut child = lab.begin(
        "first",
        resolver,
        &["--lang=zh-Hant,en", "--format=html,sarif", "--last=last/review.json"],
    );
    assert!(killed_at(&mut child, &lab.path("first/book.jsonl"), 6), "it ended before");
    // The book may have been moved; what it was told stays.
    std::fs::rename(lab.path("first"), lab.path("moved")).expect("it can be moved");
    let elsewhere = tempfile::tempdir().expect("a folder");
    resume(elsewhere.path(), &lab.path("moved")).wait().expect("it runs");
    let read = |path: &str| std::fs::read_to_string(lab.path(path)).unwrap_or_default();
    assert!(read("moved/report.html").contains("<html lang=\"zh-Hant\""));
    assert!(read("moved/report.en.html").contains("<html lang=\"en\""));
    assert!(read("moved/review.sarif").contains("\"$schema\""), "{:?}", lab.folder);
    let old: Value = serde_json::from_str(&read("last/review.json")).expect("a review");
    let digest = |review: &Value| review.pointer("/scan/book_digest").cloned();
    let review: Value = serde_json::from_str(&read("moved/review.json")).expect("a review");
    assert!(review.to_string().contains("still-open"), "held against {}", last.display());
    assert_ne!(digest(&review), digest(&old));

    // What is given now wins, and a file that is gone is said to be.
    let again = |more: &[&str]| {
        let mut command = postern(elsewhere.path());
        command.args(["scan", "--quiet", "--resume"]).arg(lab.path("moved/book.jsonl")).args(more);
        command.output().expect("it runs")
    };
    again(&["--lang=en", "--format=junit", "--out=here"]);
    let here = elsewhere.path().join("here");
    assert!(here.join("review.junit.xml").exists(), "{here:?}");
    assert!(!here.join("report.html").exists());
    std::fs::remove_file(&last).expect("it was there");
    let refused = again(&[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("last/review.json"));
}

#[test]
fn a_changed_inventory_is_not_resumed() {
    let resolver = "127.45.1.53";
    let lab = Lab::new(resolver, &[("127.45.1.10", Some("220 hello\r\n"), None)]);
    let (out, inventory) = (lab.path("out"), lab.path("inventory.yaml"));
    let mut child = lab.begin("out", resolver, &[]);
    assert!(killed_at(&mut child, &out.join("book.jsonl"), 4), "it ended before it was killed");
    let before = std::fs::read(out.join("book.jsonl")).expect("a book");
    let text = std::fs::read_to_string(&inventory).expect("an inventory");
    let changed = text.replace("22/tcp", "23/tcp");
    assert_ne!(changed, text);
    std::fs::write(&inventory, changed).expect("writable");
    let refused = resume(lab.folder.path(), &out).wait_with_output().expect("it runs");
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("changed since it began: "), "{said}");
    assert!(said.contains("inventory"), "{said}");
    let whole_lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
    let after = std::fs::read(out.join("book.jsonl")).expect("a book");
    assert_eq!(whole_lines(&after), whole_lines(&before), "a refusal writes nothing");
}

#[test]
fn outside_the_window_nothing_begins_and_nothing_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let inventory = folder.path().join("inventory.yaml");
    let named = "schema: postern/inventory/v1\noperator: {id: dhc, name: {en: A centre}}\nhosts:\n  - {id: web1, names: [web.example]}\n";
    std::fs::write(&inventory, named).expect("writable");
    let scan = |out: &str, from: Moment, to: Moment| {
        let leave = folder.path().join(format!("{out}.yaml"));
        let limits = Limits {
            per_second: 20,
            per_host_per_second: 10,
            per_host_parallel: 2,
            per_host_talks_per_second: None,
        };
        let text = authorisation(vec![HostId("web1".into())], limits, from, to);
        std::fs::write(&leave, text).expect("writable");
        let mut command = postern(folder.path());
        command.arg("scan").arg("--inventory").arg(&inventory).args(["--quiet", "--out", out]);
        command.arg("--authorisation").arg(leave).args(["--resolver", "127.45.2.53"]);
        command.output().expect("it runs")
    };
    let now = wall_clock();
    let over = scan("over", now.plus_days(-2), now.plus_days(-1));
    assert_eq!(over.status.code(), Some(3), "{}", String::from_utf8_lossy(&over.stderr));
    assert!(!folder.path().join("over").exists(), "refused before a book is opened");

    let end = now.plus(Duration::from_secs(10));
    let _ = scan("cut", now.plus_days(-1), end);
    let book = folder.path().join("cut/book.jsonl");
    let whole = std::fs::read_to_string(&book).expect("a book");
    let begun: String = whole.split_inclusive('\n').take(2).collect();
    std::fs::write(&book, &begun).expect("writable");
    while wall_clock() <= end {
        std::thread::sleep(Duration::from_millis(100));
    }
    let refused = resume(folder.path(), &folder.path().join("cut")).wait_with_output();
    let refused = refused.expect("it runs");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("only, and it is"), "{said}");
    assert_eq!(std::fs::read_to_string(&book).expect("a book"), begun, "nothing is written");
}

fn book(out: &Path) -> Book {
    Book::load(&out.join("book.jsonl")).expect("a book")
}

fn dials(book: &Book, door: &Door) -> usize {
    let to_it = |row: &Row| match row {
        Row::Dial(dial) => usize::from(dial.address == door.address && dial.port == door.port),
        Row::Dials(dials) if dials.address == door.address => {
            dials.ports.iter().filter(|port| **port == door.port).count()
        }
        _ => 0,
    };
    book.rows().iter().map(|(_, row)| to_it(row)).sum()
}

/// How many questions went to the resolvers: checks ask over UDP by themselves too.
fn questions(book: &Book) -> usize {
    let asks = |row: &Row| matches!(row, Row::Dial(dial) if dial.transport == Transport::Udp && dial.authority == "resolver");
    book.rows().iter().filter(|(_, row)| asks(row)).count()
}

fn all_dials(book: &Book) -> usize {
    let packets = |row: &Row| match row {
        Row::Dial(_) => 1,
        Row::Dials(dials) => dials.ports.len(),
        _ => 0,
    };
    book.rows().iter().map(|(_, row)| packets(row)).sum()
}

/// Whatever a step has an answer to, or has ended on, is dialled no more by it, and is answered once. Answers how many
/// questions there were: each probe on each spot, and of a sweep each port.
fn nothing_asked_twice(book: &Book) -> usize {
    let mut answered: BTreeSet<(StepId, Option<IpAddr>, Option<u16>)> = BTreeSet::new();
    let (mut saw, mut done) = (BTreeSet::new(), BTreeSet::new());
    // The steps that ask for names: on one name each, so that what they dial is about that one.
    let by_name: BTreeSet<StepId> = book
        .opened()
        .plan
        .steps
        .iter()
        .filter_map(|step| match &step.over {
            Over::Name { names } => {
                assert_eq!(names.len(), 1);
                Some(step.id)
            }
            _ => None,
        })
        .collect();
    let place = |spot: &Spot| (spot.address, spot.service.map(|(_, port)| port));
    for (seq, row) in book.rows() {
        match row {
            Row::Done { step, spot, .. } => {
                assert!(done.insert((*step, spot.clone())), "row {seq} ends {spot:?} again");
                let (address, port) = place(spot);
                answered.insert((*step, address, port));
            }
            Row::Saw(one) if one.probe == "tcp" => {
                let ports: PortsSaw = serde_json::from_value(one.saw.clone()).expect("states");
                let all = ports.states.iter().flat_map(|run| parse_port_ranges(&run.ports));
                let all = all.flatten().map(|port| (one.step, one.spot.address, Some(port)));
                answered.extend(all);
            }
            Row::Saw(one) => {
                let spot = (one.step, one.spot.clone());
                assert!(saw.insert(spot), "row {seq} answers {:?} again", one.spot);
                let (address, port) = place(&one.spot);
                answered.insert((one.step, address, port));
            }
            Row::Dial(dial) => {
                let step = dial.step.expect("each packet has its step");
                let to = if by_name.contains(&step) {
                    vec![(None, None)]
                } else {
                    vec![(Some(dial.address), None), (Some(dial.address), Some(dial.port))]
                };
                for (address, port) in to {
                    let known = answered.contains(&(step, address, port));
                    assert!(!known, "row {seq} asks {} port {} again", dial.address, dial.port);
                }
            }
            // Ports that answered are asked again to see what gets through, and to see that somebody is behind them.
            Row::Dials(dials) if dials.again.is_none() => {
                for port in &dials.ports {
                    let known = answered.contains(&(dials.step, Some(dials.address), Some(*port)));
                    assert!(!known, "row {seq} asks {} port {port} again", dials.address);
                }
            }
            _ => {}
        }
    }
    answered.len()
}

/// The review without its times, and without what counts or numbers rows.
fn review(out: &Path) -> Value {
    let path: PathBuf = out.join("review.json");
    let text = std::fs::read_to_string(path).expect("a review");
    let mut review: Value = serde_json::from_str(&text).expect("JSON");
    without_times(&mut review);
    review
}

fn without_times(value: &mut Value) {
    const LEFT_OUT: [&str; 15] = [
        "sweeps",
        "made",
        "began",
        "ended",
        "at",
        "due",
        "first_seen",
        "took_ms",
        "ms",
        "seq",
        "row",
        "rows",
        "book_digest",
        "connections",
        "datagrams",
    ];
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));
            fields.values_mut().for_each(without_times);
        }
        Value::Array(items) => items.iter_mut().for_each(without_times),
        _ => {}
    }
}

/// Points that nobody chose, and that can be chosen again (a linear congruential generator, Knuth's constants).
struct Random(u64);

impl Random {
    fn seeded() -> Self {
        let given = std::env::var("POSTERN_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from(std::process::id()) * 7919);
        eprintln!("POSTERN_SEED={seed}");
        Self(seed)
    }

    fn between(&mut self, low: usize, high: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + usize::try_from(self.0 >> 33).unwrap_or(0) % (high - low).max(1)
    }
}
