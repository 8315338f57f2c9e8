//! `postern schema`: prints the JSON Schema of a kind of file.

use std::io::Write as _;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::kinds::{KINDS, kind};
use super::{Exit, Globals};

/// Print the JSON Schema of a kind of file
///
/// Editors that know JSON Schema (2020-12) complete fields, show what they mean and mark mistakes as you type. The first
/// line of a file tells them where its schema is; `postern init` writes both.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  postern schema inventory > schemas/inventory.v1.json
      and as the first line of the inventory:
      # yaml-language-server: $schema=schemas/inventory.v1.json
  postern schema review | less
      what stands in review.json, field by field")]
pub(crate) struct Schema {
    /// The kind of file.
    #[arg(value_name = "KIND", value_parser = PossibleValuesParser::new(names()))]
    kind: String,
}

fn names() -> impl Iterator<Item = clap::builder::PossibleValue> {
    KINDS.iter().map(|kind| clap::builder::PossibleValue::new(kind.name).help(kind.what))
}

impl Schema {
    pub(crate) fn run(&self, _globals: &Globals) -> Exit {
        let Some(kind) = kind(&self.kind) else { return Exit::Untrustworthy };
        let text = format!("{:#}\n", (kind.schema)());
        // Whoever closed the pipe has read enough.
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
        Exit::Passed
    }
}
