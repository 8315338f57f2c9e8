//! The pages of docs/reference/checks: an index by area, severity, class and port, and a page for each check.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{capital, cell, link};
use crate::catalogue::{Check, type_in_full};
use crate::cli::check::About;
use crate::cli::check::about::{meaning, word};
use crate::cli::check::explain::{conclusions, degree, limits};
use crate::cli::check::list::severity;
use crate::cli::library::Library;
use crate::facts::Vocabulary;
use crate::model::net::Transport;
use crate::model::plan::Class;
use crate::model::severity::Severity;

/// An index, and a page for each check, by path.
pub(super) fn pages(library: &Library) -> BTreeMap<String, String> {
    let (frameworks, _) = library.frameworks();
    let checks = library.catalogue.checks().iter().map(AsRef::as_ref);
    let all: Vec<(&Check, About<'_>)> =
        checks.map(|check| (check, About::new(check, &library.vocabulary, &frameworks))).collect();
    let mut pages = BTreeMap::from([("checks.md".to_owned(), index(&all))]);
    for (check, about) in &all {
        pages.insert(format!("checks/{}.md", check.id), page(check, about, &library.vocabulary));
    }
    pages
}

fn index(all: &[(&Check, About<'_>)]) -> String {
    let mut text = format!(
        "# Checks\n\nThe {} checks that come with Postern: [by area](#by-area), [by severity](#by-severity), \
         [by safety class](#by-safety-class) and [by port](#by-port).\nA profile chooses among them, may set their \
         parameters, and may make one a gate.\n`postern check explain ID` shows the page of one in the terminal.\n",
        all.len()
    );
    text.push_str("\n## By area\n");
    let mut area = "";
    for (check, about) in all {
        if check.id.area() != area {
            area = check.id.area();
            let _ = write!(
                text,
                "\n### {area}\n\n| check | severity | class | what is wanted |\n|---|---|---|---|\n"
            );
        }
        let title = cell(check.title.in_lang("en"));
        let (level, class) = (severity(check).word(), word(about.class));
        let _ = writeln!(text, "| {} | {level} | {class} | {title} |", link(check));
    }
    text.push_str("\n## By severity\n");
    for level in Severity::GRAVEST_FIRST {
        let of = all.iter().filter(|(check, _)| severity(check) == level);
        group(&mut text, &capital(level.word()), "", of.map(|(check, _)| *check));
    }
    text.push_str(
        "\n## By safety class\n\nWhat is sent for a check, its own probe and those that its facts rest on; a profile \
         and an authorisation cap it.\n",
    );
    for class in [Class::Connect, Class::Passive, Class::ReadOnly, Class::Intrusive] {
        let of = all.iter().filter(|(_, about)| about.class == class);
        group(&mut text, &capital(word(class)), meaning(class), of.map(|(check, _)| *check));
    }
    ports(&mut text, all);
    text
}

/// A line of checks, where there are any.
fn group<'c>(text: &mut String, name: &str, means: &str, of: impl Iterator<Item = &'c Check>) {
    let links: Vec<String> = of.map(link).collect();
    if links.is_empty() {
        return;
    }
    let means = if means.is_empty() { String::new() } else { format!(", {means}") };
    let _ = write!(text, "\n**{name}** ({}){means}: {}\n", links.len(), links.join(", "));
}

fn ports(text: &mut String, all: &[(&Check, About<'_>)]) {
    let mut by_port: BTreeMap<(u16, Transport), Vec<&Check>> = BTreeMap::new();
    for (check, about) in all {
        let Some((transport, ports)) = &about.ports else { continue };
        for port in ports {
            by_port.entry((*port, *transport)).or_default().push(check);
        }
    }
    text.push_str(
        "\n## By port\n\nThe checks that look at certain ports, as their parameters are when no profile sets them.\nAll \
         others look at whatever is found open.\n\n| port | checks |\n|---|---|\n",
    );
    for ((port, transport), checks) in by_port {
        let links: Vec<String> = checks.into_iter().map(link).collect();
        let _ = writeln!(text, "| {port}/{transport} | {} |", links.join(", "));
    }
}

fn page(check: &Check, about: &About<'_>, vocabulary: &Vocabulary) -> String {
    let titles: Vec<String> = check.title.0.values().map(|said| format!("**{said}**")).collect();
    let mut text = format!("# {}\n\n{}\n", check.id, titles.join("\\\n"));
    let tags: Vec<String> = check.tags.iter().map(|tag| format!("`tag:{tag}`")).collect();
    let _ = write!(
        text,
        "\n| severity | impact | likelihood | class | ports | revision | tags |\n|---|---|---|---|---|---|---|\n\
         | **{}** | {} | {} | {} | {} | {} | {} |\n\n## Why it matters\n\n",
        severity(check).word(),
        degree(check.impact),
        degree(check.likelihood),
        word(about.class),
        about.ports.as_ref().map_or_else(|| "any".into(), |_| cell(&about.goes())),
        check.revision,
        tags.join(" "),
    );
    for said in check.why.0.values() {
        let _ = write!(text, "{}\n\n", said.trim());
    }
    asks(&mut text, check, vocabulary);
    let _ = write!(
        text,
        "\n## What is sent for it\n\nClass {}: it {}.\n\n| probe | sends | at most |\n|---|---|---|\n",
        word(about.class),
        meaning(about.class)
    );
    for one in &about.asks {
        let (name, sends, most) = (cell(&one.name), cell(&one.sends), cell(&one.most));
        let _ = writeln!(text, "| {name} | {sends} | {most} |");
    }
    needs(&mut text, check, vocabulary);
    if !about.controls.is_empty() {
        text.push_str(
            "\n## Controls that it bears on\n\n| framework | requirements |\n|---|---|\n",
        );
        for (framework, ids) in &about.controls {
            let name = cell(framework.name.in_lang("en"));
            let to = format!("../../controls/{}.md", framework.id);
            let _ = writeln!(text, "| [{name}]({to}) | {} |", cell(&ids.join(", ")));
        }
    }
    mending(&mut text, check);
    text.push_str("\n## Tests\n\n");
    for test in check.tests() {
        let _ = writeln!(text, "- *{}*: {}", test.expect.word(), test.name);
    }
    let _ = write!(text, "\n## Sources\n\n{}\n", check.refs.join(", "));
    text
}

fn asks(text: &mut String, check: &Check, vocabulary: &Vocabulary) {
    text.push_str("## What it asks\n\n```text\n");
    if let Some(kind) = vocabulary.kind(check.on) {
        let _ = writeln!(text, "on:      {}", kind.called());
    }
    for (field, condition) in check.conditions() {
        let _ = writeln!(text, "{:<9}{condition}", format!("{field}:"));
    }
    text.push_str("```\n");
    let concluded = conclusions(check);
    if !concluded.is_empty() {
        text.push_str("\nFrom what its own probe hears it concludes:\n\n```text\n");
        for (name, expression) in concluded {
            let _ = writeln!(text, "{name} = {expression}");
        }
        text.push_str("```\n");
    }
}

fn needs(text: &mut String, check: &Check, vocabulary: &Vocabulary) {
    text.push_str("\n## What it needs to know\n\n| fact | type | meaning |\n|---|---|---|\n");
    for (kind, slot) in check.looks_at() {
        let Some(kind) = vocabulary.kind(kind) else { continue };
        let Some(field) = kind.fields.get(usize::from(slot)) else { continue };
        let (of, means) = (cell(&type_in_full(&field.of)), cell(&field.means));
        let _ = writeln!(text, "| `{}.{}` | {of} | {means} |", kind.called(), field.name);
    }
    if check.params.is_empty() {
        return;
    }
    text.push_str(
        "\n## What a profile may set\n\n| parameter | type | default | meaning |\n|---|---|---|---|\n",
    );
    for param in &check.params {
        let of = cell(&format!("{}{}", type_in_full(&param.of), limits(param)));
        let (default, means) = (cell(&param.default.to_string()), cell(&param.means));
        let _ = writeln!(text, "| `params.{}` | {of} | {default} | {means} |", param.name);
    }
}

fn mending(text: &mut String, check: &Check) {
    text.push_str("\n## How to mend it\n");
    for fix in &check.fix {
        let product =
            fix.product.as_ref().map_or(String::new(), |product| format!("**{product}**: "));
        let said: Vec<&str> = fix.text.0.values().map(|said| said.trim()).collect();
        let _ = write!(text, "\n{product}{}\n", said.join("\\\n"));
        if let Some(code) = &fix.code {
            let _ = write!(text, "\n```text\n{}\n```\n", code.trim_end());
        }
    }
}
