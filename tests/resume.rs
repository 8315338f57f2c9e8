//! A scan that is killed again and again goes on each time, asks nothing twice that was answered, and comes to the
//! review of one that was left alone.
//!
//! Six kills by default; thirty with `POSTERN_FULL=1`. `POSTERN_SEED` repeats the points of an earlier run.

#![expect(clippy::naive_bytecount, reason = "a few kilobytes, now and then")]
#![expect(clippy::print_stderr, reason = "a failure can be repeated only with the seed it printed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use postern::book::{Book, Completeness};
use postern::engine::wall_clock;
use postern::model::moment::Moment;
use postern::model::net::{HostId, parse_port_ranges};
use postern::model::observation::StepId;
use postern::model::plan::Limits;
use postern::model::record::Row;
use postern::model::saw::PortsSaw;
use postern::scope::Authorisation;
use postern::scope::authorisation::Window;
use serde_json::Value;

/// What a listener says: by itself, or when it is asked.
const SPOKEN: [(&str, Option<&str>, Option<&str>); 6] = [
    ("127.45.0.10", Some("220 (vsFTPd 3.0.3)\r\n"), None),
    (
        "127.45.0.10",
        None,
        Some("HTTP/1.1 200 OK\r\nServer: nginx/1.18.0\r\nContent-Length: 2\r\n\r\nhi"),
    ),
    ("127.45.0.20", Some("SSH-2.0-OpenSSH_9.2p1\r\n"), None),
    ("127.45.0.20", None, Some("HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n")),
    ("127.45.0.30", None, Some("")),
    ("127.45.0.30", None, Some("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")),
];

/// A listener and how many connections it has had.
struct Door {
    address: IpAddr,
    port: u16,
    opened: Arc<AtomicUsize>,
}

#[test]
fn killed_and_resumed_it_comes_to_the_same_review() {
    let kills = if std::env::var_os("POSTERN_FULL").is_some() { 30 } else { 6 };
    let mut random = Random::seeded();
    let folder = tempfile::tempdir().expect("a folder");
    let doors: Vec<Door> =
        SPOKEN.iter().map(|(at, first, answer)| open(at, *first, *answer)).collect();
    let inventory = folder.path().join("inventory.yaml");
    std::fs::write(&inventory, declared(&doors)).expect("writable");
    let profile = "schema: postern/profile/v1\ntitle: {en: Few ports}\nextends: [baseline]\nports: \"1-12\"\n";
    std::fs::create_dir(folder.path().join("profiles")).expect("writable");
    std::fs::write(folder.path().join("profiles/few.yaml"), profile).expect("writable");

    let alone = folder.path().join("alone");
    assert!(begin(folder.path(), &inventory, &alone).wait().expect("it runs").code().is_some());
    let whole = book(&alone);
    assert_eq!(whole.complete(), Completeness::Complete);
    for door in &doors {
        assert_eq!(
            door.opened.swap(0, Ordering::SeqCst),
            dials(&whole, door),
            "port {}",
            door.port
        );
    }

    let killed = folder.path().join("killed");
    let rows = whole.rows().len();
    let mut points: Vec<usize> = (0..kills).map(|_| random.between(2, rows)).collect();
    points.sort_unstable();
    let mut child = begin(folder.path(), &inventory, &killed);
    let mut did = 0;
    for point in points {
        if !killed_at(&mut child, &killed.join("book.jsonl"), point) {
            break;
        }
        did += 1;
        child = resume(folder.path(), &killed);
    }
    assert!(child.wait().expect("it runs").code().is_some());
    eprintln!("killed {did} times at rows out of {rows}");
    assert!(did >= kills / 2, "it was hardly killed");

    let pieced = book(&killed);
    assert_eq!(pieced.complete(), Completeness::Complete);
    nothing_asked_twice(&pieced);
    for door in &doors {
        let opened = door.opened.load(Ordering::SeqCst);
        assert!(opened <= dials(&pieced, door), "port {} was dialled without a row", door.port);
    }
    let (pieced, alone) = (review(&killed), review(&alone));
    for (part, expected) in alone.as_object().expect("a review") {
        assert_eq!(pieced.get(part), Some(expected), "{part}");
    }
}

#[test]
fn a_changed_inventory_is_not_resumed() {
    let folder = tempfile::tempdir().expect("a folder");
    let doors = [open("127.45.1.10", Some("220 hello\r\n"), None)];
    let inventory = folder.path().join("inventory.yaml");
    std::fs::write(&inventory, declared(&doors)).expect("writable");
    std::fs::create_dir(folder.path().join("profiles")).expect("writable");
    let profile = "schema: postern/profile/v1\ntitle: {en: Few ports}\nextends: [baseline]\nports: \"1-12\"\n";
    std::fs::write(folder.path().join("profiles/few.yaml"), profile).expect("writable");
    let out = folder.path().join("out");
    let mut child = begin(folder.path(), &inventory, &out);
    assert!(killed_at(&mut child, &out.join("book.jsonl"), 4), "it ended before it was killed");
    let before = std::fs::read(out.join("book.jsonl")).expect("a book");
    let changed = declared(&doors).replace("22/tcp", "23/tcp");
    std::fs::write(&inventory, changed).expect("writable");
    let refused = resume(folder.path(), &out).wait_with_output().expect("it runs");
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("changed since it began: inventory"), "{said}");
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
        std::fs::write(&leave, authorisation(from, to)).expect("writable");
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

/// Leave for `web1` between two times.
fn authorisation(from: Moment, to: Moment) -> String {
    let leave = Authorisation::ad_hoc(
        "A. Chan",
        vec![HostId("web1".into())],
        Limits { per_second: 20, per_host_per_second: 10, per_host_parallel: 2 },
        from,
    );
    let mut leave = leave.expect("a leave");
    leave.id = "auth-1".into();
    leave.scope.networks = vec!["198.51.100.0/28".parse().expect("a network")];
    leave.windows = vec![Window { from, to }];
    serde_json::to_string_pretty(&leave).expect("JSON, which is YAML too")
}

/// A listener that runs until the test ends.
fn open(address: &str, first: Option<&'static str>, answer: Option<&'static str>) -> Door {
    let listener = TcpListener::bind((address, 0)).expect("loopback");
    let local = listener.local_addr().expect("bound");
    let opened = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&opened);
    std::thread::Builder::new()
        .spawn(move || {
            for mut stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = std::thread::Builder::new().spawn(move || {
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
                    if let Some(first) = first {
                        let _ = stream.write_all(first.as_bytes());
                    }
                    let mut heard = [0; 2048];
                    if stream.read(&mut heard).is_ok_and(|n| n > 0)
                        && let Some(answer) = answer
                    {
                        let _ = stream.write_all(answer.as_bytes());
                    }
                });
            }
        })
        .expect("a thread");
    Door { address: local.ip(), port: local.port(), opened }
}

/// The inventory: every second port that is open, and one that is closed.
fn declared(doors: &[Door]) -> String {
    let mut by_host: BTreeMap<IpAddr, Vec<u16>> = BTreeMap::new();
    for door in doors {
        by_host.entry(door.address).or_default().push(door.port);
    }
    let mut text = String::from(
        "schema: postern/inventory/v1\noperator: {id: dhc, name: {en: A centre}}\nhosts:\n",
    );
    for (address, ports) in by_host {
        let id = address.to_string();
        let _ = writeln!(
            text,
            "  - id: \"h{}\"\n    addresses: [\"{id}\"]\n    exposure:",
            id.replace('.', "-")
        );
        for port in ports.iter().copied().chain([22]) {
            let _ = writeln!(
                text,
                "      - {{port: {port}/tcp, from: [internet], need: {{en: a test}}, approved_by: me}}"
            );
        }
    }
    text
}

fn postern(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("POSTERN_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn begin(folder: &Path, inventory: &Path, out: &Path) -> Child {
    let mut command = postern(folder);
    command.arg("scan").arg("--inventory").arg(inventory).arg("--out").arg(out);
    command.args(["--quiet", "--profile", "few", "--profiles", "profiles", "--pace", "40/s"]);
    command.spawn().expect("it starts")
}

fn resume(folder: &Path, out: &Path) -> Child {
    let mut command = postern(folder);
    command.args(["scan", "--quiet", "--resume"]).arg(out.join("book.jsonl"));
    command.spawn().expect("it starts")
}

/// Kills the scan once its book has so many rows; false when it ended before.
fn killed_at(child: &mut Child, book: &Path, rows: usize) -> bool {
    loop {
        let text = std::fs::read(book).unwrap_or_default();
        if text.iter().filter(|byte| **byte == b'\n').count() >= rows {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
            return true;
        }
        if child.try_wait().expect("it runs").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn book(out: &Path) -> Book {
    Book::load(&out.join("book.jsonl")).expect("a book")
}

fn dials(book: &Book, door: &Door) -> usize {
    let to_it = |row: &Row| matches!(row, Row::Dial(dial) if dial.address == door.address && dial.port == door.port);
    book.rows().iter().filter(|(_, row)| to_it(row)).count()
}

/// Whatever a step has ended on, or a sweep has settled, is dialled no more by it.
fn nothing_asked_twice(book: &Book) {
    let mut answered: BTreeSet<(StepId, IpAddr, Option<u16>)> = BTreeSet::new();
    for (seq, row) in book.rows() {
        match row {
            Row::Done { step, spot, .. } => {
                let Some(address) = spot.address else { continue };
                answered.insert((*step, address, spot.service.map(|(_, port)| port)));
            }
            Row::Saw(saw) if saw.probe == "tcp" => {
                let ports: PortsSaw = serde_json::from_value(saw.saw.clone()).expect("states");
                let address = saw.spot.address.expect("a sweep has an address");
                let all = ports.states.iter().flat_map(|run| parse_port_ranges(&run.ports));
                answered.extend(all.flatten().map(|port| (saw.step, address, Some(port))));
            }
            Row::Dial(dial) => {
                let Some(step) = dial.step else { continue };
                for port in [None, Some(dial.port)] {
                    let known = answered.contains(&(step, dial.address, port));
                    assert!(!known, "row {seq} asks {} port {} again", dial.address, dial.port);
                }
            }
            _ => {}
        }
    }
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
    const LEFT_OUT: [&str; 14] = [
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
