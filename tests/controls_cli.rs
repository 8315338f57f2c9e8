//! `postern controls` and `postern profile diff` as people run them: what they print, and how they end.

use std::path::Path;
use std::process::{Command, Output};

fn postern(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_postern");
    let mut command = Command::new(program);
    command.args(arguments).env("COLUMNS", "100").current_dir(env!("CARGO_MANIFEST_DIR"));
    command.output().expect("it runs")
}

fn json(arguments: &[&str]) -> serde_json::Value {
    let output = postern(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn a_folder_of_ones_own_adds_a_framework_and_replaces_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let controls = folder.path().join("controls");
    std::fs::create_dir(&controls).expect("a folder within");
    let text = "schema: postern/controls/v1\nname: {en: Ours}\nedition: \"1\"\nsource: our contract\n\
                checked_on: 2026-11-25\nrelation: relates-to\nrequirements:\n  \
                - {id: C-1, about: {en: encryption}, coverage: part, checks: [tls/old-version]}\n";
    for name in ["ours.yaml", "pci-dss.yaml"] {
        std::fs::write(controls.join(name), text).expect("written");
    }
    let at = folder.path().display().to_string();
    let all = json(&["controls", "--profiles", &at, "--format", "json"]);
    let all = all.as_array().expect("a list");
    let of = |id: &str| all.iter().find(|one| one["id"] == id).expect("it is there");
    assert_eq!(all.len(), 9);
    for id in ["ours", "pci-dss"] {
        assert_eq!(of(id)["requirements"][0]["checks"][0], "tls/old-version");
        assert_eq!(of(id)["relation"], "relates-to");
    }
    // One bad file is told of and hides none of the others.
    std::fs::write(controls.join("bad.yaml"), "schema: postern/controls/v1\n").expect("written");
    let output = postern(&["controls", "--profiles", &at]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stdout).contains("ours"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("bad.yaml"));
}

#[test]
fn an_unknown_framework_is_refused_with_the_nearest() {
    let output = postern(&["controls", "hk-s71"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("did you mean `hk-s17`?"), "{told}");
}

#[test]
fn two_profiles_are_told_apart() {
    let found = json(&["profile", "diff", "baseline", "dhc-vendor", "--format", "json"]);
    let all = found["differences"].as_array().expect("a list");
    let days = all.iter().find(|one| one["what"] == "params.days").expect("the days differ");
    assert_eq!(days["check"], "certificate/expires-soon");
    assert_eq!((&days["first"], &days["second"]), (&"14".into(), &"30".into()));
    assert!(all.iter().all(|one| one["stricter"] != "first"), "a child may only be stricter here");
    let same = postern(&["profile", "diff", "baseline", "baseline"]);
    assert_eq!(String::from_utf8_lossy(&same.stdout), "baseline and baseline come to the same.\n");
}

#[test]
fn every_cell_tells_its_line() {
    let output = postern(&["profile", "explain", "dhc-vendor", "certificate/expires-soon"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = told.lines().map(str::trim).collect();
    let after = |name: &str| {
        let at = lines.iter().position(|line| line.starts_with(name)).expect("the cell");
        lines[at + 1]
    };
    for (cell, file, line) in [
        ("impact", "checks/certificate/expires-soon.yaml", "impact:"),
        ("days", "profiles/dhc-vendor.yaml", "params: {days: 30}"),
    ] {
        let origin = after(cell);
        let number = origin.strip_prefix(&format!("built-in:{file}:")).expect(origin);
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
        let text = text.expect("it can be read");
        let there = text.lines().nth(number.parse::<usize>().expect("a number") - 1);
        assert!(there.expect("the line").contains(line), "{origin}: {there:?}");
    }
}
