//! Messages with what was heard in them: hexadecimal digits, in which `{name}` stands for the bytes that a capture or a
//! fact gives as such digits, and `[ … ]` for what has its length before it, as BER writes lengths (X.690 section 8.1.3).

use std::sync::Arc;

use super::super::expr::{Env, Expression, Val};
use super::asking::hex;
use crate::model::value::Value;
use crate::yaml::Node;

/// How deep brackets may stand in each other.
const DEEPEST: usize = 16;

/// How many bytes of what was heard go into one message: more than any length before them could tell.
const MOST_HEARD: usize = 64 << 10;

/// A part of a message; `N` is what stands for something that was heard.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Part<N> {
    /// Bytes that are written out.
    Bytes(Vec<u8>),
    /// Bytes that are known once something was heard.
    Heard(N),
    /// Parts with their length before them.
    Framed(Vec<Self>),
}

/// A message, ready to be put together.
pub(super) type Message = Arc<[Part<Arc<Expression>>]>;

/// Whether digits have something among them that is put in later.
pub(super) fn is_composed(hex: &Node) -> bool {
    hex.text().is_some_and(|text| text.contains(['{', '[']))
}

/// Reads digits with names and brackets among them.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn read(text: &str) -> Result<Vec<Part<String>>, &'static str> {
    let mut chars = text.chars().filter(|c| !c.is_whitespace());
    let parts = parts(&mut chars, 0)?;
    if chars.next().is_some() { Err("a bracket is closed that was not opened") } else { Ok(parts) }
}

fn parts(
    chars: &mut impl Iterator<Item = char>,
    depth: usize,
) -> Result<Vec<Part<String>>, &'static str> {
    if depth > DEEPEST {
        return Err("brackets stand too deep in each other");
    }
    let mut found: Vec<Part<String>> = Vec::new();
    while let Some(c) = chars.next() {
        match c {
            '[' => found.push(Part::Framed(parts(chars, depth + 1)?)),
            ']' if depth > 0 => return Ok(found),
            '{' => {
                let name: String = chars.take_while(|c| *c != '}').collect();
                found.push(Part::Heard(name));
            }
            _ => {
                let digits = (c.to_digit(16), chars.next().and_then(|c| c.to_digit(16)));
                let (Some(high), Some(low)) = digits else {
                    return Err("these are not bytes in hexadecimal digits");
                };
                let byte = u8::try_from(high * 16 + low).unwrap_or_default();
                match found.last_mut() {
                    Some(Part::Bytes(bytes)) => bytes.push(byte),
                    _ => found.push(Part::Bytes(vec![byte])),
                }
            }
        }
    }
    if depth > 0 { Err("a bracket is not closed") } else { Ok(found) }
}

impl<N> Part<N> {
    /// The same with another thing for each name; none where one of them has none.
    pub(super) fn with<'p, M>(
        &'p self,
        named: &mut impl FnMut(&'p N) -> Option<M>,
    ) -> Option<Part<M>> {
        Some(match self {
            Self::Bytes(bytes) => Part::Bytes(bytes.clone()),
            Self::Heard(name) => Part::Heard(named(name)?),
            Self::Framed(parts) => {
                Part::Framed(parts.iter().map(|part| part.with(named)).collect::<Option<_>>()?)
            }
        })
    }
}

/// The bytes of a message; none where something in it is not known, or gives no bytes.
pub(super) fn bytes<'a>(
    message: &'a Message,
    params: &'a [Value],
    record: &'a [Value],
) -> Option<Vec<u8>> {
    let lookup = |_| Some(record);
    let env = Env::new(params, &lookup);
    let mut room = MOST_HEARD;
    let mut within = |name: &'a Arc<Expression>| {
        let bytes = heard(&name.value(&env))?;
        room = room.checked_sub(bytes.len())?;
        Some(bytes)
    };
    let known: Option<Vec<Part<Vec<u8>>>> =
        message.iter().map(|part| part.with(&mut within)).collect();
    joined(&known?)
}

/// The bytes that a text gives in digits.
fn heard(value: &Val<'_>) -> Option<Vec<u8>> {
    let text = match value {
        Val::Text(text) => *text,
        Val::Made(text) => text,
        _ => return None,
    };
    let bytes = |part: &[u8]| {
        let digits = std::str::from_utf8(part).ok()?;
        u8::from_str_radix(digits, 16).ok()
    };
    let pairs = text.as_bytes().chunks_exact(2);
    if pairs.remainder().is_empty() { pairs.map(bytes).collect() } else { None }
}

fn joined(parts: &[Part<Vec<u8>>]) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    for part in parts {
        match part {
            Part::Bytes(bytes) | Part::Heard(bytes) => all.extend(bytes),
            Part::Framed(parts) => {
                let inside = joined(parts)?;
                all.extend(length(inside.len())?);
                all.extend(inside);
            }
        }
    }
    Some(all)
}

/// A length in its definite form.
fn length(size: usize) -> Option<Vec<u8>> {
    let [high, low] = u16::try_from(size).ok()?.to_be_bytes();
    Some(match (high, low) {
        (0, 0..=0x7f) => vec![low],
        (0, _) => vec![0x81, low],
        _ => vec![0x82, high, low],
    })
}

/// A message as it is named in plans and books; `spelt` says what stands behind a name.
pub(super) fn spelt(
    message: &[Part<Arc<Expression>>],
    spell: &dyn Fn(&Expression) -> String,
) -> String {
    message
        .iter()
        .map(|part| match part {
            Part::Bytes(bytes) => hex(bytes),
            Part::Heard(name) => format!("{{{}}}", spell(name)),
            Part::Framed(parts) => format!("[{}]", spelt(parts, spell)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(text: &str, digits: &str) -> Option<String> {
        let read = read(text).expect("it can be read");
        let heard = |_: &String| heard(&Val::Text(digits));
        let known: Option<Vec<_>> = read.iter().map(|part| part.with(&mut { heard })).collect();
        joined(&known?).map(|bytes| hex(&bytes))
    }

    #[test]
    fn what_was_heard_stands_in_it_with_the_lengths_around_it() {
        assert_eq!(
            put("30 [ 02 01 02 04 [ {base} ] ]", "6463").as_deref(),
            Some("300702010204026463")
        );
        assert_eq!(put("{base}0a", "6463").as_deref(), Some("64630a"));
        assert_eq!(put("04[]", "").as_deref(), Some("0400"));
    }

    #[test]
    fn long_ones_have_long_lengths() {
        for (count, before) in [(127, "7f"), (128, "8180"), (255, "81ff"), (256, "820100")] {
            let said = put("[{base}]", &"00".repeat(count)).expect("it can be put together");
            assert_eq!(said, format!("{before}{}", "00".repeat(count)));
        }
        assert_eq!(put("[{base}]", &"00".repeat(70_000)), None);
    }

    #[test]
    fn what_gives_no_bytes_is_not_said() {
        assert_eq!(put("{base}", "646"), None);
        assert_eq!(put("{base}", "dc"), Some("dc".into()));
        assert_eq!(put("{base}", "hello!"), None);
    }

    #[test]
    fn what_is_written_wrong_is_refused() {
        for wrong in ["30 [ 02", "30 ]", "3", "zz{a}", "{a}0", &"[".repeat(40)] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
