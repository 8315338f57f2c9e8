//! The tree of a file: scalars, lists and mappings, each with the bytes it stands at.

use std::ops::Range;

use super::place;
use crate::model::complaint::Source;

/// A value in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// A number of its own within the file; an alias has the number of what it stands for.
    pub(super) id: u32,
    /// The bytes it stands at.
    pub(super) span: Range<usize>,
    /// The part of them to point at.
    pub(super) mark: Range<usize>,
    pub(super) content: Content,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key: always a scalar.
    pub key: Node,
    /// Its value.
    pub value: Node,
}

impl Entry {
    /// The key's text.
    pub fn name(&self) -> &str {
        self.key.text().unwrap_or("")
    }
}

/// A single value as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// Its text after unquoting and folding.
    pub text: String,
    /// How it was written.
    pub style: Style,
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes: it may be a number, true, false or null.
    Plain,
    /// In single quotes: text.
    SingleQuoted,
    /// In double quotes: text, with escapes.
    DoubleQuoted,
    /// As a block that keeps its lines (`|`): text.
    Literal,
    /// As a block whose lines are folded (`>`): text.
    Folded,
}

/// What a scalar is by YAML 1.2's core schema, read narrowly: only `true`, `false` and decimal numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sort {
    /// Nothing was written.
    Empty,
    /// `null` or `~`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number without leading zeros.
    Int(i64),
    /// A decimal number.
    Float(f64),
    /// `yes`, `No`, `0755`, `1_000`, `0x1f`, `.inf`: some readers take it for something else than text.
    Trap,
    /// Text.
    Text,
}

impl Node {
    /// The bytes it stands at; those of a block go on to where the next thing begins.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The bytes to mark when speaking of it, all on one line: a scalar's own, an indented mapping's first key, an
    /// indented list's first entry.
    pub fn mark(&self) -> Range<usize> {
        self.mark.clone()
    }

    /// The same tree with another text in that scalar of it: what the file would be if that stood there.
    #[must_use]
    pub fn with_text(&self, scalar: &Self, text: &str) -> Self {
        self.changed(scalar.id, &|content| {
            if let Content::Scalar(scalar) = content {
                text.clone_into(&mut scalar.text);
            }
        })
    }

    /// The same tree with nothing in that list of it.
    #[must_use]
    pub fn with_emptied(&self, list: &Self) -> Self {
        self.changed(list.id, &|content| {
            if let Content::List(items) = content {
                items.clear();
            }
        })
    }

    fn changed(&self, id: u32, change: &dyn Fn(&mut Content)) -> Self {
        let mut changed = self.clone();
        changed.change(id, change);
        changed
    }

    fn change(&mut self, id: u32, change: &dyn Fn(&mut Content)) {
        if self.id == id {
            change(&mut self.content);
        }
        match &mut self.content {
            Content::Scalar(_) => {}
            Content::List(items) => items.iter_mut().for_each(|item| item.change(id, change)),
            Content::Map(entries) => {
                for entry in entries {
                    entry.value.change(id, change);
                }
            }
        }
    }

    /// The scalar, if it is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.content {
            Content::Scalar(scalar) => Some(scalar),
            Content::List(_) | Content::Map(_) => None,
        }
    }

    /// A scalar's text.
    pub fn text(&self) -> Option<&str> {
        self.scalar().map(|scalar| scalar.text.as_str())
    }

    /// A list's entries; none where it is no list.
    pub fn items(&self) -> &[Self] {
        match &self.content {
            Content::List(items) => items,
            Content::Scalar(_) | Content::Map(_) => &[],
        }
    }

    /// A mapping's entries; none where it is no mapping.
    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            Content::Scalar(_) | Content::List(_) => &[],
        }
    }

    /// The value of a key, if it is a mapping that has it.
    pub fn field(&self, name: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.name() == name).map(|entry| &entry.value)
    }

    /// The node at the end of a path of keys and places in lists: `["hosts", "0", "id"]`.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, step| match &node.content {
            Content::Map(_) => node.field(step),
            Content::List(items) => step.parse::<usize>().ok().and_then(|place| items.get(place)),
            Content::Scalar(_) => None,
        })
    }

    /// The bytes to mark for a path; of the nearest thing that is there, when the path leads nowhere.
    pub fn span_of(&self, path: &[&str]) -> Range<usize> {
        let reached = (0..=path.len()).rev().find_map(|depth| self.at(path.get(..depth)?));
        reached.unwrap_or(self).mark()
    }

    /// The bytes of the file in which a part of a scalar's text stands, however the scalar was written.
    ///
    /// White space that folding made or removed counts to the character before it.
    pub fn within(&self, source: &Source, part: Range<usize>) -> Range<usize> {
        match &self.content {
            Content::Scalar(scalar) => place::within(
                source.text.get(self.span()).unwrap_or(""),
                scalar,
                part,
                self.span.start,
            ),
            Content::List(_) | Content::Map(_) => self.mark(),
        }
    }
}

impl Scalar {
    /// What it is.
    pub fn sort(&self) -> Sort {
        if self.style == Style::Plain { sort_of_plain(&self.text) } else { Sort::Text }
    }
}

/// Sorts an unquoted scalar, by YAML 1.2's core schema (chapter 10.3) with traps where readers differ.
fn sort_of_plain(text: &str) -> Sort {
    match text {
        "" => return Sort::Empty,
        "null" | "~" => return Sort::Null,
        "true" => return Sort::Bool(true),
        "false" => return Sort::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let starts_as_number =
        digits.strip_prefix('.').unwrap_or(digits).starts_with(|c: char| c.is_ascii_digit());
    if !starts_as_number {
        return if is_trap_word(text) { Sort::Trap } else { Sort::Text };
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let plain = !text.starts_with('+') && (digits.len() == 1 || !digits.starts_with('0'));
        return match text.parse() {
            Ok(number) if plain => Sort::Int(number),
            _ => Sort::Trap,
        };
    }
    let number_like = |c: char| c.is_ascii_hexdigit() || "._xobeE+-:".contains(c);
    if let Ok(number) = text.parse::<f64>() {
        Sort::Float(number)
    } else if digits.chars().all(number_like) && is_trap_number(digits) {
        Sort::Trap
    } else {
        Sort::Text
    }
}

/// Words that YAML 1.1 reads as true, false or null, and 1.2 in other spellings than ours.
fn is_trap_word(text: &str) -> bool {
    let low = text.to_ascii_lowercase();
    matches!(
        low.as_str(),
        "yes"
            | "no"
            | "on"
            | "off"
            | "y"
            | "n"
            | "true"
            | "false"
            | "null"
            | ".inf"
            | "-.inf"
            | "+.inf"
            | ".nan"
    )
}

/// `0x1f`, `0o17`, `1_000` and YAML 1.1's `12:30:45` (base 60) are numbers to some readers.
fn is_trap_number(digits: &str) -> bool {
    let all =
        |rest: &str, known: &dyn Fn(char) -> bool| !rest.is_empty() && rest.chars().all(known);
    let hex = digits
        .strip_prefix("0x")
        .is_some_and(|rest| all(rest, &|c| c.is_ascii_hexdigit() || c == '_'));
    let octal = digits.strip_prefix("0o").is_some_and(|rest| all(rest, &|c| c.is_digit(8)));
    let binary =
        digits.strip_prefix("0b").is_some_and(|rest| all(rest, &|c| c.is_digit(2) || c == '_'));
    let grouped = all(digits, &|c| c.is_ascii_digit() || c == '_');
    let sixties = digits.contains(':') && all(digits, &|c| c.is_ascii_digit() || c == ':');
    hex || octal || binary || grouped || sixties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_sorted_narrowly() {
        for (text, sort) in [
            ("", Sort::Empty),
            ("~", Sort::Null),
            ("true", Sort::Bool(true)),
            ("True", Sort::Trap),
            ("no", Sort::Trap),
            ("Off", Sort::Trap),
            ("0", Sort::Int(0)),
            ("-7", Sort::Int(-7)),
            ("443", Sort::Int(443)),
            ("0755", Sort::Trap),
            ("+5", Sort::Trap),
            ("0x1F", Sort::Trap),
            ("1_000", Sort::Trap),
            ("12:30", Sort::Trap),
            ("99999999999999999999", Sort::Trap),
            ("1.10", Sort::Float(1.1)),
            ("1e3", Sort::Float(1000.0)),
            (".inf", Sort::Trap),
            ("192.0.2.1", Sort::Text),
            ("443/tcp", Sort::Text),
            ("2026-11-23", Sort::Text),
            ("2001:db8::1", Sort::Text),
            ("10.0.0.0/8", Sort::Text),
            ("nowhere", Sort::Text),
            ("1.2.3", Sort::Text),
        ] {
            assert_eq!(sort_of_plain(text), sort, "{text}");
        }
    }
}
