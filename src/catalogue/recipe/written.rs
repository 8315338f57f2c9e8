//! Bytes, sizes, durations and header fields as a file writes them.

use std::time::Duration;

use super::super::values::Reader;
use crate::yaml::{Entry, Node};

/// Header fields that carry credentials or speak for somebody: no recipe sends them.
const CREDENTIALS: [&str; 5] =
    ["authorization", "cookie", "proxy-authorization", "x-api-key", "x-auth-token"];
/// Header fields that the request itself decides.
const OURS: [&str; 7] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "user-agent",
    "upgrade",
    "expect",
];

/// Bytes: a text as it is, or `{hex: 00 ff}`.
pub(super) fn bytes(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<u8>> {
    match node.field("hex") {
        Some(hex) => hex_bytes(reader, hex),
        None => Some(node.text()?.as_bytes().to_vec()),
    }
}

/// Bytes that are written as hexadecimal digits, with or without spaces.
pub(super) fn hex_bytes(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<u8>> {
    let text = node.text()?;
    let digits: Vec<Option<u32>> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect();
    let pairs = digits.chunks_exact(2).map(|pair| match pair {
        [Some(high), Some(low)] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    let bytes: Option<Vec<u8>> = pairs.collect();
    if bytes.is_none() || digits.len() % 2 == 1 {
        reader.wrong(
            node,
            "these are not bytes in hexadecimal digits",
            "write two for each: 00 0a ff",
        );
        return None;
    }
    bytes
}

/// A number of bytes, from 1 to `bounds.1`; `bounds.0` when it is left out.
pub(super) fn size(reader: &mut Reader<'_>, node: Option<&Node>, bounds: (usize, usize)) -> usize {
    let Some(node) = node else { return bounds.0 };
    let Some(text) = node.text() else { return bounds.0 };
    let (number, unit) = split(text);
    let times = match unit {
        "" | "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        _ => None,
    };
    match number
        .zip(times)
        .and_then(|(number, times)| usize::try_from(number).ok()?.checked_mul(times))
    {
        Some(size) if (1..=bounds.1).contains(&size) => size,
        Some(_) => {
            let help = format!("at least 1, and at most {} bytes", bounds.1);
            reader.wrong(node, format!("{text} is out of bounds"), &help);
            bounds.0
        }
        None => {
            let title = format!("`{text}` is not a number of bytes");
            reader.wrong(node, title, "write 4096, 16 KiB or 1 MiB");
            bounds.0
        }
    }
}

/// A duration, up to `bounds.1`; `bounds.0` when it is left out.
pub(super) fn duration(
    reader: &mut Reader<'_>,
    node: Option<&Node>,
    bounds: (Duration, Duration),
) -> Duration {
    let Some(node) = node else { return bounds.0 };
    let Some(text) = node.text() else { return bounds.0 };
    let (number, unit) = split(text);
    let time = match (number, unit) {
        (Some(number), "ms") => Some(Duration::from_millis(number)),
        (Some(number), "s") => Some(Duration::from_secs(number)),
        _ => None,
    };
    match time {
        Some(time) if !time.is_zero() && time <= bounds.1 => time,
        Some(_) => {
            let help = format!("more than nothing, and at most {} s", bounds.1.as_secs());
            reader.wrong(node, format!("{text} is out of bounds"), &help);
            bounds.0
        }
        None => {
            let title = format!("`{text}` is not a duration");
            reader.wrong(node, title, "write 500ms or 3s");
            bounds.0
        }
    }
}

/// A number and what stands behind it.
fn split(text: &str) -> (Option<u64>, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number.parse().ok(), unit.trim())
}

/// A header field that a recipe may send.
pub(super) fn header(reader: &mut Reader<'_>, entry: &Entry) -> Option<(String, String)> {
    let name = entry.name();
    let value = entry.value.text()?;
    let low = name.to_ascii_lowercase();
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if CREDENTIALS.contains(&low.as_str()) {
        let help = "checks look at what a stranger sees, who has no password";
        reader.wrong(
            &entry.key,
            format!("`{name}` carries credentials, and none are ever sent"),
            help,
        );
        return None;
    }
    if OURS.contains(&low.as_str()) {
        reader.wrong(&entry.key, format!("`{name}` is not for a check to set"), "take it out");
        return None;
    }
    if name.is_empty() || !name.bytes().all(token) {
        reader.wrong(&entry.key, format!("`{name}` is not the name of a header field"), "");
        return None;
    }
    if value.len() > 1000 || !value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        reader.wrong(
            &entry.value,
            "this cannot be the value of a header field",
            "write plain ASCII",
        );
        return None;
    }
    Some((name.to_owned(), value.to_owned()))
}
