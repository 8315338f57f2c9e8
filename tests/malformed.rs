//! Every file under `tests/malformed` is wrong, and the file with `.err` behind its name is what the user is told.
//!
//! A file is a test by lying there. `UPDATE=1 cargo test --test malformed` writes what is told now; read it before you
//! commit it. Each run is bounded in time and memory: a bomb that goes off is a failure, not a dead machine.

#[path = "attacks/bounded.rs"]
mod bounded;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// No file needs more memory, in KiB.
const MOST_MEMORY: u32 = 1_500_000;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/malformed");
    let trials: Vec<Trial> = files_below(&root)
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
            let root = root.clone();
            Trial::test(name.clone(), move || told_as_before(&root, &name))
        })
        .chain([Trial::test("there are at least 45 of them", {
            let count = files_below(&root).len();
            move || if count >= 45 { Ok(()) } else { Err(format!("there are {count}").into()) }
        })])
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What `postern validate` says about a file: on stderr, with exit code 2, at a line and a column.
fn told_as_before(root: &Path, name: &str) -> Result<(), Failed> {
    let ran = bounded::postern(root, &["validate", "--color", "never", name], MOST_MEMORY)?;
    let told = ran.err;
    if ran.code != Some(2) || told.contains("panicked") || !ran.out.is_empty() {
        return Err(format!("{:?}: {told}", ran.code).into());
    }
    if !bounded::tells_a_place(&told) {
        return Err(format!("no line and column are told:\n{told}").into());
    }
    if told.chars().any(|c| c.is_control() && c != '\n') {
        return Err("a control character gets through".into());
    }
    let kept = root.join(format!("{name}.err"));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(kept, told)?;
        return Ok(());
    }
    let before = fs::read_to_string(&kept).unwrap_or_default();
    if before == told {
        return Ok(());
    }
    Err(format!("told now:\n{told}\nas kept in {}:\n{before}", kept.display()).into())
}
