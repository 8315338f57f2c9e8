//! From `probe:` in a check file to a recipe: everything that is wrong with it, in one go.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use super::super::Param;
use super::super::expr::{Called, Expression, Names, Own, mentions};
use super::super::read::{is_name, placed};
use super::super::values::Reader;
use super::compose;
use super::deeds::port;
use super::record::kind_of;
use super::written::size;
use super::{Act, CAPTURES, Caps, Medium, Ports, Recipe, Step};
use crate::facts::{KindId, Vocabulary};
use crate::model::plan::Class;
use crate::model::value::{Field, Kind, Type, Value};
use crate::yaml::{Entry, Node};

/// The most that a file may ask for, and what it gets without asking.
const TIME: (u32, u32) = (15, 120);
const TIME_HTTP: (u32, u32) = (60, 120);
const BYTES: (usize, usize) = (64 << 10, 1 << 20);
pub(super) const READ: (usize, usize) = (4 << 10, 1 << 20);
pub(super) const BODY: (usize, usize) = (64 << 10, 256 << 10);
const CONNECTIONS: u32 = 8;
const REQUESTS: (u32, u32) = (64, 256);
const TRIES: (u32, u32) = (3, 5);
/// How many conclusions a probe may have.
const FACTS: usize = 64;
pub(super) const PATIENCE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));
pub(super) const PATIENCE_UDP: Duration = Duration::from_secs(2);

/// What a recipe is read with.
pub(in super::super) struct Around<'a> {
    /// The id of its check.
    pub(in super::super) check: &'a str,
    /// The parameters of its check.
    pub(in super::super) params: &'a [Param],
    /// The same as names and types.
    pub(in super::super) typed: &'a [(String, Type)],
    /// How many patterns may still be compiled for the file.
    pub(in super::super) patterns: &'a Cell<u32>,
}

/// Reads the recipe of a check.
pub(in super::super) fn read(
    reader: &mut Reader<'_>,
    probe: &Node,
    id: KindId,
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
    let mut draft = Draft { reader, around, id, medium, class: class(node), captures: Vec::new() };
    let mut written = draft.steps(node);
    let kind = kind_of(around.check, medium, draft.fields());
    let (facts, broken) = draft.facts(probe, &kind);
    let own = Own { kind: &kind, id, facts: &facts, broken: &broken, called: Called::Bare };
    draft.conditions(&mut written, own);
    draft.messages(&mut written, own);
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
        broken,
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
pub(super) struct Written<'n> {
    pub(super) condition: Option<&'n Node>,
    pub(super) when: Option<Expression>,
    pub(super) act: Option<Act>,
    /// Digits with names among them, of a message that is put together from what was heard.
    pub(super) composed: Option<&'n Node>,
    /// How many captures there are before it.
    pub(super) before: usize,
}

/// A recipe while it is read.
pub(super) struct Draft<'r, 's, 'a> {
    pub(super) reader: &'r mut Reader<'s>,
    pub(super) around: &'a Around<'a>,
    /// The place that the kind gets in the vocabulary.
    pub(super) id: KindId,
    pub(super) medium: Medium,
    pub(super) class: Class,
    pub(super) captures: Vec<Field>,
}

impl Draft<'_, '_, '_> {
    fn fields(&self) -> Vec<Field> {
        self.captures.clone()
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

    /// What is concluded, each after what it rests on, and the names of those that are wrong.
    fn facts(&mut self, probe: &Node, kind: &Kind) -> (Vec<(String, Expression)>, Vec<String>) {
        let (mut left, mut broken) = (Vec::new(), Vec::new());
        let entries = probe.field("facts").map(Node::entries).unwrap_or_default();
        if let Some(entry) = entries.get(FACTS) {
            let title = format!("a probe concludes at most {FACTS} facts, and here is one more");
            self.reader.wrong(&entry.key, title, "ask for the rest in another check");
        }
        for entry in entries.iter().take(FACTS) {
            let name = entry.name();
            if !is_name(name) || ["params", "probe", "each"].contains(&name) {
                let help = "write small letters, digits and underscores, a letter first";
                self.reader.wrong(&entry.key, format!("`{name}` is not a name for a fact"), help);
            } else if kind.slot(name).is_some() {
                let title = format!("something else is called `{name}` already");
                self.reader.wrong(&entry.key, title, "");
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
                    self.reader.wrong(&first.key, title, "let one of them rest on what was heard");
                }
                broken.extend(left.iter().map(|entry| entry.name().to_owned()));
                break;
            };
            let entry = left.remove(ready);
            let own =
                Own { kind, id: self.id, facts: &done, broken: &broken, called: Called::Bare };
            match self.expression(&entry.value, own, None) {
                Some(of) => done.push((entry.name().to_owned(), of)),
                // Whatever rests on it is not wrong for that.
                None => broken.push(entry.name().to_owned()),
            }
        }
        (done, broken)
    }

    /// Compiles the conditions of steps, which see only what was heard before them.
    fn conditions(&mut self, steps: &mut [Written<'_>], own: Own<'_>) {
        for step in steps {
            let Some(node) = step.condition else { continue };
            let Some(when) = self.expression(node, own, Some(&Type::Bool)) else { continue };
            if self.is_early(node, &when, step.before, own) {
                step.when = Some(when);
            }
        }
    }

    /// Compiles the messages in which something stands that was heard before them.
    fn messages(&mut self, steps: &mut [Written<'_>], own: Own<'_>) {
        for step in steps {
            let Some(node) = step.composed else { continue };
            let parts = match compose::read(node.text().unwrap_or("")) {
                Ok(parts) => parts,
                Err(wrong) => {
                    let help = "write two digits for each byte, {name} for what was heard, and [ ] around what has its \
                                length before it";
                    self.reader.wrong(node, wrong, help);
                    continue;
                }
            };
            let mut named = |name: &String| {
                let of = self.compiled(node, name, own, Some(&Type::Text))?;
                let known = self.is_early(node, &of, step.before, own);
                known.then(|| Arc::new(of))
            };
            let message: Option<Vec<_>> = parts.iter().map(|part| part.with(&mut named)).collect();
            step.act = message.map(|message| Act::Compose(message.into()));
        }
    }

    /// Whether an expression sees only what was heard before its step; complains when it does not.
    fn is_early(&mut self, node: &Node, of: &Expression, before: usize, own: Own<'_>) -> bool {
        let slots = of.looks_at().into_iter().map(|(_, slot)| usize::from(slot));
        let mut late = slots.filter(|slot| *slot < CAPTURES || *slot >= CAPTURES + before);
        let Some(field) = late.find_map(|slot| own.kind.fields.get(slot)) else { return true };
        let title = format!("`{}` is not known before this step", field.name);
        self.reader.wrong(node, title, "a step sees what was heard by earlier ones");
        false
    }

    fn expression(&mut self, node: &Node, own: Own<'_>, of: Option<&Type>) -> Option<Expression> {
        self.compiled(node, node.text()?, own, of)
    }

    /// Compiles a text that stands somewhere in a node.
    fn compiled(
        &mut self,
        node: &Node,
        text: &str,
        own: Own<'_>,
        of: Option<&Type>,
    ) -> Option<Expression> {
        let vocabulary = Vocabulary::default();
        let names = Names {
            vocabulary: &vocabulary,
            tier: own.kind.tier,
            params: self.around.typed,
            own: Some(own),
            patterns: self.around.patterns,
        };
        match Expression::read(text, &names, of) {
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
