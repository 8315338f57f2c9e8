//! Rows onto a file: written one by one, brought to the disk in groups by a thread that waits for them.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::model::chain;
use crate::model::digest::Digest;
use crate::model::record::Row;

/// A group is brought to the disk once so many rows wait …
const GROUP: u32 = 50;
/// … or the first of them has waited so long.
const WAIT: Duration = Duration::from_millis(100);

/// A file that rows are appended to, and the thread that brings them to the disk.
#[derive(Debug)]
pub(super) struct Ink {
    shared: Arc<Shared>,
    syncer: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    page: Mutex<Page>,
    changed: Condvar,
}

#[derive(Debug)]
struct Page {
    file: File,
    seq: u64,
    /// Bytes of whole rows: where the file is cut when a row cannot be written to its end.
    length: u64,
    head: Digest,
    /// Rows that are not on the disk yet.
    waiting: u32,
    /// A step came to its end: what it found should not wait.
    urgent: bool,
    closing: bool,
    failed: Option<(io::ErrorKind, String)>,
}

impl Ink {
    pub(super) fn new(file: File, seq: u64, length: u64, head: Digest) -> Self {
        let page = Page {
            file,
            seq,
            length,
            head,
            waiting: 0,
            urgent: false,
            closing: false,
            failed: None,
        };
        let shared = Arc::new(Shared { page: Mutex::new(page), changed: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let name = std::thread::Builder::new().name("journal".into());
        // Without the thread rows still reach the operating system, and `sync` the disk.
        let syncer = name.spawn(move || theirs.bring_to_disk()).ok();
        Self { shared, syncer }
    }

    pub(super) fn write(&self, row: &Row) -> io::Result<u64> {
        let mut page = self.shared.lock();
        page.usable()?;
        let seq = page.seq;
        let (line, head) = chain::line(page.head, seq, row).map_err(io::Error::other)?;
        if let Err(wrong) = page.file.write_all(line.as_bytes()) {
            let whole = page.length;
            // The torn rest would be cut off at the next start anyway.
            let _ = page.file.set_len(whole);
            return Err(page.fail(&wrong));
        }
        page.seq += 1;
        page.length += line.len() as u64;
        page.head = head;
        page.waiting += 1;
        page.urgent |= matches!(row, Row::Done { .. } | Row::Closed { .. });
        if page.urgent || page.waiting == 1 || page.waiting >= GROUP {
            self.shared.changed.notify_one();
        }
        Ok(seq)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        let mut page = self.shared.lock();
        page.usable()?;
        page.waiting = 0;
        page.urgent = false;
        page.file.sync_data().map_err(|wrong| page.fail(&wrong))
    }
}

impl Drop for Ink {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.changed.notify_one();
        if let Some(syncer) = self.syncer.take() {
            let _ = syncer.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread's life: waits for a group, and brings it to the disk while more rows are written.
    fn bring_to_disk(&self) {
        let mut page = self.lock();
        loop {
            let idle = |page: &mut Page| page.waiting == 0 && !page.closing;
            page = self.changed.wait_while(page, idle).unwrap_or_else(PoisonError::into_inner);
            let early = |page: &mut Page| page.waiting < GROUP && !page.urgent && !page.closing;
            let waited = self.changed.wait_timeout_while(page, WAIT, early);
            page = waited.unwrap_or_else(PoisonError::into_inner).0;
            let closing = page.closing;
            if page.waiting > 0 && page.failed.is_none() {
                page.waiting = 0;
                page.urgent = false;
                let file = page.file.try_clone();
                drop(page);
                let synced = file.and_then(|file| file.sync_data());
                page = self.lock();
                if let Err(wrong) = synced {
                    page.fail(&wrong);
                }
            }
            if closing || page.failed.is_some() {
                return;
            }
        }
    }
}

impl Page {
    fn usable(&self) -> io::Result<()> {
        match &self.failed {
            None => Ok(()),
            Some((kind, words)) => Err(io::Error::new(*kind, words.clone())),
        }
    }

    /// Remembers the first failure: after it nothing is written any more.
    fn fail(&mut self, wrong: &io::Error) -> io::Error {
        let words = format!("the book cannot be written: {wrong}");
        let (kind, words) = self.failed.get_or_insert((wrong.kind(), words));
        io::Error::new(*kind, words.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::moment::Moment;

    fn row() -> Row {
        Row::Began { at: Moment::from_unix_seconds(0), version: "0".into() }
    }

    #[test]
    fn a_full_disk_stops_the_writing_for_good() {
        let full = File::options().write(true).open("/dev/full").expect("the kernel's full device");
        let ink = Ink::new(full, 0, 0, chain::beginning());
        let first = ink.write(&row()).expect_err("nothing fits");
        assert_eq!(first.kind(), io::ErrorKind::StorageFull);
        assert!(first.to_string().starts_with("the book cannot be written: "), "{first}");
        assert_eq!(ink.write(&row()).expect_err("for good").to_string(), first.to_string());
        assert!(ink.sync().is_err());
    }

    #[test]
    fn a_row_that_did_not_fit_leaves_no_trace() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("book.jsonl");
        let ink = Ink::new(File::create(&path).expect("a file"), 0, 0, chain::beginning());
        ink.write(&row()).expect("fits");
        let whole = std::fs::read(&path).expect("readable");
        // What a partial write leaves behind, and the failure after it.
        let mut page = ink.shared.lock();
        page.file.write_all(b"{\"seq\":1,\"bo").expect("fits");
        page.file = File::open(&path).expect("readable only");
        drop(page);
        assert!(ink.write(&row()).is_err());
        let left = chain_free(&std::fs::read(&path).expect("readable"));
        assert_eq!(left, chain_free(&whole));
    }

    /// Only the whole lines count: where the file cannot even be cut, the torn rest is left out by every reader.
    fn chain_free(bytes: &[u8]) -> Vec<u8> {
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        bytes.get(..end).unwrap_or_default().to_vec()
    }
}
