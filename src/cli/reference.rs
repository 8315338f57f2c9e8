//! The pages of docs/reference: written from the code and the data, so that nothing is told twice.

mod checks;
mod controls;
mod ports;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::CommandFactory as _;

use super::facts::{record, tier};
use super::library::{Library, vocabulary};
use super::profile::settings;
use super::{Cli, exit};
use crate::catalogue::{Check, type_in_full};
use crate::facts::{Vocabulary, needs};
use crate::model::severity::Gate;
use crate::model::value::Field;
use crate::profile::Profile;

/// The first line of every page.
const MADE: &str =
    "<!-- Made by `UPDATE=1 cargo test --test reference`; change what it is made from. -->\n\n";

/// The path of every page under docs/reference, with its text.
pub fn pages() -> BTreeMap<String, String> {
    let (library, _) = Library::built_in();
    let mut pages = BTreeMap::from([
        ("facts.md".to_owned(), facts(&vocabulary(&[]))),
        ("profiles.md".to_owned(), profiles(&library)),
        ("commands.md".to_owned(), commands()),
        ("exit-codes.md".to_owned(), exit_codes()),
        ("ports.md".to_owned(), ports::page()),
    ]);
    pages.extend(checks::pages(&library));
    pages.extend(controls::pages(&library));
    for text in pages.values_mut() {
        text.insert_str(0, MADE);
    }
    pages
}

fn facts(vocabulary: &Vocabulary) -> String {
    let mut text = String::from(
        "# Facts\n\nWhat the conditions of checks can speak of.\nA check is `on` one kind; its conditions see that kind \
         and those of the levels above it: host, service, site.\nA value that is not settled is unknown, with its \
         reason, and a check that needs it is inconclusive.\n",
    );
    for kind in vocabulary.kinds() {
        let _ = write!(
            text,
            "\n## {}\n\n{}\nOne for each {}.\nFrom the probes {}.\n\n| field | type | meaning |\n|---|---|---|\n",
            kind.name,
            kind.means,
            tier(kind.tier),
            needs(kind).join(", "),
        );
        rows(&mut text, "", &kind.fields);
    }
    text
}

fn rows(text: &mut String, before: &str, fields: &[Field]) {
    for field in fields {
        let name = format!("{before}{}", field.name);
        let of = cell(&type_in_full(&field.of));
        let _ = writeln!(text, "| `{name}` | {of} | {} |", cell(&field.means));
        if let Some(inner) = record(&field.of) {
            rows(text, &format!("{name}."), inner);
        }
    }
}

fn profiles(library: &Library) -> String {
    let mut text = String::from(
        "# Profiles\n\nA profile chooses checks, sets their parameters, says how much is asked, and what stops the gate.\n\n\
         ## What a go rests on\n\n\
         One open finding of a gate check is a no-go.\n\
         Without one, a go needs evidence; where that is missing, the verdict is *not enough evidence*:\n\n\
         - the scan did not come to its end;\n\
         - nothing at all was settled, or less than the share that the profile asks for under `coverage`;\n\
         - a gate check is inconclusive or not tested on some host;\n\
         - a gate check applies on no host *because of where the scan was made from*. Most gates ask what a stranger on \
         the internet reaches, and from within nobody can tell. Whether the vantage is the cause is found by judging the \
         check once more as if we had stood on the other side.\n\n\
         The last rule is set by `gate: {out-of-sight: open}`, which every profile inherits.\n\
         A pipeline mostly stands inside, so that the rule would leave its verdict open for ever: `ci-deploy` says \
         `out-of-sight: borne`. Its verdict rests on the gates that can be asked from there, and the report names how many \
         could not.\n\
         Looking from `kind: internet` (or from a vantage that the inventory does not describe, such as loopback), all \
         gates apply and nothing is borne.\n",
    );
    for name in library.profile_names() {
        if let Ok(profile) = library.profile(name) {
            profile_section(&mut text, &profile);
        }
    }
    text
}

fn profile_section(text: &mut String, profile: &Profile) {
    let _ = write!(text, "\n## {}\n\n", profile.name);
    for said in profile.title.0.values() {
        let _ = writeln!(text, "**{said}**\\");
    }
    let _ = write!(text, "It chooses {} checks.\n\n", profile.chosen.len());
    for (name, value) in settings(profile) {
        let _ = writeln!(text, "- {name}: {value}");
    }
    let gates: Vec<String> = profile
        .chosen
        .iter()
        .filter(|chosen| chosen.gate == Gate::Stops)
        .map(|chosen| link(&chosen.check))
        .collect();
    if !gates.is_empty() {
        let _ = write!(text, "\nOne fail of these stops the gate: {}.\n", gates.join(", "));
    }
    let changes: Vec<_> =
        profile.chain.iter().filter(|link| link.check.is_some() && link.what != "gate").collect();
    let changes: Vec<_> = changes.into_iter().filter(|link| link.what != "chosen").collect();
    if !changes.is_empty() {
        text.push_str("\n| check | setting | value | set by |\n|---|---|---|---|\n");
        for link in changes {
            let check = link.check.as_ref().map_or("", |check| check.0.as_str());
            let _ =
                writeln!(text, "| {check} | {} | {} | {} |", link.what, cell(&link.value), link.at);
        }
    }
    if !profile.loosened.is_empty() {
        text.push_str("\nLaxer than what it inherits:\n\n");
        for one in &profile.loosened {
            let _ = writeln!(text, "- {} {}: {} ({})", one.check, one.what, one.why, one.at);
        }
    }
}

fn commands() -> String {
    let mut text =
        String::from("# Commands\n\nWhat `postern --help` and `postern COMMAND --help` say.\n");
    let mut command = Cli::command().term_width(100).color(clap::ColorChoice::Never);
    command.build();
    section(&mut text, &mut command, "");
    text
}

fn section(text: &mut String, command: &mut clap::Command, above: &str) {
    let name = format!("{above}{}", command.get_name());
    let mut shown = command.clone().mut_args(|arg| arg.hide_env_values(true));
    let help = shown.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(text, "\n## {name}\n\n```text\n{}\n```\n", help.join("\n").trim_end());
    for below in command.get_subcommands_mut().filter(|below| below.get_name() != "help") {
        section(text, below, &format!("{name} "));
    }
}

fn exit_codes() -> String {
    let mut text = String::from("# Exit codes\n\n| code | meaning |\n|---|---|\n");
    let mut after = String::new();
    for line in exit::TABLE.lines().skip(1) {
        let row = line.trim().split_once("  ").filter(|(code, _)| code.parse::<u8>().is_ok());
        match row {
            Some((code, meaning)) => {
                let _ = writeln!(text, "| {code} | {} |", cell(meaning));
            }
            None => after.push_str(line),
        }
    }
    let _ = write!(text, "\n{after}\n");
    text
}

fn link(check: &Check) -> String {
    format!("[{id}](checks/{id}.md)", id = check.id)
}

/// A text as a cell of a table.
fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace('|', "\\|").replace('<', "&lt;")
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
