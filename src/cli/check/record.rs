//! `postern check record`: asks a live service what a check asks, and prints the conversation as a test of the check.

mod script;

use clap::Args;
use serde_json::Value as Json;

use super::aim::{Aim, Hit};
use crate::catalogue::recipe::Took;
use crate::catalogue::{Catalogue, Check, File, Rehearsed};
use crate::cli::complain;
use crate::cli::conclude::to_stdout;
use crate::cli::further::Further;
use crate::cli::library::vocabulary;
use crate::cli::stopped::Stopped;
use crate::cli::{Exit, Globals};
use crate::facts::{Entry, as_json, value_as_json};
use crate::judge::About;
use crate::model::complaint::Complaint;
use crate::model::observation::Spot;
use crate::model::outcome::Outcome;
use crate::model::value::{Type, Value};
use crate::probe::recipe::Tape;

/// Print a conversation with a live service as a test
///
/// Carries out what the check asks, as `postern check run` does and under the same scope, and prints an entry for the
/// check's `tests`: the facts that its conditions look at, the conversation of its own probe, and what it came to. What is
/// printed passes `postern check test`. Secrets of known forms are cut, and bytes that are no text become hexadecimal
/// digits; read it all the same before you share it, for only you know what is confidential.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 a test was printed, 2 not trustworthy, 3 refused by scope, 4 there was nothing to record.

Examples:
  postern check record database/redis-without-password 127.0.0.1 --port 6379
  postern check record ours/gopher/selector-list.yaml 127.0.0.1 --port 7070 >> ours/gopher/selector-list.yaml")]
pub(super) struct Record {
    #[command(flatten)]
    aim: Aim,
    #[command(flatten)]
    further: Further,
}

impl Record {
    pub(super) fn run(&self, globals: &Globals) -> Exit {
        self.go(globals).unwrap_or_else(|stopped| stopped.tell(globals))
    }

    fn go(&self, globals: &Globals) -> Result<Exit, Stopped> {
        let tape = Tape::default();
        let hit = self.aim.carry_out(&self.further, Some(&tape), globals)?;
        let check = &hit.chosen()?.check;
        let recorded: Vec<(&Entry, Option<Vec<Took>>)> = match check.recipe() {
            Some(_) => {
                let kept = tape.conversations().into_iter();
                kept.filter_map(|(spot, turns)| Some((entry(&hit, &spot)?, Some(turns)))).collect()
            }
            None => entries(&hit).map(|entry| (entry, None)).collect(),
        };
        if recorded.is_empty() {
            complain::complain(globals, &[nothing(&hit, check)]);
            return Ok(Exit::Incomplete);
        }
        let mut exit = Exit::Passed;
        for (entry, turns) in recorded {
            match test(&hit, entry, turns.as_deref()) {
                Ok(text) => to_stdout(text.as_bytes())?,
                Err(complaint) => {
                    complain::complain(globals, &[complaint]);
                    exit = exit.and(Exit::Incomplete);
                }
            }
        }
        Ok(exit)
    }
}

/// The subjects that were judged.
fn entries(hit: &Hit) -> impl Iterator<Item = &Entry> {
    hit.judged.judgement.cells.iter().filter_map(|cell| match cell.about {
        About::Entry(at) => hit.judged.facts.entries.get(at as usize),
        About::Host(_) => None,
    })
}

/// The facts about the place of a conversation.
fn entry<'h>(hit: &'h Hit, spot: &Spot) -> Option<&'h Entry> {
    let at = |entry: &&Entry| {
        entry.subject.address == spot.address && entry.subject.service == spot.service
    };
    let mut here = hit.judged.facts.entries.iter().filter(at);
    let first = here.clone().next();
    here.find(|entry| entry.subject.name == spot.name).or(first)
}

/// Why there is no conversation.
fn nothing(hit: &Hit, check: &Check) -> Complaint {
    let cell = hit.judged.judgement.cells.first();
    let why = cell.and_then(|cell| hit.judged.judgement.detail(cell)).and_then(|it| it.why.clone());
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    let one = Complaint::nowhere(format!("there was nothing to record{why}"));
    let when = check.conditions().into_iter().find(|(field, _)| *field == "when");
    let one = match when {
        Some((_, text)) => one.help(format!("it asks only where {text}")),
        None => one,
    };
    one.help("say where it is with --port, or set a parameter with --set; `postern check run … --trace` shows all")
}

/// The test of one conversation. Bodies of pages are long and mostly beside the point: their beginnings do, where it comes
/// to the same with them.
fn test(hit: &Hit, entry: &Entry, turns: Option<&[Took]>) -> Result<String, Complaint> {
    const BEGINNING: usize = 2 << 10;
    let chosen = hit.chosen().map_err(|_| Complaint::nowhere("no check was chosen"))?;
    let check = &chosen.check;
    let lookup = |kind| hit.judged.facts.record(entry, kind);
    let came = check.judge(&chosen.params, &lookup).outcome;
    let around = format!("{}{}", params(check, &chosen.params), given(hit, entry));
    let (name, day) = ("recorded from a live service on", hit.book.opened().at.date());
    let text = |most: usize, expect: Outcome, note: &str, facts: &str| {
        let script = turns.map_or_else(String::new, |turns| script::of(turns, most));
        let expect = expect.word();
        format!("  - name: {name} {day}\n{note}{around}{script}{facts}    expect: {expect}\n")
    };
    let mut most = BEGINNING;
    let mut rehearsed = rehearse(check, &text(most, came, "", ""))?;
    if rehearsed.outcome != came {
        most = usize::MAX;
        rehearsed = rehearse(check, &text(most, came, "", ""))?;
    }
    let note = if rehearsed.outcome == came {
        String::new()
    } else {
        let came = came.word();
        format!(
            "    # Live it came to {came}: less was known of the place than here, or a secret was cut.\n"
        )
    };
    Ok(text(most, rehearsed.outcome, &note, &concluded(check, &rehearsed)))
}

/// The parameters that are not as the check has them by itself.
fn params(check: &Check, values: &[Value]) -> String {
    let other = check.params.iter().zip(values).filter(|(param, value)| param.default != **value);
    let json = |value, of| as_tests_write(value_as_json(value, of));
    let other: serde_json::Map<String, Json> =
        other.map(|(param, value)| (param.name.clone(), json(value, &param.of))).collect();
    if other.is_empty() {
        return String::new();
    }
    format!("    params: {}\n", script::flow(&Json::Object(other)))
}

/// What a test comes to, by the very reader that `postern check test` uses.
fn rehearse(check: &Check, test: &str) -> Result<Rehearsed, Complaint> {
    let file = File { id: check.id.0.clone(), source: std::sync::Arc::clone(&check.source) };
    let (catalogue, wrong) = Catalogue::read(&[file.with_only(test)], &vocabulary(&[]));
    let unwritable = |why: String| {
        Complaint::nowhere("this conversation cannot be written down as a test").help(why)
    };
    if let Some(one) = wrong.into_iter().next() {
        return Err(unwritable(one.title));
    }
    let read = catalogue.checks().first().and_then(|check| Some((check, check.tests().first()?)));
    let Some((check, test)) = read else { return Err(unwritable("it is no test".into())) };
    check.rehearse(test).map_err(|one| unwritable(one.title))
}

/// The facts that the check looks at, its own probe's apart.
fn given(hit: &Hit, entry: &Entry) -> String {
    let Ok(chosen) = hit.chosen() else { return String::new() };
    let vocabulary = &hit.loaded.rulebook.vocabulary;
    let mut kinds = serde_json::Map::new();
    for (id, slot) in chosen.check.looks_at() {
        let (Some(kind), false) = (vocabulary.kind(id), chosen.check.probe_kind() == Some(id))
        else {
            continue;
        };
        let Some(record) = hit.judged.facts.record(entry, id) else { continue };
        let Some(field) = kind.fields.get(usize::from(slot)) else { continue };
        let all = as_tests_write(as_json(record, &kind.fields));
        let Some(value) = all.get(&*field.name) else { continue };
        let fields = kinds.entry(kind.called().to_owned());
        let fields = fields.or_insert_with(|| Json::Object(serde_json::Map::new()));
        if let Some(fields) = fields.as_object_mut() {
            fields.insert(field.name.to_string(), value.clone());
        }
    }
    if kinds.is_empty() {
        return String::new();
    }
    format!("    given: {}\n", script::flow(&Json::Object(kinds)))
}

/// What the probe concludes, as far as that is one plain value.
fn concluded(check: &Check, rehearsed: &Rehearsed) -> String {
    let types: Vec<(&str, &Type)> =
        check.recipe().into_iter().flat_map(|recipe| recipe.facts()).collect();
    let plain = |(name, value): &(String, Value)| {
        let (_, of) = types.iter().find(|(known, _)| known == name)?;
        let plain = !matches!(of, Type::List(_) | Type::Record(_));
        plain.then(|| (name.clone(), as_tests_write(value_as_json(value, of))))
    };
    let all: serde_json::Map<String, Json> = rehearsed.concluded.iter().filter_map(plain).collect();
    if all.is_empty() {
        return String::new();
    }
    format!("    facts: {}\n", script::flow(&Json::Object(all)))
}

/// Lists of which a part was seen, as tests write them.
fn as_tests_write(json: Json) -> Json {
    match json {
        Json::Object(fields) => {
            let part =
                fields.len() == 2 && fields.contains_key("items") && fields.contains_key("unseen");
            let named = |name: String| if part && name == "items" { "seen".into() } else { name };
            fields.into_iter().map(|(name, value)| (named(name), as_tests_write(value))).collect()
        }
        Json::Array(items) => items.into_iter().map(as_tests_write).collect(),
        other => other,
    }
}
