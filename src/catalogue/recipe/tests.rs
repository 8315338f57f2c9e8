//! Recipes read from text, played and named.

use std::sync::Arc;

use super::{Asking, Ending, Run, Turn};
use crate::catalogue::{Catalogue, Check, File, Wants};
use crate::facts::{KindId, Vocabulary};
use crate::model::complaint::Source;
use crate::model::net::Transport;
use crate::model::plan::Bound;
use crate::model::reason::Reason;
use crate::model::value::Value;

/// A check whose probe, `when` and conditions are given; everything else is as it must be.
fn file(name: &str, parts: &str) -> File {
    let text = format!(
        "schema: postern/check/v1\nrevision: 1\ntitle: {{en: It is so}}\nimpact: low\nlikelihood: low\n{parts}\n\
         says: {{fail: {{en: It is not so.}}}}\nwhy: {{en: Because.}}\n"
    );
    let path = format!("checks/{name}.yaml").into();
    File { id: name.into(), source: Arc::new(Source { path, text }) }
}

fn check(parts: &str) -> Arc<Check> {
    let file = file("test/one", parts);
    let (catalogue, wrong) = Catalogue::read(&[file], &Vocabulary::built_in());
    let wrong: Vec<_> = wrong.iter().map(|wrong| &wrong.title).collect();
    assert!(wrong.is_empty(), "{wrong:?} of\n{parts}");
    Arc::clone(&catalogue.checks()[0])
}

/// What is wrong with a check of those parts: each complaint with the text that it points at.
fn wrong(parts: &str) -> Vec<String> {
    let file = file("test/one", parts);
    let (_, wrong) = Catalogue::read(std::slice::from_ref(&file), &Vocabulary::built_in());
    let about = |at: &std::ops::Range<usize>| file.source.text[at.clone()].to_owned();
    wrong
        .iter()
        .map(|one| {
            format!(
                "{} @ {}",
                one.title,
                one.at.as_ref().map_or(String::new(), |(_, at)| about(at))
            )
        })
        .collect()
}

fn asking(parts: &str) -> Arc<Asking> {
    let check = check(parts);
    Arc::new(check.asking(&check.defaults()).expect("a probe"))
}

const TCP: &str =
    "on: service\nwhen: service.port == 7\nexpect: probe.a == \"b\"\nprobe:\n  tcp:\n    steps:\n";
const UDP: &str =
    "on: probe\nexpect: probe.a == \"b\"\nprobe:\n  udp:\n    ports: [7]\n    steps:\n";
const HTTP: &str = "on: http\nexpect: probe.a.status == 200\nprobe:\n  http:\n    requests:\n";

fn tcp(steps: &str) -> String {
    let steps: Vec<String> = steps.lines().map(|line| format!("      {line}")).collect();
    format!("{TCP}{}\n", steps.join("\n"))
}

#[test]
fn mistakes_are_found_where_they_stand() {
    let udp = |steps: &str| format!("{UDP}      {steps}\n");
    let http = |request: &str| format!("{HTTP}      - {request}\n");
    for (parts, wanted) in [
        (tcp("- read: {as: a, max: 10}"), "nothing says when this read ends"),
        (tcp("- read: {as: a, line: true, end: true}"), "a read ends in one way only @ end"),
        (tcp("- read: {as: a, line: true, max: 2 MiB}"), "2 MiB is out of bounds @ 2 MiB"),
        (tcp("- read: {as: a, line: true, max: 2 MB}"), "`2 MB` is not a number of bytes @ 2 MB"),
        (tcp("- read: {as: a, line: true, timeout: 3min}"), "`3min` is not a duration @ 3min"),
        (tcp("- read: {as: a, line: true, timeout: 90s}"), "90s is out of bounds @ 90s"),
        (tcp("- read: {as: a, bytes: 9, max: 8}"), "9 bytes are more than are read at most"),
        (tcp("- read: {as: a, line: true}\n- read: {as: a, line: true}"), "something else is called `a` already @ a"),
        (tcp("- read: {as: probe, line: true}\n- read: {as: a, line: true}"), "`probe` cannot be a name here @ probe"),
        (tcp("- send: {echo: b}\n- read: {as: a, line: true}"), "`b` was not heard before this step @ b"),
        (tcp("- send: y\n- read: {as: a, line: true}"), "a text is needed here, and `y` is true or false to some readers @ y"),
        (tcp("- send: {hex: 0 1}\n- read: {as: a, line: true}\n- send: {hex: abc}"), "these are not bytes in hexadecimal digits @ abc"),
        (tcp("- if: a == \"x\"\n  send: hi\n- read: {as: a, line: true}"), "`a` is not known before this step"),
        (tcp("- read: {as: a, line: true}\n- if: a == 1\n  send: hi"), "this is a number; text is needed here @ 1"),
        (tcp("- read: {as: a, line: true}\n- if: b == \"\"\n  send: hi"), "`b` is not known here; did you mean `a`? @ b"),
        (tcp("- read: {as: a, line: true}\n- if: host.fragile\n  send: hi"), "`host` is not known here @ host"),
        (tcp("- send: x\n  reconnect: true\n- read: {as: a, line: true}"), "a step does exactly one thing @ reconnect"),
        (tcp("- read: {as: a, line: true}").replace("probe.a == \"b\"", "service.port == 1"), "no condition looks at what this probe hears @ probe"),
        (tcp("- read: {as: a, line: true}").replace("when: service.port == 7\n", ""), "nothing says to which ports this probe goes @ probe"),
        (tcp("- read: {as: a, line: true}").replace("service.port == 7", "probe.a == \"b\""), "`when` decides where the probe goes, so it cannot speak of its answers @ probe"),
        (tcp("- read: {as: a, line: true}").replace("probe.a ==", "probe.aa =="), "`aa` is nothing that the probe tells; did you mean `a`? @ aa"),
        (tcp("- read: {as: a, line: true}").replace("on: service", "on: host"), "the probe is put to each service, and this check is about a host @ probe"),
        (tcp("- read: {as: a, line: true}").replace("  tcp:\n", "  tcp:\n    limits: {seconds: 500}\n"), "500 is out of bounds for `seconds` @ 500"),
        (tcp("- read: {as: a, line: true}").replace("  tcp:\n", "  tcp:\n    limits: {connections: 9}\n"), "9 is out of bounds for `connections` @ 9"),
        (tcp("- send: x\n- read: {as: a, line: true}").replace("  tcp:\n", "  tcp:\n    class: passive\n"), "this says something, and the class is passive @ send"),
        (tcp("- read: {as: a, line: true}\n").replace("probe:\n", "probe:\n  facts: {x: y, y: x}\n"), "these facts rest on each other: x, y @ x"),
        (tcp("- read: {as: a, line: true}\n").replace("probe:\n", "probe:\n  facts: {x: a == 1}\n"), "this is a number; text is needed here @ 1"),
        (tcp("- read: {as: a, line: true}\n").replace("probe:\n", "probe:\n  facts: {a: a == \"\"}\n"), "something else is called `a` already @ a"),
        (udp("- read: {as: a, line: true}"), "over UDP a read takes one datagram @ line"),
        (udp("- read: {as: a}").replace("[7]", "[70000]"), "70000 is too much; at most 65535 is allowed @ 70000"),
        (udp("- read: {as: a}").replace("[7]", "[0]"), "this is no port @ 0"),
        (udp("- read: {as: a}").replace("[7]", "params.p"), "`p` is not a parameter of this check @ params.p"),
        (http("{get: /a b, as: a}"), "`/a b` is not a path @ /a b"),
        (http("{get: a, as: a}"), "`a` is not a path @ a"),
        (http("{post: /, as: a}"), "POST is more than asking, and the class is not intrusive @ post"),
        (http("{get: /, head: /, as: a}"), "a request has exactly one method @ head"),
        (http("{get: /, as: a, headers: {Cookie: x}}"), "`Cookie` carries credentials, and none are ever sent @ Cookie"),
        (http("{get: /, as: a, headers: {proxy-authorization: x}}"), "`proxy-authorization` carries credentials, and none are ever sent"),
        (http("{get: /, as: a, headers: {Host: x}}"), "`Host` is not for a check to set @ Host"),
        (http("{get: /, as: a, headers: {X-A: \"a\\r\\nb\"}}"), "this cannot be the value of a header field"),
        (http("{get: \"{{ each }}\", each: params.n, as: a}").replace("probe:", "params: {n: {type: int, default: 1}}\nprobe:"), "`each` needs a list of text, and `n` is a number @ params.n"),
        (http("{get: /x, each: params.n, as: a}").replace("probe:", "params: {n: {type: list text, default: [/y]}}\nprobe:"), "every one of these requests would ask for the same @ /x"),
        ("on: probe\nexpect: probe.a == \"b\"\n".into(), "this check has no probe of its own @ probe"),
        ("on: host\nexpect: probe.a == \"b\"\n".into(), "this check has no probe of its own @ probe"),
        ("on: probe\nexpect: probe.answered\nprobe: {tcp: {steps: []}, udp: {ports: [1], steps: []}}".into(), "a probe speaks one thing only @ udp"),
        ("on: probe\nexpect: probe.answered\nprobe: {facts: {}}".into(), "nothing says what this probe speaks"),
    ] {
        let found = wrong(&parts);
        assert!(found.iter().any(|one| one.starts_with(wanted)), "{wanted}\nis not among {found:#?} of\n{parts}");
    }
}

#[test]
fn a_mistake_in_a_folded_fact_points_at_its_own_column() {
    let parts = tcp("- read: {as: a, line: true}").replace(
        "probe:\n",
        "probe:\n  facts:\n    x: >-\n      a == \"b\"\n      || a.startsWith(5)\n",
    );
    assert_eq!(wrong(&parts), ["this is a number; text is needed here @ 5"]);
}

#[test]
fn equal_requests_bear_one_name_and_others_another() {
    let name = |parts: &str| asking(parts).name.clone();
    let one = tcp("- send: x\n- read: {as: a, line: true}");
    assert_eq!(name(&one), "ask-7974e816a9366275");
    assert_eq!(
        name(&one),
        name(&one.replace("service.port == 7", "service.port == 8")),
        "where is no matter"
    );
    assert_eq!(name(&one), name(&one.replace("probe:\n", "probe:\n  facts: {y: a == \"\"}\n")));
    for (from, to) in [
        ("send: x", "send: z"),
        ("line: true", "quiet: true"),
        ("line: true", "line: true, optional: true"),
        ("line: true", "line: true, format: hex"),
        ("as: a,", "as: a, timeout: 1s,"),
        ("  tcp:\n", "  tls:\n"),
        ("  tcp:\n", "  tcp:\n    class: intrusive\n"),
        ("  tcp:\n", "  tcp:\n    limits: {bytes: 1 KiB}\n"),
    ] {
        assert_ne!(name(&one), name(&one.replace(from, to)), "{to}");
    }
}

#[test]
fn parameters_are_part_of_what_is_asked() {
    let parts = "on: http\nexpect: probe.a.all(p, p.status != 200)\nparams:\n  n: {type: list text, default: [/y, /z]}\n\
                 probe:\n  http:\n    requests:\n      - {get: \"{{ each }}?x\", each: params.n, as: a, follow: same-host}\n";
    let check = check(parts);
    let usual = check.asking(&check.defaults()).expect("a probe");
    assert_eq!(usual.bound, Bound { connections: 8, datagrams: 0, seconds: 60 });
    assert_eq!(
        usual.sends,
        "By HTTP: asks for GET /y?x, GET /z?x. Ends after 60 s or 65536 bytes at the latest."
    );
    let many =
        Value::list((0..40).map(|n| Value::text(format!("/{n}"))).chain([Value::text("bad")]));
    let other = check.asking(&[many]).expect("a probe");
    assert_ne!(usual.name, other.name);
    assert_eq!(other.bound.connections, 64, "no more than the limit");
    let mut run = Run::new(&Arc::new(other), "n");
    let mut asked = 0;
    while let Turn::Fetch(_) = run.turn() {
        run.fetched(Ok(&super::Page { status: 404, ..super::Page::default() }));
        asked += 1;
    }
    assert_eq!(asked, 16);
    let saw = run.saw();
    assert_eq!(saw["a"]["items"].as_array().map(Vec::len), Some(16));
    assert_eq!(saw["a"]["unseen"], "only the first 16 of 41 were asked");
}

/// Plays a conversation: what they say to each turn, and what the record comes to.
fn played(
    parts: &str,
    mut answer: impl FnMut(&Turn, &mut Run),
) -> (Vec<String>, serde_json::Value) {
    let mut run = Run::new(&asking(parts), "n0where");
    let mut turns = Vec::new();
    loop {
        let turn = run.turn();
        turns.push(match &turn {
            Turn::Say(bytes) => format!("say {}", String::from_utf8_lossy(bytes)),
            Turn::Hear(hear) => format!("hear {}", hear.most),
            Turn::Reconnect => "reconnect".into(),
            Turn::Fetch(fetch) => format!("fetch {}", fetch.path),
            Turn::Ask(question) => format!("ask {}", question.name),
            Turn::End => "end".into(),
        });
        if turn == Turn::End {
            return (turns, run.saw());
        }
        answer(&turn, &mut run);
        assert!(turns.len() < 50, "it does not end");
    }
}

#[test]
fn a_conversation_goes_step_by_step() {
    let parts = tcp(
        "- read: {as: hello, line: true}\n- if: hello.contains(\"?\")\n  send: {echo: hello}\n\
         - if: hello.contains(\"?\")\n  read: {as: more, quiet: true, optional: true}\n- reconnect: true\n- send: again\n\
         - read: {as: a, bytes: 2, format: hex}",
    );
    let (turns, saw) = played(&parts, |turn, run| match turn {
        Turn::Hear(hear) if hear.until == super::Until::Said(b"\n".to_vec()) => {
            run.heard(b"who?\xff\n", None);
        }
        Turn::Hear(hear) if hear.until == super::Until::Quiet => {
            run.heard(b"", Some(Ending::Silent));
        }
        Turn::Hear(_) => run.heard(&[0x0a, 0xff], None),
        _ => {}
    });
    let wanted = [
        "hear 4096",
        "say who?\u{fffd}\n",
        "hear 4096",
        "reconnect",
        "say again",
        "hear 4096",
        "end",
    ];
    assert_eq!(turns, wanted);
    assert_eq!(saw["a"], "0aff");
    assert_eq!(saw["more"]["unknown"], "no answer came in time");
    assert_eq!((saw["answered"].as_bool(), saw["ended"].as_str()), (Some(true), Some("")));
}

#[test]
fn what_was_heard_is_said_back_byte_for_byte() {
    let parts = tcp("- read: {as: a, bytes: 2}\n- send: {echo: a}");
    let mut run = Run::new(&asking(&parts), "");
    run.turn();
    run.heard(&[0xff, 0x00], None);
    assert_eq!(run.turn(), Turn::Say(vec![0xff, 0x00]));
}

#[test]
fn a_step_whose_condition_does_not_hold_is_left_out() {
    let parts = tcp(
        "- read: {as: a, line: true}\n- if: a.startsWith(\"+\")\n  send: INFO\n- read: {as: b, end: true, optional: true}",
    );
    for (said, wanted) in [
        (Some("+OK\n"), vec!["hear 4096", "say INFO", "hear 4096", "end"]),
        (Some("-NO\n"), vec!["hear 4096", "hear 4096", "end"]),
        // Nothing came: the conversation is over, and no condition holds that nobody can know.
        (None, vec!["hear 4096", "end"]),
    ] {
        let (turns, saw) = played(&parts, |turn, run| {
            if let Turn::Hear(hear) = turn {
                match (said, &hear.until) {
                    (Some(said), super::Until::Said(_)) => run.heard(said.as_bytes(), None),
                    _ => run.heard(b"", Some(Ending::Closed)),
                }
            }
        });
        assert_eq!(turns, wanted, "{said:?}");
        let end = if said.is_some() { serde_json::json!("") } else { saw["b"].clone() };
        assert_eq!(saw["b"], end);
        assert_eq!(saw["ended"], "closed");
    }
}

#[test]
fn less_than_was_wanted_is_kept_only_where_that_is_said() {
    for (rest, end, text, why) in [
        ("", Ending::Closed, None, "the peer closed the connection"),
        ("", Ending::Silent, None, "no answer came in time"),
        ("", Ending::TooMuch, None, "it said more than is read"),
        (", optional: true", Ending::Closed, Some("half"), ""),
        (", optional: true", Ending::Silent, Some("half"), ""),
    ] {
        let parts = tcp(&format!("- read: {{as: a, line: true{rest}}}"));
        let (_, saw) = played(&parts, |turn, run| {
            if let Turn::Hear(_) = turn {
                run.heard(b"half", Some(end));
            }
        });
        assert_eq!(saw["a"].as_str(), text, "{end:?}");
        assert_eq!(saw["a"]["unknown"].as_str().unwrap_or(""), why);
        assert_eq!(saw["answered"], true);
    }
}

#[test]
fn all_that_is_heard_stays_within_the_limit() {
    let parts = tcp("- read: {as: a, bytes: 6}\n- read: {as: b, quiet: true, optional: true}\n- read: {as: c, line: true}")
        .replace("  tcp:\n", "  tcp:\n    limits: {bytes: 8}\n");
    let (turns, saw) = played(&parts, |turn, run| match turn {
        Turn::Hear(hear) if hear.most >= 6 => run.heard(b"123456", None),
        Turn::Hear(hear) => run.heard(&b"789"[..hear.most], Some(Ending::TooMuch)),
        _ => {}
    });
    assert_eq!(turns, ["hear 8", "hear 2", "end"]);
    assert_eq!(saw["b"], "78");
    assert_eq!(saw["c"]["unknown"], "it said more than is read");
    assert_eq!(saw["ended"], "too much");
}

#[test]
fn a_datagram_is_sent_again_before_silence_counts() {
    let parts = format!("{UDP}      - send: x\n      - read: {{as: a}}\n");
    for (alive, answered) in [
        (true, serde_json::json!(false)),
        (false, serde_json::json!({"unknown": "no answer came in time"})),
    ] {
        let (turns, saw) = played(&parts, |turn, run| {
            if alive {
                run.known_alive();
            }
            if let Turn::Hear(_) = turn {
                run.heard(b"", Some(Ending::Silent));
            }
        });
        let once = ["say x", "hear 4096"];
        assert_eq!(turns, [&once[..], &once, &once, &["end"]].concat());
        assert_eq!(saw["answered"], answered);
        assert_eq!(saw["ended"], "silent");
    }
    let asking = asking(&parts);
    assert_eq!(asking.ports, [7]);
    assert_eq!(asking.bound, Bound { connections: 0, datagrams: 3, seconds: 15 });
}

#[test]
fn who_is_not_there_does_not_answer() {
    let parts = tcp("- send: x\n- read: {as: a, line: true}");
    for (end, answered) in [
        (Ending::Refused, serde_json::json!(false)),
        (Ending::Unreachable, serde_json::json!(false)),
        (Ending::Reset, serde_json::json!({"unknown": "the connection was reset"})),
    ] {
        let mut run = Run::new(&asking(&parts), "");
        run.cut(end);
        assert_eq!(run.turn(), Turn::End);
        assert_eq!(run.saw()["answered"], answered);
        assert_eq!(run.saw()["a"]["unknown"], end.why());
    }
    let mut run = Run::new(&asking(&parts), "");
    run.turn();
    run.stop("the window closed");
    assert_eq!(run.turn(), Turn::End);
    assert_eq!(run.saw()["a"]["unknown"], "the window closed");
    assert_eq!(run.saw()["answered"]["unknown"], "the window closed");
}

#[test]
fn the_baseline_asks_for_a_path_that_cannot_exist() {
    let parts = format!(
        "{HTTP}      - {{get: /, as: a, if: none.status == 404}}\n    baseline: {{as: none}}\n"
    );
    let (turns, saw) = played(&parts, |turn, run| match turn {
        Turn::Fetch(fetch) if fetch.path == "/n0where" => {
            run.fetched(Ok(&super::Page { status: 404, ..super::Page::default() }));
        }
        Turn::Fetch(_) => run.fetched(Err(Ending::Reset)),
        _ => {}
    });
    assert_eq!(turns, ["fetch /n0where", "fetch /", "end"]);
    assert_eq!(saw["none"]["status"], 404);
    assert_eq!(saw["a"]["unknown"], "the connection was reset");
    assert_eq!(asking(&parts).bound.connections, 2);
}

#[test]
fn dns_answers_are_records() {
    let parts = "on: probe\nexpect: probe.v.answers.size() == 0 || probe.v.rcode == \"REFUSED\"\nprobe:\n  dns:\n    over: tcp\n\
                 \x20   questions:\n      - {as: v, name: version.bind, type: TXT, class: CH}\n";
    let answer = super::DnsAnswer {
        rcode: "NOERROR".into(),
        answers: vec!["9.18".into()],
        authoritative: true,
        recursion_available: false,
        truncated: false,
        bytes: 60,
    };
    let (turns, saw) = played(parts, |turn, run| {
        if let Turn::Ask(question) = turn {
            assert_eq!((question.class.as_str(), question.recurse), ("CH", false));
            run.told(Ok(&answer));
        }
    });
    assert_eq!(turns, ["ask version.bind", "end"]);
    assert_eq!(saw["v"]["answers"][0], "9.18");
    let asking = asking(parts);
    assert_eq!((asking.ports.as_slice(), asking.bound.connections), (&[53][..], 1));
    assert_eq!(
        asking.sends,
        "By DNS over TCP: asks for CH TXT of version.bind. Ends after 15 s or 65536 bytes at the latest."
    );
}

#[test]
fn when_decides_where_it_goes() {
    let parts = tcp("- read: {as: a, line: true}").replace(
        "service.port == 7",
        "service.port in [7, 8] && service.transport == \"tcp\" && service.speaks == \"\" && !host.fragile",
    );
    let check = check(&parts);
    let vocabulary = Vocabulary::built_in();
    let host = vocabulary.id("host").expect("a kind");
    let fragile = vocabulary.kind(host).and_then(|kind| kind.slot("fragile")).expect("a field");
    for (fragility, transport, port, wanted) in [
        (Some(false), Transport::Tcp, 7, true),
        (None, Transport::Tcp, 8, true),
        (Some(false), Transport::Tcp, 9, false),
        (Some(false), Transport::Udp, 7, false),
        (Some(true), Transport::Tcp, 7, false),
    ] {
        let record: Vec<Value> = (0..10)
            .map(|slot| match fragility {
                Some(is) if slot == fragile => Value::Bool(is),
                _ => Value::unknown("not given"),
            })
            .collect();
        let lookup = |kind: KindId| (kind == host).then_some(record.as_slice());
        let may = check.may_want(&[], &lookup, transport, port);
        assert_eq!(may, wanted, "{fragility:?} {transport} {port}");
    }
    let service = vocabulary.id("service").expect("a kind");
    let fields = &vocabulary.kind(service).expect("a kind").fields;
    let speaks = |word: &'static str| -> Vec<Value> {
        let known = |name: &str| match name {
            "port" => Value::Int(7),
            "transport" => Value::text("tcp"),
            "speaks" => Value::text(word),
            _ => Value::unknown("not given"),
        };
        fields.iter().map(|field| known(&field.name)).collect()
    };
    for (word, wanted) in [("", true), ("http", false)] {
        let record = speaks(word);
        let lookup = |kind: KindId| (kind == service).then_some(record.as_slice());
        assert_eq!(check.wants(&[], &lookup) == Wants::Yes, wanted, "{word}");
    }
}

#[test]
fn every_check_brings_a_kind_of_its_own() {
    let with = |name: &str, step: &str| file(name, &tcp(step));
    let files = [
        with("a/one", "- read: {as: a, line: true}"),
        with("a/broken", "- read: {as: a}"),
        with("a/two", "- read: {as: a, line: true}"),
        file("a/plain", "on: host\nexpect: host.fragile"),
    ];
    let built_in = Vocabulary::built_in();
    let (catalogue, wrong) = Catalogue::read(&files, &built_in);
    assert_eq!(wrong.len(), 1, "one bad file hides no other");
    let kinds: Vec<&str> = catalogue.vocabulary().kinds()[built_in.kinds().len()..]
        .iter()
        .map(|kind| &*kind.name)
        .collect();
    assert_eq!(kinds, ["probe:a/one", "probe:a/two"]);
    for check in catalogue.checks() {
        let kind = check.probe_kind().and_then(|id| catalogue.vocabulary().kind(id));
        let name = check.recipe().map(|recipe| recipe.kind().name.clone());
        assert_eq!(kind.map(|kind| kind.name.clone()), name);
        assert!(
            check.probe_kind().is_none_or(|own| check.speaks_of.contains(&own)),
            "{}",
            check.id
        );
    }
    let spelt = file("a/three", "on: \"probe:a/one\"\nexpect: host.fragile");
    let (_, wrong) = Catalogue::read(&[files[0].clone(), spelt], &built_in);
    assert_eq!(wrong.len(), 1, "no check speaks of what another one asked");
}

#[test]
fn a_site_that_is_asked_too_much_hides_its_pages_and_is_left_alone() {
    let parts = "on: http\nparams: {paths: {type: list text, default: [/a, /b, /c], means: Where.}}\n\
                 expect: \"!probe.found && probe.one.status != 200\"\nprobe:\n  http:\n    requests:\n\
                 \x20     - {get: \"{{ each }}\", each: params.paths, as: pages}\n      - {get: /one, as: one}\n\
                 \x20 facts: {found: \"pages.exists(p, p.status == 200)\"}\n";
    let answering = |status| super::Page { status, ..super::Page::default() };
    for (status, asked, rest) in [
        (429, 2, "it was not asked, because the site had answered that it is asked too much"),
        (503, 4, "the site answered 503, which does not say what is there"),
        (502, 4, "the site answered 502, which does not say what is there"),
    ] {
        let (turns, saw) = played(parts, |turn, run| match turn {
            Turn::Fetch(fetch) if fetch.path == "/a" => run.fetched(Ok(&answering(404))),
            Turn::Fetch(_) => run.fetched(Ok(&answering(status))),
            _ => {}
        });
        assert_eq!(turns.len(), asked + 1, "{turns:?}");
        assert_eq!(saw["pages"]["items"].as_array().map(Vec::len), Some(1));
        let why = format!("the site answered {status}, which does not say what is there");
        assert_eq!(saw["pages"]["unseen"], why);
        assert_eq!(saw["one"]["unknown"], rest);
        assert_eq!(saw["answered"], true);
    }
    let (_, saw) = played(parts, |turn, run| {
        if matches!(turn, Turn::Fetch(_)) {
            run.fetched(Ok(&answering(500)));
        }
    });
    assert_eq!(saw["one"]["status"], 500, "an error of the page itself is its answer");
}

#[test]
fn what_ends_a_conversation_can_be_told_in_every_language() {
    for end in Ending::ALL {
        let reasons = Reason::all(end.why());
        assert!(matches!(reasons.as_slice(), [Reason::Ours { .. }]), "{reasons:?}");
    }
}

/// More pages of one site than this are no look from outside any more, but a load that its owner notices. Those of
/// Grafana, Jenkins, Kibana and WordPress count, though no site is all of them: an ordinary one is asked for less than 60.
const PAGES_OF_A_SITE: usize = 70;

#[test]
fn the_whole_library_asks_a_site_for_few_pages_whatever_its_port() {
    let (catalogue, _) = Catalogue::read(&Catalogue::built_in_files(), &Vocabulary::built_in());
    let askings: Vec<_> = catalogue
        .checks()
        .iter()
        .filter_map(|check| Some((check, check.asking(&check.defaults())?)))
        .filter(|(_, asking)| asking.medium == super::Medium::Http)
        .collect();
    let listed = askings.iter().flat_map(|(check, _)| check.defaults());
    let listed = listed.filter_map(|value| match value {
        Value::List(list) => Some(list.items.iter().filter_map(super::deeds::port).collect()),
        _ => None,
    });
    let ports: std::collections::BTreeSet<u16> =
        listed.flat_map(|ports: Vec<u16>| ports).chain([1, 80, 443]).collect();
    assert!(ports.len() > 20, "the library knows more ports than {ports:?}");
    for port in ports {
        let here = askings.iter().filter(|(check, _)| {
            check.may_want(&check.defaults(), &|_| None, Transport::Tcp, port)
        });
        let here: std::collections::BTreeMap<&str, &Asking> =
            here.map(|(_, asking)| (asking.name.as_str(), asking)).collect();
        let fetches = here.values().flat_map(|asking| &asking.deeds);
        let pages = fetches.filter(|deed| super::deeds::hops(&deed.does) > 0).count();
        assert!((1..=PAGES_OF_A_SITE).contains(&pages), "{pages} pages at port {port}");
    }
}
