//! A tree against the JSON Schema of its type: every field that is unknown, missing or of the wrong kind.
//!
//! It knows the part of JSON Schema 2020-12 that `schemars` writes for our types, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use regex::Regex;
use serde_json::{Map, Value};

use super::formats;
use super::node::{Content, Entry, Node, Scalar, Sort, Style};
use super::parse::shown;
use crate::model::complaint::{Complaint, Source, nearest};

/// More names of fields than this are counted, not shown.
const FIELDS_AT_MOST: usize = 40;

/// More missing fields than this are told in one complaint.
const MISSING_AT_MOST: usize = 12;

/// What is wrong with the shape of a tree, and the nodes it is about.
pub(super) struct Shape<'a> {
    source: &'a Arc<Source>,
    root: &'a Value,
    pub(super) complaints: Vec<Complaint>,
    /// The nodes that a typed value cannot be made of.
    pub(super) wrong: BTreeSet<u32>,
}

impl<'a> Shape<'a> {
    pub(super) fn new(source: &'a Arc<Source>, root: &'a Value) -> Self {
        Self { source, root, complaints: Vec::new(), wrong: BTreeSet::new() }
    }

    /// Compares the whole tree.
    pub(super) fn walk(&mut self, tree: &Node) {
        self.value(tree, self.root);
    }

    fn complain(&mut self, node: &Node, complaint: Complaint) {
        self.wrong.insert(node.id);
        self.complaints.push(complaint);
    }

    fn at(&self, node: &Node, title: impl Into<String>) -> Complaint {
        Complaint::at(self.source, node.mark(), title)
    }

    fn value(&mut self, node: &Node, schema: &'a Value) {
        let Some(schema) = self.resolved(schema) else { return };
        if let Some(choices) = schema.get("oneOf").or(schema.get("anyOf")).and_then(Value::as_array)
        {
            return self.choice(node, choices);
        }
        if let Some(wanted) = schema.get("const").and_then(Value::as_str) {
            return self.word(node, &[wanted]);
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            return self.word(node, &words);
        }
        let kinds = kinds(schema);
        if kinds.is_empty() {
            return;
        }
        if let Some(number) = schema.get("minProperties").and_then(Value::as_u64)
            && matches!(&node.content, Content::Map(entries) if (entries.len() as u64) < number)
        {
            let complaint = self.at(node, "nothing stands in this mapping");
            self.complain(node, complaint);
        }
        match &node.content {
            Content::Scalar(scalar) => self.scalar(node, scalar, schema, &kinds),
            Content::List(items) if kinds.contains(&"array") => self.list(node, items, schema),
            Content::Map(entries) if kinds.contains(&"object") => self.map(node, entries, schema),
            Content::List(_) | Content::Map(_) => self.of_another_kind(node, &kinds),
        }
    }

    /// Follows references to definitions. `true` in the place of a schema, and an empty one, allow anything.
    fn resolved(&self, mut schema: &'a Value) -> Option<&'a Map<String, Value>> {
        for _ in 0..32 {
            let object = schema.as_object()?;
            let Some(name) = object.get("$ref").and_then(Value::as_str) else {
                return Some(object);
            };
            schema = match name.strip_prefix("#") {
                Some("") => self.root,
                Some(pointer) => self.root.pointer(pointer)?,
                None => return None,
            };
        }
        None
    }

    fn of_another_kind(&mut self, node: &Node, kinds: &[&str]) {
        let wanted = in_words(kinds);
        let mut complaint =
            self.at(node, format!("{} stands here, and {wanted} is needed", kind_of(node)));
        if kinds.contains(&"array") {
            complaint = complaint
                .help("write a list: `[one, two]`, or each entry on a line of its own after `- `");
        } else if kinds.contains(&"object") {
            complaint =
                complaint.help("write its fields below, each on a line of its own: `name: value`");
        }
        self.complain(node, complaint);
    }

    fn scalar(
        &mut self,
        node: &Node,
        scalar: &Scalar,
        schema: &Map<String, Value>,
        kinds: &[&str],
    ) {
        let text = || shown(&scalar.text);
        let sort = scalar.sort();
        let fits = |kind: &str| kinds.contains(&kind);
        match sort {
            Sort::Null if fits("null") => {}
            Sort::Bool(_) if fits("boolean") => {}
            Sort::Int(number) if fits("integer") || fits("number") => {
                self.number(node, number, schema);
            }
            Sort::Float(_) if fits("number") => {}
            Sort::Text if fits("string") => self.string(node, &scalar.text, schema),
            Sort::Empty => {
                let help = match kinds.first() {
                    Some(&"array") if schema.contains_key("minItems") => {
                        "write at least one entry below, after `- `"
                    }
                    Some(&"array") => "write `[]` for none",
                    Some(&"object") => "write its fields below, indented by two more spaces",
                    _ => "write the value, or leave the line out if it may be left out",
                };
                let complaint =
                    self.at(node, format!("a value is missing here: {}", in_words(kinds)));
                self.complain(node, complaint.help(help));
            }
            Sort::Trap if fits("boolean") => {
                let yes =
                    matches!(text().to_ascii_lowercase().as_str(), "yes" | "on" | "y" | "true");
                let complaint = self.at(node, format!("`{}` is not read as true or false", text()));
                self.complain(node, complaint.help(format!("write `{yes}`")));
            }
            Sort::Trap | Sort::Bool(_) | Sort::Int(_) | Sort::Float(_) | Sort::Null
                if fits("string") =>
            {
                let what = match sort {
                    Sort::Trap if scalar.text.starts_with(|c: char| c.is_alphabetic()) => {
                        "true or false to some readers"
                    }
                    Sort::Trap => "a number to some readers",
                    _ => kind_of(node),
                };
                let complaint =
                    self.at(node, format!("a text is needed here, and `{}` is {what}", text()));
                let form = schema.get("description").filter(|_| schema.contains_key("pattern"));
                let help = match form.and_then(Value::as_str) {
                    Some(form) => form.trim_end_matches('.').to_owned(),
                    None => format!("put it in quotes: \"{}\"", text()),
                };
                self.complain(node, complaint.help(help));
            }
            Sort::Trap if fits("integer") || fits("number") => {
                let title = format!("`{}` is not a number that is read here", text());
                let complaint = self.at(node, title);
                self.complain(
                    node,
                    complaint.help("write decimal digits, without leading zeros or signs"),
                );
            }
            Sort::Text if fits("boolean") && kinds.len() == 1 => {
                let complaint = self.at(node, format!("`{}` is neither true nor false", text()));
                self.complain(node, complaint.help("write `true` or `false`, without quotes"));
            }
            Sort::Text
                if fits("integer")
                    && scalar.style != Style::Plain
                    && scalar.text.parse::<i64>().is_ok() =>
            {
                let complaint = self.at(node, "a text stands here, and a whole number is needed");
                self.complain(node, complaint.help("leave the quotes out"));
            }
            _ => self.of_another_kind(node, kinds),
        }
    }

    fn number(&mut self, node: &Node, number: i64, schema: &Map<String, Value>) {
        let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
        let (low, high) = format_range(schema.get("format").and_then(Value::as_str).unwrap_or(""));
        let low = bound("minimum").or(low);
        let high = bound("maximum").or(high);
        let said = match (low, high) {
            (Some(low), _) if number < low => {
                format!("{number} is too little; at least {low} is needed")
            }
            (_, Some(high)) if number > high => {
                format!("{number} is too much; at most {high} is allowed")
            }
            _ => return,
        };
        let complaint = self.at(node, said);
        self.complain(node, complaint);
    }

    fn string(&mut self, node: &Node, text: &str, schema: &Map<String, Value>) {
        let format = schema.get("format").and_then(Value::as_str).unwrap_or("");
        if let Some((title, help)) = formats::wrong(format, text) {
            let complaint = self.at(node, title).help(help);
            self.complain(node, complaint);
        }
        let shortest = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0);
        if shortest > 0 && text.trim().is_empty() {
            let complaint = self.at(node, "this text is empty");
            self.complain(node, complaint);
        }
    }

    /// A scalar that must be one of some words.
    fn word(&mut self, node: &Node, words: &[&str]) {
        let Some(text) = node.text() else {
            let title = format!("{} stands here, and {} is needed", kind_of(node), one_of(words));
            let complaint = self.at(node, title);
            return self.complain(node, complaint);
        };
        if words.contains(&text) {
            return;
        }
        let near = nearest(text, words.iter().copied());
        let complaint = match near {
            Some(near) => self
                .at(node, format!("`{}` is not known here; did you mean `{near}`?", shown(text))),
            None => self.at(node, format!("`{}` is not known here", shown(text))),
        };
        self.complain(node, complaint.help(format!("write {}", one_of(words))));
    }

    fn list(&mut self, node: &Node, items: &[Node], schema: &'a Map<String, Value>) {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        let most = schema.get("maxItems").and_then(Value::as_u64).unwrap_or(u64::MAX);
        let count = items.len() as u64;
        if count < least || count > most {
            let title = match (least, most) {
                (1, u64::MAX) => "this list is empty, and needs at least one entry".to_owned(),
                (least, most) if least == most => {
                    format!("this list has {count} entries, and needs {least}")
                }
                _ => format!("this list has {count} entries, and needs at least {least}"),
            };
            let complaint = self.at(node, title);
            self.complain(node, complaint);
        }
        let each = schema.get("prefixItems").and_then(Value::as_array);
        for (place, item) in items.iter().enumerate() {
            let of = each.and_then(|each| each.get(place)).or(schema.get("items"));
            if let Some(of) = of {
                self.value(item, of);
            }
        }
    }

    fn map(&mut self, node: &Node, entries: &[Entry], schema: &'a Map<String, Value>) {
        let fields = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        for entry in entries {
            self.name(entry, schema);
            let known = fields.and_then(|fields| fields.get(entry.name()));
            // Keys that are numbers: whether one fits is found when the value is made.
            let known = known.or_else(|| patterns?.values().next());
            match (known, others) {
                (None, Some(Value::Bool(false))) => {
                    self.unknown_field(entry, entries, fields);
                }
                (Some(of), _) | (None, Some(of)) => self.value(&entry.value, of),
                (None, None) => {}
            }
        }
        let required = schema.get("required").and_then(Value::as_array);
        let there = |name: &&str| entries.iter().any(|entry| entry.name() == *name);
        let required = required.into_iter().flatten().filter_map(Value::as_str);
        let missing: Vec<&str> = required.filter(|name| !there(name)).collect();
        if missing.len() > MISSING_AT_MOST {
            let title = format!("{} fields are missing here", missing.len());
            let complaint = self.at(node, title).help(format!("they are {}", some_of(&missing)));
            return self.complain(node, complaint);
        }
        for name in missing {
            let of = fields.and_then(|fields| fields.get(name));
            let means = of.and_then(|of| self.means(of));
            let mut complaint = self.at(node, format!("`{name}` is missing here"));
            if let Some(means) = means {
                complaint = complaint.help(format!("`{name}:` {means}"));
            }
            self.complain(node, complaint);
        }
    }

    /// Holds a key against what keys may be here (`propertyNames`).
    fn name(&mut self, entry: &Entry, schema: &Map<String, Value>) {
        let Some(names) = schema.get("propertyNames") else { return };
        let pattern = names.get("pattern").and_then(Value::as_str);
        if pattern.is_none_or(|pattern| fits(pattern, entry.name())) {
            return;
        }
        let title = format!("`{}` cannot be a name here", shown(entry.name()));
        let mut complaint = Complaint::at(self.source, entry.key.mark(), title);
        if let Some(help) = names.get("description").and_then(Value::as_str) {
            complaint = complaint.help(help);
        }
        self.wrong.insert(entry.value.id);
        self.complaints.push(complaint);
    }

    fn unknown_field(
        &mut self,
        entry: &Entry,
        beside: &[Entry],
        fields: Option<&Map<String, Value>>,
    ) {
        let name = entry.name();
        let free = |known: &&str| !beside.iter().any(|other| other.name() == *known);
        let known: Vec<&str> = fields.into_iter().flat_map(Map::keys).map(String::as_str).collect();
        let unused: Vec<&str> = known.iter().copied().filter(free).collect();
        let title = match nearest(name, unused.iter().copied()) {
            Some(near) => format!("there is no field `{}`; did you mean `{near}`?", shown(name)),
            None => format!("there is no field `{}` here", shown(name)),
        };
        let mut complaint = Complaint::at(self.source, entry.key.mark(), title);
        if !unused.is_empty() {
            complaint = complaint.help(format!("what else may stand here: {}", some_of(&unused)));
        }
        self.wrong.insert(entry.value.id);
        self.complaints.push(complaint);
    }

    /// The first line of what a field's description says.
    fn means(&self, of: &'a Value) -> Option<String> {
        let own = of.get("description").and_then(Value::as_str);
        let text = own.or_else(|| self.resolved(of)?.get("description")?.as_str())?;
        text.split("\n\n").next().map(|first| first.replace('\n', " "))
    }

    /// One of several shapes: the one that the node comes nearest to speaks.
    fn choice(&mut self, node: &Node, choices: &'a [Value]) {
        let mut words = Vec::new();
        let mut shapes = Vec::new();
        for choice in choices {
            let Some(schema) = self.resolved(choice) else { return };
            match self.words_of(schema) {
                Some(some) => words.extend(some),
                None => shapes.push((choice, schema)),
            }
        }
        if shapes.is_empty()
            || (node.scalar().is_some() && node.text().is_some_and(|text| words.contains(&text)))
        {
            return self.word(node, &words);
        }
        let fitting: Vec<&(&Value, &Map<String, Value>)> =
            shapes.iter().filter(|(_, schema)| self.is_of_kind(node, schema)).collect();
        match fitting.as_slice() {
            [] if !words.is_empty() => self.word(node, &words),
            [] => {
                let mut all: Vec<&str> =
                    shapes.iter().flat_map(|(_, schema)| self.all_kinds(schema)).collect();
                all.dedup();
                match node.scalar() {
                    Some(scalar) => self.scalar(node, scalar, &Map::new(), &all),
                    None => self.of_another_kind(node, &all),
                }
            }
            [(only, _)] => self.value(node, only),
            several => self.nearest_shape(node, several),
        }
    }

    fn nearest_shape(&mut self, node: &Node, several: &[&(&'a Value, &'a Map<String, Value>)]) {
        let mut best: Option<(usize, usize, Shape<'a>)> = None;
        for (choice, schema) in several {
            let mut tried = Shape::new(self.source, self.root);
            tried.value(node, choice);
            let found = (usize::MAX - self.marks_in_common(node, schema), tried.complaints.len());
            if tried.complaints.is_empty() {
                return;
            }
            if best.as_ref().is_none_or(|(marks, count, _)| found < (*marks, *count)) {
                best = Some((found.0, found.1, tried));
            }
        }
        if let Some((_, _, best)) = best {
            self.complaints.extend(best.complaints);
            self.wrong.extend(best.wrong);
        }
    }

    /// How many of a mapping's fields a shape knows; a field with the shape's own word for it counts for many.
    fn marks_in_common(&self, node: &Node, schema: &'a Map<String, Value>) -> usize {
        let Some(fields) = schema.get("properties").and_then(Value::as_object) else { return 0 };
        let marks = node.entries().iter().filter_map(|entry| {
            let of = self.resolved(fields.get(entry.name())?)?;
            let own = of
                .get("const")
                .and_then(Value::as_str)
                .is_some_and(|own| Some(own) == entry.value.text());
            Some(if own { 1000 } else { 1 })
        });
        marks.sum()
    }

    /// The words of a choice that is made of words only.
    fn words_of(&self, schema: &'a Map<String, Value>) -> Option<Vec<&'a str>> {
        if let Some(word) = schema.get("const").and_then(Value::as_str) {
            return Some(vec![word]);
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return Some(words.iter().filter_map(Value::as_str).collect());
        }
        let inner = schema.get("oneOf").and_then(Value::as_array)?;
        let words = inner.iter().map(|choice| self.words_of(self.resolved(choice)?));
        Some(words.collect::<Option<Vec<_>>>()?.concat())
    }

    /// The kinds of value that a schema allows, those of its choices included.
    fn all_kinds(&self, schema: &'a Map<String, Value>) -> Vec<&'a str> {
        match schema.get("oneOf").or(schema.get("anyOf")).and_then(Value::as_array) {
            Some(inner) => inner
                .iter()
                .filter_map(|choice| self.resolved(choice))
                .flat_map(|inner| self.all_kinds(inner))
                .collect(),
            None => kinds(schema),
        }
    }

    fn is_of_kind(&self, node: &Node, schema: &'a Map<String, Value>) -> bool {
        if let Some(inner) = schema.get("oneOf").or(schema.get("anyOf")).and_then(Value::as_array) {
            return inner
                .iter()
                .filter_map(|choice| self.resolved(choice))
                .any(|inner| self.is_of_kind(node, inner));
        }
        let kinds = kinds(schema);
        let fits = |kind: &str| kinds.is_empty() || kinds.contains(&kind);
        match &node.content {
            Content::List(_) => fits("array"),
            Content::Map(_) => fits("object"),
            Content::Scalar(scalar) => match scalar.sort() {
                Sort::Null => fits("null"),
                Sort::Bool(_) => fits("boolean"),
                Sort::Int(_) => fits("integer") || fits("number"),
                Sort::Float(_) => fits("number"),
                Sort::Empty | Sort::Trap => false,
                Sort::Text => fits("string"),
            },
        }
    }
}

/// Whether a name is like a pattern of a schema. There are few of these, and every language of every text is held
/// against one: each is compiled once.
fn fits(pattern: &str, name: &str) -> bool {
    static KNOWN: Mutex<BTreeMap<String, Option<Regex>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if !known.contains_key(pattern) {
        known.insert(pattern.to_owned(), Regex::new(pattern).ok());
    }
    known.get(pattern).and_then(Option::as_ref).is_some_and(|known| known.is_match(name))
}

/// The kinds of value that a schema allows; empty when it allows any.
fn kinds(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn kind_of(node: &Node) -> &'static str {
    match &node.content {
        Content::List(_) => "a list",
        Content::Map(_) => "a mapping",
        Content::Scalar(scalar) => match scalar.sort() {
            Sort::Empty => "nothing",
            Sort::Null => "null",
            Sort::Bool(_) => "true or false",
            Sort::Int(_) | Sort::Float(_) => "a number",
            Sort::Trap | Sort::Text => "a text",
        },
    }
}

fn in_words(kinds: &[&str]) -> String {
    let word = |kind: &&str| match *kind {
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a mapping with fields",
        _ => "nothing",
    };
    let words: Vec<&str> = kinds.iter().filter(|kind| **kind != "null").map(word).collect();
    words.join(" or ")
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [one] => one.clone(),
        _ => format!("one of {}", quoted.join(", ")),
    }
}

/// The range of a number's type in Rust, which `schemars` names as its format.
fn format_range(format: &str) -> (Option<i64>, Option<i64>) {
    match format {
        "uint8" => (Some(0), Some(i64::from(u8::MAX))),
        "uint16" => (Some(0), Some(i64::from(u16::MAX))),
        "uint32" => (Some(0), Some(i64::from(u32::MAX))),
        "uint64" | "uint" => (Some(0), None),
        "int8" => (Some(i64::from(i8::MIN)), Some(i64::from(i8::MAX))),
        "int16" => (Some(i64::from(i16::MIN)), Some(i64::from(i16::MAX))),
        "int32" => (Some(i64::from(i32::MIN)), Some(i64::from(i32::MAX))),
        _ => (None, None),
    }
}

/// Names of fields, at most so many.
fn some_of(names: &[&str]) -> String {
    let some = names.get(..FIELDS_AT_MOST).unwrap_or(names).join(", ");
    match names.len().saturating_sub(FIELDS_AT_MOST) {
        0 => some,
        more => format!("{some}, and {more} more"),
    }
}
