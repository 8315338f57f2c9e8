//! From text to tree, within a budget: every scalar, list and mapping with its place, duplicate keys found.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use serde_saphyr::granit_parser::{
    ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput, StructureStyle, Tag,
};

use super::node::{Content, Entry, Node, Scalar, Sort, Style};
use super::text;
use crate::model::complaint::{Complaint, Source};

/// How deep lists and mappings may stand in each other.
const DEPTH: usize = 64;
/// How many values a file may hold, keys included.
const NODES: usize = 500_000;
/// How many of them may be copies that aliases make.
const COPIES: usize = 50_000;

/// The tree of a file, and what is wrong with it as YAML. There is no tree where the text makes none.
pub fn parse(source: &Arc<Source>) -> (Option<Node>, Vec<Complaint>) {
    if let Some(unwanted) = text::unwanted(source) {
        return (None, vec![unwanted]);
    }
    let options = serde_saphyr::granit_parser::options! {
        disallow_directives: true,
        emit_comments: false,
        flow_nesting_limit: DEPTH,
        block_nesting_limit: DEPTH,
    };
    let mut builder = Builder {
        source,
        events: Parser::new_from_str_with_options(&source.text, options),
        anchors: BTreeMap::new(),
        nodes: 0,
        copies: 0,
        complaints: Vec::new(),
    };
    match builder.document() {
        Ok(tree) => (Some(tree), builder.complaints),
        Err(Stop(last)) => {
            builder.complaints.push(last);
            (None, builder.complaints)
        }
    }
}

/// A complaint after which there is no use in going on.
struct Stop(Complaint);

struct Builder<'a> {
    source: &'a Arc<Source>,
    events: Parser<'a, StrInput<'a>>,
    /// What each anchor stands for, with its number of nodes; nothing while it is still being read.
    anchors: BTreeMap<usize, Option<(Node, usize)>>,
    nodes: usize,
    copies: usize,
    complaints: Vec<Complaint>,
}

impl<'a> Builder<'a> {
    fn document(&mut self) -> Result<Node, Stop> {
        let mut tree = None;
        loop {
            let (event, mark) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                Event::DocumentStart(..) if tree.is_some() => {
                    return Err(Stop(
                        Complaint::at(self.source, mark, "a second document begins here")
                            .help("write one document a file, and no `---` in between"),
                    ));
                }
                Event::DocumentStart(..) => {
                    let (event, mark) = self.next()?;
                    tree = Some(self.node(event, mark)?);
                }
                _ => return Err(Stop(Complaint::at(self.source, mark, "nothing may stand here"))),
            }
        }
        let nothing = Content::Scalar(Scalar { text: String::new(), style: Style::Plain });
        Ok(tree.unwrap_or_else(|| self.made(0..0, 0..0, nothing)))
    }

    fn next(&mut self) -> Result<(Event<'a>, Range<usize>), Stop> {
        match self.events.next_event() {
            Some(Ok((event, span))) => Ok((event, bytes(span))),
            Some(Err(wrong)) => Err(Stop(in_words(self.source, &wrong))),
            None => Ok((Event::StreamEnd, self.source.text.len()..self.source.text.len())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Range<usize>) -> Result<Node, Stop> {
        self.nodes += 1;
        if self.nodes > NODES {
            let title = format!("there are more than {NODES} values in this file");
            return Err(Stop(Complaint::at(self.source, span, title)));
        }
        let before = self.nodes + self.copies;
        let anchor = event.anchor_id().unwrap_or(0);
        if anchor > 0 {
            self.anchors.insert(anchor, None);
        }
        let node = match event {
            Event::Alias(of) => return self.alias(of, span),
            Event::Scalar(text, style, _, tag) => {
                self.refuse_tag(tag.as_deref(), &span);
                self.scalar(text, style, span)
            }
            Event::SequenceStart(style, _, tag) => {
                self.refuse_tag(tag.as_deref(), &span);
                self.list(style, span)?
            }
            Event::MappingStart(style, _, tag) => {
                self.refuse_tag(tag.as_deref(), &span);
                self.map(style, span)?
            }
            _ => return Err(Stop(Complaint::at(self.source, span, "a value is missing here"))),
        };
        if anchor > 0 {
            self.anchors
                .insert(anchor, Some((node.clone(), self.nodes + self.copies - before + 1)));
        }
        Ok(node)
    }

    fn made(&self, span: Range<usize>, mark: Range<usize>, content: Content) -> Node {
        let id = u32::try_from(self.nodes).unwrap_or(u32::MAX);
        Node { id, span, mark, content }
    }

    fn scalar(&self, text: Cow<'_, str>, style: ScalarStyle, span: Range<usize>) -> Node {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        let mark = self.first_line(&span);
        // Where nothing is written the parser says `~`.
        let text = if span.is_empty() { String::new() } else { text.into_owned() };
        self.made(span, mark, Content::Scalar(Scalar { text, style }))
    }

    fn list(&mut self, style: StructureStyle, start: Range<usize>) -> Result<Node, Stop> {
        let number = self.nodes;
        let mut items = Vec::new();
        let end = loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                break span.end;
            }
            items.push(self.node(event, span)?);
        };
        let span = start.start..end;
        let mark = match items.first() {
            Some(first) if style != StructureStyle::Flow => first.mark(),
            _ => self.first_line(&span),
        };
        let id = u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Node { id, span, mark, content: Content::List(items) })
    }

    fn map(&mut self, style: StructureStyle, start: Range<usize>) -> Result<Node, Stop> {
        let number = self.nodes;
        let mut entries: Vec<Entry> = Vec::new();
        let mut names = BTreeSet::new();
        let end = loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break span.end;
            }
            let key = self.node(event, span)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            if let Some(entry) = self.entry(key, value, &entries, &mut names) {
                entries.push(entry);
            }
        };
        let span = start.start..end;
        let mark = match entries.first() {
            Some(first) if style != StructureStyle::Flow => first.key.mark(),
            _ => self.first_line(&span),
        };
        let id = u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Node { id, span, mark, content: Content::Map(entries) })
    }

    /// A key with its value, unless the key is none or stands there already.
    fn entry(
        &mut self,
        key: Node,
        value: Node,
        before: &[Entry],
        names: &mut BTreeSet<String>,
    ) -> Option<Entry> {
        let complaint = match key.scalar() {
            None => Complaint::at(
                self.source,
                key.mark(),
                "a key must be a text, not a list or a mapping",
            ),
            Some(scalar) if matches!(scalar.sort(), Sort::Empty | Sort::Null) => {
                Complaint::at(self.source, key.mark(), "a key is missing before this colon")
            }
            Some(scalar) if scalar.text == "<<" && scalar.style == Style::Plain => {
                Complaint::at(self.source, key.mark(), "merge keys (`<<`) are not read here").help(
                    "write the fields out where they belong; what a file says should stand in it",
                )
            }
            Some(scalar) if !names.insert(scalar.text.clone()) => {
                let first = before.iter().find(|entry| entry.name() == scalar.text);
                let line = first.map_or(0, |entry| self.source.line_column(entry.key.span.start).0);
                Complaint::at(
                    self.source,
                    key.mark(),
                    format!("`{}` stands here a second time", shown(&scalar.text)),
                )
                .label(format!("the first is on line {line}"))
                .help("keep one of the two")
            }
            Some(_) => return Some(Entry { key, value }),
        };
        self.complaints.push(complaint);
        None
    }

    fn alias(&mut self, of: usize, span: Range<usize>) -> Result<Node, Stop> {
        let Some(Some((node, size))) = self.anchors.get(&of) else {
            let title = "this alias stands within what it stands for";
            return Err(Stop(Complaint::at(self.source, span, title)));
        };
        self.copies += size;
        if self.copies > COPIES {
            let title = format!("the aliases of this file stand for more than {COPIES} values");
            return Err(Stop(
                Complaint::at(self.source, span, title)
                    .help("write out what is meant, without aliases"),
            ));
        }
        Ok(node.clone())
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, span: &Range<usize>) {
        if let Some(tag) = tag {
            let title = format!("tags such as `{}` are not read here", shown(&tag.original()));
            let complaint = Complaint::at(self.source, self.first_line(span), title);
            self.complaints.push(complaint.help("leave the tag out; put a text in quotes"));
        }
    }

    /// The part of a span that stands on its first line, without white space at the end.
    fn first_line(&self, span: &Range<usize>) -> Range<usize> {
        let text = self.source.text.get(span.clone()).unwrap_or("");
        let line = text.lines().next().unwrap_or("").trim_end();
        span.start..span.start + line.len()
    }
}

fn bytes(span: Span) -> Range<usize> {
    // Offsets in bytes are always known where a text, and not a stream, is parsed.
    span.byte_range().unwrap_or(0..0)
}

/// A text from the file, fit to stand in a sentence.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{}{more}", crate::model::heard::shown(&short))
}

/// What the parser says, in the words of somebody who writes a file.
fn in_words(source: &Arc<Source>, wrong: &ScanError) -> Complaint {
    use ErrorKind as Kind;
    let at = wrong.marker().byte_offset().unwrap_or(0).min(source.text.len());
    let here = |title: &str| {
        let long =
            source.text.get(at..).and_then(|rest| rest.chars().next()).filter(|c| *c != '\n');
        Complaint::at(source, at..at + long.map_or(0, char::len_utf8), title)
    };
    let indent = "fields of one mapping begin in the same column; indent with spaces, two a level";
    match wrong.kind() {
        Kind::RecursionLimitExceeded => {
            here(&format!("more than {DEPTH} lists or mappings stand in each other here"))
                .help("no file of this program needs a tenth of that: close what is open")
        }
        Kind::UnknownAnchor => {
            here("this alias stands for nothing: no anchor of that name comes before it")
        }
        Kind::TabNotAllowed
        | Kind::TabInBlockIndentation
        | Kind::TabInIndentation
        | Kind::TabAtBlockScalarStart => {
            here("a tab stands where a line is indented").help("indent with spaces")
        }
        Kind::DirectiveDisallowed => {
            here("directives (`%YAML`, `%TAG`) are not read here").help("leave the line out")
        }
        Kind::UnclosedQuotedScalar => here("a quote is opened and not closed"),
        Kind::UnclosedFlowCollection { open } => {
            here(&format!("`{open}` is opened and not closed"))
        }
        Kind::MismatchedFlowCollectionEnd { open, close } => {
            here(&format!("`{open}` is opened and `{close}` closes it"))
        }
        Kind::InvalidIndentation => {
            here("this line is indented differently from its neighbours").help(indent)
        }
        Kind::ExpectedBlockMappingKey => {
            here("a field, `name: value`, is expected here").help(indent)
        }
        Kind::ExpectedBlockSequenceEntry => {
            here("an entry of a list, `- value`, is expected here").help(indent)
        }
        Kind::SimpleKeyExpected | Kind::InvalidSimpleKey => {
            here("a colon is missing after this field's name")
                .help("write `name: value`, with a space after the colon")
        }
        Kind::UnexpectedCharacter { character } => {
            here(&format!("a value cannot begin with `{character}`")).help("put the text in quotes")
        }
        _ => here(&format!("this is not YAML: {}", wrong.info()))
            .help("is a quote or a bracket before it left open, or a colon or comma one too many?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source { path: "a.yaml".into(), text: text.into() })
    }

    /// The first complaint, as `line:column title`.
    fn first(text: &str) -> String {
        let source = source(text);
        let (_, complaints) = parse(&source);
        let Some(complaint) = complaints.first() else { return String::new() };
        let (_, mark) = complaint.at.clone().expect("a place");
        let (line, column) = source.line_column(mark.start);
        format!("{line}:{column} {}", complaint.title)
    }

    #[test]
    fn the_tree_knows_its_places() {
        let source = source(
            "# é\nhosts:\n  - id: web1\n    ports: [22, 443]\n  - id: \"w\\x65b2\"\nend: |\n  a\n  b\n",
        );
        let (tree, complaints) = parse(&source);
        assert_eq!(complaints, []);
        let tree = tree.expect("a tree");
        let text = |path: &[&str]| source.text.get(tree.span_of(path)).map(str::to_owned);
        assert_eq!(text(&["hosts", "0", "id"]).as_deref(), Some("web1"));
        assert_eq!(text(&["hosts", "0", "ports", "1"]).as_deref(), Some("443"));
        assert_eq!(text(&["hosts", "0", "ports"]).as_deref(), Some("[22, 443]"));
        assert_eq!(text(&["hosts", "0"]).as_deref(), Some("id"));
        assert_eq!(text(&["hosts", "1", "nothing"]).as_deref(), Some("id"));
        assert_eq!(tree.at(&["hosts", "1", "id"]).and_then(Node::text), Some("web2"));
        assert_eq!(tree.at(&["end"]).and_then(Node::text), Some("a\nb\n"));
    }

    #[test]
    fn parts_of_scalars_are_found_however_they_are_written() {
        for text in [
            "e: tls.all(v, v >= bad)\n",
            "é: 'tls.all(v, v >= bad)'\n",
            "e: \"tls.\\x61ll(v,\\tv >= bad)\"\n",
            "e: >-\n  tls.all(v,\n    v >=\n\n    bad)\n",
            "e: |\n  tls.all(v,\n  v >= bad)\n",
            "- e:\n    tls.all(v,\n    v >= bad)\n",
        ] {
            let source = source(text);
            let tree = parse(&source).0.expect("a tree");
            let tree = tree.items().first().unwrap_or(&tree);
            let node = &tree.entries().first().expect("a field").value;
            let value = node.text().expect("a text");
            let at = value.find("bad").expect("the word");
            let place = node.within(&source, at..at + 3);
            assert_eq!(source.text.get(place.clone()), Some("bad"), "{text} {place:?}");
            assert_eq!(source.text.get(node.within(&source, at + 1..at + 2)), Some("a"), "{text}");
            assert!(source.text.get(node.within(&source, at..at)) == Some(""), "{text}");
        }
        let source = source("e: 'it''s bad'\n");
        let tree = parse(&source).0.expect("a tree");
        let node = tree.field("e").expect("e");
        assert_eq!(source.text.get(node.within(&source, 5..8)), Some("bad"));
        assert_eq!(node.within(&source, 99..100).start, 13 + 1);
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_place() {
        for (text, wanted) in [
            ("a: 1\nb: 2\na: 3\n", "3:1 `a` stands here a second time"),
            ("a: {x: 1, x: 2}\n", "1:11 `x` stands here a second time"),
            ("b: &b {x: 1}\na:\n  <<: *b\n", "3:3 merge keys (`<<`) are not read here"),
            ("a: !!str 1\n", "1:10 tags such as `!!str` are not read here"),
            ("a: 1\n---\nb: 2\n", "2:1 a second document begins here"),
            (
                "a: *b\n",
                "1:4 this alias stands for nothing: no anchor of that name comes before it",
            ),
            ("a: &a [*a]\n", "1:8 this alias stands within what it stands for"),
            ("[a]: 1\n", "1:1 a key must be a text, not a list or a mapping"),
            (": 1\n", "1:1 a key is missing before this colon"),
        ] {
            assert_eq!(first(text), wanted, "{text}");
        }
    }

    #[test]
    fn bombs_stop_at_once() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let before = format!("*a{}", level - 1);
            let nine = vec![before; 9].join(", ");
            bomb = format!("{bomb}a{level}: &a{level} [{nine}]\n");
        }
        assert!(first(&bomb).contains("the aliases of this file stand for more than"));
        assert!(first(&"[".repeat(200_000)).contains("stand in each other"));
        assert!(first(&"- ".repeat(200_000)).contains("stand in each other"));
        assert!(first(&"{a: ".repeat(5_000)).contains("stand in each other"));
    }
}
