//! Conversations as a check's tests write them down.

use super::super::values::Reader;
use super::rehearse::{Line, Says, Script};
use super::written::hex_bytes;
use super::{DnsAnswer, Ending, Medium, Page};
use crate::model::heard;
use crate::yaml::{Entry, Node};

impl Script {
    /// Reads the script of a test, if it has one.
    pub(in super::super) fn read(
        reader: &mut Reader<'_>,
        test: &Node,
        medium: Option<Medium>,
    ) -> Option<Self> {
        let fits = |field: &str| {
            medium.is_some_and(|medium| match medium {
                Medium::Http => field == "pages",
                Medium::Dns | Medium::DnsTcp => field == "answers",
                Medium::Tcp | Medium::Tls | Medium::Udp => field == "wire",
            })
        };
        let mut script = None;
        for entry in test.entries() {
            let name = entry.name();
            if !["wire", "pages", "answers"].contains(&name) {
                continue;
            }
            if !fits(name) {
                let help = "`wire` is for tcp, tls and udp, `pages` for http, `answers` for dns";
                let title = match medium {
                    None => "this check has no probe to try",
                    Some(_) => "the check's probe does not speak like that",
                };
                reader.wrong(&entry.key, title, help);
                continue;
            }
            script = Some(match name {
                "wire" => {
                    let lines = entry.value.items().iter();
                    Self::Wire(lines.filter_map(|line| self::line(reader, line)).collect())
                }
                "pages" => Self::Pages(by_name(reader, &entry.value, page)),
                _ => Self::Answers(by_name(reader, &entry.value, answer)),
            });
        }
        script
    }
}

fn line(reader: &mut Reader<'_>, node: &Node) -> Option<Line> {
    let help = "write \"> said by us\", \"< said by them\", `! closed`, `! reset`, `! silent`, `! refused`, \
                `! unreachable`, `! garbled` or `! reconnect`, or {\">\": {hex: 00 ff}}";
    let at = node.mark();
    if let [entry] = node.entries() {
        let bytes = hex_bytes(reader, entry.value.field("hex")?)?;
        let says = if entry.name() == ">" { Says::Us(bytes) } else { Says::Them(bytes) };
        return Some(Line { says, at });
    }
    let Some(text) = node.text() else {
        reader.wrong(node, "a line of a conversation has one speaker", help);
        return None;
    };
    let says = if let Some(said) = text.strip_prefix("> ") {
        Some(Says::Us(said.as_bytes().to_vec()))
    } else if let Some(said) = text.strip_prefix("< ") {
        Some(Says::Them(said.as_bytes().to_vec()))
    } else if text == "! reconnect" {
        Some(Says::Reconnect)
    } else {
        text.strip_prefix("! ").and_then(ending).map(Says::End)
    };
    if says.is_none() {
        reader.wrong(
            node,
            format!("`{}` is not a line of a conversation", heard::shown(text)),
            help,
        );
    }
    Some(Line { says: says?, at })
}

/// The ending of that word.
fn ending(word: &str) -> Option<Ending> {
    Ending::ALL.into_iter().find(|end| end.word() == word)
}

/// Everything of a mapping, or how it ended without.
fn by_name<T>(
    reader: &mut Reader<'_>,
    node: &Node,
    of: fn(&Node) -> Option<T>,
) -> Vec<(String, Result<T, Ending>)> {
    let mut all = Vec::new();
    for entry in node.entries() {
        let what = match entry.value.text() {
            Some(word) => {
                let Some(end) = ending(word) else {
                    let words = Ending::ALL.map(Ending::word).join(", ");
                    let title = format!("`{}` is not a way to end", heard::shown(word));
                    reader.wrong(&entry.value, title, &format!("write fields, or one of {words}"));
                    continue;
                };
                Err(end)
            }
            None => match of(&entry.value) {
                Some(what) => Ok(what),
                None => continue,
            },
        };
        all.push((entry.name().to_owned(), what));
    }
    all
}

fn page(node: &Node) -> Option<Page> {
    let text = |name: &str| node.field(name).and_then(Node::text).unwrap_or("").to_owned();
    let headers = node.field("headers").map(Node::entries).unwrap_or_default().iter();
    let header = |entry: &Entry| {
        (entry.name().to_ascii_lowercase(), entry.value.text().unwrap_or("").to_owned())
    };
    Some(Page {
        url: String::new(),
        status: node.field("status")?.text()?.parse().ok()?,
        title: text("title"),
        headers: headers.map(header).collect(),
        body: text("body"),
        truncated: false,
    })
}

fn answer(node: &Node) -> Option<DnsAnswer> {
    let flag = |name: &str| node.field(name).and_then(Node::text) == Some("true");
    let items = node.field("answers").map(Node::items).unwrap_or_default();
    Some(DnsAnswer {
        rcode: node.field("rcode")?.text()?.to_owned(),
        answers: items.iter().filter_map(Node::text).map(str::to_owned).collect(),
        authoritative: flag("authoritative"),
        recursion_available: flag("recursion_available"),
        truncated: flag("truncated"),
        bytes: node
            .field("bytes")
            .and_then(Node::text)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0),
    })
}
