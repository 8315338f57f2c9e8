//! Text on a terminal: headings, wrapped paragraphs, aligned columns, colour where it is wanted.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

use clap::ColorChoice;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::Globals;
use crate::model::heard::shown;
use crate::model::severity::Severity;
use crate::report::Paint;

/// A line longer than this is hard to read, however wide the window is.
const WIDEST: usize = 100;

/// A text that is being laid out.
pub(crate) struct Page {
    text: String,
    paint: Paint,
    width: usize,
}

/// How a piece of text stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Headings and names.
    Bold,
    /// What is there for who looks for it.
    Faint,
    /// Good.
    Green,
    /// Bad.
    Red,
    /// To be looked at.
    Yellow,
    /// A name to type.
    Cyan,
}

impl Page {
    /// An empty page for stdout.
    pub(crate) fn new(globals: &Globals) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let quiet = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let paint = match globals.color {
            ColorChoice::Always => Paint::Ansi,
            ColorChoice::Auto if terminal && !quiet => Paint::Ansi,
            ColorChoice::Auto | ColorChoice::Never => Paint::Plain,
        };
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        Self { text: String::new(), paint, width: columns.unwrap_or(WIDEST).clamp(40, WIDEST) }
    }

    /// A piece of text in a style, padded to a width on a terminal.
    pub(crate) fn styled(&self, text: &str, style: Style, pad: usize) -> String {
        let spaces = " ".repeat(pad.saturating_sub(text.width()));
        let code = match style {
            Style::Bold => "1",
            Style::Faint => "2",
            Style::Green => "32",
            Style::Red => "31",
            Style::Yellow => "33",
            Style::Cyan => "36",
        };
        match self.paint {
            Paint::Plain => format!("{text}{spaces}"),
            Paint::Ansi => format!("\x1b[{code}m{text}\x1b[0m{spaces}"),
        }
    }

    /// A line as it is.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) {
        self.text.push_str(text.as_ref().trim_end());
        self.text.push('\n');
    }

    /// A heading with an empty line before it.
    pub(crate) fn heading(&mut self, text: &str) {
        let text = self.styled(text, Style::Bold, 0);
        let _ = write!(self.text, "\n{text}\n");
    }

    /// A paragraph, wrapped; the first line begins with `first`, the others are indented as far.
    pub(crate) fn paragraph(&mut self, first: &str, first_width: usize, text: &str) {
        let room = self.width.saturating_sub(first_width).max(20);
        for (place, line) in wrapped(text, room).iter().enumerate() {
            let start = if place == 0 { first.to_owned() } else { " ".repeat(first_width) };
            self.line(format!("{start}{line}"));
        }
    }

    /// A named value, wrapped: `name   value`.
    pub(crate) fn row(&mut self, indent: usize, name: &str, style: Style, wide: usize, text: &str) {
        let first = format!("{}{}", " ".repeat(indent), self.styled(name, style, wide));
        if name.width() > wide {
            self.line(first);
            let first_width = indent + wide;
            self.paragraph(&" ".repeat(first_width), first_width, text);
        } else {
            self.paragraph(&first, indent + wide, text);
        }
    }

    /// Text that keeps its lines, such as a configuration.
    pub(crate) fn block(&mut self, indent: usize, text: &str) {
        for line in text.lines() {
            let line = self.styled(&shown(line), Style::Cyan, 0);
            self.line(format!("{}{line}", " ".repeat(indent)));
        }
    }

    /// Writes it all to stdout. Who has closed it wants no more.
    pub(crate) fn print(self) {
        let _ = std::io::stdout().lock().write_all(self.text.as_bytes());
    }
}

/// The colour of a level.
pub(crate) fn style_of(severity: Severity) -> Style {
    match severity {
        Severity::Critical | Severity::High => Style::Red,
        Severity::Medium => Style::Yellow,
        Severity::Low => Style::Faint,
    }
}

/// Breaks a text into lines no wider than `room`; Chinese may break between any two characters but before none of its
/// closing marks.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let (mut lines, mut line, mut wide) = (Vec::new(), String::new(), 0);
    let text = shown(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    for piece in pieces(&text) {
        let width = piece.trim_end().width();
        if wide > 0 && wide + width > room {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
            wide = 0;
        }
        line.push_str(piece);
        wide += piece.width();
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// Cuts a text after spaces and after wide characters, unless a closing mark follows.
fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    let mut chars = text.char_indices().peekable();
    while let Some((_, c)) = chars.next() {
        let Some((next_at, next)) = chars.peek().copied() else { continue };
        let wide = |c: char| c.width().unwrap_or(0) > 1;
        let closing = matches!(
            next,
            '，' | '。' | '、' | '；' | '：' | '）' | '」' | '！' | '？' | ',' | '.' | ')'
        );
        let opening = matches!(c, '（' | '「');
        let breaks = c == ' ' || (wide(c) || wide(next)) && !closing && !opening && next != ' ';
        if breaks {
            pieces.push(text.get(start..next_at).unwrap_or(""));
            start = next_at;
        }
    }
    pieces.push(text.get(start..).unwrap_or(""));
    pieces
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn lines_break_at_spaces_and_between_chinese_characters() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a-very-long-word x", 5), ["a-very-long-word", "x"]);
        assert_eq!(wrapped("憑證今天有效，可以信任。", 12), ["憑證今天有", "效，可以信", "任。"]);
        assert_eq!(wrapped("", 12), [""]);
        assert_eq!(wrapped("a\u{202e}b\x1b", 40), ["a\\u{202e}b\\x1b"]);
    }
}
