//! What other programs read: SARIF and JUnit are valid and inert whatever a peer said, and `review.json` keeps to its
//! published schema.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so aloud")]

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use postern::model::complaint::Source;
use postern::report::{FORMATS, Options, format};
use postern::review::{Review, read, sample};
use serde_json::Value;

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas/review.v1.json");

fn rendered(name: &str, review: &Review) -> String {
    let format = format(name).expect("the format is listed");
    let bytes = (format.render)(review, &Options::new("en")).expect("it renders");
    String::from_utf8(bytes).expect("every format is UTF-8")
}

fn reviews() -> [(&'static str, Review); 4] {
    [
        ("small", sample::small()),
        ("clean", sample::clean()),
        ("hostile", sample::hostile()),
        ("large", sample::large(40, 30)),
    ]
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("it is JSON")
}

#[test]
fn formats_have_different_names_and_files() {
    let mut names: Vec<_> = FORMATS.iter().flat_map(|format| [format.name, format.file]).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 2 * FORMATS.len());
}

#[test]
fn sarif_keeps_to_the_schema_of_oasis() {
    // A stray bracket in one pattern of the schema is read as itself by JavaScript, and refused by other engines.
    let schema = include_str!("schemas/sarif-2.1.0.json").replace("{2}]?$", "{2}\\\\]?$");
    let schema = json(&schema);
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for (name, review) in reviews() {
        let log = json(&rendered("sarif", &review));
        let wrong: Vec<_> = validator.iter_errors(&log).map(|wrong| wrong.to_string()).collect();
        assert_eq!(wrong, Vec::<String>::new(), "{name}");
        assert_eq!(lint(&log), Vec::<String>::new(), "{name}");
        let results = log["runs"][0]["results"].as_array().expect("results");
        assert_eq!(results.len(), review.findings.len());
    }
    let mut broken = json(&rendered("sarif", &sample::small()));
    broken["runs"][0]["results"][0]["level"] = "fatal".into();
    assert!(!validator.is_valid(&broken));
    broken["runs"][0]["results"][0]["locations"] = Value::Array(Vec::new());
    assert_eq!(lint(&broken).len(), 1);
}

/// What code hosts ask for beyond the schema: a place with a relative path and a line, a known rule, a fingerprint.
fn lint(log: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let run = &log["runs"][0];
    for (at, result) in run["results"].as_array().into_iter().flatten().enumerate() {
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap_or("");
        let relative = !uri.is_empty()
            && !uri.starts_with('/')
            && !uri.contains([':', '\\', ' '])
            && uri.split('/').all(|part| part != "..");
        if !relative || place["region"]["startLine"].as_u64().is_none_or(|line| line == 0) {
            wrong.push(format!("result {at} has no place: {place}"));
        }
        let rule = result["ruleIndex"].as_u64().and_then(|at| usize::try_from(at).ok());
        let rule = rule.and_then(|at| run["tool"]["driver"]["rules"].get(at));
        if rule.is_none_or(|rule| rule["id"] != result["ruleId"]) {
            wrong.push(format!("result {at} is of no rule"));
        }
        if result["partialFingerprints"].as_object().is_none_or(serde_json::Map::is_empty) {
            wrong.push(format!("result {at} has no fingerprint"));
        }
    }
    for rule in run["tool"]["driver"]["rules"].as_array().into_iter().flatten() {
        let severity = rule["properties"]["security-severity"].as_str();
        let severity = severity.and_then(|text| text.parse::<f64>().ok());
        if !severity.is_some_and(|severity| (0.0..=10.0).contains(&severity)) {
            wrong.push(format!("{} has no severity", rule["id"]));
        }
        if rule["help"]["markdown"].as_str().is_none_or(str::is_empty) {
            wrong.push(format!("{} has no help", rule["id"]));
        }
    }
    wrong
}

#[test]
fn sarif_shows_what_was_accepted_and_what_was_there_before() {
    let log = json(&rendered("sarif", &sample::small()));
    let results = log["runs"][0]["results"].as_array().expect("results");
    let suppressed: Vec<_> =
        results.iter().filter(|result| result["suppressions"][0]["status"] == "accepted").collect();
    assert_eq!(suppressed.len(), 1);
    assert!(suppressed[0]["suppressions"][0]["justification"].to_string().contains("W-2026-004"));
    assert!(results.iter().any(|result| result["baselineState"] == "new"));
    assert!(results.iter().any(|result| result["baselineState"] == "unchanged"));
}

#[test]
fn junit_stays_well_formed_whatever_was_said() {
    for (name, review) in reviews() {
        let xml = rendered("junit", &review);
        let count = |what: &str| xml.matches(what).count();
        assert_eq!(count("<testcase "), review.tests.len(), "{name}");
        assert!(!xml.contains(|c: char| c.is_control() && c != '\n'), "{name}");
        assert!(!xml.contains("<script"), "{name}");
        well_formed(&xml);
    }
    let small = rendered("junit", &sample::small());
    assert_eq!(small.matches("<failure ").count(), 6);
    assert!(small.contains("<skipped message=\"waived by W-2026-004\"/>"));
    assert!(
        small.contains("<error type=\"inconclusive\" message=\"inconclusive: no answer in time")
    );
}

/// Lets xmllint read it, where there is one; CI must have it.
fn well_formed(xml: &str) {
    let xmllint = Command::new("xmllint")
        .args(["--noout", "--nonet", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut xmllint = match xmllint {
        Ok(running) => running,
        Err(wrong) if std::env::var_os("CI").is_some() => {
            panic!("xmllint does not run (libxml2-utils): {wrong}")
        }
        Err(wrong) => return eprintln!("SKIPPED: xmllint does not run (libxml2-utils): {wrong}"),
    };
    let mut stdin = xmllint.stdin.take().expect("it is piped");
    stdin.write_all(xml.as_bytes()).expect("xmllint reads");
    drop(stdin);
    let end = xmllint.wait_with_output().expect("xmllint ends");
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    let schema = schemars::schema_for!(Review);
    let now = format!("{}\n", serde_json::to_string_pretty(&schema).expect("it is JSON"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas")).expect("ok");
        std::fs::write(SCHEMA, &now).expect("it can be written");
    }
    let published = std::fs::read_to_string(SCHEMA).unwrap_or_default();
    assert!(published == now, "{SCHEMA} is stale: run UPDATE=1 cargo test --test formats");
}

#[test]
fn reviews_keep_to_the_published_schema() {
    let schema = json(&std::fs::read_to_string(SCHEMA).expect("it is published"));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for (name, review) in reviews() {
        let written = json(&rendered("json", &review));
        let wrong: Vec<_> =
            validator.iter_errors(&written).map(|wrong| wrong.to_string()).collect();
        assert_eq!(wrong, Vec::<String>::new(), "{name}");
    }
    let mut broken = json(&rendered("json", &sample::small()));
    broken["grade"]["letter"] = "E".into();
    assert!(!validator.is_valid(&broken));
}

#[test]
fn what_is_no_review_is_refused_with_its_place() {
    let complaint = |text: &str| {
        let source = Arc::new(Source { path: "review.json".into(), text: text.into() });
        read(&source).expect_err("it is no review")
    };
    let newer =
        rendered("json", &sample::clean()).replace("postern/review/v1", "postern/review/v9");
    assert_eq!(complaint(&newer).title, "this review is of the form `postern/review/v9`");
    let cut = complaint("{\n  \"schema\": \"postern/review/v1\",\n  \"made\": 7\n}\n");
    let (source, bytes) = cut.at.expect("it has a place");
    assert_eq!(source.line_column(bytes.start).0, 3);
    for text in ["", "[]", "{", "null", "{\"schema\":1}"] {
        assert_eq!(complaint(text).title, "this is no review");
    }
}
