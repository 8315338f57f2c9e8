//! `postern check explain`: all about one check.

use clap::Args;

use super::about::{About, meaning, word};
use super::list::severity;
use crate::catalogue::{Check, Param, Stricter, type_in_full};
use crate::cli::further::Further;
use crate::cli::library::{Folders, Library};
use crate::cli::page::{Page, Style, style_of};
use crate::cli::{Exit, Globals, files};
use crate::facts::Vocabulary;
use crate::model::complaint::{Complaint, nearest};
use crate::model::severity::Degree;

/// Show all about a check
///
/// What it asks and why, what is sent for it and how much at most, the facts and parameters that it needs, the controls that
/// it bears on, how to mend what it finds, its sources and its tests.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern check explain tls/old-version
  postern check explain tls/old-version --lang zh-Hant")]
pub(super) struct Explain {
    /// The check's id, as `postern check list` shows it.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    folders: Folders,
    /// The language of the check's texts: en, zh-Hant, or that of a words file [default: that of the words file, or en].
    #[arg(long, value_name = "LANG", env = "POSTERN_LANG")]
    lang: Option<String>,
    #[command(flatten)]
    further: Further,
}

impl Explain {
    pub(super) fn run(&self, globals: &Globals) -> Exit {
        let (mut library, mut complaints) = Library::open(&self.folders);
        let languages = self.further.read(&mut complaints);
        complaints.extend(library.learn(&languages));
        let lang = languages.speak(self.lang.as_deref());
        let lang = lang.map_err(|one| complaints.push(one)).unwrap_or("en");
        let Some(check) = library.catalogue.check(&self.id) else {
            let known = library.catalogue.checks().iter().map(|check| check.id.0.as_str());
            let near = nearest(&self.id, known);
            let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            complaints.push(
                Complaint::nowhere(format!("`{}` is not a check{near}", self.id))
                    .help("`postern check list` shows every check"),
            );
            return files::give_up(globals, &complaints);
        };
        let (frameworks, wrong) = library.frameworks();
        complaints.extend(wrong);
        let about = About::new(check, &library.vocabulary, &frameworks);
        let mut page = Page::new(globals);
        write(&mut page, check, &about, &library.vocabulary, lang);
        page.print();
        if complaints.is_empty() { Exit::Passed } else { files::give_up(globals, &complaints) }
    }
}

fn write(page: &mut Page, check: &Check, about: &About<'_>, vocabulary: &Vocabulary, lang: &str) {
    let level = severity(check);
    let id = page.styled(&check.id.0, Style::Bold, 0);
    let level = page.styled(level.word(), style_of(level), 0);
    let rest = format!(
        "impact {} × likelihood {}, revision {}",
        degree(check.impact),
        degree(check.likelihood),
        check.revision
    );
    let rest = page.styled(&rest, Style::Faint, 0);
    page.line(format!("{id}  {level}"));
    page.paragraph("", 0, check.title.in_lang(lang));
    page.line(rest);

    page.heading("Why it matters");
    page.paragraph("  ", 2, check.why.in_lang(lang));

    page.heading("What it asks");
    if let Some(kind) = vocabulary.kind(check.on) {
        page.row(2, "on", Style::Cyan, 9, &format!("{}: {}", kind.called(), kind.means));
    }
    for (field, text) in check.conditions() {
        page.row(2, field, Style::Cyan, 9, text);
    }
    for (name, text) in conclusions(check) {
        page.line(format!("  {}", page.styled(&name, Style::Cyan, 0)));
        page.paragraph("    = ", 6, text);
    }

    page.heading("What is sent for it");
    page.row(
        2,
        "class",
        Style::Cyan,
        9,
        &format!("{}: {}", word(about.class), meaning(about.class)),
    );
    page.row(2, "ports", Style::Cyan, 9, &about.goes());
    for asks in &about.asks {
        page.row(2, &asks.name, Style::Cyan, 9, &asks.sends);
        page.row(2, "", Style::Faint, 9, &format!("({})", asks.most));
    }

    page.heading("What it needs to know");
    for (kind, slot) in check.looks_at() {
        let Some(kind) = vocabulary.kind(kind) else { continue };
        let Some(field) = kind.fields.get(usize::from(slot)) else { continue };
        let name = format!("{}.{}", kind.called(), field.name);
        named(page, &name, &type_in_full(&field.of));
        page.paragraph("    ", 4, &field.means);
    }

    if !check.params.is_empty() {
        page.heading("What a profile may set");
        for param in &check.params {
            let limits = limits(param);
            named(page, &format!("params.{}", param.name), &format!("{}{limits}", param.of));
            page.paragraph("    ", 4, &param.means);
            page.paragraph("    = ", 6, &param.default.to_string());
        }
    }

    if !about.controls.is_empty() {
        page.heading("Controls that it bears on");
        for (framework, ids) in &about.controls {
            page.row(2, &framework.id, Style::Cyan, 18, &ids.join(", "));
        }
    }

    page.heading("How to mend it");
    for fix in &check.fix {
        let product = fix.product.as_ref().map_or(String::new(), |product| format!("{product}: "));
        page.paragraph("  • ", 4, &format!("{product}{}", fix.text.in_lang(lang)));
        if let Some(code) = &fix.code {
            page.block(6, code);
        }
    }

    page.heading("Sources and tags");
    page.paragraph("  ", 2, &check.refs.join(", "));
    page.paragraph("  ", 2, &check.tags.join(", "));

    page.heading("Tests");
    for test in check.tests() {
        page.row(2, test.expect.word(), Style::Faint, 16, &test.name);
    }
    page.line("");
    page.line(page.styled(&check.source.path.display().to_string(), Style::Faint, 0));
}

/// A name with its type, which may be long.
fn named(page: &mut Page, name: &str, of: &str) {
    page.row(2, name, Style::Cyan, name.chars().count() + 2, of);
}

/// What a check's own probe concludes, with the expressions; nothing where it has none.
pub(crate) fn conclusions(check: &Check) -> Vec<(String, &str)> {
    let concluded = check.recipe().into_iter().flat_map(|recipe| recipe.conclusions());
    concluded.map(|(name, text)| (format!("probe.{name}"), text)).collect()
}

/// The word for one side of a risk.
pub(crate) fn degree(degree: Degree) -> &'static str {
    match degree {
        Degree::Low => "low",
        Degree::Medium => "medium",
        Degree::High => "high",
    }
}

/// Which way is stricter and what the bounds are, as an afterthought.
pub(crate) fn limits(param: &Param) -> String {
    let way = match param.stricter {
        None => "",
        Some(Stricter::Higher) => ", stricter when higher",
        Some(Stricter::Lower) => ", stricter when lower",
        Some(Stricter::Fewer) => ", stricter with fewer",
        Some(Stricter::More) => ", stricter with more",
    };
    let bounds = param.bounds.words();
    if bounds.is_empty() { way.to_owned() } else { format!("{way}, {bounds}") }
}
