//! What a plug-ins file may say, and what a plug-in may answer.

use super::*;

const FILE: &str = r#"
schema: postern/plugins/v1
plugins:
  - name: clinic_link
    program: /opt/clinic/link
    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    means: How the clinic's link answers.
    sends: One line, and hears the answer.
    over: service
    ports: "5000-5001,7000"
    class: read-only
    bound: {connections: 1, seconds: 5}
    facts:
      - {name: open, type: bool, means: Whether it answers strangers.}
      - {name: users, type: list text, means: Whom it names.}
"#;

fn read_text(text: &str) -> Result<Plugins, Vec<String>> {
    let source = Arc::new(Source { path: "plugins.yaml".into(), text: text.to_owned() });
    let titles = |all: Vec<Complaint>| all.into_iter().map(|one| one.title).collect();
    read(&source).map(|read| read.value).map_err(titles)
}

fn plugin() -> Plugin {
    read_text(FILE).expect("a right file").plugins.remove(0)
}

#[test]
fn a_file_is_read_with_its_defaults_and_its_kind() {
    let plugin = plugin();
    assert_eq!((plugin.output, plugin.bound.datagrams), (65_536, 0));
    assert_eq!(plugin.ports_among(&[443, 5001, 7000]), [5001, 7000]);
    let any = Plugin { ports: "any".into(), ..plugin.clone() };
    assert_eq!(any.ports_among(&[443, 5001]), [443, 5001]);
    let kind = plugin.kind();
    assert_eq!(
        (&*kind.name, &*kind.probe, kind.tier),
        ("clinic_link", "clinic_link", Tier::Service)
    );
    assert_eq!(kind.fields[1].of, Type::list(Type::Text));
}

#[test]
fn what_is_wrong_in_a_file_is_said() {
    for (from, to, title) in [
        ("clinic_link\n", "tls\n", "`tls` is a name that the program uses itself"),
        ("clinic_link\n", "greeting\n", "`greeting` is a name that the program uses itself"),
        ("clinic_link\n", "Clinic-Link\n", "`Clinic-Link` is no name in snake_case"),
        ("/opt/clinic/link", "bin/link", "`bin/link` is no absolute path"),
        ("name: users", "name: open", "`open` names two fields; the first is on line 14"),
        ("name: users", "name: cut", "`cut` is where the book says how a plug-in failed"),
        ("connections: 1", "connections: 0", "by this bound the plug-in sends nothing"),
        ("seconds: 5", "seconds: 0", "0 is too little; at least 1 is needed"),
    ] {
        let wrong = read_text(&FILE.replace(from, to)).expect_err(to);
        assert_eq!(wrong, [title], "{to}");
    }
    for (from, to) in [
        ("9f86d0", "9f86"),
        ("\"5000-5001,7000\"", "http"),
        ("over: service", "over: host"),
        ("type: bool", "type: number"),
        ("    means:", "    shell: true\n    means:"),
    ] {
        assert!(read_text(&FILE.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn an_answer_is_whole_and_of_its_types_or_none() {
    let plugin = plugin();
    let said = |text: &str| answer(text.as_bytes(), &plugin);
    let right = said("{\"note\":\"hello\"}\n{\"saw\":{\"open\":true,\"users\":[\"a\",\"b\"]}}\n");
    assert_eq!(right.notes, ["hello"]);
    assert_eq!(right.saw.expect("an answer")["users"][1], "b");
    let unknown = said(r#"{"saw":{"open":{"unknown":"it hung up"},"users":[{"unknown":"cut"}]}}"#);
    assert!(unknown.saw.is_ok());
    for (text, wrong) in [
        ("", "it does not say what was seen"),
        ("{\"note\":\"a\"}\n", "it does not say what was seen"),
        ("hello\n", "line 1 is no JSON object"),
        ("{\"note\":\"a\"}\n\n", "line 2 is no JSON object"),
        ("{\"note\":1}\n", "line 1 is neither a note nor what was seen"),
        ("{\"note\":\"a\",\"saw\":{}}\n", "line 1 is neither a note nor what was seen"),
        (r#"{"saw":{"open":true}}"#, "line 1: the field users is missing"),
        (r#"{"saw":{"open":"yes","users":[]}}"#, "line 1: the field open is not of its type"),
        (
            r#"{"saw":{"open":{"unknown":1},"users":[]}}"#,
            "line 1: the field open is not of its type",
        ),
        (r#"{"saw":{"open":true,"users":["a",1]}}"#, "line 1: the field users is not of its type"),
        (
            r#"{"saw":{"open":true,"users":[],"cut":1}}"#,
            "line 1: it has a field that the configuration does not declare",
        ),
        (
            "{\"saw\":{\"open\":true,\"users\":[]}}\n{\"saw\":{\"open\":true,\"users\":[]}}\n",
            "line 2 is a second answer",
        ),
    ] {
        assert_eq!(said(text).saw, Err(wrong.to_owned()), "{text}");
    }
    assert_eq!(answer(b"\xff\n", &plugin).saw, Err("it is not UTF-8".to_owned()));
}
