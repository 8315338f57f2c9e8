//! From `probe:` in a check file to a recipe: everything that is wrong with it, in one go.

use std::sync::Arc;
use std::time::Duration;

use super::super::Param;
use super::super::expr::{Called, Expression, Names, Own, mentions, misnamed};
use super::super::read::{is_name, placed};
use super::super::values::Reader;
use super::asking::{is_path, port};
use super::written::{bytes, duration, header, size};
use super::{
    Act, CAPTURES, Caps, EACH, Fetch, Form, Hear, Medium, Method, NONCE, Ports, Question, Read,
    Recipe, Step, Until, dns_type, kind_of, page_type,
};
use crate::facts::{KindId, Vocabulary};
use crate::model::plan::Class;
use crate::model::value::{Field, Type, Value};
use crate::yaml::{Entry, Node};

/// How many steps, requests or questions a recipe may have.
const STEPS: usize = 64;
/// The most that a file may ask for, and what it gets without asking.
const TIME: (u32, u32) = (15, 120);
const TIME_HTTP: (u32, u32) = (60, 120);
const BYTES: (usize, usize) = (64 << 10, 1 << 20);
const READ: (usize, usize) = (4 << 10, 1 << 20);
const BODY: (usize, usize) = (64 << 10, 256 << 10);
const CONNECTIONS: u32 = 8;
const REQUESTS: (u32, u32) = (64, 256);
const TRIES: (u32, u32) = (3, 5);
const PATIENCE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));
const PATIENCE_UDP: Duration = Duration::from_secs(2);
/// The largest message that may be sent.
const MESSAGE: usize = 16 << 10;

/// What a recipe is read with.
pub(in super::super) struct Around<'a> {
    /// The id of its check.
    pub(in super::super) check: &'a str,
    /// The place that its kind gets in the vocabulary.
    pub(in super::super) id: KindId,
    /// The parameters of its check.
    pub(in super::super) params: &'a [Param],
    /// The same as names and types.
    pub(in super::super) typed: &'a [(String, Type)],
}

/// Reads the recipe of a check.
pub(in super::super) fn read(
    reader: &mut Reader<'_>,
    probe: &Node,
    around: &Around<'_>,
) -> Option<Recipe> {
    let known = ["tcp", "tls", "udp", "dns", "http"];
    let media: Vec<&Entry> =
        probe.entries().iter().filter(|entry| known.contains(&entry.name())).collect();
    let [entry] = media.as_slice() else {
        let help = "write one of tcp, tls, udp, dns and http below it";
        let title = match media.as_slice() {
            [] => "nothing says what this probe speaks",
            _ => "a probe speaks one thing only",
        };
        let at = media.get(1).map_or(probe, |second| &second.key);
        reader.wrong(at, title, help);
        return None;
    };
    let node = &entry.value;
    let medium = match entry.name() {
        "tcp" => Medium::Tcp,
        "tls" => Medium::Tls,
        "udp" => Medium::Udp,
        "http" => Medium::Http,
        _ if node.field("over").and_then(Node::text) == Some("tcp") => Medium::DnsTcp,
        _ => Medium::Dns,
    };
    let mut draft = Draft { reader, around, medium, class: class(node), captures: Vec::new() };
    let mut written = draft.steps(node);
    let kind = kind_of(around.check, medium, draft.fields());
    let facts = draft.facts(probe, &kind);
    let own = Own { kind: &kind, id: around.id, facts: &facts, called: Called::Bare };
    draft.conditions(&mut written, own);
    let ports = draft.ports(node);
    let tries = draft.number(node, "tries", TRIES).unwrap_or(TRIES.0);
    let caps = draft.caps(node, &written);
    let steps = written
        .into_iter()
        .map(|written| Some(Step { when: written.when, act: written.act? }))
        .collect::<Option<Vec<Step>>>();
    Some(Recipe {
        medium,
        class: draft.class,
        caps,
        tries: if medium.is_datagrams() { tries } else { 1 },
        ports,
        kind,
        // What is wrong was complained of, and keeps the check from being made.
        steps: steps.unwrap_or_default(),
        facts,
    })
}

fn class(node: &Node) -> Class {
    match node.field("class").and_then(Node::text) {
        Some("passive") => Class::Passive,
        Some("intrusive") => Class::Intrusive,
        _ => Class::ReadOnly,
    }
}

/// A step while it is read.
struct Written<'n> {
    condition: Option<&'n Node>,
    when: Option<Expression>,
    act: Option<Act>,
    /// How many captures there are before it.
    before: usize,
}

struct Draft<'r, 's, 'a> {
    reader: &'r mut Reader<'s>,
    around: &'a Around<'a>,
    medium: Medium,
    class: Class,
    captures: Vec<Field>,
}

impl Draft<'_, '_, '_> {
    fn fields(&self) -> Vec<Field> {
        self.captures.clone()
    }

    /// The steps, requests or questions, without their conditions: those need all captures to be known.
    fn steps<'n>(&mut self, node: &'n Node) -> Vec<Written<'n>> {
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
            all.push(Written { condition: None, when: None, act, before: 0 });
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
            all.push(Written { condition: item.field("if"), when: None, act, before });
        }
        let hears = all
            .iter()
            .any(|one| !matches!(one.act, Some(Act::Send(_) | Act::Echo(_) | Act::Reconnect)));
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
    fn param(&mut self, node: &Node) -> Option<usize> {
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

    fn ports(&mut self, node: &Node) -> Ports {
        let in_place = match self.medium {
            Medium::Udp => Ports::Fixed(Vec::new()),
            Medium::Dns | Medium::DnsTcp => Ports::Fixed(vec![53]),
            Medium::Tcp | Medium::Tls | Medium::Http => return Ports::Found,
        };
        let Some(node) = node.field("ports") else { return in_place };
        if node.scalar().is_some() {
            let Some(at) = self.param(node) else { return in_place };
            let Some(param) = self.around.params.get(at) else { return in_place };
            let all_ports = |value: &Value| match value {
                Value::List(list) => list.items.iter().all(|item| port(item).is_some()),
                _ => false,
            };
            if param.of != Type::list(Type::Int) {
                let title =
                    format!("ports are a list of numbers, and `{}` is a {}", param.name, param.of);
                self.reader.wrong(node, title, "");
            } else if !all_ports(&param.default) {
                let title = format!("not every number of `{}` is a port", param.name);
                self.reader.wrong(node, title, "ports go from 1 to 65535");
            }
            return Ports::Param(at);
        }
        if node.items().is_empty() {
            self.reader.wrong(node, "this list names no port", "");
        }
        let mut ports = Vec::new();
        for item in node.items() {
            match item.text().and_then(|text| text.parse().ok()).filter(|port| *port > 0) {
                Some(port) => ports.push(port),
                None => self.reader.wrong(item, "this is no port", "ports go from 1 to 65535"),
            }
        }
        Ports::Fixed(ports)
    }

    fn caps(&mut self, node: &Node, steps: &[Written<'_>]) -> Caps {
        let empty = node.field("limits").unwrap_or(node);
        let http = self.medium == Medium::Http;
        let again = steps.iter().filter(|step| matches!(step.act, Some(Act::Reconnect))).count();
        let questions =
            steps.iter().filter(|step| matches!(step.act, Some(Act::Ask { .. }))).count();
        let needed = u32::try_from(again + 1).unwrap_or(u32::MAX);
        let connections = match self.medium {
            Medium::Http => REQUESTS,
            Medium::DnsTcp => (u32::try_from(questions).unwrap_or(u32::MAX), REQUESTS.1),
            _ => (needed, CONNECTIONS),
        };
        let time = if http { TIME_HTTP } else { TIME };
        let (limits, written) = match node.field("limits") {
            Some(limits) => (limits, true),
            None => (empty, false),
        };
        let connections = if written {
            self.number(limits, "connections", connections).unwrap_or(connections.0)
        } else {
            connections.0
        };
        if connections > REQUESTS.1
            || (!http && self.medium != Medium::DnsTcp && connections < needed)
        {
            let title =
                format!("this probe connects {needed} times, and {connections} are allowed");
            self.reader.wrong(limits, title, "raise `connections`, or take a `reconnect` out");
        }
        if again >= CONNECTIONS as usize && !http {
            self.reader.wrong(node, format!("at most {CONNECTIONS} connections are made"), "");
        }
        let seconds =
            if written { self.number(limits, "seconds", time).unwrap_or(time.0) } else { time.0 };
        let bytes = size(self.reader, limits.field("bytes").filter(|_| written), BYTES);
        Caps { connections, bytes, time: Duration::from_secs(u64::from(seconds)) }
    }

    /// A number within its bounds: from 1 to `bounds.1`.
    fn number(&mut self, node: &Node, field: &str, bounds: (u32, u32)) -> Option<u32> {
        let node = node.field(field)?;
        let number = node.text()?.parse().ok()?;
        if number == 0 || number > bounds.1 {
            let title = format!("{number} is out of bounds for `{field}`");
            self.reader.wrong(node, title, &format!("write a number from 1 to {}", bounds.1));
            return None;
        }
        Some(number)
    }

    /// What is concluded, each after what it rests on.
    fn facts(
        &mut self,
        probe: &Node,
        kind: &crate::model::value::Kind,
    ) -> Vec<(String, Expression)> {
        let mut left: Vec<&Entry> = Vec::new();
        for entry in probe.field("facts").map(Node::entries).unwrap_or_default() {
            let name = entry.name();
            if !is_name(name) || ["params", "probe", "each"].contains(&name) {
                let help = "write small letters, digits and underscores, a letter first";
                self.reader.wrong(&entry.key, format!("`{name}` is not a name for a fact"), help);
            } else if kind.slot(name).is_some() {
                self.reader.wrong(
                    &entry.key,
                    format!("something else is called `{name}` already"),
                    "",
                );
            } else {
                left.push(entry);
            }
        }
        let mut done: Vec<(String, Expression)> = Vec::new();
        while !left.is_empty() {
            let waiting: Vec<&str> = left.iter().map(|entry| entry.name()).collect();
            let ready = left.iter().position(|entry| {
                let named = mentions(entry.value.text().unwrap_or(""));
                !named.iter().any(|name| waiting.contains(&name.as_str()))
            });
            let Some(ready) = ready else {
                if let Some(first) = left.first() {
                    let title = format!("these facts rest on each other: {}", waiting.join(", "));
                    self.reader.wrong(&first.key, title, "");
                }
                break;
            };
            let entry = left.remove(ready);
            let own = Own { kind, id: self.around.id, facts: &done, called: Called::Bare };
            if let Some(of) = self.expression(&entry.value, own, None) {
                done.push((entry.name().to_owned(), of));
            } else {
                // Whatever rests on it would only say the same again.
                let name = entry.name();
                left.retain(|other| {
                    !mentions(other.value.text().unwrap_or("")).iter().any(|word| word == name)
                });
            }
        }
        done
    }

    /// Compiles the conditions of steps, which see only what was heard before them.
    fn conditions(&mut self, steps: &mut [Written<'_>], own: Own<'_>) {
        for step in steps {
            let Some(node) = step.condition else { continue };
            let Some(when) = self.expression(node, own, Some(&Type::Bool)) else { continue };
            let late = when.looks_at().into_iter().map(|(_, slot)| usize::from(slot));
            let late = late.filter(|slot| *slot < CAPTURES || *slot >= CAPTURES + step.before);
            if let Some(field) = late.filter_map(|slot| own.kind.fields.get(slot)).next() {
                let title = format!("`{}` is not known before this step", field.name);
                self.reader.wrong(node, title, "a condition sees what was heard by earlier steps");
                continue;
            }
            step.when = Some(when);
        }
    }

    fn expression(&mut self, node: &Node, own: Own<'_>, of: Option<&Type>) -> Option<Expression> {
        let vocabulary = Vocabulary::default();
        let names = Names {
            vocabulary: &vocabulary,
            tier: own.kind.tier,
            params: self.around.typed,
            own: Some(own),
        };
        match Expression::read(node.text()?, &names, of) {
            Ok(expression) => Some(expression),
            Err(faults) => {
                let complaints = faults.into_iter().map(|fault| placed(self.reader, node, fault));
                let complaints: Vec<_> = complaints.collect();
                self.reader.complaints.extend(complaints);
                None
            }
        }
    }
}

/// The places of the parameters that a recipe uses.
pub(in super::super) fn uses(recipe: &Recipe) -> Vec<usize> {
    let mut used: Vec<usize> = Vec::new();
    if let Ports::Param(at) = recipe.ports {
        used.push(at);
    }
    for step in &recipe.steps {
        used.extend(step.when.iter().flat_map(Expression::uses));
        if let Act::Fetch { each: Some(at), .. } = step.act {
            used.push(at);
        }
    }
    used.extend(recipe.facts.iter().flat_map(|(_, fact)| fact.uses()));
    used
}
