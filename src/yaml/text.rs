//! From bytes to text: the encoding, and the characters that have no place in a file that people sign.

use std::path::Path;
use std::sync::Arc;

use crate::model::complaint::{Complaint, Source};

/// The largest file that is read, in bytes: an inventory of ten thousand hosts is smaller.
const LARGEST: usize = 8 * 1024 * 1024;

/// Takes the bytes of a file as text; a byte order mark of UTF-8 is dropped.
///
/// # Errors
/// A file that is too large, or not UTF-8.
pub fn source(path: &Path, bytes: &[u8]) -> Result<Arc<Source>, Complaint> {
    let of = |text: &str| Arc::new(Source { path: path.to_owned(), text: text.to_owned() });
    if bytes.len() > LARGEST {
        let title = format!("this file has {} bytes; at most {LARGEST} are read", bytes.len());
        let help = "split it into several files, each of which is read by itself";
        return Err(Complaint::at(&of(""), 0..0, title).help(help));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let complaint = Complaint::at(&of(""), 0..0, "this file is in UTF-16");
        return Err(complaint.help("save it as UTF-8"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(of(text)),
        Err(wrong) => {
            let at = wrong.valid_up_to();
            let byte = bytes.get(at).copied().unwrap_or_default();
            let title =
                format!("this is not UTF-8: there is a byte 0x{byte:02x} that begins no character");
            let shown = of(&String::from_utf8_lossy(bytes));
            Err(Complaint::at(&shown, at..at + '\u{fffd}'.len_utf8(), title)
                .help("save the file as UTF-8"))
        }
    }
}

/// Finds the first character that has no place in a file: one that no editor shows, or that turns what it shows
/// around (CVE-2021-42574), and the lone carriage return, which some readers take for a line's end and others not.
pub(super) fn unwanted(source: &Arc<Source>) -> Option<Complaint> {
    let text = &source.text;
    let (at, c) = text.char_indices().find(|(at, c)| match c {
        '\t' | '\n' => false,
        '\r' => !text.get(at + 1..).is_some_and(|rest| rest.starts_with('\n')),
        c => c.is_control() || is_turning(*c),
    })?;
    let mark = at..at + c.len_utf8();
    Some(if c == '\r' {
        Complaint::at(
            source,
            mark,
            "a carriage return stands alone here; it ends a line for some readers only",
        )
        .help("end lines with a line feed, as Unix does, or with both, as Windows does")
    } else {
        let title = format!("there is an invisible character here, U+{:04X}", u32::from(c));
        Complaint::at(source, mark, title)
            .help("delete it; in double quotes it can be written as an escape")
    })
}

/// Characters that change the order in which text is shown (Unicode Standard Annex 9), and byte order marks.
fn is_turning(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' | '\u{feff}'
        | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Arc<Source>, Complaint> {
        source(Path::new("a.yaml"), bytes)
    }

    #[test]
    fn bytes_become_text_or_a_complaint() {
        assert_eq!(read(b"\xef\xbb\xbfa: 1\n").expect("text").text, "a: 1\n");
        assert!(read(b"\xff\xfea\0").expect_err("UTF-16").title.contains("UTF-16"));
        let wrong = read("ä: ".bytes().chain([0xff, b'\n']).collect::<Vec<_>>().as_slice());
        let (source, mark) = wrong.expect_err("not UTF-8").at.expect("a place");
        assert_eq!(source.line_column(mark.start), (1, 4));
        assert!(read(&vec![b' '; LARGEST + 1]).is_err());
    }

    #[test]
    fn invisible_characters_are_found() {
        let found = |text: &str| {
            let source = Arc::new(Source { path: "a".into(), text: text.into() });
            unwanted(&source).and_then(|complaint| complaint.at).map(|(_, mark)| mark.start)
        };
        assert_eq!(found("a: 1\r\nb:\t2 康健\n"), None);
        assert_eq!(found("a: 1\rb: 2\n"), Some(4));
        assert_eq!(found("a: \0"), Some(3));
        assert_eq!(found("a: \u{202e}x"), Some(3));
    }
}
