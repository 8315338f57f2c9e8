//! The schemas in `docs/schemas` are those of the types, and every example is right by its schema and by its reader.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use postern::yaml;
use serde_json::Value;

const KINDS: &[&str] = &[
    "inventory",
    "authorisation",
    "waivers",
    "profile",
    "controls",
    "pack",
    "plugins",
    "check",
    "words",
];

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn postern(arguments: &[&str]) -> std::process::Output {
    let program = env!("CARGO_BIN_EXE_postern");
    Command::new(program).args(arguments).current_dir(at("")).output().expect("it runs")
}

/// `UPDATE=1 cargo test --test schemas` writes them anew.
#[test]
fn the_schemas_are_those_of_the_types() {
    for kind in KINDS {
        let path = at(&format!("docs/schemas/{kind}.v1.json"));
        let now = String::from_utf8(postern(&["schema", kind]).stdout).expect("text");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &now).expect("written");
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == now,
            "{} is stale; run UPDATE=1 cargo test --test schemas",
            path.display()
        );
    }
}

#[test]
fn the_examples_are_right_together() {
    let output = postern(&[
        "validate",
        "examples/inventory.yaml",
        "examples/authorisation.yaml",
        "examples/waivers.yaml",
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Editors see the same as the reader: each example, profile and check is right by the schema that its first line names.
#[test]
fn files_are_right_by_the_schema_they_name() {
    let mut seen = 0;
    for folder in [
        "examples",
        "examples/plugins",
        "examples/plugins/checks/service",
        "profiles",
        "profiles/controls",
        "checks/tls",
        "checks/web",
        "reports/words",
    ] {
        for entry in fs::read_dir(at(folder)).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let mut lines = text.lines();
            let modeline =
                lines.find_map(|line| line.strip_prefix("# yaml-language-server: $schema="));
            let Some(modeline) = modeline.filter(|_| path.extension().is_some_and(|e| e == "yaml"))
            else {
                continue;
            };
            let schema = path.parent().expect("a folder").join(modeline);
            let schema = fs::read_to_string(&schema).unwrap_or_else(|wrong| {
                panic!("{} names {}: {wrong}", path.display(), schema.display())
            });
            let schema: Value = serde_json::from_str(&schema).expect("JSON");
            let source = yaml::source(&path, text.as_bytes()).expect("text");
            let value = yaml::read::<Value>(&source).expect("a value").value;
            let validator = jsonschema::validator_for(&schema).expect("a schema");
            let wrong: Vec<String> =
                validator.iter_errors(&value).map(|one| one.to_string()).collect();
            assert!(wrong.is_empty(), "{}: {wrong:?}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 3, "only {seen} files name a schema");
}
