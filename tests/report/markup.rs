//! Reads a page as its tags, with none of a browser's leniency, and holds it to what this report may contain.

use std::collections::BTreeSet;

/// Attributes that the templates use; no `on…`, no `style`, no `src`.
const ATTRIBUTES: [&str; 27] = [
    "aria-hidden",
    "aria-label",
    "aria-labelledby",
    "charset",
    "class",
    "colspan",
    "content",
    "d",
    "datetime",
    "dy",
    "height",
    "href",
    "http-equiv",
    "id",
    "lang",
    "name",
    "open",
    "preserveaspectratio",
    "rel",
    "role",
    "scope",
    "tabindex",
    "text-anchor",
    "viewbox",
    "width",
    "x",
    "y",
];

const TAGS: [&str; 49] = [
    "!doctype", "a", "article", "b", "body", "caption", "dd", "details", "div", "dl", "dt",
    "footer", "h1", "h2", "h3", "h4", "h5", "head", "header", "html", "i", "li", "link", "main",
    "meta", "nav", "ol", "p", "path", "pre", "rect", "section", "small", "span", "strong", "style",
    "summary", "svg", "table", "tbody", "td", "text", "th", "thead", "tspan", "time", "title",
    "tr", "ul",
];

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Panics at the first thing that has no place in a report.
pub(crate) fn well_built(html: &str) {
    let tags = tags(html);
    let mut ids = BTreeSet::new();
    let mut targets = Vec::new();
    let mut level = 0;
    let mut tops = 0;
    for tag in &tags {
        let name = tag.name.trim_start_matches('/');
        assert!(TAGS.contains(&name), "<{name}> has no place in a report");
        for (attribute, value) in &tag.attributes {
            assert!(
                name == "!doctype" || ATTRIBUTES.contains(&attribute.as_str()),
                "<{name} {attribute}> has no place in a report"
            );
            match attribute.as_str() {
                "id" => assert!(ids.insert(value.clone()), "the id {value} stands twice"),
                "href" => match value.strip_prefix('#') {
                    Some(target) => targets.push(target.to_owned()),
                    None => assert!(
                        value.starts_with("https://") || value == "data:,",
                        "a link to {value}"
                    ),
                },
                _ => {}
            }
        }
        if let Some(depth) = tag.name.strip_prefix('h').and_then(|depth| depth.parse::<u32>().ok())
        {
            assert!(depth <= level + 1, "a heading of level {depth} follows one of level {level}");
            level = depth;
            tops += u32::from(depth == 1);
        }
        if tag.name == "th" {
            assert!(tag.attribute("scope").is_some(), "a heading cell says for what");
        }
    }
    assert_eq!(tops, 1, "one heading stands over all");
    for target in targets {
        assert!(ids.contains(&target), "a link leads to #{target}, which is nowhere");
    }
    let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
    assert_eq!(count("table"), count("caption"), "every table has a caption");
    assert_eq!((count("main"), count("nav"), count("style"), count("link")), (1, 1, 1, 1));
}

fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some((text, more)) = rest.split_once('<') {
        assert!(
            !text.contains('>'),
            "a loose > near {}",
            &text.chars().take(60).collect::<String>()
        );
        let (inside, after) = more.split_once('>').expect("a tag that is opened is closed");
        let tag = tag(inside);
        rest = if tag.name == "style" {
            after.split_once("</style>").expect("the style ends").1
        } else {
            after
        };
        tags.push(tag);
    }
    tags
}

fn tag(inside: &str) -> Tag {
    let (name, mut rest) = inside.split_once(' ').unwrap_or((inside, ""));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start().trim_end_matches('/');
        if rest.is_empty() {
            break;
        }
        let end = rest.find([' ', '=']).unwrap_or(rest.len());
        let (attribute, after) = rest.split_at(end);
        let value = after
            .strip_prefix("=\"")
            .map(|quoted| quoted.split_once('"').expect("a quoted value ends"));
        let (value, after) = value.unwrap_or(("", after));
        assert!(!after.starts_with('='), "an attribute without quotes: {inside}");
        attributes.push((attribute.to_ascii_lowercase(), value.to_owned()));
        rest = after;
    }
    Tag { name: name.trim_end_matches('/').to_ascii_lowercase(), attributes }
}
