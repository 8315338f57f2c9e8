//! A folder that goes with the command.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::stopped::Stopped;

/// A folder for a book that nobody keeps; only this user may look into it.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes one, for that command.
    pub(crate) fn new(of: &str) -> Result<Self, Stopped> {
        let mut last = None;
        for nth in 0..100 {
            let name = format!("postern-{of}-{}-{nth}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            match DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => return Ok(Self(folder)),
                Err(wrong) => last = Some(wrong),
            }
        }
        Err(Stopped::yours(
            format!(
                "no temporary folder: {}",
                last.map_or_else(String::new, |one| one.to_string())
            ),
            "name a file for the book: --book FILE",
        ))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
