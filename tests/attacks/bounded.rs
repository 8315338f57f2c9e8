//! A run of the program that is bounded in time and memory: a bomb that goes off is a failure, not a dead machine.

#![allow(clippy::disallowed_methods, reason = "what a program says is read as it goes")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// No run takes longer, even on a busy machine with an unoptimised program.
const LONGEST: Duration = Duration::from_secs(60);

/// How often it is looked whether a run has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; none after a signal.
    pub(crate) code: Option<i32>,
    /// What it said on stdout.
    pub(crate) out: String,
    /// What it said on stderr.
    pub(crate) err: String,
}

/// Runs `postern` in a folder with so many KiB of address space.
///
/// # Errors
/// When it does not end in time, or says what is no text.
pub(crate) fn postern(folder: &Path, words: &[&str], memory: u32) -> Result<Ran, String> {
    let failed = |wrong: &dyn std::fmt::Display| wrong.to_string();
    let limited = "ulimit -v \"$1\" && shift && exec \"$@\"";
    let mut child = Command::new("sh")
        .args(["-c", limited, "sh", &memory.to_string(), env!("CARGO_BIN_EXE_postern")])
        .args(words)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|wrong| failed(&wrong))?;
    // What it says is taken while it runs: a full pipe would hold it up.
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let out = std::thread::spawn(move || said(out));
    let err = std::thread::spawn(move || said(err));
    let mut waited = Duration::ZERO;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|wrong| failed(&wrong))? {
            break status;
        }
        if waited > LONGEST {
            child.kill().map_err(|wrong| failed(&wrong))?;
            return Err(format!("still at it after {LONGEST:?}"));
        }
        std::thread::sleep(PAUSE);
        waited += PAUSE;
    };
    let text = |said: std::thread::JoinHandle<Vec<u8>>| {
        let bytes = said.join().map_err(|_| "it could not be heard".to_owned())?;
        String::from_utf8(bytes).map_err(|wrong| wrong.to_string())
    };
    Ok(Ran { code: status.code(), out: text(out)?, err: text(err)? })
}

fn said(pipe: Option<impl std::io::Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        let _ = pipe.read_to_end(&mut bytes);
    }
    bytes
}

/// Whether somewhere in what was said a line and a column are told.
pub(crate) fn tells_a_place(said: &str) -> bool {
    said.lines().filter_map(|line| line.trim().strip_prefix("--> ")).any(|place| {
        let mut parts = place.rsplitn(3, ':');
        let mut number = || parts.next().is_some_and(|part| part.parse::<u32>().is_ok());
        number() && number()
    })
}
