//! A folder with everything that a scan needs, a program to be started, and a server on loopback that is asked.

use std::cell::Cell;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use postern::model::digest::Digest;
use serde_json::Value as Json;

/// The desk.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
    ports: Vec<u16>,
    visits: Arc<AtomicUsize>,
    fragile: Cell<&'static str>,
}

impl Desk {
    /// With one port to ask, and a program that is that script of sh. Its arguments are the path of a file `seen`, and its
    /// own.
    pub(crate) fn of(script: &str) -> Self {
        Self::with_ports(1, script)
    }

    pub(crate) fn with_ports(count: usize, script: &str) -> Self {
        let desk = Self::made(count, b"");
        desk.plugin(script);
        desk
    }

    /// With a server that says that to everybody.
    pub(crate) fn serving(says: &'static [u8]) -> Self {
        Self::made(1, says)
    }

    fn made(count: usize, says: &'static [u8]) -> Self {
        let visits = Arc::new(AtomicUsize::new(0));
        let ports = (0..count).map(|_| serve(says, Arc::clone(&visits))).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let desk = Self { folder, ports, visits, fragile: Cell::new("fragile: false") };
        desk.inventory("fragile: false");
        desk.write(
            "checks/lab/mine.yaml",
            &check("clinic_link", "!clinic_link.open", "“{{ clinic_link.banner }}”"),
        );
        desk.write(
            "checks/lab/other.yaml",
            &check("ports", "ports.open.size() < 100", "It is not."),
        );
        desk.profile("lab/*");
        desk
    }

    pub(crate) fn inventory(&self, fragile: &'static str) {
        self.fragile.set(fragile);
        self.write(
            "inventory.yaml",
            &format!(
                "schema: postern/inventory/v1\noperator: {{id: test, name: {{en: A test}}}}\n\
                 hosts:\n  - id: h1\n    addresses: [127.0.0.1]\n    {fragile}\n"
            ),
        );
    }

    pub(crate) fn profile(&self, select: &str) {
        let ports: Vec<String> = self.ports.iter().map(ToString::to_string).collect();
        self.write(
            "profiles/lab.yaml",
            &format!(
                "schema: postern/profile/v1\ntitle: {{en: A lab, zh-Hant: 實驗室}}\nselect: ['{select}']\n\
                 ports: \"{}\"\nclass: read-only\ngate: {{checks: ['*/*'], coverage: 100}}\n\
                 limits: {{per-second: 500, per-host-per-second: 500, per-host-parallel: 1}}\n\
                 due: {{critical: 1, high: 2, medium: 3, low: 4}}\n",
                ports.join(",")
            ),
        );
    }

    /// Writes the program and the file that allows it.
    pub(crate) fn plugin(&self, script: &str) {
        self.write("program", &format!("#!/bin/sh\n{script}\n"));
        let program = self.path("program");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
        let (program, seen) = (program.display(), self.path("seen"));
        self.write(
            "plugins.yaml",
            &format!(
                "schema: postern/plugins/v1\nplugins:\n  - name: clinic_link\n    program: {program}\n    \
                 sha256: {}\n    arguments: [{}, {program}]\n    means: What it shows.\n    \
                 sends: Two short lines, and hears one\n    over: service\n    ports: any\n    class: read-only\n    \
                 bound: {{connections: 2, seconds: 2}}\n    output: 2000\n    facts:\n      \
                 - {{name: open, type: bool, means: Whether it is open.}}\n      \
                 - {{name: banner, type: text, means: What it says.}}\n",
                self.digest(),
                seen.display(),
            ),
        );
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn port(&self) -> u16 {
        self.ports[0]
    }

    /// How many connections the servers had.
    pub(crate) fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }

    /// The SHA-256 of the program as it is now.
    pub(crate) fn digest(&self) -> String {
        Digest::of(&fs::read(self.path("program")).expect("a program")).to_string()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        fs::write(path, text).expect("the file is written");
    }

    pub(crate) fn change(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).expect("a file");
        assert!(text.contains(from), "{name} has no {from}");
        self.write(name, &text.replace(from, to));
    }

    /// What `postern` says, and that it ends with that code.
    pub(crate) fn bare(&self, code: i32, words: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_postern"))
            .args(words)
            .current_dir(self.folder.path())
            .output()
            .expect("postern runs");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        said
    }

    /// The same with everything that a scan is given but the plug-ins.
    pub(crate) fn says_without_plugins(&self, code: i32, words: &[&str]) -> String {
        let given =
            ["-i", "inventory.yaml", "-p", "lab", "--checks", "checks", "--profiles", "profiles"];
        self.bare(code, &[words, &given].concat())
    }

    /// The same with all.
    pub(crate) fn says(&self, code: i32, words: &[&str]) -> String {
        self.says_without_plugins(code, &[words, &["--plugins", "plugins.yaml"]].concat())
    }

    pub(crate) fn review(&self, folder: &str) -> Json {
        let text = fs::read_to_string(self.path(folder).join("review.json")).expect("a review");
        serde_json::from_str(&text).expect("JSON")
    }

    pub(crate) fn book(&self, folder: &str) -> String {
        fs::read_to_string(self.path(folder).join("book.jsonl")).expect("a book")
    }

    /// As if the scan had been killed before it wrote its last row.
    pub(crate) fn cut_last_row(&self, folder: &str) {
        let text = self.book(folder);
        let last = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
        fs::write(self.path(folder).join("book.jsonl"), &text[..last]).expect("writable");
    }
}

/// The line of a check in a review.
pub(crate) fn test<'r>(review: &'r Json, check: &str) -> &'r Json {
    let mut tests = review["tests"].as_array().into_iter().flatten();
    tests.find(|test| test["check"] == check).unwrap_or_else(|| panic!("no test of {check}"))
}

/// What a check came to.
pub(crate) fn outcome<'r>(review: &'r Json, check: &str) -> &'r str {
    test(review, check)["worst"].as_str().expect("a word")
}

fn check(on: &str, expect: &str, fail: &str) -> String {
    format!(
        "schema: postern/check/v1\nrevision: 1\ntitle: {{en: The lab is safe, zh-Hant: 實驗室安全}}\n\
         impact: low\nlikelihood: low\non: {on}\nexpect: '{expect}'\n\
         says:\n  fail: {{en: \"It says {fail}\", zh-Hant: \"回應是 {fail}\"}}\n\
         why: {{en: It matters., zh-Hant: 這很重要。}}\nfix: [{{text: {{en: Mend it., zh-Hant: 修正。}}}}]\n\
         refs: [RFC 9325]\n"
    )
}

/// A server that says something to whoever comes, and hangs up.
fn serve(says: &'static [u8], visits: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::Builder::new()
        .spawn(move || {
            for wire in listener.incoming() {
                visits.fetch_add(1, Ordering::SeqCst);
                let _ = wire.and_then(|mut wire| wire.write_all(says));
            }
        })
        .expect("a thread");
    port
}
