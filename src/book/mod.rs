//! The book: what was seen, with its provenance; read back and verified.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::model::chain::{self, Broken};
use crate::model::digest::Digest;
use crate::model::moment::Moment;
use crate::model::net::Transport;
use crate::model::record::{Opened, Row};

/// A book, every line of it verified.
#[derive(Clone, Debug)]
pub struct Book {
    opened: Opened,
    rows: Vec<(u64, Row)>,
    digest: Digest,
    torn: u64,
}

/// Why a book cannot be judged.
#[derive(Debug)]
pub enum Unreadable {
    /// The file cannot be read.
    Io(PathBuf, io::Error),
    /// It is no book, is of a newer version, or was changed: the first line that is wrong.
    Broken(PathBuf, Broken),
}

/// Whether a scan came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Every step had ended.
    Complete,
    /// Not, and why: `interrupted`, `the window closed`.
    Incomplete(String),
}

/// What was sent and refused, counted from the audit log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// TCP connections begun.
    pub connections: u64,
    /// UDP datagrams and ICMP echo requests sent.
    pub datagrams: u64,
    /// Addresses that the scope refused.
    pub refused: u64,
}

impl Book {
    /// Reads and verifies the book at `path`.
    ///
    /// # Errors
    /// Where it cannot be read, or is not what a scan of this version wrote.
    pub fn load(path: &Path) -> Result<Self, Unreadable> {
        let bytes = std::fs::read(path).map_err(|wrong| Unreadable::Io(path.to_owned(), wrong))?;
        Self::read(&bytes).map_err(|wrong| Unreadable::Broken(path.to_owned(), wrong))
    }

    /// Reads and verifies a book's bytes.
    ///
    /// # Errors
    /// The first line that is not what was written there.
    pub fn read(bytes: &[u8]) -> Result<Self, Broken> {
        let lines = chain::read(bytes)?;
        Ok(Self { opened: lines.opened, rows: lines.rows, digest: lines.head, torn: lines.torn })
    }

    /// Its head: inventory, authorisations, waivers, profile and plan as they were.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Every row by its `seq`, in the order in which they were written; the head is the first.
    pub fn rows(&self) -> &[(u64, Row)] {
        &self.rows
    }

    /// The digest at the end of its chain, which stands for the whole book.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Bytes of a half-written last row that were left out: the program was killed while writing it. Normally 0.
    pub fn torn(&self) -> u64 {
        self.torn
    }

    /// Whether every step had ended when the scan stopped.
    pub fn complete(&self) -> Completeness {
        let why = |why: &Option<String>| why.clone().unwrap_or_else(|| "interrupted".into());
        match self.rows.last() {
            Some((_, Row::Closed { complete: true, .. })) => Completeness::Complete,
            Some((_, Row::Closed { why: known, .. })) => Completeness::Incomplete(why(known)),
            _ => {
                Completeness::Incomplete("the scan was ended before it could close its book".into())
            }
        }
    }

    /// What was sent and refused.
    pub fn audit(&self) -> Audit {
        let mut audit = Audit::default();
        for (_, row) in &self.rows {
            match row {
                Row::Dial(dial) if dial.transport == Transport::Tcp => audit.connections += 1,
                Row::Dial(_) | Row::Echo(_) => audit.datagrams += 1,
                Row::Dials(dials) if dials.transport == Transport::Tcp => {
                    audit.connections += dials.ports.len() as u64;
                }
                Row::Dials(dials) => audit.datagrams += dials.ports.len() as u64,
                Row::Refused { .. } => audit.refused += 1,
                _ => {}
            }
        }
        audit
    }

    /// When the first scan of it began, and the last time at which anything happened.
    pub fn span(&self) -> (Moment, Moment) {
        let began = self.opened.at;
        let last = self.rows.iter().rev().find_map(|(_, row)| moment(row));
        (began, last.unwrap_or(began).max(began))
    }
}

/// When a row was written, where it says so.
fn moment(row: &Row) -> Option<Moment> {
    match row {
        Row::Opened(opened) => Some(opened.at),
        Row::Began { at, .. } | Row::Refused { at, .. } | Row::Closed { at, .. } => Some(*at),
        Row::Dial(dial) => Some(dial.at),
        Row::Dials(dials) => Some(dials.at),
        Row::Echo(echo) => Some(echo.at),
        Row::Saw(saw) => Some(saw.at),
        Row::Done { .. } => None,
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, wrong) => write!(f, "{}: {wrong}", path.display()),
            Self::Broken(path, wrong) => write!(f, "{}, {wrong}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::{Bound, Limits, Plan};
    use crate::model::record::{BOOK_SCHEMA, Dial};

    fn at(second: i64) -> Moment {
        Moment::from_unix_seconds(1_800_000_000 + second)
    }

    fn opened() -> Row {
        let limits = Limits {
            per_second: 1,
            per_host_per_second: 1,
            per_host_parallel: 1,
            per_host_talks_per_second: None,
        };
        let plan = Plan {
            schema: "postern/plan/v1".into(),
            made: at(0),
            vantage: "outside".into(),
            profile: "baseline".into(),
            limits,
            resolvers: Vec::new(),
            steps: Vec::new(),
            wanted: Vec::new(),
            untested: Vec::new(),
            total: Bound::default(),
        };
        Row::Opened(Box::new(Opened {
            schema: BOOK_SCHEMA.into(),
            version: "0.1.0".into(),
            at: at(0),
            vantage: "outside".into(),
            identity: std::collections::BTreeMap::new(),
            inventory: serde_json::Value::Null,
            declared_at: std::collections::BTreeMap::new(),
            trust: Vec::new(),
            authorisations: Vec::new(),
            waivers: serde_json::Value::Null,
            profile: "baseline".into(),
            plan,
            digests: std::collections::BTreeMap::new(),
            given: std::collections::BTreeMap::new(),
            plugins: Vec::new(),
        }))
    }

    fn dial(transport: Transport) -> Row {
        Row::Dial(Dial {
            step: None,
            address: "192.0.2.1".parse().expect("an address"),
            transport,
            port: 53,
            authority: "resolver".into(),
            at: at(1),
            plugin: None,
        })
    }

    fn text(rows: &[Row]) -> String {
        let mut head = chain::beginning();
        let mut text = String::new();
        for (seq, row) in (0..).zip(rows) {
            let (line, next) = chain::line(head, seq, row).expect("a row");
            text += &line;
            head = next;
        }
        text
    }

    #[test]
    fn a_book_says_how_far_it_came() {
        let closed = |complete, why: Option<&str>| Row::Closed {
            at: at(9),
            complete,
            why: why.map(Into::into),
        };
        let sent = [opened(), dial(Transport::Udp), dial(Transport::Tcp), dial(Transport::Tcp)];
        let cut = Book::read(text(&sent).as_bytes()).expect("a book");
        assert!(matches!(cut.complete(), Completeness::Incomplete(_)));
        assert_eq!(cut.audit(), Audit { connections: 2, datagrams: 1, refused: 0 });
        assert_eq!(cut.span(), (at(0), at(1)));
        let stopped = [opened(), closed(false, Some("the window closed"))];
        let stopped = Book::read(text(&stopped).as_bytes()).expect("a book");
        assert_eq!(stopped.complete(), Completeness::Incomplete("the window closed".into()));
        let whole = Book::read(text(&[opened(), closed(true, None)]).as_bytes()).expect("a book");
        assert_eq!(whole.complete(), Completeness::Complete);
        assert_ne!(whole.digest(), stopped.digest());
    }

    #[test]
    fn the_first_wrong_line_is_named() {
        let good = text(&[opened(), dial(Transport::Tcp), dial(Transport::Udp)]);
        let moved = good.replacen("192.0.2.1", "192.0.2.2", 1);
        assert_eq!(Book::read(moved.as_bytes()).expect_err("changed").line, 2);
        let lines: Vec<&str> = good.lines().collect();
        let missing = format!("{}\n{}\n", lines[0], lines[2]);
        assert_eq!(Book::read(missing.as_bytes()).expect_err("a line is missing").line, 2);
        assert_eq!(Book::read(b"").expect_err("empty").line, 1);
        assert_eq!(
            Book::read(b"{\"schema\":\"postern/review/v1\"}\n").expect_err("no book").line,
            1
        );
    }
}
