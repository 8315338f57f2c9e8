//! A book's lines, read back: each is tied to all before it, and the first that is not is named. Pure.

use std::fmt;

use super::digest::Digest;
use super::record::{BOOK_SCHEMA, Link, Opened, Row, chain};

/// The digest that the first line is tied to.
pub fn beginning() -> Digest {
    Digest::of(b"")
}

/// One line of a book, with its line feed, and the digest that the next line is tied to.
///
/// # Errors
/// When the row cannot be written as JSON, which is a bug of ours.
pub fn line(before: Digest, seq: u64, row: &Row) -> Result<(String, Digest), String> {
    let body = serde_json::to_string(row).map_err(|wrong| wrong.to_string())?;
    let digest = chain(before, seq, &body);
    Ok((written(seq, &body, digest), digest))
}

/// The one way in which a line is written.
fn written(seq: u64, body: &str, digest: Digest) -> String {
    format!("{{\"seq\":{seq},\"body\":{body},\"chain\":\"{digest}\"}}\n")
}

/// What a book's bytes hold.
#[derive(Clone, Debug)]
pub struct Lines {
    /// The head of the book.
    pub opened: Opened,
    /// Every row by its `seq`, the head included.
    pub rows: Vec<(u64, Row)>,
    /// The digest of the last line: it stands for the whole book.
    pub head: Digest,
    /// How many bytes are whole lines.
    pub whole: u64,
    /// How many bytes of a last line stand behind them that was never written to its end; normally 0.
    pub torn: u64,
}

/// Why a book cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it, as a sentence without a full stop.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// Reads a book and verifies every line. A last line without its line feed is torn: it was being written when the
/// program was killed, and is left out.
///
/// # Errors
/// The first line that is not what was written there, or that this version cannot read.
pub fn read(bytes: &[u8]) -> Result<Lines, Broken> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let mut head = beginning();
    let mut rows = Vec::new();
    let lines = bytes.get(..whole).unwrap_or_default().split_inclusive(|byte| *byte == b'\n');
    for (seq, text) in (0..).zip(lines) {
        let row = read_line(text, seq, &mut head).map_err(|what| Broken { line: seq + 1, what })?;
        rows.push((seq, row));
    }
    let Some((_, Row::Opened(opened))) = rows.first() else {
        return Err(Broken {
            line: 1,
            what: "the book has no head: nothing was ever seen with it".into(),
        });
    };
    let opened = (**opened).clone();
    Ok(Lines { opened, rows, head, whole: whole as u64, torn: (bytes.len() - whole) as u64 })
}

/// Reads and verifies one line, and moves the chain on.
fn read_line(text: &[u8], seq: u64, head: &mut Digest) -> Result<Row, String> {
    let no_row = |wrong: &dyn fmt::Display| format!("this is not a row of a book ({wrong})");
    let link: Link<'_> = serde_json::from_slice(text).map_err(|wrong| no_row(&wrong))?;
    let digest = chain(*head, seq, link.body.get());
    if link.seq != seq {
        return Err(format!("row {} stands where row {seq} belongs", link.seq));
    }
    if digest != link.chain || written(seq, link.body.get(), digest).as_bytes() != text {
        return Err("the digest does not match: this line, or one before it, was changed".into());
    }
    if seq == 0 {
        is_readable(link.body.get())?;
    }
    *head = digest;
    serde_json::from_str(link.body.get()).map_err(|wrong| no_row(&wrong))
}

/// Whether the first row is the head of a book of this version.
fn is_readable(body: &str) -> Result<(), String> {
    #[derive(serde::Deserialize)]
    struct Version {
        schema: String,
    }
    let version: Version = serde_json::from_str(body)
        .map_err(|_| "this is not a book: its first row is no head".to_owned())?;
    if version.schema == BOOK_SCHEMA {
        return Ok(());
    }
    Err(format!("the book is of version `{}`; this program reads `{BOOK_SCHEMA}`", version.schema))
}
