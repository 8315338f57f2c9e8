//! Yours: what is wrong in a file of the user's, where, and what to do about it.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// A text that was read, kept so that complaints can point into it.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as the user gave it (or `built-in:…` for what is inside the program).
    pub path: PathBuf,
    /// Its whole text.
    pub text: String,
}

impl Source {
    /// Line and column, both counted from 1 and the column in characters, of a byte offset.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = self.text.get(..end).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        (line, before.get(line_start..).unwrap_or("").chars().count() + 1)
    }
}

/// One mistake in a user's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// What is wrong, as one sentence without a full stop.
    pub title: String,
    /// Where: the file and the bytes in it. None when it is about no file (an argument, say).
    pub at: Option<(Arc<Source>, Range<usize>)>,
    /// A word or two beside the mark; may be empty.
    pub label: String,
    /// What to do now; may be empty.
    pub help: Vec<String>,
}

impl Complaint {
    /// A complaint about a place in a file.
    pub fn at(source: &Arc<Source>, bytes: Range<usize>, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            at: Some((Arc::clone(source), bytes)),
            label: String::new(),
            help: Vec::new(),
        }
    }

    /// A complaint about something that is in no file.
    pub fn nowhere(title: impl Into<String>) -> Self {
        Self { title: title.into(), at: None, label: String::new(), help: Vec::new() }
    }

    /// The same with a few words beside the mark.
    #[must_use]
    pub fn label(mut self, words: impl Into<String>) -> Self {
        self.label = words.into();
        self
    }

    /// The same with one more piece of advice.
    #[must_use]
    pub fn help(mut self, advice: impl Into<String>) -> Self {
        self.help.push(advice.into());
        self
    }
}

/// The known word that was probably meant, if one is near enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate));
    let (distance, best) = scored.min()?;
    (distance <= 1 + word.chars().count() / 4).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let source = Source { path: "a.yaml".into(), text: "é: 1\nwörd: 2\n".into() };
        assert_eq!(source.line_column(0), (1, 1));
        assert_eq!(source.line_column("é: 1\nwö".len()), (2, 3));
        assert_eq!(source.line_column(10_000), (3, 1));
    }

    #[test]
    fn a_near_word_is_offered_and_a_far_one_is_not() {
        assert_eq!(nearest("severty", ["title", "severity", "why"]), Some("severity"));
        assert_eq!(nearest("zebra", ["title", "severity", "why"]), None);
    }
}
