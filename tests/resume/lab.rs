//! What a scan that is killed meets: listeners and a resolver on loopback, an inventory of them, and the leave to ask.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use postern::engine::wall_clock;
use postern::model::moment::Moment;
use postern::model::net::HostId;
use postern::model::plan::Limits;
use postern::scope::Authorisation;
use postern::scope::authorisation::Window;

/// What a listener says: by itself, or when it is asked.
pub(crate) const SPOKEN: [(&str, Option<&str>, Option<&str>); 6] = [
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

/// Where a listener is, what it says by itself, and what when it is asked.
pub(crate) type Spoken<'a> = (&'a str, Option<&'static str>, Option<&'static str>);

/// A listener and how many connections it has had.
pub(crate) struct Door {
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) opened: Arc<AtomicUsize>,
}

/// A folder with an inventory, what it needs, and the hosts that it speaks of.
pub(crate) struct Lab {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) doors: Vec<Door>,
    /// How often each name was asked for, by what was asked.
    pub(crate) asked: Asked,
    /// How many packets a second.
    pace: u32,
}

/// Counts by name and type of record.
pub(crate) type Asked = Arc<Mutex<BTreeMap<(String, u16), usize>>>;

/// The names of two more hosts, each of them asked for by a step of its own.
pub(crate) const NAMES: [&str; 2] = ["web.example", "mail.example"];

impl Lab {
    /// The resolver is at that address; few ports are asked, and slowly.
    pub(crate) fn new(resolver: &str, spoken: &[Spoken<'_>]) -> Self {
        Self::asking("1-12", 40, resolver, spoken)
    }

    /// Those ports are asked, so many a second.
    pub(crate) fn asking(ports: &str, pace: u32, resolver: &str, spoken: &[Spoken<'_>]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let doors: Vec<Door> =
            spoken.iter().map(|(at, first, answer)| open(at, *first, *answer)).collect();
        let mut inventory = declared(&doors);
        for name in NAMES {
            let _ = writeln!(inventory, "  - {{id: {}, names: [{name}]}}", name.replace('.', "-"));
        }
        let ids = NAMES.map(|name| HostId(name.replace('.', "-"))).to_vec();
        let now = wall_clock();
        let limits = Limits {
            per_second: pace * 2,
            per_host_per_second: pace,
            per_host_parallel: 10,
            per_host_talks_per_second: None,
        };
        let leave = authorisation(ids, limits, now.plus_days(-1), now.plus_days(1));
        let profile = format!(
            "schema: postern/profile/v1\ntitle: {{en: Some ports}}\nextends: [baseline]\nports: \"{ports}\"\n"
        );
        std::fs::create_dir(folder.path().join("profiles")).expect("writable");
        for (file, text) in [
            ("inventory.yaml", inventory.as_str()),
            ("leave.yaml", &leave),
            ("profiles/few.yaml", &profile),
        ] {
            std::fs::write(folder.path().join(file), text).expect("writable");
        }
        Self { folder, doors, asked: names(resolver), pace }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a scan into that folder.
    pub(crate) fn begin(&self, out: &str, resolver: &str, more: &[&str]) -> Child {
        let mut command = postern(self.folder.path());
        command.args([
            "scan",
            "--quiet",
            "--inventory=inventory.yaml",
            "--authorisation=leave.yaml",
        ]);
        let pace = format!("--pace={}/s", self.pace);
        command.args(["--profile=few", "--profiles=profiles", &pace, "--out", out]);
        command.args(["--resolver", resolver]).args(more);
        command.spawn().expect("it starts")
    }
}

/// Leave for hosts between two times.
pub(crate) fn authorisation(
    hosts: Vec<HostId>,
    limits: Limits,
    from: Moment,
    to: Moment,
) -> String {
    let leave = Authorisation::ad_hoc("A. Chan", hosts, limits, from);
    let mut leave = leave.expect("a leave");
    leave.id = "auth-1".into();
    leave.scope.networks = vec!["198.51.100.0/28".parse().expect("a network")];
    leave.windows = vec![Window { from, to }];
    serde_json::to_string_pretty(&leave).expect("JSON, which is YAML too")
}

/// A listener that runs until the test ends.
pub(crate) fn open(
    address: &str,
    first: Option<&'static str>,
    answer: Option<&'static str>,
) -> Door {
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

/// A resolver that knows no name (RFC 1035 section 4), until the test ends; answers what it is asked. Where its port may
/// not be had, nobody resolves, which is an answer as well.
pub(crate) fn names(at: &str) -> Asked {
    let asked = Asked::default();
    let socket = match UdpSocket::bind((at, 53)) {
        Ok(socket) => socket,
        Err(wrong) => {
            eprintln!("SKIPPED the resolver, not the test: {at}:53: {wrong}");
            return asked;
        }
    };
    let counts = Arc::clone(&asked);
    std::thread::Builder::new()
        .spawn(move || {
            let mut question = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut question) {
                let end =
                    question[12..length].iter().position(|byte| *byte == 0).expect("a name") + 12;
                let name = question[13..end].iter().map(|byte| char::from((*byte).max(b'.')));
                let kind = u16::from_be_bytes([question[end + 1], question[end + 2]]);
                *counts.lock().expect("counted").entry((name.collect(), kind)).or_default() += 1;
                let mut answer = question[..end + 5].to_vec();
                answer[2..12].copy_from_slice(&[0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0]);
                let _ = socket.send_to(&answer, from);
            }
        })
        .expect("a thread");
    asked
}

/// The inventory: every second port that is open, and one that is closed.
pub(crate) fn declared(doors: &[Door]) -> String {
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

/// The program, without the options of whoever runs the tests.
pub(crate) fn postern(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("POSTERN_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Goes on with the book in that folder.
pub(crate) fn resume(folder: &Path, out: &Path) -> Child {
    let mut command = postern(folder);
    command.args(["scan", "--quiet", "--resume"]).arg(out.join("book.jsonl"));
    command.spawn().expect("it starts")
}
