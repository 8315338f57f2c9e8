//! The command line as people meet it: ids of checks, further languages, exit codes, what goes to stdout and stderr.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so aloud")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of one's own, and the program in it, with nothing of the environment that it could obey.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("POSTERN_") || name == "NO_COLOR" {
                command.env_remove(&*name);
            }
        }
        command.args(words).current_dir(self.folder.path());
        command
    }

    fn run(&self, words: &[&str]) -> Told {
        Told::of(&self.command(words).output().expect("it runs"))
    }
}

/// What the program said, and how it ended.
#[derive(Debug)]
struct Told {
    out: String,
    err: String,
    code: Option<i32>,
}

impl Told {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { out: text(&output.stdout), err: text(&output.stderr), code: output.status.code() }
    }
}

fn built_in(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("it is there")
}

/// English words under another tag, with that much translated.
fn french(checks: &str) -> String {
    let words = built_in("reports/words/en.yaml");
    let words = words.replace("\nlang: en\n", "\nlang: fr\n");
    let words = words.replace("\ndecision.no-go: No-go\n", "\ndecision.no-go: Arrêtez\n");
    format!("{words}\n{checks}")
}

const SOME_CHECKS: &str = "\
checks:
  database/postgresql-reachable-from-internet:
    title: Aucune base PostgreSQL n’est joignable depuis Internet
    says:
      fail: \"{{ place }} : PostgreSQL répond à n’importe qui.\"
";

#[test]
fn a_check_has_one_id_whoever_looks_at_it() {
    let desk = Desk::new();
    let check = built_in("checks/tls/old-version.yaml");
    let places = [
        "checks/ours/tls/old-version.yaml",
        "tls/old-version.yaml",
        "a/checks/checks/tls/old-version.yaml",
    ];
    for place in places {
        desk.write(place, &check);
        let top = place.strip_suffix("/tls/old-version.yaml").unwrap_or(".");
        let area = place.strip_suffix("/old-version.yaml").expect("it ends so");
        for handed in [place, area, top].iter().filter(|handed| **handed != ".") {
            let validated = desk.run(&["validate", handed]);
            assert_eq!(validated.code, Some(0), "{handed}: {validated:?}");
            assert!(
                validated.out.contains("the check `tls/old-version`"),
                "{handed}: {validated:?}"
            );
            let tested = desk.run(&["check", "test", handed]);
            assert_eq!(tested.code, Some(0), "{handed}: {tested:?}");
            assert!(tested.out.contains("tls/old-version  "), "{handed}: {tested:?}");
        }
        if top != "tls" && top != "." {
            let listed = desk.run(&["check", "list", "--checks", top, "tls/old-version"]);
            assert!(listed.out.contains("`tls/old-version` is replaced"), "{top}: {listed:?}");
        }
    }
    // Two of one id: neither hides the other unseen.
    for command in [&["validate", "."][..], &["check", "test", "."]] {
        let both = desk.run(command);
        assert_eq!(both.code, Some(2), "{both:?}");
        assert!(both.err.contains("two files are the check `tls/old-version`"), "{both:?}");
    }
}

#[test]
fn a_words_file_is_a_language_and_overlays_the_checks() {
    let desk = Desk::new();
    desk.write("fr.yaml", &french(SOME_CHECKS));
    let right = desk.run(&["validate", "fr.yaml"]);
    assert!(
        right.code == Some(0) && right.out.contains("words for `fr`, with every text of 0 of"),
        "{right:?}"
    );

    // As the demo is a scan, this is how a scan speaks it.
    let demo = desk.run(&["demo", "--out", "review", "--words", "fr.yaml"]);
    assert_eq!(demo.code, Some(1), "{demo:?}");
    assert!(demo.out.contains("Arrêtez") && demo.out.contains("PostgreSQL répond"), "{demo:?}");
    assert!(
        demo.err.contains("fr.yaml: every sentence of the report, and every text of 0 of"),
        "{demo:?}"
    );
    assert!(demo.err.contains("what is missing appears in English"), "{demo:?}");
    let html = fs::read_to_string(desk.path("review/report.html")).expect("a report");
    assert!(html.contains("<html lang=\"fr\">") && html.contains("Aucune base PostgreSQL"));
    assert!(html.contains("lang=\"en\""), "what is left in English says so");

    // A review that was made without it takes what does not depend on what was found.
    let english = desk.run(&["judge", "review/book.jsonl", "--out", "again", "--quiet"]);
    assert_eq!((english.code, english.err.as_str()), (Some(1), ""), "{english:?}");
    let report = desk.run(&["report", "again/review.json", "--words", "fr.yaml"]);
    assert_eq!(report.code, Some(0), "{report:?}");
    assert!(
        report.out.contains("Aucune base PostgreSQL") && !report.out.contains("PostgreSQL répond")
    );
    assert!(report.err.contains("made without words for `fr`"), "{report:?}");
    // Judged with it, nothing of that is missing; and it stands beside the others.
    let both = desk.run(&[
        "judge",
        "review/book.jsonl",
        "--out",
        "both",
        "--words",
        "fr.yaml",
        "--lang",
        "en,fr",
    ]);
    assert_eq!(both.code, Some(1), "{both:?}");
    let html = fs::read_to_string(desk.path("both/report.fr.html")).expect("a report");
    assert!(html.contains("PostgreSQL répond") && desk.path("both/report.html").exists());
    let listed = desk.run(&["check", "list", "--words", "fr.yaml", "database/postgresql*"]);
    assert!(listed.out.contains("Aucune base PostgreSQL"), "{listed:?}");
}

#[test]
fn a_wrong_words_file_or_language_is_told_before_anything_is_done() {
    let desk = Desk::new();
    desk.write("fr.yaml", &french("checks:\n  database/postgresql:\n    title: x\n"));
    desk.write("bad.yaml", "schema: postern/words/v1\nlang: fr\n");
    for (words, place) in [
        ("fr.yaml", "fr.yaml:"),
        ("bad.yaml", "bad.yaml:1:1"),
        ("none.yaml", "`none.yaml` cannot be read"),
    ] {
        for command in [
            &["scan", "127.0.0.1"][..],
            &["judge", "none.jsonl"],
            &["check", "list"],
            &["profile", "list"],
        ] {
            let told = desk.run(&[command, &["--words", words]].concat());
            assert_eq!(told.code, Some(2), "{command:?} {told:?}");
            assert!(told.err.contains(place), "{command:?} {told:?}");
        }
    }
    for command in
        [&["scan", "127.0.0.1"][..], &["check", "list"], &["check", "explain", "tls/old-version"]]
    {
        let told = desk.run(&[command, &["--lang", "zh-Hans"]].concat());
        assert_eq!(told.code, Some(2), "{command:?} {told:?}");
        assert!(
            told.err.contains("did you mean `zh-Hant`?") && told.err.contains("--words FILE"),
            "{told:?}"
        );
    }
    let left: Vec<_> = fs::read_dir(desk.folder.path()).expect("a folder").collect();
    assert_eq!(left.len(), 2, "nothing was begun: {left:?}");
}

#[test]
fn what_cannot_be_run_has_failed_and_is_written_down() {
    let desk = Desk::new();
    let runner = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runner");
    let run = |name: &str, root: &str| {
        let program = desk.path(name);
        if !program.exists() {
            std::os::unix::fs::symlink("/bin/echo", &program).expect("a link");
        }
        let mut command = Command::new(&runner);
        command.arg(program).arg("it ran").env("POSTERN_ROOT", root);
        Told::of(&command.env("POSTERN_NOT_RUN", desk.path("not-run")).output().expect("it starts"))
    };
    for program in ["labs-0123", "scope_capture-0123"] {
        let told = run(program, "none");
        assert_eq!((told.code, told.out.as_str()), (Some(1), ""), "{told:?}");
        assert!(
            told.err.starts_with("NOT RUN: ") && told.err.contains("it needs root"),
            "{told:?}"
        );
        assert_eq!(run(program, "here").out, "it ran\n");
    }
    assert_eq!(run("review-0123", "none").out, "it ran\n");
    let written = fs::read_to_string(desk.path("not-run")).expect("it is written down");
    assert_eq!(written.lines().count(), 2, "{written}");
    assert!(written.starts_with("labs: it needs root"), "{written}");
}

#[test]
fn a_mistake_in_an_argument_says_what_to_do_and_ends_with_2_or_3() {
    let desk = Desk::new();
    let cases: [(&[&str], i32, &str); 11] = [
        (&["scan"], 2, "postern init"),
        (&["scan", "192.0.2.10"], 3, "--authorised-by TEXT"),
        (&["scan", "192.0.2.10", "--authorised-by", " "], 2, "write who gave leave"),
        (&["scan", "127.0.0.1", "--vantage", "x"], 2, "leave --vantage out"),
        (
            &["scan", "127.0.0.1", "--format", "pdf", "--last", "none.json"],
            2,
            "2 mistakes were found",
        ),
        (&["init", "--host", "web1=300.1.1.1"], 2, "from 0 to 255"),
        (&["judge", "none.jsonl"], 2, "book.jsonl"),
        (&["check", "list", "tsl/*"], 2, "postern check list"),
        (&["check", "explain", "tls/old-versoin"], 2, "did you mean `tls/old-version`?"),
        (&["profile", "explain", "baseline", "tls/x"], 2, "postern check list"),
        (&["schema", "inventry"], 2, "inventory"),
    ];
    for (words, code, says) in cases {
        let told = desk.run(words);
        assert_eq!(told.code, Some(code), "{words:?} {told:?}");
        assert!(told.out.is_empty() && told.err.contains(says), "{words:?} {told:?}");
    }
    let left: Vec<_> = fs::read_dir(desk.folder.path()).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn colours_are_written_when_asked_for_only() {
    let desk = Desk::new();
    let list = |color: &[&str], env: (&str, &str)| {
        let words = [&["check", "list", "tls/*"], color].concat();
        Told::of(&desk.command(&words).env(env.0, env.1).output().expect("it runs")).out
    };
    assert!(
        list(&["--color", "always"], ("NO_COLOR", "1")).contains('\u{1b}'),
        "an option outweighs the environment"
    );
    assert!(list(&[], ("POSTERN_COLOR", "always")).contains('\u{1b}'));
    for env in [("NO_COLOR", "1"), ("TERM", "xterm-256color")] {
        assert!(!list(&[], env).contains('\u{1b}'), "no terminal, no colours: {env:?}");
    }
}

#[test]
fn quiet_says_errors_only() {
    let desk = Desk::new();
    let scan = desk.run(&["scan", "127.0.0.1", "--quiet", "--pace", "1000/s", "--out", "review"]);
    assert_eq!((scan.out.as_str(), scan.err.as_str()), ("", ""), "{scan:?}");
    assert!(desk.path("review/report.html").exists(), "{scan:?}");
    let loud = desk.run(&["judge", "review/book.jsonl", "--out", "again"]);
    assert!(loud.out.contains("again/report.html") && loud.err.is_empty(), "{loud:?}");
    assert_eq!(scan.code, loud.code);
}

/// What xmllint says of the XML, asked in that way; nothing where it is not there, which CI does not bear.
fn xmllint(xml: &str, words: &[&str]) -> Option<String> {
    let running = Command::new("xmllint")
        .args(["--nonet"])
        .args(words)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut running = match running {
        Ok(running) => running,
        Err(wrong) => {
            assert!(std::env::var_os("CI").is_none(), "xmllint (libxml2-utils): {wrong}");
            eprintln!("SKIPPED: xmllint does not run (libxml2-utils): {wrong}");
            return None;
        }
    };
    running.stdin.take()?.write_all(xml.as_bytes()).expect("xmllint reads");
    let told = Told::of(&running.wait_with_output().expect("xmllint ends"));
    assert_eq!(told.code, Some(0), "{told:?}\n{xml}");
    Some(told.out.trim().to_owned())
}

#[test]
fn ports_are_told_as_nmap_tells_them() {
    let desk = Desk::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let open = listener.local_addr().expect("its address").port();
    let which = format!("top-20,{open}");
    let words = ["ports", "a.example=127.0.0.1", "--sweep", "connect", "--pace", "1000/s"];
    let told = desk.run(&[&words[..], &["-p", &which, "--format", "nmap-xml"]].concat());
    assert_eq!(told.code, Some(0), "{told:?}");
    let port = format!("//port[@portid={open}]");
    let asked = [
        ("name(/*)", "nmaprun"),
        ("string(/nmaprun/@scanner)", "postern"),
        ("string(/nmaprun/scaninfo/@type)", "connect"),
        ("string(/nmaprun/scaninfo/@numservices)", "21"),
        ("string(//status/@state)", "up"),
        ("string(//address/@addr)", "127.0.0.1"),
        ("string(//hostname/@name)", "a.example"),
        (&format!("string({port}/state/@state)"), "open"),
        (&format!("string({port}/state/@reason)"), "syn-ack"),
        ("count(//port | //extrareasons) > 0", "true"),
        ("contains(//host/@comment, 'packets by connect')", "true"),
        ("string(//finished/@exit)", "success"),
        // The document type wants them in this order.
        ("name(/nmaprun/*[1])", "scaninfo"),
        ("name(/nmaprun/*[last()])", "runstats"),
        ("name(//host/*[1])", "status"),
        ("name(//host/*[2])", "address"),
    ];
    for (what, wanted) in asked {
        if let Some(said) = xmllint(&told.out, &["--xpath", what]) {
            assert_eq!(said, wanted, "{what} in {}", told.out);
        }
    }
}

#[test]
fn sets_of_ports_are_named_and_what_is_wrong_says_how_to_see_them() {
    let desk = Desk::new();
    let inventory = "schema: postern/inventory/v1\noperator: {id: us, name: {en: Us}}\nhosts:\n  - id: here\n    addresses: [127.0.0.1]\n";
    desk.write("inventory.yaml", inventory);
    for (words, says) in [
        (&["127.0.0.1", "-p", "managment"][..], "did you mean `management`?"),
        (&["127.0.0.1", "-p", "http"], "`postern ports --help` tells all sets"),
        (&["127.0.0.1", "-p", "declared"], "there is no inventory"),
        (&["here", "-i", "inventory.yaml", "-p", "declared"], "declares no TCP port"),
        (&["127.0.0.1", "--miss", "0.5"], "from 1e-12 to 0.1"),
    ] {
        let told = desk.run(&[&["ports"], words].concat());
        assert_eq!(told.code, Some(2), "{told:?}");
        assert!(told.err.contains(says), "{words:?}: {told:?}");
    }
    let told = desk.run(&["ports", "--help"]);
    for set in ["top-20", "top-1000", "databases", "medical", "declared"] {
        assert!(told.out.contains(&format!("\n  {set} ")), "{set}: {told:?}");
    }
}

#[test]
fn of_an_inventory_s_ports_those_are_asked_that_are_named() {
    let desk = Desk::new();
    let exposure = "exposure: [{port: 8443/tcp, from: [internet]}]";
    desk.write(
        "inventory.yaml",
        &format!("schema: postern/inventory/v1\noperator: {{id: us, name: {{en: Us}}}}\nhosts:\n  - id: here\n    addresses: [127.0.0.1]\n    {exposure}\n"),
    );
    for (which, wanted) in [("22", 1), ("declared", 1), ("declared,22", 2)] {
        let words = ["ports", "here", "-i", "inventory.yaml", "--format", "jsonl", "-p", which];
        let told = desk.run(&words);
        let summary = told.out.lines().last().unwrap_or_default();
        let summary: serde_json::Value = serde_json::from_str(summary).expect("JSON");
        let states = &summary["summary"]["hosts"][0]["states"];
        let all: u64 =
            states.as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum();
        assert_eq!(all, wanted, "{which}: {told:?}");
    }
}
