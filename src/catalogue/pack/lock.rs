//! The lock of a pack: the SHA-256 of each of its files, as `sha256sum` writes and checks them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use super::{Files, LOCK, SIGNATURE};
use crate::model::complaint::{Complaint, Source};
use crate::model::digest::Digest;
use crate::model::heard::shown;

/// What to do about a pack that is not what its lock says.
const RELOCK: &str = "get the pack anew from its keeper; if the change is yours: postern pack lock, and sign it again";

/// Digests by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    files: BTreeMap<String, (Digest, Range<usize>)>,
}

impl Lock {
    /// The lock over those files; the lock itself and its signature are not in it.
    pub fn of(files: &Files) -> Self {
        let locked = files.iter().filter(|(path, _)| !is_seal(path));
        let files = locked.map(|(path, bytes)| (path.clone(), (Digest::of(bytes), 0..0)));
        Self { files: files.collect() }
    }

    /// Its text: a line for each file, in the byte order of their paths.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (path, (digest, _)) in &self.files {
            let _ = writeln!(text, "{digest}  {path}");
        }
        text
    }

    /// Reads a lock. Nothing but what [`Lock::text`] writes is taken: whatever is signed has one reading only.
    ///
    /// # Errors
    /// Every line that is none.
    pub fn read(source: &Arc<Source>) -> Result<Self, Vec<Complaint>> {
        let mut lock = Self::default();
        let mut wrong = Vec::new();
        let mut start = 0;
        let mut last = String::new();
        for line in source.text.split_inclusive('\n') {
            let at = start..start + line.trim_end_matches('\n').len();
            start += line.len();
            match entry(line) {
                Ok((digest, path)) if *path > *last => {
                    path.clone_into(&mut last);
                    lock.files.insert(path.to_owned(), (digest, at));
                }
                Ok((_, path)) => {
                    let title = format!("`{}` does not come after the line before", shown(path));
                    wrong.push(Complaint::at(source, at, title).help(RELOCK));
                }
                Err(title) => wrong.push(Complaint::at(source, at, title).help(RELOCK)),
            }
        }
        if wrong.is_empty() { Ok(lock) } else { Err(wrong) }
    }

    /// Holds files against the lock: what was changed, what is missing, and what it does not know.
    pub(super) fn against(&self, source: &Arc<Source>, files: &Files) -> Vec<Complaint> {
        let mut wrong = Vec::new();
        for (path, (digest, at)) in &self.files {
            let said = match files.get(path) {
                None => "is missing",
                Some(bytes) if Digest::of(bytes) != *digest => "was changed after it was locked",
                Some(_) => continue,
            };
            let title = format!("`{}` {said}", shown(path));
            wrong.push(Complaint::at(source, at.clone(), title).help(RELOCK));
        }
        for path in files.keys().filter(|path| !is_seal(path) && !self.files.contains_key(*path)) {
            let title = format!("`{}` is not in the lock", shown(path));
            wrong.push(Complaint::at(source, 0..0, title).help(RELOCK));
        }
        wrong
    }
}

/// Whether a file belongs to the lock itself.
fn is_seal(path: &str) -> bool {
    path == LOCK || path == SIGNATURE
}

/// One line: 64 hexadecimal digits, two spaces, a path below the folder.
fn entry(line: &str) -> Result<(Digest, &str), String> {
    let text = line.strip_suffix('\n').ok_or("the last line does not end")?;
    let (digits, path) = text.split_once("  ").ok_or("this is no digest and path")?;
    let digest: Digest = serde_json::from_value(digits.into())
        .map_err(|_| "this is no SHA-256 digest in small hexadecimal digits".to_owned())?;
    if digest.to_string() != digits {
        return Err("this is no SHA-256 digest in small hexadecimal digits".into());
    }
    let plain = !path.is_empty()
        && !path.contains(['\\', '\r'])
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if plain {
        Ok((digest, path))
    } else {
        Err(format!("`{}` is no path below the pack", shown(path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Lock, Vec<String>> {
        let source = Arc::new(Source { path: LOCK.into(), text: text.into() });
        Lock::read(&source).map_err(|wrong| wrong.into_iter().map(|one| one.title).collect())
    }

    #[test]
    fn what_is_written_is_read_again() {
        let files: Files =
            [("b", "2"), ("a/c", "1")].map(|(path, text)| (path.into(), text.into())).into();
        let text = Lock::of(&files).text();
        assert_eq!(text.lines().count(), 2);
        assert!(text.starts_with(
            "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b  a/c\n"
        ));
        assert_eq!(read(&text).expect("a lock").text(), text);
    }

    #[test]
    fn it_has_one_reading_only() {
        let digest = Digest::of(b"");
        for odd in [
            format!("{digest}  a"),
            format!("{digest}  a\r\n"),
            format!("{digest}  b\n{digest}  a\n"),
            format!("{digest}  a\n{digest}  a\n"),
            format!("{digest}  ../a\n"),
            format!("{digest}  /a\n"),
            format!("{}  a\n", digest.to_string().to_uppercase()),
            format!("{digest} *a\n"),
            "hello\n".into(),
        ] {
            assert!(read(&odd).is_err(), "{odd:?} was read");
        }
    }
}
