//! Every file under `tests/malformed` is wrong, and the file with `.err` behind its name is what the user is told.
//!
//! A file is a test by lying there. `UPDATE=1 cargo test --test malformed` writes what is told now; read it before you
//! commit it. Each run is bounded in time and memory: a bomb that goes off is a failure, not a dead machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};

/// No file takes longer, even on a slow machine with an unoptimised program.
const LONGEST: Duration = Duration::from_secs(60);

/// How often it is looked whether a run has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// No file needs more memory, in KiB.
const MOST_MEMORY: &str = "1500000";

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
    let mut waited = Duration::ZERO;
    let mut child = Command::new("sh")
        .args([
            "-c",
            "ulimit -v \"$1\" && exec \"$2\" validate --color never \"$3\"",
            "sh",
            MOST_MEMORY,
        ])
        .args([env!("CARGO_BIN_EXE_postern"), name])
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    while child.try_wait()?.is_none() {
        if waited > LONGEST {
            child.kill()?;
            return Err(format!("still at it after {LONGEST:?}").into());
        }
        std::thread::sleep(PAUSE);
        waited += PAUSE;
    }
    let output = child.wait_with_output()?;
    let told = String::from_utf8(output.stderr)?;
    if output.status.code() != Some(2) || told.contains("panicked") || !output.stdout.is_empty() {
        return Err(format!("{}: {told}", output.status).into());
    }
    let place = told.lines().find_map(|line| line.trim().strip_prefix("--> "));
    let numbers = place.and_then(|place| place.rsplit_once(':')).map(|(before, column)| {
        let line = before.rsplit_once(':').map(|(_, line)| line);
        column.parse::<u32>().is_ok() && line.is_some_and(|line| line.parse::<u32>().is_ok())
    });
    if numbers != Some(true) {
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
