//! Just enough of XML 1.0 to write elements with attributes and text, well-formed whatever is in them.

use std::fmt::Write as _;

use crate::model::heard::shown;

/// How long a value or text may be, in characters: some readers refuse more.
const CHARS: usize = 20_000;

/// An element.
pub(crate) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Self>,
    text: String,
}

impl Element {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, attributes: Vec::new(), children: Vec::new(), text: String::new() }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The same with that attribute.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.attributes.push((name, escaped(value)));
        self
    }

    /// The same with that attribute, however long it is: for numbers, and nothing that a peer said.
    pub(crate) fn with_all(mut self, name: &'static str, numbers: &str) -> Self {
        let own = |c: &char| c.is_ascii_digit() || matches!(c, ',' | '-');
        self.attributes.push((name, numbers.chars().filter(own).collect()));
        self
    }

    /// The same with those children.
    pub(crate) fn holding(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// The same with that text.
    pub(crate) fn saying(mut self, text: &str) -> Self {
        self.text = text.split('\n').map(escaped).collect::<Vec<_>>().join("\n");
        self
    }

    /// The document of which it is the root.
    pub(crate) fn document(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut out, 0);
        out
    }

    fn write(&self, out: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        let _ = write!(out, "{indent}<{}", self.name);
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"{value}\"");
        }
        if self.children.is_empty() && self.text.is_empty() {
            out.push_str("/>\n");
            return;
        }
        out.push('>');
        out.push_str(&self.text);
        if !self.children.is_empty() {
            out.push('\n');
            self.children.iter().for_each(|child| child.write(out, depth + 1));
            out.push_str(&indent);
        }
        let _ = writeln!(out, "</{}>", self.name);
    }
}

/// Text for an attribute or between tags: what XML 1.0 forbids (its section 2.2) is made visible, what means something
/// to it is escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(CHARS));
    let cut = text.char_indices().nth(CHARS).map(|(end, _)| end);
    for c in shown(text.get(..cut.unwrap_or(text.len())).unwrap_or(text)).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    if cut.is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_place() {
        let element =
            Element::new("a").with("b", "\"><x>\0\u{202e}\n").saying("]]>&\u{1b}[2J\nnext");
        let wanted =
            "<a b=\"&quot;&gt;&lt;x&gt;\\x00\\u{202e}\\n\">]]&gt;&amp;\\x1b[2J\nnext</a>\n";
        let document = element.document();
        assert_eq!(document.split_once("?>\n").map(|(_, root)| root), Some(wanted));
    }
}
