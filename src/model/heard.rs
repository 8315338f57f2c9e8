//! What a peer said: hostile text in a type of its own, escaped only where it is shown.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// Text that a peer chose. It has no `Display`: whoever shows it says for which place.
///
/// Bytes that are not UTF-8 were replaced by U+FFFD when it was heard; everything else is kept as it came, so that
/// evidence stays exact.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Heard(String);

impl Heard {
    /// Takes what was heard, at most `limit` bytes of it.
    pub fn new(bytes: &[u8], limit: usize) -> Self {
        let kept = bytes.get(..limit).unwrap_or(bytes);
        Self(String::from_utf8_lossy(kept).into_owned())
    }

    /// The text as it came: for comparing and parsing, never for showing.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// The text with everything that could steer a terminal, a browser's text direction or a log line made visible.
    ///
    /// The result still needs the escaping of the format it goes into (HTML, XML, JSON), which templates do.
    pub fn shown(&self) -> String {
        shown(&self.0)
    }
}

impl From<&str> for Heard {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Makes control, bidirectional and invisible characters of a text visible, as `\n`, `\x1b` or `\u{202e}`.
///
/// Doing it twice changes nothing more: what it writes holds none of the characters that it looks for.
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if is_unseen(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// C1 controls, bidirectional marks (Unicode Standard Annex 9), zero-width and other invisible characters, tags,
/// variation selectors, line separators and non-characters.
fn is_unseen(c: char) -> bool {
    matches!(u32::from(c),
        0x80..=0x9f | 0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
        | 0xfff0..=0xfffb | 0xfffe | 0xffff | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_gets_through() {
        let attack = "ok\x1b[31m\u{202e}gpj\u{200b}\r\n\u{9b}2J\0";
        let safe = shown(attack);
        assert_eq!(safe, "ok\\x1b[31m\\u{202e}gpj\\u{200b}\\r\\n\\u{9b}2J\\x00");
        assert_eq!(shown(&safe), safe);
        assert_eq!(shown("康健中心 café"), "康健中心 café");
    }
}
