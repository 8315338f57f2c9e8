//! What an addition costs, by making it: a check is one file; a probe or a report format is one file and one word.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn an_addition_is_one_file_and_at_most_one_word() {
    let copy = Copy::new();
    copy.add("ftp.rs", "src/probe/ftp.rs");
    copy.word("src/probe/mod.rs", "probes! { ", "ftp, ");
    copy.add("csv.rs", "src/report/csv.rs");
    copy.word("src/report/mod.rs", "formats! { ", "csv, ");
    copy.add("no-encryption.yaml", "checks/ftp/no-encryption.yaml");
    copy.build();

    let facts = copy.postern(&["facts"]);
    assert!(facts.contains("offers_tls"), "the probe's fact is in the table:\n{facts}");
    let tests = copy.postern(&["check", "test"]);
    assert!(!tests.contains("fail:"), "{tests}");
    let checks = copy.postern(&["check", "list"]);
    assert!(checks.contains("ftp/no-encryption"), "the check is in the list:\n{checks}");
    let help = copy.postern(&["report", "--help"]);
    assert!(help.contains("csv"), "the format can be chosen:\n{help}");
}

/// A copy of this tree, with what is already compiled of its dependencies.
struct Copy {
    folder: tempfile::TempDir,
}

impl Copy {
    fn new() -> Self {
        let copy = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        for name in [
            "Cargo.toml",
            "Cargo.lock",
            "src",
            "crates",
            "checks",
            "profiles",
            "reports",
            "benches",
            "tests",
            "docs",
        ] {
            let from = Path::new(HERE).join(name);
            if from.exists() {
                copy_all(&from, &copy.path(name));
            }
        }
        let compiled =
            Path::new(env!("CARGO_BIN_EXE_postern")).parent().expect("a program has a folder");
        let to = copy.path("target/debug");
        fs::create_dir_all(&to).expect("a target folder");
        for part in ["deps", "build", ".fingerprint"] {
            let linked = Command::new("cp").arg("-al").arg(compiled.join(part)).arg(&to).status();
            assert!(linked.is_ok_and(|status| status.success()), "what is compiled can be linked");
            for entry in fs::read_dir(to.join(part)).expect("it is readable") {
                let path = entry.expect("it is readable").path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if name.starts_with("postern") || name.starts_with("libpostern") {
                    let _ = if path.is_dir() {
                        fs::remove_dir_all(&path)
                    } else {
                        fs::remove_file(&path)
                    };
                }
            }
        }
        copy
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    /// One file.
    fn add(&self, example: &str, to: &str) {
        let to = self.path(to);
        fs::create_dir_all(to.parent().expect("a file has a folder")).expect("a folder");
        fs::copy(Path::new(HERE).join("examples/additions").join(example), to).expect("one file");
    }

    /// One word.
    fn word(&self, file: &str, before: &str, word: &str) {
        let text = fs::read_to_string(self.path(file)).expect("the list is readable");
        assert!(text.contains(before), "{file} has the list {before}");
        fs::write(self.path(file), text.replacen(before, &format!("{before}{word}"), 1))
            .expect("one word");
    }

    /// Builds it. A test is built along, so that dependencies have the features that they were compiled with.
    fn build(&self) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--offline", "--bins", "--test", "architecture"]);
        for key in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"] {
            cargo.env_remove(key);
        }
        let built = cargo.current_dir(self.folder.path()).output().expect("cargo runs");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }

    fn postern(&self, arguments: &[&str]) -> String {
        let run = Command::new(self.path("target/debug/postern")).args(arguments).output();
        let Output { status, stdout, stderr } = run.expect("postern runs");
        let said =
            format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "postern {arguments:?}:\n{said}");
        said
    }
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_dir() {
        if from.ends_with("node_modules") {
            return;
        }
        fs::create_dir_all(to).expect("a folder");
        for entry in fs::read_dir(from).expect("it is readable") {
            let entry = entry.expect("it is readable");
            copy_all(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).expect("a copy");
    }
}
