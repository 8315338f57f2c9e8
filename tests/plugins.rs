//! Plug-ins as their users meet them: real programs in shell and Python, started by `postern scan` against a small server
//! on loopback; those that work, those that do not, and those that nobody allowed.

#[path = "plugins/desk.rs"]
mod desk;

use std::fs;

use desk::{Desk, outcome};

/// Answers rightly, with a note that holds the question.
const RIGHT: &str = r#"read -r question
printf '{"note":"was asked"}\n'
printf '{"saw":{"open":true,"banner":"hello"}}\n'"#;

#[test]
fn what_a_plugin_answers_is_a_fact_and_stands_in_the_review() {
    let desk = Desk::of(&format!("cat >\"$1\"; echo debug >&2\n{RIGHT}"));
    desk.says(1, &["scan", "--out", "out"]);
    let review = desk.review("out");
    assert_eq!(outcome(&review, "lab/mine"), "fail");
    let tool = &review["tool"]["plugins"][0];
    assert_eq!(tool["name"], "clinic_link");
    assert_eq!(tool["sha256"], desk.digest());
    let question: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(desk.path("seen")).expect("asked")).expect("JSON");
    assert_eq!(question["postern"], "plugin/v1");
    assert_eq!((&question["host"], &question["address"]), (&"h1".into(), &"127.0.0.1".into()));
    assert_eq!((&question["port"], &question["transport"]), (&desk.port().into(), &"tcp".into()));
    assert_eq!(question["deadline_ms"], 2000);
    assert!(question["agent"].as_str().is_some_and(|agent| agent.starts_with("Postern/")));
    assert!(question["name"].is_null());
    let book = desk.book("out");
    assert_eq!(book.matches("\"plugin\":\"clinic_link\"").count(), 2, "as much as it declares");
    assert!(book.contains("was asked"), "its note is in the transcript");
    let html = fs::read_to_string(desk.path("out/report.html")).expect("a report");
    assert!(html.contains("Programs of the operator’s own") && html.contains(&desk.digest()));
}

#[test]
fn the_plan_names_the_program_its_digest_and_what_it_sends() {
    let desk = Desk::of(RIGHT);
    let plan = desk.says(0, &["plan"]);
    let words = plan.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("clinic_link Two short lines, and hears one."), "{plan}");
    assert!(words.contains("by a program of the operator's own"), "{plan}");
    assert!(words.contains(&desk.digest()), "{plan}");
    let bound = "clinic_link up to 1 open ports of each address: at most 2 connections";
    assert!(words.contains(bound), "{plan}");
}

#[test]
fn a_plugin_that_fails_is_inconclusive_and_takes_nothing_down() {
    for (script, why) in [
        ("echo hello", "plugin-garbled"),
        ("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", "plugin-too-much"),
        ("trap '' TERM; sleep 300", "plugin-too-slow"),
        (r#"echo '{"saw":{"open":true,"banner":""}}'; exit 7"#, "plugin-code"),
    ] {
        let desk = Desk::of(script);
        desk.says(4, &["scan", "--out", "out"]);
        let review = desk.review("out");
        assert_eq!(outcome(&review, "lab/mine"), "inconclusive", "{script}");
        assert_eq!(outcome(&review, "lab/other"), "pass", "{script}");
        assert!(desk::test(&review, "lab/mine")["reasons"].to_string().contains(why), "{script}");
        assert!(desk.book("out").contains("\"complete\":true"), "{script}");
    }
}

#[test]
fn another_program_than_the_one_allowed_stops_all_before_anything_is_sent() {
    let desk = Desk::of(RIGHT);
    fs::write(desk.path("program"), "#!/bin/sh\necho evil >\"$1\"\n").expect("written");
    for command in [&["scan", "--out", "out"][..], &["plan"]] {
        let said = desk.says(2, command);
        assert!(said.contains("is not the program that is allowed here"), "{said}");
        assert!(said.contains("plugins.yaml:5:"), "{said}");
    }
    assert!(!desk.path("seen").exists() && !desk.path("out").exists());
    assert_eq!(desk.visits(), 0);
}

#[test]
fn a_program_that_changes_while_the_scan_goes_on_is_not_started_again() {
    // The first run changes its own file; there are two ports to ask.
    let desk = Desk::with_ports(2, &format!("echo ran >>\"$1\"; echo '# x' >>\"$2\"\n{RIGHT}"));
    desk.says(1, &["scan", "--out", "out"]);
    assert_eq!(fs::read_to_string(desk.path("seen")).expect("it ran"), "ran\n");
    let review = desk.review("out");
    assert_eq!(desk::test(&review, "lab/mine")["outcomes"]["fail"], 1);
    let book = desk.book("out");
    assert!(book.contains("is no longer the one that the configuration allows"));
    assert_eq!(book.matches("\"plugin\":\"clinic_link\"").count(), 2, "no turn for the second");
}

#[test]
fn nothing_runs_that_the_configuration_does_not_name() {
    let desk = Desk::of(&format!("echo ran >\"$1\"\n{RIGHT}"));
    let said = desk.says_without_plugins(2, &["scan", "--out", "out"]);
    assert!(said.contains("clinic_link"), "{said}");
    // In a pack or a folder of checks the file is nothing.
    fs::copy(desk.path("plugins.yaml"), desk.path("checks/plugins.yaml")).expect("copied");
    desk.says_without_plugins(2, &["scan", "--out", "out"]);
    // A profile that asks no check about it does not start it either.
    fs::remove_file(desk.path("checks/plugins.yaml")).expect("removed");
    desk.profile("lab/other");
    desk.says(0, &["scan", "--out", "out"]);
    assert!(!desk.path("seen").exists());
}

#[test]
fn a_fragile_host_and_a_class_too_strong_are_left_alone() {
    let desk = Desk::of(&format!("echo ran >\"$1\"\n{RIGHT}"));
    desk.inventory("fragile: true");
    desk.says(4, &["scan", "--out", "fragile"]);
    assert_eq!(outcome(&desk.review("fragile"), "lab/mine"), "not-tested");
    desk.inventory("fragile: false");
    desk.change("plugins.yaml", "class: read-only", "class: intrusive");
    desk.says(4, &["scan", "--out", "strong"]);
    assert_eq!(outcome(&desk.review("strong"), "lab/mine"), "not-tested");
    assert!(!desk.path("seen").exists());
}

#[test]
fn a_resumed_scan_asks_nothing_twice_and_wants_the_same_plugins() {
    let desk = Desk::of(&format!("echo ran >>\"$1\"\n{RIGHT}"));
    desk.says(1, &["scan", "--out", "out"]);
    desk.cut_last_row("out");
    // It needs no other option: the file is remembered.
    desk.bare(1, &["scan", "--resume", "out/book.jsonl"]);
    assert_eq!(fs::read_to_string(desk.path("seen")).expect("it ran"), "ran\n");
    assert_eq!(outcome(&desk.review("out"), "lab/mine"), "fail");
    desk.cut_last_row("out");
    desk.change("plugins.yaml", "seconds: 2", "seconds: 3");
    let said = desk.bare(2, &["scan", "--resume", "out/book.jsonl"]);
    assert!(said.contains("plan, plugins"), "{said}");
    // A book is judged without the programs and their file: what they answer stands in it.
    fs::remove_file(desk.path("plugins.yaml")).expect("removed");
    fs::remove_file(desk.path("program")).expect("removed");
    desk.bare(1, &["judge", "out/book.jsonl", "--out", "again"]);
    assert_eq!(outcome(&desk.review("again"), "lab/mine"), "fail");
}

#[test]
fn hostile_text_stays_inert() {
    let hostile = r#"printf '{"note":"\\u001b[31m</script><script>alert(1)</script>\\u202e"}\n'
printf '{"saw":{"open":true,"banner":"<img src=x onerror=alert(1)>\\u001b]0;x\\u0007 password=hunter2 "}}\n'
printf '\033[2J<b>\n' >&2"#;
    let desk = Desk::of(hostile);
    let said = desk.says(1, &["scan", "--out", "out"]);
    let html = fs::read_to_string(desk.path("out/report.html")).expect("a report");
    let text = fs::read_to_string(desk.path("out/review.json")).expect("a review");
    for shown in [&said, &html, &text] {
        assert!(
            !shown.contains('\u{1b}') && !shown.contains('\u{202e}') && !shown.contains('\u{7}')
        );
    }
    assert!(!html.contains("<img src=x") && !html.contains("<script>alert"));
    assert!(html.contains("onerror"), "it is shown, and made harmless");
    assert!(!desk.book("out").contains("hunter2"), "no secret is kept");
}

#[test]
fn the_example_in_python_works() {
    let example = |name: &str| {
        let path = format!("{}/examples/plugins/{name}", env!("CARGO_MANIFEST_DIR"));
        fs::read_to_string(path).expect("an example")
    };
    let desk = Desk::serving(b"Login    Name\r\nbob      Bob\r\nalice    Alice\r\n");
    let program = example("finger.py");
    fs::write(desk.path("program"), &program).expect("written");
    let file = example("plugins.yaml");
    assert!(file.contains(&desk.digest()), "the digest in examples/plugins/plugins.yaml is stale");
    let here = desk.path("program").display().to_string();
    let file = file.replace("/opt/postern/finger.py", &here);
    fs::write(desk.path("plugins.yaml"), file.replace("\"79\"", "any")).expect("written");
    fs::remove_dir_all(desk.path("checks")).expect("removed");
    fs::create_dir_all(desk.path("checks/service")).expect("made");
    let check = "service/finger-tells-users";
    let text = example(&format!("checks/{check}.yaml"));
    fs::write(desk.path(&format!("checks/{check}.yaml")), text).expect("written");
    desk.bare(0, &["check", "test", "checks", "--plugins", "plugins.yaml"]);
    desk.profile(check);
    desk.says(1, &["scan", "--out", "out"]);
    let review = desk.review("out");
    assert_eq!(outcome(&review, check), "fail");
    assert!(review["findings"].to_string().contains("alice, bob"), "{}", review["findings"]);
}

#[test]
fn files_are_validated_together() {
    let desk = Desk::of(RIGHT);
    let said = desk.bare(0, &["validate", "plugins.yaml", "checks/lab/mine.yaml"]);
    assert!(
        said.contains("a list of 1 plug-in") && said.contains("the check `lab/mine`"),
        "{said}"
    );
    let facts = desk.bare(0, &["facts", "clinic_link", "--plugins", "plugins.yaml"]);
    assert!(facts.contains("What it shows."), "{facts}");
    desk.change("plugins.yaml", "name: clinic_link", "name: tls");
    assert!(desk.bare(2, &["validate", "plugins.yaml"]).contains("the program uses itself"));
}
