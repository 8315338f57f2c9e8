//! Written values: from YAML to a value of a declared type, every mistake with its place.

use std::sync::Arc;

use super::expr::{misnamed, scales, text_as, unknown};
use crate::facts::Vocabulary;
use crate::model::complaint::{Complaint, Source};
use crate::model::outcome::Why;
use crate::model::value::{Field, List, Type, Value};
use crate::yaml::{Node, Sort};

/// Reads values of one file.
pub(crate) struct Reader<'s> {
    pub(crate) source: &'s Arc<Source>,
    pub(crate) complaints: Vec<Complaint>,
}

impl<'s> Reader<'s> {
    /// A reader that has found nothing wrong yet.
    pub(crate) fn new(source: &'s Arc<Source>) -> Self {
        Self { source, complaints: Vec::new() }
    }

    /// Notes what is wrong with a node.
    pub(crate) fn wrong(&mut self, node: &Node, title: impl Into<String>, help: &str) {
        let complaint = Complaint::at(self.source, node.mark(), title);
        self.complaints.push(if help.is_empty() { complaint } else { complaint.help(help) });
    }

    /// A value of that type.
    pub(crate) fn value(&mut self, node: &Node, of: &Type) -> Option<Value> {
        if let Some(why) = node.field("unknown") {
            return Some(Value::Unknown(Why::new(why.text().unwrap_or("not given"))));
        }
        match of {
            Type::List(of) => self.list(node, of),
            Type::Record(fields) => {
                self.record(node, fields).map(|fields| Value::Record(fields.into()))
            }
            _ => self.single(node, of),
        }
    }

    fn single(&mut self, node: &Node, of: &Type) -> Option<Value> {
        let Some(scalar) = node.scalar() else {
            return self.mistyped(node, of, "");
        };
        let text = scalar.text.as_str();
        match (of, scalar.sort()) {
            (_, Sort::Empty | Sort::Null) => self.mistyped(node, of, ""),
            (Type::Bool, Sort::Bool(is)) => Some(Value::Bool(is)),
            (Type::Bool, _) => self.mistyped(node, of, "write true or false, without quotes"),
            (Type::Int, Sort::Int(number)) => Some(Value::Int(number)),
            (Type::Int, _) => self.mistyped(node, of, "write a whole number, without quotes"),
            (Type::Text, Sort::Text) => Some(Value::text(text)),
            (Type::Text, _) => self.mistyped(node, of, &format!("put it in quotes: \"{text}\"")),
            _ => match text_as(text, of, &(0..text.len()))? {
                Ok(value) => Some(value),
                Err(fault) => {
                    let help = fault.help.first().cloned().unwrap_or_default();
                    self.wrong(node, fault.title, &help);
                    None
                }
            },
        }
    }

    fn list(&mut self, node: &Node, of: &Type) -> Option<Value> {
        if is_list(node) {
            return Some(Value::list(self.items(node, of)?));
        }
        let (Some(seen), Some(why)) = (node.field("seen"), node.field("unseen")) else {
            let help = "write [a, b], or {seen: [a, b], unseen: why there may be more}";
            return self.mistyped(node, &Type::list(of.clone()), help);
        };
        let items = self.items(seen, of)?.into();
        let unseen = Some(Why::new(why.text().unwrap_or("a part was seen")));
        Some(Value::List(List { items, unseen }))
    }

    fn items(&mut self, node: &Node, of: &Type) -> Option<Vec<Value>> {
        let items: Vec<Option<Value>> =
            node.items().iter().map(|item| self.value(item, of)).collect();
        items.into_iter().collect()
    }

    /// A record; fields that are left out are not known.
    pub(crate) fn record(&mut self, node: &Node, fields: &[Field]) -> Option<Vec<Value>> {
        if !is_map(node) {
            return self.mistyped(
                node,
                &Type::record(fields.iter().cloned()),
                "write {name: value, …}",
            );
        }
        for entry in node.entries() {
            if !fields.iter().any(|field| field.name == entry.name()) {
                let known = fields.iter().map(|field| &*field.name);
                let title = misnamed(entry.name(), "is not a field of this", known.clone());
                let help = format!("its fields: {}", known.collect::<Vec<_>>().join(", "));
                self.wrong(&entry.key, title, &help);
            }
        }
        let values: Vec<Option<Value>> = fields
            .iter()
            .map(|field| match node.field(&field.name) {
                Some(value) => self.value(value, &field.of),
                None => Some(unknown("not given")),
            })
            .collect();
        values.into_iter().collect()
    }

    fn mistyped<T>(&mut self, node: &Node, of: &Type, help: &str) -> Option<T> {
        let article = if matches!(of, Type::Text | Type::Bool) { "" } else { "a " };
        self.wrong(node, format!("{article}{of} is needed here"), help);
        None
    }

    /// A type as a parameter declares it.
    pub(crate) fn declared(&mut self, node: &Node, vocabulary: &Vocabulary) -> Option<Type> {
        let text = node.text()?;
        let (list, word) = match text.strip_prefix("list ") {
            Some(rest) => (true, rest.trim()),
            None => (false, text),
        };
        let scales = scales(vocabulary);
        let of = match word {
            "bool" => Type::Bool,
            "int" => Type::Int,
            "text" => Type::Text,
            "time" => Type::Moment,
            _ => {
                let Some(scale) = scales.iter().find(|scale| scale.name == word) else {
                    let plain = ["bool", "int", "text", "time"].into_iter();
                    let known: Vec<&str> =
                        plain.chain(scales.iter().map(|scale| scale.name)).collect();
                    let title = misnamed(word, "is not a type", known.iter().copied());
                    let help = format!("one of {}, or `list` and one of them", known.join(", "));
                    self.wrong(node, title, &help);
                    return None;
                };
                Type::Scale(scale)
            }
        };
        Some(if list { Type::list(of) } else { of })
    }
}

/// Whether a node is a list; an empty one may be either.
fn is_list(node: &Node) -> bool {
    node.scalar().is_none() && node.entries().is_empty()
}

/// Whether a node is a mapping; an empty one may be either.
fn is_map(node: &Node) -> bool {
    node.scalar().is_none() && node.items().is_empty()
}

/// A type in full, with the names of a scale: `list of TlsVersion (SSLv2 < SSLv3 < …)`.
pub fn type_in_full(of: &Type) -> String {
    fn scale(of: &Type) -> Option<&'static crate::model::value::Scale> {
        match of {
            Type::Scale(scale) => Some(scale),
            Type::List(of) => scale(of),
            _ => None,
        }
    }
    match scale(of) {
        Some(scale) => format!("{of} ({})", scale.names.join(" < ")),
        None => of.to_string(),
    }
}
