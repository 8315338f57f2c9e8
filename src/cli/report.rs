//! `postern report`: renders a review again, in another format or language.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::files::give_up;
use super::weigh::read_review;
use super::{Exit, Globals, conclude};
use crate::model::complaint::{Complaint, nearest};
use crate::report::{self, FORMATS, Options, Paint};

/// Render a saved review in another format or language
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern report review/review.json --lang zh-Hant -o report.html
      the report in Traditional Chinese
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
    /// The language: en, zh-Hant.
    #[arg(short, long, value_name = "LANG", default_value = "en", env = "POSTERN_LANG")]
    lang: String,
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
            Err(complaint) => give_up(globals, &[complaint]),
        }
    }

    fn report(&self, globals: &Globals) -> Result<(), Complaint> {
        let names = || FORMATS.iter().map(|format| format.name);
        let format = report::format(&self.format).ok_or_else(|| {
            let all: Vec<_> = names().collect();
            let near = nearest(&self.format, names());
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            Complaint::nowhere(format!("there is no form `{}`{near}", self.format))
                .help(format!("it is one of {}", all.join(", ")))
        })?;
        let review = read_review(&self.review)?;
        let mut options = Options::new(&self.lang);
        if self.output.is_none() && conclude::paints(globals) {
            options.paint = Paint::Ansi;
        }
        let bytes = (format.render)(&review, &options)
            .map_err(|wrong| Complaint::nowhere(wrong.to_string()))?;
        match &self.output {
            Some(path) => conclude::write_whole(path, &bytes).map_err(|wrong| {
                Complaint::nowhere(format!("`{}` cannot be written: {wrong}", path.display()))
            }),
            None => match std::io::stdout().lock().write_all(&bytes) {
                // A reader that has gone away has seen enough.
                Err(wrong) if wrong.kind() != std::io::ErrorKind::BrokenPipe => {
                    Err(Complaint::nowhere(format!("stdout: {wrong}")))
                }
                _ => Ok(()),
            },
        }
    }
}
