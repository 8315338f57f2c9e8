//! Kills a scan where its book has come to a certain row.

use std::path::Path;
use std::process::Child;
use std::time::Duration;

/// Kills the scan once its book has so many rows; false when it ended before.
#[expect(clippy::naive_bytecount, reason = "a few kilobytes, now and then")]
pub(crate) fn killed_at(child: &mut Child, book: &Path, rows: usize) -> bool {
    loop {
        let text = std::fs::read(book).unwrap_or_default();
        if text.iter().filter(|byte| **byte == b'\n').count() >= rows {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
            return true;
        }
        if child.try_wait().expect("it runs").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
