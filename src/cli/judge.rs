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
        let book = Book::load(&self.book).map_err(|why| Complaint::nowhere(why.to_string()));
        let book = book.map_err(|complaint| wrong.push(complaint)).ok();
        let files = Files::read(None, &[] as &[PathBuf], &self.waivers);
        let files = files.map_err(|complaints| wrong.extend(complaints)).unwrap_or_default();
        let last = self.outputs.last.as_deref().map(read_review).transpose();
        let last = last.map_err(|complaint| wrong.push(complaint)).unwrap_or_default();
        let checks = self.folders.checks.as_deref();
        let (library, complaints) = Library::open(checks, self.folders.profiles.as_deref());
        wrong.extend(complaints);
        let name = match (&self.profile, &book) {
            (Some(name), _) => name.as_str(),
            (None, Some(book)) => book.opened().profile.as_str(),
            (None, None) => return Err(wrong),
        };
        let profile = library.profile(name).map_err(|complaints| wrong.extend(complaints)).ok();
        let (Some(book), Some(profile), true) = (book, profile, wrong.is_empty()) else {
            return Err(wrong);
        };
        let waivers: Vec<Waiver> =
            files.waivers.into_iter().flat_map(|file| file.value.waivers).collect();
        let now = self.now.unwrap_or_else(weigh::now);
        let review = weigh(
            &book,
            &Measure {
                vocabulary: &library.vocabulary,
                catalogue: &library.catalogue,
                profile: &profile,
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
        conclude::publish(&review, &folder, &self.outputs, globals)
            .map_err(|wrong| vec![Complaint::nowhere(wrong)])
    }
}
