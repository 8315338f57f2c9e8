//! Reads a file as a typed value and says everything that is wrong with it.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::node::{Content, Node, Sort};
use super::parse::{parse, shown};
use super::shape::Shape;
use super::value::value_of;
use crate::model::complaint::{Complaint, Source, nearest};

/// A file that was read: its value, and the tree that says where each part of it stands.
#[derive(Clone, Debug)]
pub struct Document<T> {
    /// The value.
    pub value: T,
    /// The tree it was made of.
    pub tree: Node,
    /// The file.
    pub source: Arc<Source>,
}

impl<T> Document<T> {
    /// The line, from 1, at which the value at the end of a path begins.
    pub fn line_of(&self, path: &[&str]) -> u32 {
        let (line, _) = self.source.line_column(self.tree.span_of(path).start);
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    /// A complaint about the value at the end of a path.
    pub fn complaint(&self, path: &[&str], title: impl Into<String>) -> Complaint {
        Complaint::at(&self.source, self.tree.span_of(path), title)
    }
}

/// Reads a file.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn read<T>(source: &Arc<Source>) -> Result<Document<T>, Vec<Complaint>>
where
    T: DeserializeOwned + JsonSchema + 'static,
{
    read_with(source, |_, _| {})
}

/// Reads a file that has more rules than its type can say. They are given the tree, even where its shape is wrong, and
/// add their complaints.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn read_with<T>(
    source: &Arc<Source>,
    rules: impl FnOnce(&Node, &mut Vec<Complaint>),
) -> Result<Document<T>, Vec<Complaint>>
where
    T: DeserializeOwned + JsonSchema + 'static,
{
    let schema = schema_of::<T>();
    let (tree, mut complaints) = parse(source);
    let Some(tree) = tree else { return Err(complaints) };
    if let Some(wrong) = about_the_schema_line(source, &tree, &schema) {
        complaints.push(wrong);
        return Err(complaints);
    }
    let mut shape = Shape::new(source, &schema);
    shape.walk(&tree);
    complaints.extend(shape.complaints);
    let value = convert(source, &tree, shape.wrong, &mut complaints);
    rules(&tree, &mut complaints);
    match value {
        Some(value) if complaints.is_empty() => {
            Ok(Document { value, tree, source: Arc::clone(source) })
        }
        _ => Err(in_order(complaints)),
    }
}

/// The JSON Schema (2020-12) of a type, made once.
pub fn schema_of<T: JsonSchema + 'static>() -> Arc<Value> {
    static KNOWN: Mutex<BTreeMap<TypeId, Arc<Value>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let made = known
        .entry(TypeId::of::<T>())
        .or_insert_with(|| Arc::new(schemars::schema_for!(T).to_value()));
    Arc::clone(made)
}

/// Makes the value. What a conversion refuses is put aside and the rest read again, until nothing new is found: serde
/// stops at its first error, and whoever mends a file wants all of them.
fn convert<T: DeserializeOwned>(
    source: &Arc<Source>,
    tree: &Node,
    mut aside: BTreeSet<u32>,
    complaints: &mut Vec<Complaint>,
) -> Option<T> {
    const ROUNDS: usize = 200;
    let whole = aside.is_empty();
    for _ in 0..ROUNDS {
        match value_of(tree, &aside) {
            Ok(value) => return Some(value).filter(|_| whole && complaints.is_empty()),
            Err(wrong) => {
                let path =
                    wrong.node.and_then(|id| path_to(tree, id)).unwrap_or_else(|| vec![tree]);
                let node = path.last().copied().unwrap_or(tree);
                // What lacks a part that was put aside is put aside itself, and nothing new is said about it.
                if !aside.contains(&node.id) && !holds_any(node, &aside) {
                    complaints.push(Complaint::at(source, node.mark(), sentence(&wrong.message)));
                }
                let next = path.iter().rev().find(|node| !aside.contains(&node.id));
                match next {
                    Some(next) if next.id != tree.id => aside.insert(next.id),
                    _ => return None,
                };
            }
        }
    }
    None
}

/// The nodes from the root to the one of that number.
fn path_to(from: &Node, id: u32) -> Option<Vec<&Node>> {
    if from.id == id {
        return Some(vec![from]);
    }
    let below = match &from.content {
        Content::Scalar(_) => None,
        Content::List(items) => items.iter().find_map(|item| path_to(item, id)),
        Content::Map(entries) => entries.iter().find_map(|entry| path_to(&entry.value, id)),
    };
    below.map(|mut path| {
        path.insert(0, from);
        path
    })
}

fn holds_any(node: &Node, wanted: &BTreeSet<u32>) -> bool {
    let within = |child: &Node| wanted.contains(&child.id) || holds_any(child, wanted);
    match &node.content {
        Content::Scalar(_) => false,
        Content::List(items) => items.iter().any(within),
        Content::Map(entries) => entries.iter().any(|entry| within(&entry.value)),
    }
}

/// A message of serde's or of a type's own conversion, as a sentence of ours.
fn sentence(message: &str) -> String {
    shown_whole(message.trim_end_matches('.'))
}

fn shown_whole(text: &str) -> String {
    crate::model::heard::shown(&text.chars().take(300).collect::<String>())
}

/// In the order of the file, each once.
fn in_order(mut complaints: Vec<Complaint>) -> Vec<Complaint> {
    let place =
        |complaint: &Complaint| complaint.at.as_ref().map(|(_, mark)| (mark.start, mark.end));
    complaints.sort_by_key(place);
    complaints.dedup();
    complaints
}

/// The line with which a file says what it is: `schema: postern/inventory/v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaLine {
    /// What it says.
    pub says: String,
    /// Where.
    pub mark: Range<usize>,
}

/// Finds the schema line of a file, whatever else is wrong with it.
pub fn schema_line(source: &Arc<Source>) -> Option<SchemaLine> {
    if let Some(node) = parse(source).0.as_ref().and_then(|tree| tree.field("schema")) {
        return Some(SchemaLine { says: node.text()?.to_owned(), mark: node.mark() });
    }
    let mut at = 0;
    for line in source.text.split_inclusive('\n') {
        if let Some(says) = line.strip_prefix("schema:") {
            let start = at + "schema:".len() + (says.len() - says.trim_start().len());
            let says = says.trim().to_owned();
            return Some(SchemaLine { mark: start..start + says.len(), says });
        }
        at += line.len();
    }
    None
}

/// What is wrong with how a file opens, where its type says how it must.
fn about_the_schema_line(source: &Arc<Source>, tree: &Node, schema: &Value) -> Option<Complaint> {
    let wanted = schema.pointer("/properties/schema/const").and_then(Value::as_str)?;
    let advice = format!("a file of this kind opens with `schema: {wanted}`");
    if tree.scalar().is_some_and(|scalar| scalar.sort() == Sort::Empty) {
        return Some(Complaint::at(source, 0..0, "this file is empty").help(advice));
    }
    if !matches!(tree.content, Content::Map(_)) {
        return Some(
            Complaint::at(source, tree.mark(), "this file is not a mapping with fields")
                .help(advice),
        );
    }
    let Some(node) = tree.field("schema") else {
        return Some(Complaint::at(source, tree.mark(), "`schema` is missing").help(advice));
    };
    let says = node.text().unwrap_or("");
    if says == wanted {
        return None;
    }
    let complaint = |title: String| Complaint::at(source, node.mark(), title);
    let parts = |text: &str| {
        let (kind, version) = text.rsplit_once("/v")?;
        Some((kind.to_owned(), version.parse::<u32>().ok()?))
    };
    Some(match (parts(says), parts(wanted)) {
        (Some((kind, version)), Some((own, known))) if kind == own && version > known => complaint(format!(
            "this file is made for a newer postern: it is version {version}, and {known} is the newest that this one \
             knows"
        ))
        .help("update postern"),
        (Some((kind, _)), Some((own, _))) if kind.starts_with("postern/") && kind != own && nearest(&kind, [own.as_str()]).is_none() => {
            complaint(format!("this is a file of another kind: `{}`", shown(says))).help(advice)
        }
        _ => complaint(format!("`{}` is not known here; did you mean `{wanted}`?", shown(says))).help(advice),
    })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use serde::Deserialize;

    use super::*;
    use crate::model::moment::Moment;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "the fields are read by the tests' reader only")]
    struct Sample {
        /// What it is.
        #[schemars(extend("const" = "postern/sample/v1"))]
        schema: String,
        /// Its name.
        name: String,
        #[serde(default)]
        open: bool,
        #[serde(default)]
        port: Option<u16>,
        #[serde(default)]
        when: Vec<Moment>,
        #[serde(default)]
        at: Vec<IpAddr>,
        #[serde(default)]
        level: Option<Level>,
        #[serde(default)]
        parts: Vec<Part>,
        #[serde(default)]
        any: Option<Value>,
        #[serde(default)]
        either: Option<Either>,
        #[serde(default)]
        by_port: BTreeMap<u16, String>,
    }

    #[derive(Debug, Deserialize, JsonSchema, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Level {
        /// Little.
        Low,
        /// Much.
        High,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "the fields are read by the tests' reader only")]
    struct Part {
        id: String,
        until: Moment,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(untagged)]
    #[allow(dead_code, reason = "the fields are read by the tests' reader only")]
    enum Either {
        Word(String),
        Part(Part),
        Many(Vec<Part>),
    }

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source {
            path: "a.yaml".into(),
            text: format!("schema: postern/sample/v1\n{text}"),
        })
    }

    fn complaints(text: &str) -> Vec<String> {
        let source = source(text);
        let found = read::<Sample>(&source).err().unwrap_or_default();
        let line = |complaint: Complaint| {
            let (line, column) =
                complaint.at.map_or((0, 0), |(source, mark)| source.line_column(mark.start));
            format!("{}:{column} {}", line - 1, complaint.title)
        };
        found.into_iter().map(line).collect()
    }

    #[test]
    fn a_right_file_is_read() {
        let text = "name: a\nopen: true\nport: 443\nwhen: [2026-11-23]\nat: [\"2001:db8::1\", 192.0.2.1]\nlevel: high\n\
                    parts:\n  - {id: x, until: 2026-11-23T10:00:00+08:00}\nany: {a: [1, ~, 1.5, no]}\neither: word\n\
                    by_port: {443: https}\n";
        let document = read::<Sample>(&source(text)).expect("a value");
        let value = &document.value;
        assert_eq!((value.port, value.at.len(), &value.level), (Some(443), 2, &Some(Level::High)));
        assert_eq!(value.any, Some(serde_json::json!({"a": [1, null, 1.5, "no"]})));
        assert_eq!(value.by_port.get(&443).map(String::as_str), Some("https"));
        assert_eq!(document.line_of(&["parts", "0", "id"]), 9);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let text = "nmae: a\nopen: yes\nport: 70000\nwhen: [2026-11-23, tomorrow, 2026-02-30]\nat: [192.0.2, web1]\n\
                    level: hihg\nparts:\n  - id: x\n  - {id: 1.10, until: never}\n  - x\neither: {id: x}\n\
                    by_port: {https: 443}\n";
        assert_eq!(
            complaints(text),
            [
                "0:1 `name` is missing here",
                "1:1 there is no field `nmae`; did you mean `name`?",
                "2:7 `yes` is not read as true or false",
                "3:7 70000 is too much; at most 65535 is allowed",
                "4:20 `tomorrow` is not a time; write it as 2026-11-23T22:00:00+08:00 or 2026-11-23",
                "4:30 `2026-02-30` is not a time; write it as 2026-11-23T22:00:00+08:00 or 2026-11-23",
                "5:6 `192.0.2` is not an IP address",
                "5:15 `web1` is not an IP address",
                "6:8 `hihg` is not known here; did you mean `high`?",
                "8:5 `until` is missing here",
                "9:10 a text is needed here, and `1.10` is a number",
                "9:23 `never` is not a time; write it as 2026-11-23T22:00:00+08:00 or 2026-11-23",
                "10:5 a text stands here, and a mapping with fields is needed",
                "11:9 `until` is missing here",
                "12:18 a text is needed here, and `443` is a number",
            ]
        );
    }

    #[test]
    fn every_kind_of_slip_has_its_words() {
        for (text, wanted) in [
            ("name: 0755\n", "1:7 a text is needed here, and `0755` is a number to some readers"),
            ("name: no\n", "1:7 a text is needed here, and `no` is true or false to some readers"),
            ("name:\n", "1:5 a value is missing here: a text"),
            ("name: [a]\n", "1:7 a list stands here, and a text is needed"),
            ("name: a\nport: 0443\n", "2:7 `0443` is not a number that is read here"),
            ("name: a\nport: \"443\"\n", "2:7 a text stands here, and a whole number is needed"),
            ("name: a\nport: 4.5\n", "2:7 a number stands here, and a whole number is needed"),
            ("name: a\nat: 192.0.2.1\n", "2:5 a text stands here, and a list is needed"),
            ("name: a\nopen: \"true\"\n", "2:7 `true` is neither true nor false"),
            (
                "name: a\nlevel: [low]\n",
                "2:8 a list stands here, and one of `low`, `high` is needed",
            ),
            ("name: a\nby_port: {90000: x}\n", "2:18 `90000` is not a number that fits here"),
        ] {
            assert_eq!(complaints(text), [wanted], "{text}");
        }
    }

    #[test]
    fn a_file_says_what_it_is() {
        let first = |text: &str| {
            let source = Arc::new(Source { path: "a.yaml".into(), text: text.into() });
            read::<Sample>(&source)
                .err()
                .and_then(|mut found| found.pop())
                .map(|complaint| complaint.title)
        };
        for (text, wanted) in [
            ("", "this file is empty"),
            ("# only a comment\n", "this file is empty"),
            ("- a\n", "this file is not a mapping with fields"),
            ("name: a\n", "`schema` is missing"),
            (
                "schema: postern/sample/v2\n",
                "this file is made for a newer postern: it is version 2, and 1 is the newest that this one knows",
            ),
            (
                "schema: postern/waivers/v1\n",
                "this is a file of another kind: `postern/waivers/v1`",
            ),
            (
                "schema: postern/sampel/v1\n",
                "`postern/sampel/v1` is not known here; did you mean `postern/sample/v1`?",
            ),
            ("schema: 1\n", "`1` is not known here; did you mean `postern/sample/v1`?"),
        ] {
            assert_eq!(first(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn the_schema_line_is_found_in_a_broken_file() {
        let source = source("name: [\n");
        assert_eq!(
            schema_line(&source).map(|line| line.says).as_deref(),
            Some("postern/sample/v1")
        );
    }
}
