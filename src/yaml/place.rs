//! From an offset in a scalar's text back to the byte in the file, whatever the quoting and folding.

use std::ops::Range;

use super::node::{Scalar, Style};

/// The bytes of the file where `part` of the scalar's text stands. `written` is the scalar as the file has it, and
/// `start` where that begins.
///
/// Folding and indentation change white space and nothing else: so the n-th visible character of the text is the n-th
/// visible character as written, with an escape counting for what it stands for.
pub(super) fn within(
    written: &str,
    scalar: &Scalar,
    part: Range<usize>,
    start: usize,
) -> Range<usize> {
    let visible = |end: usize| {
        let before = scalar.text.char_indices().take_while(|(at, _)| *at < end);
        before.filter(|(_, c)| !c.is_whitespace()).count()
    };
    let (first, after) = (visible(part.start), visible(part.end));
    let mut places = Pieces::of(written, scalar.style).filter(|(_, c)| !c.is_whitespace());
    let end_of_text = || start + written.trim_end().len();
    let Some((begin, _)) = places.nth(first) else { return end_of_text()..end_of_text() };
    if after <= first + 1 {
        let long = if part.is_empty() { 0 } else { begin.len() };
        return start + begin.start..start + begin.start + long;
    }
    let last = places.nth(after - first - 2).map_or(written.trim_end().len(), |(last, _)| last.end);
    start + begin.start..start + last
}

/// The characters of a scalar as it was written, each with the bytes that stand for it.
struct Pieces<'a> {
    written: &'a str,
    style: Style,
    at: usize,
}

impl<'a> Pieces<'a> {
    fn of(written: &'a str, style: Style) -> Self {
        let at = match style {
            Style::SingleQuoted | Style::DoubleQuoted => 1,
            // The header, with its indicators and perhaps a comment, is a line of its own.
            Style::Literal | Style::Folded if written.starts_with(['|', '>']) => {
                written.find('\n').map_or(written.len(), |at| at + 1)
            }
            Style::Plain | Style::Literal | Style::Folded => 0,
        };
        Self { written, style, at }
    }
}

impl Iterator for Pieces<'_> {
    type Item = (Range<usize>, char);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.written.get(self.at..)?;
        let c = rest.chars().next()?;
        let (long, c) = match (self.style, c) {
            (Style::SingleQuoted, '\'') if rest.starts_with("''") => (2, '\''),
            (Style::SingleQuoted, '\'') | (Style::DoubleQuoted, '"') => return None,
            (Style::DoubleQuoted, '\\') => escape(rest),
            _ => (c.len_utf8(), c),
        };
        let from = self.at;
        self.at += long;
        Some((from..self.at, c))
    }
}

/// The length of an escape, and a character of the same visibility as what it stands for (YAML 1.2, chapter 5.7).
fn escape(rest: &str) -> (usize, char) {
    let kind = rest.chars().nth(1).unwrap_or('\\');
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    if digits > 0 {
        let long = 2 + digits;
        let code = rest.get(2..long).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        return match code {
            // A high surrogate and its low half, as JSON writes them, are one character.
            Some(0xd800..=0xdbff) if rest.get(long..).is_some_and(|low| low.starts_with("\\u")) => {
                (rest.len().min(12), 'x')
            }
            Some(code) => (long.min(rest.len()), char::from_u32(code).unwrap_or('x')),
            None => (rest.len(), ' '),
        };
    }
    let stands_for = match kind {
        // A break that is escaped, and spaces and breaks written as escapes.
        '\n' | '\r' | ' ' | '\t' | 't' | 'n' | 'v' | 'f' | 'r' | 'N' | '_' | 'L' | 'P' => ' ',
        _ => 'x',
    };
    (1 + kind.len_utf8(), stands_for)
}
