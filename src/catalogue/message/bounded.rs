//! What keeps a message small: nothing in it can repeat or double a text, and what it comes to is cut off on the way.
//!
//! The steps of a template are counted by minijinja, but one step may double a text: forty of them fill any memory.

use std::io;
use std::ops::Range;

use minijinja::{Error, ErrorKind};

use super::{SENTENCE_LENGTH, cut};

/// The longest template that is read, in bytes.
const LONGEST: usize = 8 * 1024;

/// How many bytes a message may come to before it is given up.
const MOST_BYTES: usize = 64 * 1024;

/// The statements that a message may have.
const STATEMENTS: [&str; 4] = ["if", "elif", "else", "endif"];

/// What is wrong with a template before it is compiled: where, what, and what to do.
pub(super) type Fault = (Range<usize>, String, &'static str);

/// A `{{ … }}` or `{% … %}`.
pub(super) struct Tag {
    /// Where what stands between the braces begins.
    start: usize,
    /// Whether it is a statement.
    is_statement: bool,
    /// The text between the braces, with every text in quotes blanked out.
    pub(super) bare: String,
}

impl Tag {
    /// The place of a part of it in the template.
    pub(super) fn place(&self, part: Range<usize>) -> Range<usize> {
        self.start + part.start..self.start + part.end
    }
}

/// Every tag of a template. What is in quotes inside a tag is no part of its grammar; quotes outside tags are marks in a
/// sentence, and hide nothing.
pub(super) fn tags(text: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(opened) = text.get(at..).and_then(|rest| rest.find('{')).map(|next| at + next) {
        let rest = text.get(opened..).unwrap_or_default();
        let is_statement = rest.starts_with("{%");
        let start = opened + 2;
        if rest.starts_with("{#") {
            at = rest.find("#}").map_or(text.len(), |end| opened + end + 2);
        } else if is_statement || rest.starts_with("{{") {
            let bare = inside(text.get(start..).unwrap_or_default(), is_statement);
            at = start + bare.len();
            found.push(Tag { start, is_statement, bare });
        } else {
            at = opened + 1;
        }
    }
    found
}

/// What stands before the end of a tag, byte for byte, with texts in quotes blanked out.
fn inside(rest: &str, is_statement: bool) -> String {
    let end = if is_statement { "%}" } else { "}}" };
    let mut bare = String::new();
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        if quote.is_none() && rest.get(at..).is_some_and(|rest| rest.starts_with(end)) {
            break;
        }
        let blank = quote.is_some() || matches!(c, '"' | '\'');
        match quote {
            Some(open) if c == open && !escaped => quote = None,
            None if blank => quote = Some(c),
            _ => {}
        }
        escaped = quote.is_some() && c == '\\' && !escaped;
        if blank {
            bare.extend(std::iter::repeat_n('_', c.len_utf8()));
        } else {
            bare.push(c);
        }
    }
    bare
}

/// What a template may not have.
pub(super) fn refused(text: &str) -> Vec<Fault> {
    if text.len() > LONGEST {
        let title = format!("this message is longer than {LONGEST} bytes");
        return vec![(0..text.len(), title, "say it in one sentence, and the rest under `why`")];
    }
    let mut faults = Vec::new();
    for tag in tags(text) {
        let lead = tag.bare.len() - tag.bare.trim_start_matches(['-', '+', ' ', '\n']).len();
        let (blank, inner) = tag.bare.split_at_checked(lead).unwrap_or_default();
        let word: String = inner.chars().take_while(char::is_ascii_alphabetic).collect();
        let at = blank.len()..blank.len() + word.len();
        if tag.is_statement && !STATEMENTS.contains(&word.as_str()) {
            let title =
                format!("a message has no `{word}`; of statements it has if, elif and else");
            let help =
                "lists are told with filters: {{ witness | map(attribute=\"name\") | join }}";
            faults.push((tag.place(at), title, help));
        }
        let from = if tag.is_statement { blank.len() } else { 0 };
        let sums = tag.bare.char_indices().filter(|(at, _)| *at >= from);
        if let Some((at, sign)) = sums.into_iter().find(|(_, c)| matches!(c, '*' | '+' | '~')) {
            let title = format!("a message does not work out `{sign}`");
            let help = "write texts beside each other; conclude numbers under `probe.facts`";
            faults.push((tag.place(at..at + 1), title, help));
        }
    }
    faults
}

/// Cuts a text that a filter made.
pub(super) fn short(text: &str) -> String {
    cut(text, SENTENCE_LENGTH)
}

/// `replace` of minijinja, with a bounded result.
pub(super) fn replace(text: &str, from: &str, to: &str) -> String {
    short(&short(text).replace(from, &short(to)))
}

/// Renders into a text that is given up when it grows too long.
///
/// # Errors
/// What minijinja says, or that the message is too long.
pub(super) fn rendered(
    write: impl FnOnce(&mut Text) -> Result<(), Error>,
) -> Result<String, Error> {
    let mut text = Text::default();
    write(&mut text)?;
    String::from_utf8(text.bytes)
        .map_err(|wrong| Error::new(ErrorKind::BadSerialization, wrong.to_string()))
}

/// Where a message is written to.
#[derive(Default)]
pub(super) struct Text {
    bytes: Vec<u8>,
}

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MOST_BYTES {
            return Err(io::Error::other(format!("the message is longer than {MOST_BYTES} bytes")));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_or_doubles_is_refused_and_what_only_looks_so_is_not() {
        for (text, wanted) in [
            ("It's {{ place }}, isn't it? 2 * 2 + 2 ~ 4", 0),
            ("{% if params.a > 1 %}{{ -params.a }}{%- elif x %}y{%- else -%}z{% endif %}", 0),
            ("{{ witness | join(' * ') }} {{ \"a + ~ \\\" *\" }} {# {% set x %} * #}", 0),
            ("{{ \"x\" * 1000000000 }}", 1),
            ("It's {{ place ~ place }} isn't", 1),
            ("{% set a = place %}", 1),
            ("{% for a in witness %}{% endfor %}", 2),
            ("{% with a = [place, place] %}{% endwith %}", 2),
            ("{%- macro a() %}{% endmacro %}", 2),
            ("{% include 'etc/passwd' %}", 1),
            ("{% raw %}{% endraw %}", 2),
        ] {
            assert_eq!(refused(text).len(), wanted, "{text}");
            for (at, ..) in refused(text) {
                assert!(text.get(at.clone()).is_some(), "{at:?} of {text}");
            }
        }
        assert_eq!(refused(&"x".repeat(LONGEST + 1)).len(), 1);
    }

    #[test]
    fn a_chain_of_filters_does_not_grow() {
        let mut text = "x".to_owned();
        for _ in 0..40 {
            text = replace(&text, "x", "xx");
        }
        assert!(text.chars().count() <= SENTENCE_LENGTH + 1);
    }
}
