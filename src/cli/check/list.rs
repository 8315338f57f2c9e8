//! `postern check list`: every check with its level and title.

use clap::Args;
use serde_json::json;

use crate::catalogue::Check;
use crate::cli::facts::Format;
use crate::cli::further::Further;
use crate::cli::library::{Folders, Library};
use crate::cli::page::{Page, Style, style_of};
use crate::cli::{Exit, Globals, complain};
use crate::model::complaint::{Complaint, nearest};
use crate::model::severity::{Gate, Severity};
use crate::profile::select;

/// List checks with their level and title
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern check list                       every check
  postern check list 'tls/*' tag:exposure  some areas and tags
  postern check list --checks ours         those of a folder too
  postern check list --format json         for other programs")]
pub(super) struct List {
    /// Ids, globs and tags: tls/old-version, 'tls/*', tag:remote-access [default: all].
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,
    #[command(flatten)]
    folders: Folders,
    /// For people or for programs.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// The language of titles: en, zh-Hant, or that of a words file [default: that of the words file, or en].
    #[arg(long, value_name = "LANG", env = "POSTERN_LANG")]
    lang: Option<String>,
    #[command(flatten)]
    further: Further,
}

impl List {
    pub(super) fn run(&self, globals: &Globals) -> Exit {
        let (mut library, mut complaints) = Library::open(&self.folders);
        let languages = self.further.read(&mut complaints);
        complaints.extend(library.learn(&languages));
        let lang = languages.speak(self.lang.as_deref());
        let lang = lang.map_err(|one| complaints.push(one)).unwrap_or("en");
        let all = library.catalogue.checks();
        for pattern in &self.patterns {
            if !all.iter().any(|check| select::means(pattern, check)) {
                let near = nearest(pattern, all.iter().map(|check| check.id.0.as_str()));
                let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                let one = Complaint::nowhere(format!("`{pattern}` means no check{near}"));
                complaints.push(one.help("`postern check list` shows every check with its area"));
            }
        }
        let wanted = |check: &&Check| {
            self.patterns.is_empty()
                || self.patterns.iter().any(|pattern| select::means(pattern, check))
        };
        let checks: Vec<&Check> = all.iter().map(AsRef::as_ref).filter(wanted).collect();
        let mut page = Page::new(globals);
        match self.format {
            Format::Json => page.line(as_json(&library, &checks)),
            Format::Text if checks.is_empty() => {}
            Format::Text => write(&mut page, &library, &checks, lang),
        }
        page.print();
        if complaints.is_empty() {
            return Exit::Passed;
        }
        complain::complain(globals, &complaints);
        Exit::Untrustworthy
    }
}

fn write(page: &mut Page, library: &Library, checks: &[&Check], lang: &str) {
    let widest = checks.iter().map(|check| check.id.0.len()).max().unwrap_or(0);
    let mut area = "";
    for check in checks {
        if check.id.area() != area {
            area = check.id.area();
            page.heading(area);
        }
        let level = severity(check);
        let id = page.styled(&check.id.0, Style::Cyan, widest + 2);
        let level = page.styled(level.word(), style_of(level), 8);
        let first = format!("  {id}{level}");
        page.paragraph(&first, widest + 12, check.title.in_lang(lang));
    }
    page.line("");
    page.line(format!("{} checks; `postern check explain ID` tells all about one.", checks.len()));
    for id in library.catalogue.replaced() {
        page.line(format!("`{id}` is replaced by the file in the folder given."));
    }
}

/// The level of a check where no profile changes it or makes it a gate.
pub(crate) fn severity(check: &Check) -> Severity {
    Severity::of(check.impact, check.likelihood, Gate::Counts)
}

fn as_json(library: &Library, checks: &[&Check]) -> String {
    let kind = |check: &Check| {
        library.vocabulary.kind(check.on).map_or("", crate::model::value::Kind::called)
    };
    let all: Vec<_> = checks
        .iter()
        .map(|check| {
            json!({
                "id": check.id,
                "revision": check.revision,
                "title": check.title,
                "severity": severity(check),
                "impact": check.impact,
                "likelihood": check.likelihood,
                "on": kind(check),
                "tags": check.tags,
                "refs": check.refs,
                "file": check.source.path.display().to_string(),
            })
        })
        .collect();
    serde_json::to_string_pretty(&all).unwrap_or_default()
}
