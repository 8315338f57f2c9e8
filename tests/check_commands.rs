//! The tools of those who write checks, as they use them: `lint`, `test --mutate`, `bench`.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Runs `postern` in a folder: its exit code, stdout and stderr.
fn postern(folder: &Path, words: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_postern"))
        .args(words)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("postern runs");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

const GOOD: &str = include_str!("../checks/web/no-referrer-policy.yaml");

/// A folder of checks: 199 that are right and one that is not.
fn two_hundred() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let area = folder.path().join("checks/own");
    fs::create_dir_all(&area).expect("made");
    for number in 0..199 {
        fs::write(area.join(format!("check-{number}.yaml")), GOOD).expect("written");
    }
    fs::write(area.join("wrong.yaml"), GOOD.replace("http.referrer_policy", "http.referer_policy"))
        .expect("written");
    folder
}

#[test]
fn one_bad_file_hides_none_of_the_other_199() {
    let folder = two_hundred();
    let (code, out, err) = postern(folder.path(), &["check", "lint", "checks"]);
    assert_eq!(code, 2, "{err}");
    assert!(out.contains("200 checks"), "{out}");
    assert!(
        err.contains("own/wrong.yaml") && err.contains("did you mean `referrer_policy`"),
        "{err}"
    );
    let (code, out, _) = postern(folder.path(), &["check", "test", "checks"]);
    assert_eq!(code, 2);
    assert!(out.contains("199 checks: "), "{out}");
    let (code, out, _) = postern(folder.path(), &["check", "list", "--checks", "checks"]);
    assert_eq!(code, 2);
    assert!(out.contains("own/check-198"), "{out}");
}

#[test]
fn remarks_have_places_that_machines_can_read() {
    let folder = two_hundred();
    let (code, out, _) = postern(folder.path(), &["check", "lint", "checks", "--format", "json"]);
    assert_eq!(code, 2);
    let remarks: Vec<Value> = serde_json::from_str(&out).expect("JSON");
    let error = remarks.iter().find(|one| one["level"] == "error").expect("an error");
    assert!(error["file"].as_str().is_some_and(|file| file.ends_with("own/wrong.yaml")));
    let line = usize::try_from(error["line"].as_u64().expect("a line")).expect("small");
    let text = fs::read_to_string(folder.path().join("checks/own/wrong.yaml")).expect("text");
    assert!(text.lines().nth(line - 1).is_some_and(|line| line.contains("referer_policy")));

    let (_, out, _) = postern(folder.path(), &["check", "lint", "checks", "--format", "sarif"]);
    let log: Value = serde_json::from_str(&out).expect("JSON");
    // One pattern of the published schema is no regular expression: a backslash is missing in it.
    let schema = include_str!("schemas/sarif-2.1.0.json").replace("{2}]?$", "{2}\\\\]?$");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let wrong: Vec<String> = validator.iter_errors(&log).map(|wrong| wrong.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_a_check_lacks_is_said_and_what_nobody_tests_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let area = folder.path().join("own");
    fs::create_dir_all(&area).expect("made");
    let tests = GOOD.find("\ntests:").expect("tests");
    let few = GOOD.get(..tests).expect("a beginning").to_owned()
        + "\ntests:\n  - name: none\n    given: {http: {is_page: true, referrer_policy: \"\"}}\n    expect: fail\n";
    fs::write(area.join("few.yaml"), few).expect("written");
    let (code, _, err) = postern(folder.path(), &["check", "lint", "."]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("no test passes"), "{err}");
    let (code, out, err) = postern(folder.path(), &["check", "test", ".", "--mutate"]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("no test tells this check from one that is"), "{err}");
}

#[test]
fn the_built_in_checks_lack_nothing_and_are_measured() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (code, out, err) = postern(here, &["check", "lint"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let (code, out, _) = postern(here, &["check", "bench", "checks/web/framable.yaml"]);
    assert_eq!(code, 0);
    assert!(out.contains("1 checks read in") && out.contains("web/framable"), "{out}");
}
