//! `postern facts`: what conditions can speak of.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::library::PluginsFile;
use super::page::{Page, Style};
use super::{Exit, Globals};
use crate::catalogue::type_in_full;
use crate::facts::needs;
use crate::model::complaint::nearest;
use crate::model::value::{Field, Kind, Tier, Type};

/// Show the facts that checks can speak of
///
/// A check is `on` one kind of fact: it has a result for each subject of that kind, and its conditions see that kind and
/// those of the levels above.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern facts                    every kind with its fields
  postern facts tls certificate    two kinds
  postern facts --format json      for other programs")]
pub(crate) struct Facts {
    /// Kinds of facts [default: all].
    #[arg(value_name = "KIND")]
    kinds: Vec<String>,
    /// For people or for programs.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    plugins: PluginsFile,
}

/// For whom a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Facts {
    pub(crate) fn run(&self, globals: &Globals) -> Exit {
        let mut unknown = Vec::new();
        let vocabulary = self.plugins.vocabulary(&mut unknown);
        for name in &self.kinds {
            if vocabulary.id(name).is_none() {
                let near = nearest(name, vocabulary.kinds().iter().map(|kind| &*kind.name));
                let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                unknown.push(crate::model::complaint::Complaint::nowhere(format!(
                    "`{name}` is not a kind of fact{near}"
                )));
            }
        }
        if !unknown.is_empty() {
            return super::files::give_up(globals, &unknown);
        }
        let wanted = |kind: &&Kind| {
            self.kinds.is_empty() || self.kinds.iter().any(|name| *name == kind.name)
        };
        let kinds: Vec<&Kind> =
            vocabulary.kinds().iter().map(AsRef::as_ref).filter(wanted).collect();
        let mut page = Page::new(globals);
        match self.format {
            Format::Json => page.line(as_json(&kinds)),
            Format::Text => kinds.iter().for_each(|kind| write(&mut page, kind)),
        }
        page.print();
        Exit::Passed
    }
}

fn write(page: &mut Page, kind: &Kind) {
    let title = page.styled(&kind.name, Style::Bold, 0);
    let rest = page.styled(&format!("one for each {}", tier(kind.tier)), Style::Faint, 0);
    page.line(format!("{title}  {rest}"));
    page.paragraph("  ", 2, &kind.means);
    page.line("");
    fields(page, 2, &kind.fields);
    page.line("");
}

fn fields(page: &mut Page, indent: usize, fields: &[Field]) {
    for field in fields {
        let name = page.styled(&field.name, Style::Cyan, 0);
        let of = page.styled(&type_in_full(&field.of), Style::Faint, 0);
        page.line(format!("{}{name}  {of}", " ".repeat(indent)));
        page.paragraph(&" ".repeat(indent + 2), indent + 2, &field.means);
        if let Some(inner) = record(&field.of) {
            self::fields(page, indent + 4, inner);
        }
    }
}

/// The fields of a record, or of the records in a list.
pub(crate) fn record(of: &Type) -> Option<&[Field]> {
    match of {
        Type::Record(fields) => Some(fields),
        Type::List(of) => record(of),
        _ => None,
    }
}

/// The word for a level.
pub(crate) fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Host => "host",
        Tier::Service => "service: address, transport and port",
        Tier::Site => "site: service and server name",
    }
}

fn as_json(kinds: &[&Kind]) -> String {
    let all: Vec<_> = kinds
        .iter()
        .map(|kind| {
            json!({
                "name": kind.name,
                "tier": format!("{:?}", kind.tier).to_lowercase(),
                "means": kind.means,
                "probes": needs(kind),
                "fields": fields_json(&kind.fields),
            })
        })
        .collect();
    serde_json::to_string_pretty(&all).unwrap_or_default()
}

fn fields_json(fields: &[Field]) -> Vec<serde_json::Value> {
    let one = |field: &Field| {
        let mut all = json!({
            "name": field.name,
            "type": type_in_full(&field.of),
            "means": field.means,
        });
        if let (Some(inner), Some(all)) = (record(&field.of), all.as_object_mut()) {
            all.insert("fields".into(), fields_json(inner).into());
        }
        all
    };
    fields.iter().map(one).collect()
}
