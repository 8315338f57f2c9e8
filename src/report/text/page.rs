//! Lines of a terminal: broken at its width, coloured where it may be, and safe whatever is in them.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::model::heard::shown;
use crate::report::Paint;

/// How much of one text is shown, in columns: the files have all of it.
const MOST: usize = 400;

/// Where the texts of marked items begin: after two spaces, `F-001` and two more.
const ITEM: usize = 9;

/// What a line is meant to say by its colour; its words say it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Faint,
    Strong,
    Good,
    Care,
    Bad,
}

impl Ink {
    /// Select Graphic Rendition (ECMA-48, 8.3.117).
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Faint => Some("2"),
            Self::Strong => Some("1"),
            Self::Good => Some("1;32"),
            Self::Care => Some("1;33"),
            Self::Bad => Some("1;31"),
        }
    }
}

/// A text being written.
pub(super) struct Page {
    paint: Paint,
    columns: usize,
    out: String,
}

impl Page {
    pub(super) fn new(paint: Paint, columns: usize) -> Self {
        Self { paint, columns: columns.max(20), out: String::new() }
    }

    /// One text, indented, over as many lines as it needs.
    pub(super) fn line(&mut self, ink: Ink, indent: usize, text: &str) {
        let text = shortened(&shown(text));
        for piece in broken(&text, self.columns.saturating_sub(indent).max(10)) {
            self.put(ink, indent, &piece);
        }
    }

    /// A text with a mark before it, such as its number, in a column of its own.
    pub(super) fn item(&mut self, ink: Ink, mark: &str, text: &str) {
        let indent = ITEM.max(mark.width() + 4);
        let text = shortened(&shown(text));
        let room = self.columns.saturating_sub(indent).max(10);
        for (nth, piece) in broken(&text, room).iter().enumerate() {
            let mark = if nth == 0 { mark } else { "" };
            let gap = indent.saturating_sub(2 + mark.width());
            let mark = format!("  {}{}", shown(mark), " ".repeat(gap));
            self.out.push_str(&mark);
            self.put(ink, 0, piece);
        }
    }

    /// One text on one line, however long it is.
    pub(super) fn whole(&mut self, indent: usize, text: &str) {
        self.put(Ink::Plain, indent, &shown(text));
    }

    /// An empty line.
    pub(super) fn gap(&mut self) {
        self.out.push('\n');
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    fn put(&mut self, ink: Ink, indent: usize, text: &str) {
        self.out.extend(std::iter::repeat_n(' ', indent));
        match ink.code().filter(|_| self.paint == Paint::Ansi) {
            Some(code) => self.out.extend(["\x1b[", code, "m", text, "\x1b[0m"]),
            None => self.out.push_str(text),
        }
        self.out.push('\n');
    }
}

/// At most [`MOST`] columns of a text, with an ellipsis where something was left out.
fn shortened(text: &str) -> String {
    let mut width = 0;
    let over = text.char_indices().find(|(_, c)| {
        width += c.width().unwrap_or(0);
        width > MOST
    });
    match over {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Breaks a text at spaces, at wide characters (Chinese has no spaces), and within a word that is wider than the line.
fn broken(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut width = 0;
    for word in words(text) {
        let wide = word.trim_end().width();
        if width > 0 && width + wide > columns {
            lines.push(String::new());
            width = 0;
        }
        for c in word.chars() {
            let step = c.width().unwrap_or(0);
            if width + step > columns && c != ' ' {
                lines.push(String::new());
                width = 0;
            }
            if let Some(line) = lines.last_mut().filter(|line| c != ' ' || !line.is_empty()) {
                line.push(c);
                width += step;
            }
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// A text in the pieces between which a line may end: words with the spaces after them, and single wide characters
/// with the punctuation that must not begin a line.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        let ends = before.is_some_and(|before| {
            let wide = |c: char| c.width() == Some(2);
            let clings = "，。；：、）」』？！".contains(c);
            (before == ' ' && c != ' ') || (c != ' ' && !clings && (wide(before) || wide(c)))
        });
        if ends {
            words.extend(text.get(start..at));
            start = at;
        }
        before = Some(c);
    }
    words.extend(text.get(start..));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_where_people_break_them() {
        assert_eq!(broken("one two three", 8), ["one two", "three"]);
        assert_eq!(broken("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(broken("任何人都能連接，危險", 10), ["任何人都能", "連接，危險"]);
        assert_eq!(broken("", 10), [""]);
    }

    #[test]
    fn colours_are_ours_alone() {
        let mut page = Page::new(Paint::Ansi, 40);
        page.line(Ink::Bad, 2, "red \x1b[32mgreen");
        assert_eq!(page.finish(), "  \x1b[1;31mred \\x1b[32mgreen\x1b[0m\n");
    }
}
