//! `postern report`: renders a review again, in another format or language.

use std::path::PathBuf;

use clap::Args;

use super::complain::say;
use super::files::give_up;
use super::further::Further;
use super::weigh::read_review;
use super::{Exit, Globals, conclude};
use crate::model::complaint::{Complaint, nearest};
use crate::report::{self, FORMATS, Format, Paint};
use crate::review::Place;

/// Render a saved review in another format or language
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern report review/review.json --lang zh-Hant -o report.html
      the report in Traditional Chinese
  postern report review/review.json --words fr.yaml -o report.html
      in a language of your own: a words file has the report's sentences
  postern report review/review.json --format sarif -o review.sarif
      for a code host that shows findings beside the inventory
  postern report review/review.json --format text
      the summary, on stdout")]
pub(crate) struct Report {
    /// The review.json that a scan wrote.
    #[arg(value_name = "REVIEW")]
    review: PathBuf,
    /// The form.
    #[arg(short, long, value_name = "FORM", default_value = "html", help = forms())]
    format: String,
    /// The language: en, zh-Hant, or that of a words file [default: that of the words file, or en].
    #[arg(short, long, value_name = "LANG", env = "POSTERN_LANG")]
    lang: Option<String>,
    #[command(flatten)]
    further: Further,
    /// Where to write it [default: stdout].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The help for `--format`: every form that there is.
fn forms() -> String {
    let names: Vec<_> = FORMATS.iter().map(|format| format.name).collect();
    format!("The form: {}", names.join(", "))
}

impl Report {
    pub(crate) fn run(&self, globals: &Globals) -> Exit {
        match self.report(globals) {
            Ok(()) => Exit::Passed,
            Err(complaints) => give_up(globals, &complaints),
        }
    }

    fn report(&self, globals: &Globals) -> Result<(), Vec<Complaint>> {
        let mut wrong = Vec::new();
        let format = self.form().map_err(|one| wrong.push(one)).ok();
        let review = read_review(&self.review).map_err(|one| wrong.push(one)).ok();
        let languages = self.further.read(&mut wrong);
        let lang = languages.speak(self.lang.as_deref()).map_err(|one| wrong.push(one)).ok();
        let (Some(format), Some(mut review), Some(lang), true) =
            (format, review, lang, wrong.is_empty())
        else {
            return Err(wrong);
        };
        if let Some(words) = languages.words(lang) {
            words.tell(&mut review);
            let told = |place: &Place| place.message.0.contains_key(lang);
            if !globals.quiet
                && !review.findings.iter().flat_map(|finding| &finding.places).all(told)
            {
                say(&format!(
                    "what was found is told in English, for the review was made without words for `{lang}`: \
                     `postern judge BOOK --words FILE` makes it with them"
                ));
            }
        }
        let mut options = languages.options(lang);
        if self.output.is_none() && conclude::paints(globals) {
            options.paint = Paint::Ansi;
        }
        let bytes = (format.render)(&review, &options)
            .map_err(|wrong| vec![Complaint::nowhere(wrong.to_string())])?;
        self.put(&bytes).map_err(|one| vec![one])
    }

    fn form(&self) -> Result<&'static Format, Complaint> {
        let names = || FORMATS.iter().map(|format| format.name);
        report::format(&self.format).ok_or_else(|| {
            let all: Vec<_> = names().collect();
            let near = nearest(&self.format, names());
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            Complaint::nowhere(format!("there is no form `{}`{near}", self.format))
                .help(format!("it is one of {}", all.join(", ")))
        })
    }

    /// To the file, or to stdout.
    fn put(&self, bytes: &[u8]) -> Result<(), Complaint> {
        match &self.output {
            Some(path) => conclude::write_whole(path, bytes).map_err(|wrong| {
                Complaint::nowhere(format!("`{}` cannot be written: {wrong}", path.display()))
            }),
            None => conclude::to_stdout(bytes).map_err(Complaint::nowhere),
        }
    }
}
