//! The steps, requests and questions of a recipe, from what a file writes.

use std::sync::Arc;

use super::super::expr::misnamed;
use super::super::read::is_name;
use super::compose::is_composed;
use super::deeds::is_path;
use super::read::{BODY, Draft, PATIENCE, PATIENCE_UDP, READ, Written};
use super::record::{dns_type, page_type};
use super::written::{bytes, duration, header, size};
use super::{Act, CAPTURES, EACH, Fetch, Form, Hear, Medium, Method, NONCE, Question, Read, Until};
use crate::model::plan::Class;
use crate::model::value::{Field, Type, Value};
use crate::yaml::{Entry, Node};

/// How many steps, requests or questions a recipe may have.
const STEPS: usize = 64;
/// The largest message that may be sent.
const MESSAGE: usize = 16 << 10;

impl Draft<'_, '_, '_> {
    /// The steps, requests or questions, without their conditions: those need all captures to be known.
    pub(super) fn steps<'n>(&mut self, node: &'n Node) -> Vec<Written<'n>> {
        let mut all = Vec::new();
        if let Some(baseline) = node.field("baseline") {
            let fetch = Fetch {
                method: Method::Get,
                path: format!("/{NONCE}"),
                headers: Vec::new(),
                follow: false,
                most: BODY.0,
            };
            let into = self.capture(baseline, page_type(), "The page at a path that cannot exist.");
            let act = into.map(|into| Act::Fetch { into, fetch, each: None });
            all.push(Written { condition: None, when: None, act, composed: None, before: 0 });
        }
        let (list, what) = match self.medium {
            Medium::Http => ("requests", "requests"),
            Medium::Dns | Medium::DnsTcp => ("questions", "questions"),
            Medium::Tcp | Medium::Tls | Medium::Udp => ("steps", "steps"),
        };
        let Some(list) = node.field(list) else { return all };
        if list.items().len() > STEPS {
            self.reader.wrong(
                list,
                format!("a probe has at most {STEPS} {what}"),
                "split the check",
            );
            return all;
        }
        for item in list.items() {
            let before = self.captures.len();
            let act = match self.medium {
                Medium::Http => self.request(item),
                Medium::Dns | Medium::DnsTcp => self.question(item),
                Medium::Tcp | Medium::Tls | Medium::Udp => self.step(item),
            };
            let composed = item.at(&["send", "hex"]).filter(|hex| is_composed(hex));
            all.push(Written { condition: item.field("if"), when: None, act, composed, before });
        }
        let hears = all.iter().any(|one| {
            !matches!(one.act, Some(Act::Send(_) | Act::Echo(_) | Act::Compose(_) | Act::Reconnect))
        });
        if !hears {
            self.reader.wrong(list, "this probe listens to nothing", "add a step `read: {as: …}`");
        }
        all
    }

    /// A name for what is heard; its place in the record.
    fn capture(&mut self, node: &Node, of: Type, means: &str) -> Option<usize> {
        let name = node.field("as")?;
        let word = name.text()?;
        if !is_name(word) || ["params", "probe", "answered", "ended", "each"].contains(&word) {
            let help = "write small letters, digits and underscores, a letter first; `params`, `probe`, \
                        `answered`, `ended` and `each` mean something else";
            self.reader.wrong(name, format!("`{word}` cannot be a name here"), help);
            return None;
        }
        if self.captures.iter().any(|known| known.name == word) {
            self.reader.wrong(name, format!("something else is called `{word}` already"), "");
            return None;
        }
        self.captures.push(Field::new(word.to_owned(), of, means.to_owned()));
        Some(CAPTURES + self.captures.len() - 1)
    }

    fn step(&mut self, node: &Node) -> Option<Act> {
        let known = ["send", "read", "reconnect"];
        let given: Vec<&Entry> =
            node.entries().iter().filter(|entry| known.contains(&entry.name())).collect();
        let [entry] = given.as_slice() else {
            let at = given.get(1).map_or(node, |second| &second.key);
            let help = "write each of send, read and reconnect as a step of its own, after `- `";
            self.reader.wrong(at, "a step does exactly one thing", help);
            return None;
        };
        match entry.name() {
            "send" => self.send(&entry.value, &entry.key),
            "read" => self.reading(&entry.value),
            _ if self.medium == Medium::Udp => {
                self.reader.wrong(&entry.key, "datagrams have no connection", "take this step out");
                None
            }
            _ => Some(Act::Reconnect),
        }
    }

    fn send(&mut self, node: &Node, key: &Node) -> Option<Act> {
        if self.class < Class::ReadOnly {
            let help = "a passive probe only listens; take `class: passive` out";
            self.reader.wrong(key, "this says something, and the class is passive", help);
        }
        if let Some(echo) = node.field("echo") {
            let word = echo.text()?;
            let Some(at) = self.captures.iter().position(|known| known.name == word) else {
                let known = self.captures.iter().map(|field| &*field.name);
                let title = misnamed(word, "was not heard before this step", known);
                self.reader.wrong(echo, title, "");
                return None;
            };
            return Some(Act::Echo(CAPTURES + at));
        }
        if node.field("hex").is_some_and(is_composed) {
            // Put together once the facts are known that it may name.
            return Some(Act::Compose(Arc::default()));
        }
        let bytes: Arc<[u8]> = bytes(self.reader, node)?.into();
        if bytes.is_empty() || bytes.len() > MESSAGE {
            self.reader.wrong(node, format!("a message has from 1 to {MESSAGE} bytes"), "");
            return None;
        }
        Some(Act::Send(bytes))
    }

    fn reading(&mut self, node: &Node) -> Option<Act> {
        let most = size(self.reader, node.field("max"), READ);
        let until = self.until(node);
        let patience = if self.medium == Medium::Udp { PATIENCE_UDP } else { PATIENCE.0 };
        let patience = duration(self.reader, node.field("timeout"), (patience, PATIENCE.1));
        let form = match node.field("format").and_then(Node::text) {
            Some("hex") => Form::Hex,
            _ => Form::Text,
        };
        let optional = node.field("optional").and_then(Node::text) == Some("true");
        let into = self.capture(node, Type::Text, "What was heard.");
        let (until, into) = (until?, into?);
        if let Until::Bytes(wanted) = until
            && wanted > most
        {
            let help = format!("raise `max`, which is {most} here");
            self.reader.wrong(
                node,
                format!("{wanted} bytes are more than are read at most"),
                &help,
            );
        }
        let hear = Hear { until, most, patience };
        Some(Act::Read(Read { into, hear, form, optional }))
    }

    fn until(&mut self, node: &Node) -> Option<Until> {
        let known = ["until", "bytes", "line", "quiet", "end"];
        let given: Vec<&Entry> = node
            .entries()
            .iter()
            .filter(|entry| known.contains(&entry.name()) && entry.value.text() != Some("false"))
            .collect();
        if self.medium == Medium::Udp {
            if let Some(entry) = given.first() {
                self.reader.wrong(&entry.key, "over UDP a read takes one datagram", "take it out");
                return None;
            }
            return Some(Until::Datagram);
        }
        let [entry] = given.as_slice() else {
            let (at, title) = match given.get(1) {
                Some(second) => (&second.key, "a read ends in one way only"),
                None => (node, "nothing says when this read ends"),
            };
            let help =
                "write one of `until: \"…\"`, `bytes: 4`, `line: true`, `quiet: true`, `end: true`";
            self.reader.wrong(at, title, help);
            return None;
        };
        Some(match entry.name() {
            "until" => {
                let end = bytes(self.reader, &entry.value)?;
                if end.is_empty() {
                    self.reader.wrong(&entry.value, "a read cannot end with nothing", "");
                    return None;
                }
                Until::Said(end)
            }
            "bytes" => match entry.value.text()?.parse() {
                Ok(0) | Err(_) => {
                    self.reader.wrong(&entry.value, "a read of no bytes hears nothing", "");
                    return None;
                }
                Ok(count) => Until::Bytes(count),
            },
            "line" => Until::Said(b"\n".to_vec()),
            "quiet" => Until::Quiet,
            _ => Until::End,
        })
    }

    fn question(&mut self, node: &Node) -> Option<Act> {
        let name = node.field("name")?;
        let text = name.text()?;
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_*".contains(&byte))
        };
        let plain = text.strip_suffix('.').unwrap_or(text);
        let fits = text == "." || (plain.len() <= 253 && plain.split('.').all(label));
        if !fits {
            self.reader.wrong(name, format!("`{text}` is not a name of DNS"), "");
        }
        let of = node.field("type").and_then(Node::text)?.to_owned();
        let class = node.field("class").and_then(Node::text).unwrap_or("IN").to_owned();
        let recurse = node.field("recurse").and_then(Node::text) == Some("true");
        let into = self.capture(node, dns_type(), "What the DNS server said.")?;
        let question = Question { name: text.to_owned(), of, class, recurse };
        Some(Act::Ask { into, question })
    }

    fn request(&mut self, node: &Node) -> Option<Act> {
        let method_of = |entry: &&Entry| {
            Method::ALL.into_iter().find(|method| method.word().eq_ignore_ascii_case(entry.name()))
        };
        let given: Vec<(&Entry, Method)> =
            node.entries().iter().filter_map(|entry| Some((entry, method_of(&entry)?))).collect();
        let [(entry, method)] = given.as_slice() else {
            let at = given.get(1).map_or(node, |(second, _)| &second.key);
            self.reader.wrong(at, "a request has exactly one method", "write `get: /path`");
            return None;
        };
        if !method.is_harmless() && self.class < Class::Intrusive {
            let title =
                format!("{} is more than asking, and the class is not intrusive", method.word());
            self.reader.wrong(
                &entry.key,
                title,
                "use get, head or options, or say `class: intrusive`",
            );
        }
        if self.class < Class::ReadOnly {
            let help = "take `class: passive` out: whoever asks for a page says something";
            self.reader.wrong(&entry.key, "a passive probe asks for nothing", help);
        }
        let each = self.each(node);
        let path = self.path(&entry.value, each);
        let most = size(self.reader, node.field("max"), BODY);
        let fields = node.field("headers").map(Node::entries).unwrap_or_default();
        let headers = fields.iter().filter_map(|entry| header(self.reader, entry)).collect();
        let follow = node.field("follow").and_then(Node::text) == Some("same-host");
        let (of, means) = match node.field("each") {
            Some(_) => (Type::list(page_type()), "The pages, one for each path."),
            None => (page_type(), "The page."),
        };
        let into = self.capture(node, of, means);
        let fetch = Fetch { method: *method, path: path?, headers, follow, most };
        Some(Act::Fetch { into: into?, fetch, each })
    }

    /// The parameter that `each` names.
    fn each(&mut self, node: &Node) -> Option<usize> {
        let node = node.field("each")?;
        let at = self.param(node)?;
        let param = self.around.params.get(at)?;
        if param.of != Type::list(Type::Text) {
            let title =
                format!("`each` needs a list of text, and `{}` is a {}", param.name, param.of);
            self.reader.wrong(node, title, "");
            return None;
        }
        Some(at)
    }

    /// The parameter that a text like `params.paths` names.
    pub(super) fn param(&mut self, node: &Node) -> Option<usize> {
        let text = node.text()?;
        let params = self.around.params;
        let Some(name) = text.strip_prefix("params.") else {
            self.reader.wrong(node, format!("`{text}` is not a parameter"), "write `params.name`");
            return None;
        };
        let found = params.iter().position(|param| param.name == name);
        if found.is_none() {
            let known = params.iter().map(|param| param.name.as_str());
            let title = misnamed(name, "is not a parameter of this check", known);
            self.reader.wrong(node, title, "declare it under `params:`, with a type and a default");
        }
        found
    }

    fn path(&mut self, node: &Node, each: Option<usize>) -> Option<String> {
        let text = node.text()?;
        let texts: Vec<String> = match each.and_then(|at| self.around.params.get(at)) {
            Some(param) => match &param.default {
                Value::List(list) => list.items.iter().map(ToString::to_string).collect(),
                _ => Vec::new(),
            },
            None => vec![String::new()],
        };
        if each.is_some() && !text.contains(EACH) {
            let help = format!("write `{EACH}` where the text of the list belongs");
            self.reader.wrong(node, "every one of these requests would ask for the same", &help);
            return None;
        }
        if let Some(bad) =
            texts.iter().map(|one| text.replace(EACH, one)).find(|path| !is_path(path))
        {
            let help = "a path begins with / and holds no spaces; what is not ASCII is written as %E4%BD%A0";
            self.reader.wrong(node, format!("`{bad}` is not a path"), help);
            return None;
        }
        Some(text.to_owned())
    }
}
