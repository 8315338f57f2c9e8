//! The way of an author who knows no Rust: a check is begun from a template, tried on a small real server, recorded as a
//! test, traced and explained; and one that was made so stands under `examples/`.

#![expect(clippy::disallowed_methods, reason = "a test starts programs, serves and writes files")]

#[path = "recipes/server.rs"]
#[expect(dead_code, reason = "other tests use the rest of these servers")]
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs `postern` in a folder: its exit code, stdout and stderr.
fn postern(folder: &Path, words: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_postern"))
        .args(words)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .output()
        .expect("postern runs");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// A folder of its own with a check in it, and the path of that check.
fn begun(from: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, out, err) =
        postern(folder.path(), &["check", "new", "lab/one", "--from", from, "--dir", "ours"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("postern check test ours/lab/one.yaml --mutate"), "{out}");
    let path = folder.path().join("ours/lab/one.yaml");
    (folder, path)
}

/// Records a conversation with a port, adds it to the check's own tests, and has all of them run; what was printed.
fn recorded(folder: &Path, path: &Path, port: u16) -> String {
    let (check, port) = (path.display().to_string(), port.to_string());
    let (code, printed, err) =
        postern(folder, &["check", "record", &check, "127.0.0.1", "--port", &port]);
    assert_eq!(code, 0, "{printed}{err}");
    let mut text = fs::read_to_string(path).expect("the check");
    let before = text.matches("\n  - name: ").count();
    text.push_str(&printed);
    fs::write(path, text).expect("written");
    let (code, out, err) = postern(folder, &["check", "test", &check]);
    assert_eq!(code, 0, "{out}{err}\n{printed}");
    assert!(out.contains(&format!("{} tests passed", before + 1)), "{out}");
    printed
}

/// A server as the template for TCP knows it, with a secret in its answer.
fn example_tcp() -> u16 {
    server::tcp(|mut wire| {
        if server::line(&mut wire) == "HELLO\r\n" {
            server::say(&mut wire, b"+OK token=hunter2\r\n");
        }
        if server::line(&mut wire) == "NAME\r\n" {
            server::say(&mut wire, b"+\xff\x00example\r\n");
        }
    })
}

#[test]
fn nothing_is_overwritten_and_a_name_is_a_name() {
    let (folder, path) = begun("fact");
    let before = fs::read_to_string(&path).expect("written");
    let schema = folder.path().join("ours/schemas/check.v1.json");
    assert!(before.starts_with("# yaml-language-server: $schema=../schemas/check.v1.json\n"));
    assert_eq!(
        fs::read_to_string(schema).expect("a schema"),
        fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/check.v1.json")
        )
        .expect("a schema")
    );
    let again = ["check", "new", "lab/one", "--from", "tcp", "--dir", "ours"];
    let (code, _, err) = postern(folder.path(), &again);
    assert_eq!(code, 2);
    assert!(err.contains("is there already"), "{err}");
    assert_eq!(fs::read_to_string(&path).expect("as it was"), before);
    for name in ["one", "Lab/one", "../lab/one", "lab/one/two", "lab/"] {
        let (code, _, err) = postern(folder.path(), &["check", "new", name, "--dir", "ours"]);
        assert_eq!(code, 2, "{name}");
        assert!(err.contains("is not a name for a check"), "{err}");
    }
    assert_eq!(fs::read_dir(folder.path().join("ours")).expect("a folder").count(), 2);
}

#[test]
fn what_is_heard_over_tcp_becomes_a_test_without_secrets() {
    let (folder, path) = begun("tcp");
    let printed = recorded(folder.path(), &path, example_tcp());
    assert!(printed.contains(r#"- "< +OK token=[cut]\r\n""#), "{printed}");
    assert!(printed.contains(r#"- {"<": {hex: "2bff006578616d706c650d0a"}}"#), "{printed}");
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(printed.contains("facts: {is_example: true, is_open: true}"), "{printed}");
    assert!(printed.contains("expect: fail"), "{printed}");
    let shy = server::tcp(|mut wire| {
        server::line(&mut wire);
        server::say(&mut wire, b"-NO\r\n");
    });
    assert!(recorded(folder.path(), &path, shy).contains("expect: pass"));
    let rude = server::tcp(|mut wire| {
        server::line(&mut wire);
        server::reset(wire);
    });
    let printed = recorded(folder.path(), &path, rude);
    assert!(
        printed.contains(r#"- "! reset""#) && printed.contains("expect: inconclusive"),
        "{printed}"
    );
}

#[test]
fn what_is_heard_over_udp_becomes_a_test() {
    let (folder, path) = begun("udp");
    let open = server::udp(|_| vec![b"\x81\x00\x00\x01e".to_vec()]);
    let printed = recorded(folder.path(), &path, open);
    assert!(printed.contains(r#"- {">": {hex: "01000001"}}"#), "{printed}");
    assert!(printed.contains(r#"- {"<": {hex: "8100000165"}}"#), "{printed}");
    assert!(printed.contains("expect: fail"), "{printed}");
    let printed = recorded(folder.path(), &path, server::free_udp());
    assert!(
        printed.contains(r#"- "! unreachable""#) && printed.contains("expect: pass"),
        "{printed}"
    );
    let printed = recorded(folder.path(), &path, server::udp(|_| Vec::new()));
    assert!(printed.contains(r#"- "! silent""#) && printed.contains("expect: pass"), "{printed}");
}

#[test]
fn dns_answers_become_a_test() {
    let (folder, path) = begun("dns");
    let (udp, _) = server::dns();
    let (check, port) = (path.display().to_string(), udp.to_string());
    let (code, _, err) =
        postern(folder.path(), &["check", "record", &check, "127.0.0.1", "--port", &port]);
    assert_eq!(code, 2, "its file says port 53, and nothing is sent elsewhere than was meant");
    assert!(err.contains("goes to 53 only"), "{err}");
    let text = fs::read_to_string(&path).expect("the check");
    let text = text.replace("ports: [53]", &format!("ports: [{udp}]"));
    fs::write(&path, text).expect("written");
    let printed = recorded(folder.path(), &path, udp);
    assert!(
        printed.contains(r#""version.bind": {rcode: "NOERROR", answers: ["9.18.1"]"#),
        "{printed}"
    );
    assert!(
        printed.contains("facts: {told: true}") && printed.contains("expect: fail"),
        "{printed}"
    );
}

#[test]
fn pages_become_a_test() {
    let (folder, path) = begun("http");
    let port = server::http(|_, path, _| match path {
        "/status" => {
            let body = format!("<title>Example status</title>{}", "up ".repeat(3000));
            let head = "HTTP/1.1 200 OK\r\nSet-Cookie: sid=hunter2; Path=/\r\n";
            format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
        }
        _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into(),
    });
    let printed = recorded(folder.path(), &path, port);
    assert!(printed.contains(r#""/status": {status: 200, title: "Example status""#), "{printed}");
    assert!(printed.contains(r#""*": {status: 404"#), "{printed}");
    assert!(printed.contains("sid=[cut]") && !printed.contains("hunter2"), "{printed}");
    assert!(printed.contains("expect: fail") && printed.len() < 4000, "{printed}");
}

#[test]
fn facts_alone_become_a_test() {
    let (folder, path) = begun("fact");
    let port = server::tcp(|mut wire| server::say(&mut wire, b"SSH-2.0-lab\r\n"));
    let printed = recorded(folder.path(), &path, port);
    assert!(printed.contains("given: {service: {state: open, speaks: ssh}}"), "{printed}");
    assert!(printed.contains("expect: pass"), "{printed}");
}

#[test]
fn a_run_says_what_it_came_to_and_how() {
    let (folder, path) = begun("tcp");
    let (check, port) = (path.display().to_string(), example_tcp().to_string());
    let run = ["check", "run", &check, "127.0.0.1", "--port", &port];
    let (code, out, err) = postern(folder.path(), &run);
    assert_eq!(code, 1, "{out}{err}");
    assert!(
        out.contains(&format!("127.0.0.1 {port}/tcp answers strangers: “+OK token=[cut]")),
        "{out}"
    );
    assert!(!out.contains("service.port in"), "a trace is for those who ask: {out}");
    let (_, out, _) = postern(folder.path(), &[&run[..], &["--trace"]].concat());
    for line in [
        "  probe.is_example",
        "      false    answer.startsWith(\"-\")",
        "        value    answer = “+OK token=[cut]\\r\\n”",
        "        value    params.ports = [",
        "    false    !probe.is_open",
        "  conversation of its own probe",
        "> HELLO\\r\\n",
    ] {
        assert!(out.contains(line), "no `{line}` in\n{out}");
    }
    assert!(!out.contains("hunter2"), "{out}");
    let (code, out, _) = postern(folder.path(), &[&run[..], &["--set", "ports=[1]"]].concat());
    assert_eq!(code, 2, "twice is once too often: {out}");
    let set = format!("ports=[{port}]");
    let (code, out, _) =
        postern(folder.path(), &["check", "run", &check, "127.0.0.1", "--set", &set]);
    assert_eq!(code, 1, "where it goes, its parameters decide: {out}");
    let other = ["check", "run", &check, "127.0.0.1", "--set", "ports=[1]", "--lang", "zh-Hant"];
    let (code, out, err) = postern(folder.path(), &other);
    assert_eq!(code, 4, "{out}{err}");
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").flatten().collect();
    assert_eq!(left.len(), 1, "nothing is kept: {left:?}");
}

#[test]
fn nobody_is_asked_without_leave_and_what_is_kept_can_be_judged() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, out, err) =
        postern(folder.path(), &["check", "run", "tls/old-version", "192.0.2.1", "--port", "443"]);
    assert_eq!((code, out.as_str()), (3, ""), "{err}");
    let (code, _, err) =
        postern(folder.path(), &["check", "record", "tls/old-version", "192.0.2.1"]);
    assert_eq!(code, 3, "{err}");
    let (code, _, err) = postern(folder.path(), &["check", "run", "tls/old-versoin", "127.0.0.1"]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `tls/old-version`?"), "{err}");
    let port = server::tcp(|mut wire| server::say(&mut wire, b"SSH-2.0-lab\r\n")).to_string();
    let kept =
        ["check", "run", "exposure/undeclared-open", "web1", "-i", "i.yaml", "--port", &port];
    let inventory = "schema: postern/inventory/v1\noperator: {id: op, name: {en: Operator}}\n\
                     hosts:\n  - {id: web1, addresses: [127.0.0.1]}\n  - {id: web2, addresses: [192.0.2.1]}\n";
    fs::write(folder.path().join("i.yaml"), inventory).expect("written");
    let (code, out, err) = postern(folder.path(), &[&kept[..], &["--book", "b.jsonl"]].concat());
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains(&format!("web1 {port}/tcp")) && !out.contains("web2"), "{out}");
    let book = fs::read_to_string(folder.path().join("b.jsonl")).expect("a book");
    assert!(
        book.contains("\"wanted\":[{\"host\":\"web1\",\"check\":\"exposure/undeclared-open\"}]")
    );
    let nobody = ["check", "run", "exposure/undeclared-open", "web3", "-i", "i.yaml"];
    let (code, _, err) = postern(folder.path(), &nobody);
    assert_eq!(code, 2);
    assert!(err.contains("has no host `web3`"), "{err}");
}

#[test]
fn a_check_is_explained_with_all_that_is_sent_for_it() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let explain = |id: &str| {
        let (code, out, _) =
            postern(here, &["check", "explain", id, "--checks", "examples/checks"]);
        assert_eq!(code, 0, "{out}");
        // What is to be typed keeps its lines.
        let mut wrapped = out.lines().filter(|line| !line.starts_with("      "));
        assert!(wrapped.all(|line| line.chars().count() <= 100), "{out}");
        out
    };
    let out = explain("finger/lists-users");
    for part in [
        "its own  Over TCP: says “\\r\\n”. Ends after 10 s or 16384 bytes at the latest.",
        "(read-only; at most 1 connection, 10 seconds at each place)",
        "(connect; at most 12 connections at each port)",
        "class    read-only: asks harmless questions",
        "ports    tcp 79",
        "  probe.lists\n    = answer.matches(",
        "  params.ports  list of number, stricter with more",
        "service.transport  text",
    ] {
        assert!(out.contains(part), "no `{part}` in\n{out}");
    }
    let out = explain("tls/old-version");
    assert!(out.contains("ports    no port in particular"), "{out}");
    let controls = out.split("Controls that it bears on\n").nth(1).expect("controls");
    assert!(controls.contains("  pci-dss  ") && controls.contains("  nist-800-53  "), "{out}");
}

#[test]
fn the_example_that_was_made_by_the_recipe_finds_what_it_is_for() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let check = "examples/checks/finger/lists-users.yaml";
    let (code, out, err) = postern(here, &["check", "test", check, "--mutate"]);
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, err) = postern(here, &["check", "lint", "examples/checks"]);
    assert_eq!(code, 0, "{out}{err}");
    let serving = |says: &'static [u8]| {
        server::tcp(move |mut wire| {
            server::line(&mut wire);
            server::say(&mut wire, says);
        })
    };
    let weak = serving(b"Login     Name       Tty      Idle\r\nchan      A. Chan    pts/0\r\n");
    let hardened = serving(b"Finger online user list denied\r\n");
    for (port, wanted) in [(weak, 1), (hardened, 0)] {
        let port = port.to_string();
        let (code, out, err) =
            postern(here, &["check", "run", check, "127.0.0.1", "--port", &port]);
        assert_eq!(code, wanted, "{out}{err}");
    }
}
