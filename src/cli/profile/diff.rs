//! `postern profile diff`: how two profiles differ, and which of them is stricter.

use clap::Args;

use super::open;
use crate::cli::facts::Format;
use crate::cli::further::Further;
use crate::cli::library::Folders;
use crate::cli::page::{Page, Style};
use crate::cli::{Exit, Globals, files};
use crate::profile::{Difference, Profile, Side, differences};

/// Show how two profiles differ, and which of them is stricter
///
/// Everything is compared as it comes to, with all that is inherited: checks chosen, severities, parameters, the gate,
/// ports, pace, days until due. The exit code is 0 whether they differ or not.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern profile diff baseline dhc-vendor               what a centre asks beyond the baseline
  postern profile diff dhc-vendor ours/branch.yaml       a file of your own against a built-in one
  postern profile diff baseline ci-deploy --format json  for programs")]
pub(super) struct Diff {
    /// The first profile's name, or the path of its file.
    #[arg(value_name = "A")]
    first: String,
    /// The second's.
    #[arg(value_name = "B")]
    second: String,
    #[command(flatten)]
    folders: Folders,
    /// For people or for programs.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

impl Diff {
    pub(super) fn run(&self, globals: &Globals) -> Exit {
        let (library, _, mut complaints) = open(&self.folders, &Further::default());
        let mut read =
            |name: &str| library.profile(name).map_err(|wrong| complaints.extend(wrong)).ok();
        let (first, second) = (read(&self.first), read(&self.second));
        let (Some(first), Some(second), true) = (first, second, complaints.is_empty()) else {
            return files::give_up(globals, &complaints);
        };
        let found = differences(&first, &second);
        let mut page = Page::new(globals);
        match self.format {
            Format::Json => page.line(as_json(&first, &second, &found)),
            Format::Text => as_text(&mut page, &first, &second, &found),
        }
        page.print();
        Exit::Passed
    }
}

fn as_text(page: &mut Page, first: &Profile, second: &Profile, found: &[Difference]) {
    if found.is_empty() {
        page.line(format!("{} and {} come to the same.", first.name, second.name));
        return;
    }
    let mut last = None;
    for (nth, one) in found.iter().enumerate() {
        if nth == 0 || last != Some(&one.check) {
            let heading = one.check.as_ref().map_or("The whole profile", |check| &check.0);
            page.heading(heading);
            last = Some(&one.check);
        }
        let stricter = match one.stricter {
            Side::First => format!("  ({} is stricter)", first.name),
            Side::Second => format!("  ({} is stricter)", second.name),
            Side::Neither => String::new(),
        };
        let text = format!("{} → {}{stricter}", shortened(&one.first), shortened(&one.second));
        page.row(2, &one.what, Style::Cyan, 28, &text);
    }
    let count = |side| found.iter().filter(|one| one.stricter == side).count();
    page.line("");
    page.line(format!(
        "{} differences from {} to {}: {} is stricter in {}, {} in {}.",
        found.len(),
        first.name,
        second.name,
        first.name,
        count(Side::First),
        second.name,
        count(Side::Second),
    ));
}

/// Long lists are told in full with `--format json`.
fn shortened(value: &str) -> String {
    const LONGEST: usize = 60;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or(value)),
        None if value.is_empty() => "none".to_owned(),
        None => value.to_owned(),
    }
}

fn as_json(first: &Profile, second: &Profile, found: &[Difference]) -> String {
    let profile = |one: &Profile| serde_json::json!({"name": one.name, "digest": one.digest});
    let all = serde_json::json!({
        "first": profile(first),
        "second": profile(second),
        "differences": found,
    });
    serde_json::to_string_pretty(&all).unwrap_or_default()
}
