//! `postern profile`: lists profiles, and shows what one comes to and which line says so.

mod diff;

use clap::{Args, Subcommand};

use super::check::explain::degree;
use super::facts::Format;
use super::further::{Further, Languages};
use super::library::{Folders, Library};
use super::page::{Page, Style, style_of};
use super::{Exit, Globals, complain, files};
use crate::catalogue::Check;
use crate::model::complaint::{Complaint, nearest};
use crate::model::net::port_ranges;
use crate::model::severity::{Gate, Severity};
use crate::profile::{Chosen, OutOfSight, Profile as Resolved};
use crate::yaml::parse;

/// List and explain profiles
///
/// A profile chooses checks, sets their parameters, says how much is asked, and what stops the gate. It may extend others;
/// what it makes laxer needs a reason, and stands in the review.
#[derive(Debug, Args)]
pub(crate) struct Profile {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    Explain(Explain),
    Diff(diff::Diff),
}

/// List profiles with what they are for
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern profile list
  postern profile list --profiles ours --lang zh-Hant      those of a folder too")]
struct List {
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

/// Show what a profile comes to, and which line says so
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern profile explain dhc-vendor                     everything that it sets
  postern profile explain dhc-vendor tls/old-version     one check: who set what, and where
  postern profile explain ours/branch.yaml               a file of your own")]
struct Explain {
    /// The profile's name, or the path of its file.
    #[arg(value_name = "NAME")]
    name: String,
    /// One check of it.
    #[arg(value_name = "CHECK")]
    check: Option<String>,
    #[command(flatten)]
    folders: Folders,
    /// The language of titles: en, zh-Hant, or that of a words file [default: that of the words file, or en].
    #[arg(long, value_name = "LANG", env = "POSTERN_LANG")]
    lang: Option<String>,
    #[command(flatten)]
    further: Further,
}

impl Profile {
    pub(crate) fn run(&self, globals: &Globals) -> Exit {
        match &self.command {
            Command::List(command) => command.run(globals),
            Command::Explain(command) => command.run(globals),
            Command::Diff(command) => command.run(globals),
        }
    }
}

impl List {
    fn run(&self, globals: &Globals) -> Exit {
        let (library, languages, mut complaints) = open(&self.folders, &self.further);
        let lang = languages.speak(self.lang.as_deref());
        let lang = lang.map_err(|one| complaints.push(one)).unwrap_or("en");
        let mut page = Page::new(globals);
        let mut profiles = Vec::new();
        for name in library.profile_names() {
            match library.profile(name) {
                Ok(profile) => profiles.push(profile),
                Err(wrong) => complaints.extend(wrong),
            }
        }
        let widest = profiles.iter().map(|profile| profile.name.len()).max().unwrap_or(0);
        match self.format {
            Format::Json => page.line(as_json(&profiles)),
            Format::Text => {
                for profile in &profiles {
                    let name = page.styled(&profile.name, Style::Cyan, widest + 2);
                    let count = format!("{} checks", profile.chosen.len());
                    let count = page.styled(&count, Style::Faint, 12);
                    page.paragraph(
                        &format!("{name}{count}"),
                        widest + 14,
                        profile.title.in_lang(lang),
                    );
                }
                page.line("");
                page.line("`postern profile explain NAME` tells all about one.");
            }
        }
        page.print();
        if complaints.is_empty() {
            return Exit::Passed;
        }
        complain::complain(globals, &complaints);
        Exit::Untrustworthy
    }
}

impl Explain {
    fn run(&self, globals: &Globals) -> Exit {
        let (library, languages, mut complaints) = open(&self.folders, &self.further);
        let lang = languages.speak(self.lang.as_deref());
        let lang = lang.map_err(|one| complaints.push(one)).unwrap_or("en");
        if !complaints.is_empty() {
            return files::give_up(globals, &complaints);
        }
        let profile = match library.profile(&self.name) {
            Ok(profile) => profile,
            Err(complaints) => return files::give_up(globals, &complaints),
        };
        let mut page = Page::new(globals);
        match &self.check {
            None => whole(&mut page, &profile, lang),
            Some(id) => {
                let Some(chosen) = profile.chosen.iter().find(|chosen| chosen.check.id.0 == *id)
                else {
                    return files::give_up(globals, &[not_chosen(&library, &profile, id)]);
                };
                one(&mut page, &profile, chosen, lang);
            }
        }
        page.print();
        Exit::Passed
    }
}

fn open(folders: &Folders, further: &Further) -> (Library, Languages, Vec<Complaint>) {
    let (mut library, mut complaints) = Library::open(folders);
    let languages = further.read(&mut complaints);
    complaints.extend(library.learn(&languages));
    (library, languages, complaints)
}

fn not_chosen(library: &Library, profile: &Resolved, id: &str) -> Complaint {
    if let Some(check) = library.catalogue.check(id) {
        let title = format!("`{}` does not choose `{id}`", profile.name);
        let left_out = profile.chain_of(&check.id).last().map(|link| link.at.clone());
        return match left_out {
            Some(at) => Complaint::nowhere(title).help(format!("it is left out at {at}")),
            None => Complaint::nowhere(title),
        };
    }
    let near = nearest(id, profile.chosen.iter().map(|chosen| chosen.check.id.0.as_str()));
    let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    Complaint::nowhere(format!("`{id}` is not a check{near}"))
        .help("`postern check list` shows every check")
}

/// The level of a check in a profile.
pub(crate) fn severity(chosen: &Chosen) -> Severity {
    Severity::of(chosen.impact, chosen.likelihood, chosen.gate)
}

fn whole(page: &mut Page, profile: &Resolved, lang: &str) {
    page.line(page.styled(&profile.name, Style::Bold, 0));
    page.paragraph("", 0, profile.title.in_lang(lang));

    page.heading("How it asks and decides");
    for (name, value) in settings(profile) {
        page.row(2, name, Style::Cyan, 14, &value);
    }
    for link in profile.chain.iter().filter(|link| link.check.is_none()) {
        let text = format!("{} = {}  {}", link.what, link.value, link.at);
        page.line(format!("    {}", page.styled(&text, Style::Faint, 0)));
    }

    page.heading(&format!("Its {} checks", profile.chosen.len()));
    let widest = profile.chosen.iter().map(|chosen| chosen.check.id.0.len()).max().unwrap_or(0);
    for chosen in &profile.chosen {
        let level = severity(chosen);
        let id = page.styled(&chosen.check.id.0, Style::Cyan, widest + 2);
        let word = page.styled(level.word(), style_of(level), 10);
        let gate = if chosen.gate == Gate::Stops { "gate" } else { "" };
        let gate = page.styled(gate, Style::Bold, 6);
        let title = chosen.check.title.in_lang(lang);
        page.paragraph(&format!("  {id}{word}{gate}"), widest + 20, title);
    }

    page.heading("What it makes laxer");
    for one in &profile.loosened {
        let what = format!("{} {}", one.check, one.what);
        page.paragraph("  ", 2, &format!("{what}: {}", one.why));
        page.line(format!("    {}", page.styled(&one.at, Style::Faint, 0)));
    }
    if profile.loosened.is_empty() {
        page.line("  Nothing.");
    }
}

fn one(page: &mut Page, profile: &Resolved, chosen: &Chosen, lang: &str) {
    let check = &chosen.check;
    let level = severity(chosen);
    let id = page.styled(&check.id.0, Style::Bold, 0);
    let level = page.styled(level.word(), style_of(level), 0);
    page.line(format!("{id} in {}  {level}", profile.name));
    page.paragraph("", 0, check.title.in_lang(lang));

    page.heading("As it stands");
    let gate = if chosen.gate == Gate::Stops { "a fail stops the gate" } else { "a fail counts" };
    let set = |what: &str| {
        let last = profile.chain_of(&check.id).filter(|link| link.what == what).last();
        last.map(|link| link.at.clone())
    };
    let by_file = |what: &str, path: &[&str]| set(what).unwrap_or_else(|| of_check(check, path));
    let by_default = || "no profile says otherwise".to_owned();
    let mut cells = vec![
        ("impact", degree(chosen.impact).to_owned(), by_file("impact", &["impact"])),
        (
            "likelihood",
            degree(chosen.likelihood).to_owned(),
            by_file("likelihood", &["likelihood"]),
        ),
        ("gate", gate.to_owned(), set("gate").unwrap_or_else(by_default)),
    ];
    for (param, value) in check.params.iter().zip(&chosen.params) {
        let text = format!("{value}  {}", param.means);
        let path = ["params", param.name.as_str(), "default"];
        cells.push((&param.name, text, by_file(&format!("params.{}", param.name), &path)));
    }
    for (name, value, origin) in cells {
        page.row(2, name, Style::Cyan, 16, &value);
        let origin = page.styled(&origin, Style::Faint, 0);
        page.line(format!("{}{origin}", " ".repeat(18)));
    }

    page.heading("Who set it, first to last");
    let built = format!("the check itself, {}", check.source.path.display());
    page.row(2, "defaults", Style::Cyan, 24, &built);
    for link in profile.chain_of(&check.id) {
        let what = format!("{} = {}", link.what, link.value);
        page.row(2, &what, Style::Cyan, 24, &link.at);
    }
    for one in profile.loosened.iter().filter(|one| one.check == check.id) {
        page.paragraph("  ", 2, &format!("Laxer in {}: {}", one.what, one.why));
    }
}

/// Where a check's own file gives a value: file and line.
fn of_check(check: &Check, path: &[&str]) -> String {
    let (tree, _) = parse(&check.source);
    let at = tree.map_or(0, |tree| tree.span_of(path).start);
    let (line, _) = check.source.line_column(at);
    format!("{}:{line}", check.source.path.display())
}

/// What a profile says about the whole run.
pub(crate) fn settings(profile: &Resolved) -> Vec<(&'static str, String)> {
    let limits = profile.limits;
    let [critical, high, medium, low] = profile.due_days;
    let ports = match profile.ports.len() {
        0 => "those declared".to_owned(),
        count => format!("those declared, and {count}: {}", port_ranges(&profile.ports)),
    };
    vec![
        ("ports", ports),
        ("class", format!("{} at most", class(profile.class))),
        (
            "pace",
            format!(
                "{} a second, {} to one host; {} conversations a second with it, {} at the same time",
                limits.per_second,
                limits.per_host_per_second,
                limits.talks(),
                limits.per_host_parallel
            ),
        ),
        (
            "gate",
            format!(
                "{} % of tests settled; above {} % inconclusive at most B; above {} medium findings at most C; \
                 gates that the vantage hides {}",
                profile.gate.coverage_percent,
                profile.gate.inconclusive_percent,
                profile.gate.many_medium,
                match profile.gate.out_of_sight {
                    OutOfSight::Open => "leave the verdict open",
                    OutOfSight::Borne => "are borne and named",
                }
            ),
        ),
        ("due in days", format!("critical {critical}, high {high}, medium {medium}, low {low}")),
    ]
}

fn class(class: crate::model::plan::Class) -> String {
    serde_json::to_value(class)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn as_json(profiles: &[Resolved]) -> String {
    let all: Vec<_> = profiles
        .iter()
        .map(|profile| {
            serde_json::json!({
                "name": profile.name,
                "title": profile.title,
                "digest": profile.digest,
                "checks": profile.chosen.iter().map(|chosen| &chosen.check.id).collect::<Vec<_>>(),
                "loosened": profile.loosened,
            })
        })
        .collect();
    serde_json::to_string_pretty(&all).unwrap_or_default()
}
