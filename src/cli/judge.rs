//! `postern judge`: judges a saved book again, without a network.

use std::path::PathBuf;

use clap::Args;

use super::conclude::{self, Outputs};
use super::files::{Files, give_up};
use super::library::{Folders, Library};
use super::weigh::{self, Measure, read_review, weigh};
use super::{Exit, Globals};
use crate::book::Book;
use crate::inventory::waivers::Waiver;
use crate::model::complaint::Complaint;
use crate::model::moment::Moment;

/// Judge a saved book again, without a network
///
/// A book holds what was seen, not what it was taken to mean: judge it with other checks, another profile or new
/// waivers, or next year with next year's checks.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern judge review/book.jsonl --out review
      again, with the checks of this version
  postern judge new/book.jsonl --last old/review.json --out new
      says what is new, what is mended and what is still open")]
pub(crate) struct Judge {
    /// The book that a scan wrote.
    #[arg(value_name = "BOOK")]
    book: PathBuf,
    /// The profile to judge by [default: that of the scan].
    #[arg(short, long, value_name = "NAME", env = "POSTERN_PROFILE")]
    profile: Option<String>,
    #[command(flatten)]
    folders: Folders,
    /// Accepted risks [default: those in the book]; may be given more than once.
    #[arg(short, long, value_name = "FILE", env = "POSTERN_WAIVERS", value_delimiter = ',')]
    waivers: Vec<PathBuf>,
    /// Judge as of that time [default: now]: 2026-11-23T22:00:00+08:00, or a day.
    #[arg(long, value_name = "TIME")]
    now: Option<Moment>,
    #[command(flatten)]
    outputs: Outputs,
}

impl Judge {
    pub(crate) fn run(&self, globals: &Globals) -> Exit {
        match self.judge(globals) {
            Ok(exit) => exit,
            Err(complaints) => give_up(globals, &complaints),
        }
    }

    fn judge(&self, globals: &Globals) -> Result<Exit, Vec<Complaint>> {
        let mut wrong = Vec::new();
        let languages = self.outputs.check(&mut wrong);
        let book = Book::load(&self.book).map_err(|why| {
            Complaint::nowhere(why.to_string())
                .help("name the book.jsonl that a scan wrote, as it was written")
        });
        let book = book.map_err(|complaint| wrong.push(complaint)).ok();
        let files = Files::read(None, &[] as &[PathBuf], &self.waivers);
        let files = files.map_err(|complaints| wrong.extend(complaints)).unwrap_or_default();
        let last = self.outputs.last.as_deref().map(read_review).transpose();
        let last = last.map_err(|complaint| wrong.push(complaint)).unwrap_or_default();
        let (mut library, complaints) = Library::open(&self.folders(book.as_ref()));
        wrong.extend(complaints);
        wrong.extend(library.learn(&languages));
        wrong.extend(files.unknown_checks(&library.catalogue));
        let declared = book.as_ref().map(weigh::inventory).transpose();
        match declared {
            Ok(declared) => wrong.extend(declared.iter().flat_map(|one| files.unknown_hosts(one))),
            Err(complaint) => wrong.push(complaint),
        }
        let name = match (&self.profile, &book) {
            (Some(name), _) => name.as_str(),
            (None, Some(book)) => book.opened().profile.as_str(),
            (None, None) => return Err(wrong),
        };
        let profile = library.profile(name).map_err(|complaints| wrong.extend(complaints)).ok();
        if profile.is_none() {
            wrong.extend(book.iter().flat_map(|book| self.moved(book)));
        }
        let (frameworks, complaints) = library.frameworks();
        wrong.extend(complaints);
        let (Some(book), Some(profile), true) = (book, profile, wrong.is_empty()) else {
            return Err(wrong);
        };
        let waivers: Vec<Waiver> =
            files.waivers.into_iter().flat_map(|file| file.value.waivers).collect();
        let now = self.now.unwrap_or_else(weigh::now);
        let review = weigh(
            &book,
            &Measure {
                catalogue: &library.catalogue,
                profile: &profile,
                frameworks: &frameworks,
                packs: &library.packs,
                waivers: (!self.waivers.is_empty()).then_some(&waivers),
                last: last.as_ref(),
                now,
            },
        )
        .map_err(|complaint| vec![complaint])?;
        let folder = self
            .outputs
            .out
            .clone()
            .unwrap_or_else(|| PathBuf::from(format!("postern-review-{}", now.date())));
        languages.say_how_whole(&library.catalogue, globals);
        conclude::publish(&review, &folder, &self.outputs, &languages, globals)
            .map_err(|wrong| vec![Complaint::nowhere(wrong)])
    }

    /// The folders of checks and profiles: those given, or else those of the scan, where they still are.
    fn folders(&self, book: Option<&Book>) -> Folders {
        let of_scan = |option| book.into_iter().flat_map(move |book| folders_of_scan(book, option));
        let there = |folder: &PathBuf| folder.is_dir();
        let Folders { checks, profiles, mut packs, mut plugins } = self.folders.clone();
        let kept = book.into_iter().flat_map(|book| &book.opened().plugins);
        plugins.of_book = kept.filter_map(|one| serde_json::from_value(one.clone()).ok()).collect();
        if packs.pack.is_empty() {
            packs.pack = of_scan("pack").filter(there).collect();
        }
        Folders {
            checks: checks.or_else(|| of_scan("checks").find(there)),
            profiles: profiles.or_else(|| of_scan("profiles").find(there)),
            packs,
            plugins,
        }
    }

    /// What the scan had of its own and is not there any more, where nothing was given instead.
    fn moved(&self, book: &Book) -> Vec<Complaint> {
        let Folders { checks, profiles, packs, .. } = &self.folders;
        let all = [
            ("checks", "checks of its own", checks.is_none()),
            ("profiles", "profiles of its own", profiles.is_none()),
            ("pack", "a pack", packs.pack.is_empty()),
        ];
        let asked = all.into_iter().filter(|(_, _, open)| *open);
        let missing = asked.flat_map(|(option, what, _)| {
            let gone = folders_of_scan(book, option).filter(|folder| !folder.is_dir());
            gone.map(move |folder| {
                let title = format!("the scan had {what} in `{}`", folder.display());
                let help = format!("name the folder where it is now: --{option} DIR");
                Complaint::nowhere(title).help(help)
            })
        });
        missing.collect()
    }
}

/// The folders that the scan was given by that option.
fn folders_of_scan<'b>(book: &'b Book, option: &str) -> impl Iterator<Item = PathBuf> + use<'b> {
    book.opened().given.get(option).into_iter().flatten().map(PathBuf::from)
}
