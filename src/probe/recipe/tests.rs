//! Recipes against scripted peers: what each ending leaves in the record.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::*;
use crate::catalogue::{Catalogue, File};
use crate::facts::Vocabulary;
use crate::model::complaint::Source;
use crate::probe::scripted::{Script, ask};

/// The probe of a check file that writes down this recipe.
fn written(recipe: &str) -> Probe {
    let text = format!(
        "schema: postern/check/v1\nrevision: 1\ntitle: {{en: It is safe, zh-Hant: 安全}}\n\
         impact: low\nlikelihood: low\non: probe\nwhen: service.port > 0\nprobe:\n{recipe}expect: probe.answered\n\
         says: {{fail: {{en: It is not., zh-Hant: 並非如此。}}}}\nwhy: {{en: So., zh-Hant: 因此。}}\n\
         fix: [{{text: {{en: Mend it., zh-Hant: 修正。}}}}]\nrefs: [RFC 9325]\n"
    );
    let source = Arc::new(Source { path: "lab/x.yaml".into(), text });
    let files = [File { id: "lab/x".into(), source }];
    let (catalogue, wrong) = Catalogue::read(&files, &Vocabulary::built_in());
    let check = catalogue.checks().first().unwrap_or_else(|| panic!("{wrong:?}"));
    probe(&Arc::new(check.asking(&check.defaults()).expect("a recipe")))
}

const HELLO: &str = "
  tcp:
    steps:
      - read: {as: hello, until: \"\\r\\n\", max: 16, timeout: 2s}
      - if: hello.startsWith(\"+\")
        send: \"MORE\\r\\n\"
      - if: hello.startsWith(\"+\")
        read: {as: more, bytes: 4, timeout: 2s}
";

async fn hello(script: Script) -> Json {
    ask(&written(HELLO), script, None).await
}

#[tokio::test(start_paused = true)]
async fn what_comes_is_kept_and_what_does_not_is_unknown_with_its_reason() {
    let whole = hello(Script::says(b"+OK\r\nfour")).await;
    assert_eq!(whole["hello"], "+OK\r\n");
    assert_eq!(whole["more"], "four");
    assert_eq!((&whole["answered"], &whole["ended"]), (&json!(true), &json!("")));
    let other = hello(Script::says(b"-NO\r\n")).await;
    assert_eq!(other["hello"], "-NO\r\n");
    assert!(other["more"]["unknown"].as_str().expect("a reason").contains("condition"), "{other}");
    let silent = hello(Script::says(b"")).await;
    assert_eq!(silent["hello"], json!({"unknown": "no answer came in time"}));
    assert_eq!(silent["answered"], json!({"unknown": "no answer came in time"}));
    let long = hello(Script::says(&[b'x'; 100])).await;
    assert_eq!(long["ended"], "too much");
    assert!(long["hello"]["unknown"].is_string(), "{long}");
}

#[tokio::test(start_paused = true)]
async fn a_shut_door_is_an_answer_and_a_lost_packet_is_none() {
    let shut = |cut| Script { cut: Some(cut), ..Script::default() };
    assert_eq!(hello(shut(Cut::Refused)).await["answered"], false);
    assert!(hello(shut(Cut::TimedOut)).await["answered"]["unknown"].is_string());
    let guarded = Cut::Unreachable { kind: 3, code: 13, from: None };
    assert_eq!(hello(shut(guarded)).await["ended"], "unreachable");
    let nobody = Cut::Unreachable { kind: 3, code: 1, from: None };
    assert_eq!(hello(shut(nobody)).await["ended"], "silent", "no router knows the address");
}

const KNOCK: &str = "
  udp:
    ports: [161]
    tries: 2
    steps:
      - send: knock
      - read: {as: answer, max: 64, timeout: 1s}
";

#[tokio::test(start_paused = true)]
async fn silence_over_udp_means_something_only_where_somebody_is() {
    let knock = written(KNOCK);
    let asked = async |script| -> Json { ask(&knock, script, None).await };
    let answered = asked(Script::says(b"who?")).await;
    assert_eq!((&answered["answered"], &answered["answer"]), (&json!(true), &json!("who?")));
    let second = Script { says: vec![Vec::new(), b"who?".to_vec()], ..Script::default() };
    assert_eq!(asked(second).await["answer"], "who?", "the second try was heard");
    let third =
        Script { says: vec![Vec::new(), Vec::new(), b"who?".to_vec()], ..Script::default() };
    let third = asked(third).await;
    assert_eq!(third["answered"], json!({"unknown": "no answer came in time"}), "two tries only");
    let alive = asked(Script { alive: true, ..Script::default() }).await;
    assert_eq!((&alive["answered"], &alive["ended"]), (&json!(false), &json!("silent")));
    let port = Cut::Unreachable { kind: 3, code: 3, from: None };
    let shut = asked(Script { cut: Some(port), ..Script::default() }).await;
    assert_eq!((&shut["answered"], &shut["ended"]), (&json!(false), &json!("unreachable")));
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_brought_home() {
    let says = b"+\"password\": \"hunter2\"\r\n";
    let recipe = "
  tcp:
    steps:
      - read: {as: hello, line: true, max: 64}
      - if: hello.contains(\"hunter2\")
        send: \"QUIT\\r\\n\"
      - if: hello.contains(\"hunter2\")
        read: {as: bye, line: true, max: 64, timeout: 1s}
";
    let saw: Json = ask(&written(recipe), Script::says(says), None).await;
    assert_eq!(saw["hello"], "+\"password\": \"[cut]\"\r\n");
    // Conditions are about what was really said.
    assert_eq!(saw["bye"], json!({"unknown": "no answer came in time"}));
}

#[tokio::test(start_paused = true)]
async fn time_is_up_when_the_recipe_says_so() {
    let recipe = "
  tcp:
    limits: {seconds: 3}
    steps:
      - read: {as: one, line: true, timeout: 2s, optional: true}
      - read: {as: two, line: true, timeout: 2s, optional: true}
      - read: {as: three, line: true, timeout: 2s, optional: true}
";
    #[expect(clippy::disallowed_methods, reason = "the tests' own clock, which stands still")]
    let begun = Instant::now();
    let saw: Json = ask(&written(recipe), Script::says(b""), None).await;
    assert_eq!(begun.elapsed().as_secs(), 3);
    assert_eq!(saw["three"], json!({"unknown": OUT_OF_TIME}));
}

#[test]
fn it_says_what_it_sends_and_where_it_goes() {
    let knock = written(KNOCK);
    assert!(knock.name.starts_with("ask-") && knock.name.len() == 20, "{}", knock.name);
    assert!(knock.sends.contains("knock"), "{}", knock.sends);
    assert_eq!((knock.over, knock.bound.datagrams), (Reach::Port, 2));
    assert_eq!(written(HELLO).over, Reach::Service);
    assert_ne!(written(HELLO).name, knock.name);
}
