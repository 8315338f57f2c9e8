//! The report for people: one offline HTML file without any script, in any language that has a words file.
//!
//! A review is first turned into views (plain values, already worded and grouped), then poured into templates. Every
//! value that a template prints passes [`show`], so no text can leave as markup, whoever wrote it.

mod changes;
mod controls;
mod decision;
mod exposure;
mod findings;
mod heat;
mod method;
mod page;
mod reader;
mod results;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde};
use minijinja::{AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value};

use super::words::Words;
use super::{Format, Options, RenderError};
use crate::model::digest::Digest;
use crate::model::heard::shown;
use crate::review::Review;
use page::Page;

pub(super) const FORMAT: Format = Format {
    name: "html",
    file: "report.html",
    means: "the report for people: one offline file, no script",
    render,
};

/// The templates, by the name under which they include one another.
const TEMPLATES: [(&str, &str); 13] = [
    ("report.html", include_str!("../../reports/templates/report.html")),
    ("parts.html", include_str!("../../reports/templates/parts.html")),
    ("decision.html", include_str!("../../reports/templates/decision.html")),
    ("exposure.html", include_str!("../../reports/templates/exposure.html")),
    ("heat.html", include_str!("../../reports/templates/heat.html")),
    ("changes.html", include_str!("../../reports/templates/changes.html")),
    ("findings.html", include_str!("../../reports/templates/findings.html")),
    ("waivers.html", include_str!("../../reports/templates/waivers.html")),
    ("results.html", include_str!("../../reports/templates/results.html")),
    ("controls.html", include_str!("../../reports/templates/controls.html")),
    ("method.html", include_str!("../../reports/templates/method.html")),
    ("leave.html", include_str!("../../reports/templates/leave.html")),
    ("style.css", STYLE),
];

/// Kept apart, because the policy names its digest.
const STYLE: &str = include_str!("../../reports/templates/style.css");

fn render(review: &Review, options: &Options<'_>) -> Result<Vec<u8>, RenderError> {
    let ours = |error: Error| RenderError(format!("{error:#}"));
    let words = options.words()?;
    let environment = environment(&words).map_err(ours)?;
    let template = environment.get_template("report.html").map_err(ours)?;
    template.render(Serde(Page::new(review, &words))).map(String::into_bytes).map_err(ours)
}

fn environment(words: &Words) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_formatter(show);
    environment.remove_filter("safe");
    environment.add_global("style_hash", base64(Digest::of(STYLE.trim_end().as_bytes()).bytes()));
    let words = words.clone();
    environment.add_function("say", move |key: &str, fills: Kwargs| -> Result<String, Error> {
        let mut filled = Vec::new();
        for name in fills.args() {
            filled.push((name, fills.get::<String>(name)?));
        }
        let pairs: Vec<_> = filled.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Ok(words.say(key, &pairs))
    });
    for (name, text) in TEMPLATES {
        environment.add_template(name, text.trim_end())?;
    }
    Ok(environment)
}

/// The only way out of a template: what could steer is made visible, and what is markup is escaped.
fn show(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_safe() || value.is_number() {
        return write!(out, "{value}").map_err(Error::from);
    }
    let own;
    let text = if let Some(text) = value.as_str() {
        text
    } else {
        own = value.to_string();
        &own
    };
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return escape(out, text);
    }
    escape(out, &shown(text))
}

/// Writes text so that it is text, between tags and in a quoted attribute alike.
fn escape(out: &mut Output<'_>, text: &str) -> Result<(), Error> {
    let mut rest = text;
    while let Some(at) = rest.find(['<', '>', '&', '"', '\'']) {
        let (plain, marked) = rest.split_at(at);
        let mut marked = marked.chars();
        let reference = match marked.next() {
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('&') => "&amp;",
            Some('"') => "&quot;",
            _ => "&#39;",
        };
        out.write_str(plain)?;
        out.write_str(reference)?;
        rest = marked.as_str();
    }
    out.write_str(rest).map_err(Error::from)
}

/// RFC 4648, section 4: the form in which a policy names a digest.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | chunk.get(at).map_or(0, |b| u32::from(*b)));
        for at in 0..4 {
            let index = usize::try_from(bits >> (18 - 6 * at) & 63).unwrap_or(0);
            let letter = LETTERS.get(index).copied().unwrap_or(b'A');
            out.push(if at > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_the_rfc() {
        let cases = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in cases {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn nothing_leaves_a_template_as_markup() {
        let words = Words::built_in("en").expect("English is built in");
        let environment = environment(&words).expect("the templates parse");
        let shown = environment.render_str("{{ a }}|{{ b }}", minijinja::context! { a => "<b a='1'>&\"\n\u{202e}", b => 7 });
        assert_eq!(shown.expect("it renders"), "&lt;b a=&#39;1&#39;&gt;&amp;&quot;\\n\\u{202e}|7");
        assert!(environment.render_str("{{ a|safe }}", minijinja::context! { a => "<" }).is_err());
    }
}
