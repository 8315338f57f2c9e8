//! The journal: the book while it is being written, a line at a time, so that a scan killed at any moment goes on.

mod ink;
mod progress;

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::chain::{self, Broken};
use crate::model::record::{Opened, Row};

use ink::Ink;
pub use progress::Progress;

/// A book open for writing. Clones write into the same one.
///
/// A row is handed to the operating system before `append` returns, so a killed program loses none; a thread of its
/// own brings rows to the disk in groups, so that a machine that loses power loses a tenth of a second of them.
#[derive(Clone, Debug)]
pub struct Journal {
    ink: Arc<Ink>,
}

/// A journal taken up again.
#[derive(Debug)]
pub struct Resumed {
    /// To go on writing.
    pub journal: Journal,
    /// What is answered already.
    pub progress: Progress,
    /// The book's head. Whoever resumes compares it with what it would open today.
    pub opened: Opened,
    /// How many bytes of a half-written last row were cut off; normally 0.
    pub torn: u64,
}

/// Why a journal cannot be opened.
#[derive(Debug)]
pub enum Unusable {
    /// Another scan is writing it.
    InUse(PathBuf),
    /// A book is there already; a new scan never overwrites one.
    Exists(PathBuf),
    /// It is no book, or somebody changed it.
    Broken(PathBuf, Broken),
    /// The operating system refused.
    Io(PathBuf, io::Error),
}

impl Journal {
    /// Starts a book at `path`, readable by its owner only, with its head as the first row.
    ///
    /// # Errors
    /// Where a book is there already, or none can be written.
    pub fn create(path: &Path, opened: &Opened) -> Result<Self, Unusable> {
        let refused = |wrong: io::Error| match wrong.kind() {
            io::ErrorKind::AlreadyExists => Unusable::Exists(path.to_owned()),
            _ => Unusable::Io(path.to_owned(), wrong),
        };
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path).map_err(refused)?;
        lock(&file, path)?;
        let journal = Self { ink: Arc::new(Ink::new(file, 0, 0, chain::beginning())) };
        let head = Row::Opened(Box::new(opened.clone()));
        journal.append(&head).and_then(|_| journal.sync()).map_err(refused)?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(refused)?;
        }
        Ok(journal)
    }

    /// Takes a book up again: verifies it, cuts off a half-written last row, and says what is answered already.
    ///
    /// # Errors
    /// Where it is no book, was changed, or is being written by another scan.
    pub fn resume(path: &Path) -> Result<Resumed, Unusable> {
        let refused = |wrong| Unusable::Io(path.to_owned(), wrong);
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(refused)?;
        lock(&file, path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(refused)?;
        let broken = |wrong| Unusable::Broken(path.to_owned(), wrong);
        let lines = chain::read(&bytes).map_err(broken)?;
        if lines.torn > 0 {
            file.set_len(lines.whole).map_err(refused)?;
        }
        file.seek(io::SeekFrom::Start(lines.whole)).map_err(refused)?;
        let ink = Ink::new(file, lines.rows.len() as u64, lines.whole, lines.head);
        Ok(Resumed {
            journal: Self { ink: Arc::new(ink) },
            progress: Progress::of(&lines.rows),
            opened: lines.opened,
            torn: lines.torn,
        })
    }

    /// Writes a row and answers its `seq`. When it returns, the row outlives the program.
    ///
    /// # Errors
    /// Once a row could not be written, for this and every further one: a scan must not go on without its audit log.
    pub fn append(&self, row: &Row) -> io::Result<u64> {
        self.ink.write(row)
    }

    /// Waits until every row is on the disk.
    ///
    /// # Errors
    /// When one cannot be brought there.
    pub fn sync(&self) -> io::Result<()> {
        self.ink.sync()
    }
}

/// Keeps every other scan away from the file, until it is closed.
fn lock(file: &File, path: &Path) -> Result<(), Unusable> {
    file.try_lock().map_err(|wrong| match wrong {
        std::fs::TryLockError::WouldBlock => Unusable::InUse(path.to_owned()),
        std::fs::TryLockError::Error(wrong) => Unusable::Io(path.to_owned(), wrong),
    })
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InUse(path) => write!(f, "another scan is writing {}", path.display()),
            Self::Exists(path) => write!(f, "there is a book at {} already", path.display()),
            Self::Broken(path, wrong) => write!(f, "{}, {wrong}", path.display()),
            Self::Io(path, wrong) => write!(f, "{}: {wrong}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests;
