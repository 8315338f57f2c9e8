//! A review as bytes, one format a file. Pure.
//!
//! A format is one file with a `FORMAT` row, and one word in the list below.

mod compared;
pub mod words;
pub(crate) mod xml;

use std::borrow::Cow;
use std::fmt;

use self::words::Words;
use crate::review::Review;

/// A way to write a review.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Its name, for `--format`.
    pub name: &'static str,
    /// What a file of it is called: `review.sarif`.
    pub file: &'static str,
    /// What it is for, as a phrase.
    pub means: &'static str,
    /// Writes it.
    pub render: fn(&Review, &Options<'_>) -> Result<Vec<u8>, RenderError>,
}

/// What a reader may choose.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Options<'a> {
    /// The language, as a BCP 47 tag: `en`, `zh-Hant`.
    pub lang: &'a str,
    /// The words of that language, where they are not those built in.
    pub words: Option<&'a Words>,
    /// Whether text may carry colours.
    pub paint: Paint,
    /// How wide text may be, in columns.
    pub columns: usize,
    /// Names of files that were written beside it, for a reader to open next.
    pub beside: &'a [String],
}

impl<'a> Options<'a> {
    /// In that language, plain, 80 columns wide.
    pub fn new(lang: &'a str) -> Self {
        Self { lang, words: None, paint: Paint::Plain, columns: 80, beside: &[] }
    }

    /// In those words, plain, 80 columns wide.
    pub fn in_words(words: &'a Words) -> Self {
        Self { words: Some(words), ..Self::new(words.lang()) }
    }

    /// The words to write it in.
    fn words(&self) -> Result<Cow<'a, Words>, RenderError> {
        let built_in = || Words::built_in(self.lang).map(Cow::Owned);
        self.words.map(Cow::Borrowed).or_else(built_in).ok_or_else(|| {
            let known: Vec<_> = Words::languages().collect();
            RenderError(format!("no words for `{}`; there are {}", self.lang, known.join(", ")))
        })
    }
}

/// Whether text carries colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// None.
    Plain,
    /// By ANSI escape sequences (ECMA-48).
    Ansi,
}

/// Ours: why a review could not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderError(pub String);

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RenderError {}

/// Makes a module and a row of each word, in reading order.
macro_rules! formats {
    ($($format:ident),+ $(,)?) => {
        $(mod $format;)+

        /// Every format.
        pub static FORMATS: &[Format] = &[$($format::FORMAT),+];
    };
}

formats! { text, json, html, sarif, junit }

/// A text as a message of SARIF, in which brackets and braces mean something.
pub(crate) use self::sarif::plain as sarif_text;

/// The format of that name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
