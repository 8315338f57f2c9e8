//! A conversation as the lines of a test: `wire` for streams and datagrams, `pages` for HTTP, `answers` for DNS.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::catalogue::recipe::{DnsAnswer, Ending, Page, Took, Until};
use crate::talk::secrets;

/// Header fields that differ from one answer to the next and say nothing.
const NOISE: [&str; 1] = ["date"];

/// The script of a conversation; of the body of a page, as many bytes as that.
pub(super) fn of(turns: &[Took], most: usize) -> String {
    let mut pages: Vec<(String, Json)> = Vec::new();
    let mut answers: Vec<(String, Json)> = Vec::new();
    for turn in turns {
        match turn {
            Took::Fetched { path, page } => add_page(&mut pages, path, page, most),
            Took::Told { name, answer } => add(&mut answers, name, answer_fields(answer)),
            _ => {}
        }
    }
    let wire = if pages.is_empty() && answers.is_empty() { wire(turns) } else { Vec::new() };
    let mut text = String::new();
    for (field, by_name) in [("pages", shorter(pages)), ("answers", answers)] {
        if !by_name.is_empty() {
            let _ = writeln!(text, "    {field}:");
        }
        for (name, value) in by_name {
            let _ = writeln!(text, "      {}: {}", json!(name), flow(&value));
        }
    }
    if !wire.is_empty() {
        text.push_str("    wire:\n");
        for line in wire {
            let _ = writeln!(text, "      - {line}");
        }
    }
    text
}

/// A conversation, line by line.
fn wire(turns: &[Took]) -> Vec<String> {
    let mut lines = Vec::new();
    let heard: Vec<&[u8]> = turns
        .iter()
        .filter_map(|turn| match turn {
            Took::Heard { bytes, .. } if !bytes.is_empty() => Some(bytes.as_slice()),
            _ => None,
        })
        .collect();
    for (at, turn) in turns.iter().enumerate() {
        let next = turns.get(at + 1);
        match turn {
            // What could not be said any more stands there as the end alone.
            Took::Said(_) if matches!(next, Some(Took::Cut(end)) if *end != Ending::Silent) => {}
            Took::Said(bytes) => {
                // What we say back was theirs, and is cut like theirs.
                let said =
                    if heard.contains(&bytes.as_slice()) { cut(bytes) } else { bytes.clone() };
                lines.push(line('>', &said));
            }
            Took::Heard { bytes, until, end } => {
                if !bytes.is_empty() {
                    lines.push(line('<', &cut(bytes)));
                }
                match end {
                    // That more came than is read shows by itself.
                    Some(Ending::TooMuch) => {}
                    Some(end) => lines.push(ended(*end)),
                    // Else the next utterance would be taken for a part of this one.
                    None if *until == Until::Quiet && matches!(next, Some(Took::Heard { .. })) => {
                        lines.push(ended(Ending::Silent));
                    }
                    None => {}
                }
            }
            Took::Reconnected => lines.push(json!("! reconnect").to_string()),
            Took::Cut(end) => lines.push(ended(*end)),
            Took::Fetched { .. } | Took::Told { .. } => {}
        }
    }
    lines
}

fn ended(end: Ending) -> String {
    json!(format!("! {}", end.word())).to_string()
}

/// What one side says: as text where it is one.
fn line(who: char, bytes: &[u8]) -> String {
    let plain =
        |text: &&str| text.chars().all(|c| !c.is_control() || matches!(c, '\r' | '\n' | '\t'));
    if let Some(text) = std::str::from_utf8(bytes).ok().filter(plain) {
        return json!(format!("{who} {text}")).to_string();
    }
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    format!("{{\"{who}\": {{hex: \"{hex}\"}}}}")
}

/// Bytes without their secrets. What is no UTF-8 is looked at byte by byte, so that a secret between other bytes is found.
fn cut(bytes: &[u8]) -> Vec<u8> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return secrets::cut(text).into_bytes();
    }
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    secrets::cut(&text).chars().filter_map(|c| u8::try_from(c).ok()).collect()
}

/// Adds something under its name. Of two with one name the first stays: a test knows each once.
fn add(all: &mut Vec<(String, Json)>, name: &str, value: Json) {
    if !all.iter().any(|(known, _)| known == name) {
        all.push((name.to_owned(), value));
    }
}

/// A page under its path; where redirects led elsewhere, the redirect there and the page under its own.
fn add_page(all: &mut Vec<(String, Json)>, path: &str, page: &Result<Page, Ending>, most: usize) {
    let page = match page {
        Ok(page) => page,
        Err(end) => return add(all, path, json!(end.word())),
    };
    let rest = page.url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| (rest, at)));
    let shown = rest.and_then(|(rest, at)| rest.get(at..)).unwrap_or(path);
    let elsewhere = shown != path && path != "/nowhere";
    if elsewhere {
        add(all, path, json!({"status": 302, "headers": {"location": shown}}));
    }
    add(all, if elsewhere { shown } else { path }, page_fields(page, most));
}

fn page_fields(page: &Page, most: usize) -> Json {
    let mut fields = serde_json::Map::new();
    fields.insert("status".into(), page.status.into());
    if !page.title.is_empty() {
        fields.insert("title".into(), secrets::cut(&page.title).into());
    }
    let mut headers = serde_json::Map::new();
    for (name, value) in page.headers.iter().filter(|(name, _)| !NOISE.contains(&name.as_str())) {
        headers.entry(name.clone()).or_insert_with(|| secrets::cut(value).into());
    }
    if !headers.is_empty() {
        fields.insert("headers".into(), Json::Object(headers));
    }
    let body = secrets::cut(&page.body);
    let end = (0..=most.min(body.len())).rev().find(|at| body.is_char_boundary(*at));
    let body = body.get(..end.unwrap_or(0)).unwrap_or_default();
    if !body.is_empty() {
        fields.insert("body".into(), body.into());
    }
    Json::Object(fields)
}

fn answer_fields(answer: &Result<DnsAnswer, Ending>) -> Json {
    let answer = match answer {
        Ok(answer) => answer,
        Err(end) => return json!(end.word()),
    };
    let texts: Vec<String> = answer.answers.iter().map(|text| secrets::cut(text)).collect();
    let mut fields = serde_json::Map::new();
    fields.insert("rcode".into(), answer.rcode.clone().into());
    if !texts.is_empty() {
        fields.insert("answers".into(), texts.into());
    }
    let flags = [
        ("authoritative", answer.authoritative),
        ("recursion_available", answer.recursion_available),
        ("truncated", answer.truncated),
    ];
    for (name, is) in flags {
        if is {
            fields.insert(name.into(), true.into());
        }
    }
    fields.insert("bytes".into(), answer.bytes.into());
    Json::Object(fields)
}

/// The same pages with those that are alike under `*`, where more than one is.
fn shorter(pages: Vec<(String, Json)>) -> Vec<(String, Json)> {
    let count = |page: &Json| pages.iter().filter(|(_, other)| other == page).count();
    let usual = pages.iter().map(|(_, page)| page).max_by_key(|page| count(page)).cloned();
    let Some(usual) = usual.filter(|usual| count(usual) > 1) else { return pages };
    let mut rest: Vec<_> = pages.into_iter().filter(|(_, page)| *page != usual).collect();
    rest.push(("*".into(), usual));
    rest
}

/// A value in the flow style of YAML: as JSON, but for names and plain words, which need no quotes.
pub(super) fn flow(value: &Json) -> String {
    match value {
        Json::Object(fields) => {
            let parts =
                fields.iter().map(|(name, value)| format!("{}: {}", word(name), flow(value)));
            format!("{{{}}}", parts.collect::<Vec<_>>().join(", "))
        }
        Json::Array(items) => {
            format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        Json::String(text) => word(text),
        other => other.to_string(),
    }
}

/// A word that YAML takes for nothing but a text, or a text in quotes.
fn word(text: &str) -> String {
    let other = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let plain = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-');
    if plain && !other.contains(&text) { text.to_owned() } else { json!(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(bytes: &[u8], until: Until, end: Option<Ending>) -> Took {
        Took::Heard { bytes: bytes.to_vec(), until, end }
    }

    #[test]
    fn a_conversation_becomes_lines_without_secrets() {
        let line = || Until::Said(b"\n".to_vec());
        let turns = [
            heard(b"hello\n", Until::Quiet, None),
            heard(b"token=hunter2\n", line(), None),
            Took::Said(b"token=hunter2\n".to_vec()),
            heard(b"\xff\0password=x1 \xfe", Until::Datagram, None),
            Took::Reconnected,
            Took::Said(b"gone".to_vec()),
            Took::Cut(Ending::Reset),
            heard(&[b'x'; 3], line(), Some(Ending::TooMuch)),
            heard(b"", line(), Some(Ending::Silent)),
        ];
        assert_eq!(
            wire(&turns),
            [
                r#""< hello\n""#,
                r#""! silent""#,
                r#""< token=[cut]\n""#,
                r#""> token=[cut]\n""#,
                r#"{"<": {hex: "ff0070617373776f72643d5b6375745d20fe"}}"#,
                r#""! reconnect""#,
                r#""! reset""#,
                r#""< xxx""#,
                r#""! silent""#,
            ]
        );
    }

    #[test]
    fn pages_that_are_alike_stand_once_and_redirects_lead_to_their_page() {
        let page = |url: &str, status, body: &str| {
            let headers = vec![("date".into(), "today".into()), ("server".into(), "lab".into())];
            let (url, body) = (url.to_owned(), body.to_owned());
            Ok(Page { url, status, headers, body, ..Page::default() })
        };
        let fetched = |path: &str, page| Took::Fetched { path: path.into(), page };
        let turns = [
            fetched("/nowhere", page("http://a/0123456789abcdef", 404, "")),
            fetched("/old", page("http://a:80/new?x=1", 200, "12345")),
            fetched("/a", page("http://a/a", 404, "")),
            fetched("/b", Err(Ending::Closed)),
        ];
        assert_eq!(
            of(&turns, 3).lines().collect::<Vec<_>>(),
            [
                "    pages:",
                r#"      "/old": {status: 302, headers: {location: "/new?x=1"}}"#,
                r#"      "/new?x=1": {status: 200, headers: {server: lab}, body: "123"}"#,
                r#"      "/b": closed"#,
                r#"      "*": {status: 404, headers: {server: lab}}"#,
            ]
        );
    }
}
