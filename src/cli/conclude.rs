//! The end of `scan`, `judge` and `demo`: writes the review's files, prints the summary, and decides the exit code.

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::complain::wants_colour;
use super::further::{Further, Languages};
use super::remembered::remembered;
use super::{Exit, Globals};
use crate::model::complaint::Complaint;
use crate::report::{self, Format, Options, Paint};
use crate::review::{GateVerdict, Review};

/// What is written, where, and in which languages.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Results")]
pub(crate) struct Outputs {
    /// The folder for the results; made when it is missing [default: postern-review-DATE, or with --resume the book's].
    #[arg(long, value_name = "DIR", env = "POSTERN_OUT")]
    pub(crate) out: Option<PathBuf>,
    /// Languages of the report, first the summary's own: en, zh-Hant, or that of a words file [default: that of the first
    /// words file, or en].
    #[arg(long, value_name = "LANG", value_delimiter = ',', env = "POSTERN_LANG")]
    pub(crate) lang: Vec<String>,
    /// A words file: a further language, or other words for one that is built in; may be given more than once.
    #[arg(long, value_name = "FILE", env = "POSTERN_WORDS", value_delimiter = ',')]
    pub(crate) words: Vec<PathBuf>,
    /// Forms to write besides review.json: html, sarif, junit, text [default: html].
    #[arg(long, value_name = "FORM", value_delimiter = ',', env = "POSTERN_FORMAT")]
    pub(crate) format: Vec<String>,
    /// The last review.json, to mark what is new, what is fixed and what is still open.
    #[arg(long, value_name = "REVIEW", env = "POSTERN_LAST")]
    pub(crate) last: Option<PathBuf>,
}

// Not the folder: a resumed scan writes to where its book lies, also when both were moved.
remembered! {
    Outputs {
        lang: texts,
        format: texts,
        words: paths,
        last: path,
    }
}

impl Outputs {
    /// The forms asked for, `json` first; or the words that name none.
    pub(crate) fn formats(&self) -> Result<Vec<&'static Format>, Vec<String>> {
        let mut known = Vec::new();
        let mut unknown = Vec::new();
        let given = if self.format.is_empty() { vec!["html"] } else { words(&self.format) };
        for word in std::iter::once("json").chain(given) {
            match report::format(word) {
                Some(format) if known.iter().any(|have: &&Format| have.name == format.name) => {}
                Some(format) => known.push(format),
                None => unknown.push(word.to_owned()),
            }
        }
        if unknown.is_empty() { Ok(known) } else { Err(unknown) }
    }

    /// The languages that there are. A form or a language that there is not, and everything that is wrong with the words
    /// files, joins the complaints: to be found out before anything is done.
    pub(crate) fn check(&self, wrong: &mut Vec<Complaint>) -> Languages {
        if let Err(words) = self.formats() {
            let known: Vec<&str> = report::FORMATS.iter().map(|format| format.name).collect();
            let one = Complaint::nowhere(format!("there is no form `{}`", words.join("`, `")));
            wrong.push(one.help(format!("there are {}", known.join(", "))));
        }
        let languages = Further { words: self.words.clone() }.read(wrong);
        wrong.extend(self.languages(&languages).iter().filter_map(|lang| languages.unknown(lang)));
        languages
    }

    /// The languages asked for: at least one.
    fn languages<'a>(&'a self, known: &'a Languages) -> Vec<&'a str> {
        let mut all: Vec<&str> = Vec::new();
        for lang in self.lang.iter().map(|lang| lang.trim()).filter(|lang| !lang.is_empty()) {
            if !all.contains(&lang) {
                all.push(lang);
            }
        }
        if all.is_empty() { vec![known.usual()] } else { all }
    }
}

fn words(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// Writes a review in every form and language that is asked for into `folder`, prints its summary on stdout, and says
/// how the program ends.
///
/// # Errors
/// Ours, in words: a form that could not be rendered, a file that could not be written. No file is left half-written.
pub(crate) fn publish(
    review: &Review,
    folder: &Path,
    outputs: &Outputs,
    known: &Languages,
    globals: &Globals,
) -> Result<Exit, String> {
    let languages = outputs.languages(known);
    let formats =
        outputs.formats().map_err(|words| format!("no such form: {}", words.join(", ")))?;
    fs::create_dir_all(folder).map_err(|wrong| format!("{}: {wrong}", folder.display()))?;
    let mut beside = Vec::new();
    for format in formats {
        let spoken = if format.name == "html" { languages.as_slice() } else { &languages[..1] };
        for (nth, lang) in spoken.iter().enumerate() {
            let path = folder.join(file_name(format.file, lang, nth));
            let bytes =
                (format.render)(review, &known.options(lang)).map_err(|wrong| wrong.to_string())?;
            write_whole(&path, &bytes).map_err(|wrong| format!("{}: {wrong}", path.display()))?;
            beside.push(path.display().to_string());
        }
    }
    if globals.quiet {
        return Ok(exit(review));
    }
    summarise(review, known.options(languages[0]), &beside, globals)?;
    Ok(exit(review))
}

/// The first language has the plain name, every further one its tag in it: `report.html`, `report.zh-Hant.html`.
fn file_name(plain: &str, lang: &str, nth: usize) -> String {
    match plain.rsplit_once('.') {
        Some((stem, ending)) if nth > 0 => format!("{stem}.{lang}.{ending}"),
        _ => plain.to_owned(),
    }
}

/// Prints the summary.
fn summarise<'a>(
    review: &Review,
    mut options: Options<'a>,
    beside: &'a [String],
    globals: &Globals,
) -> Result<(), String> {
    let Some(text) = report::format("text") else { return Ok(()) };
    options.beside = beside;
    if paints(globals) {
        options.paint = Paint::Ansi;
    }
    options.columns = columns();
    let bytes = (text.render)(review, &options).map_err(|wrong| wrong.to_string())?;
    to_stdout(&bytes)
}

/// Prints; a reader that has gone away is no error.
pub(crate) fn to_stdout(bytes: &[u8]) -> Result<(), String> {
    match io::stdout().lock().write_all(bytes).and_then(|()| io::stdout().flush()) {
        Err(wrong) if wrong.kind() != io::ErrorKind::BrokenPipe => Err(format!("stdout: {wrong}")),
        _ => Ok(()),
    }
}

/// Whether stdout gets colours.
pub(crate) fn paints(globals: &Globals) -> bool {
    wants_colour(globals.color, io::stdout().is_terminal()) == Paint::Ansi
}

/// The width of the text on stdout: a page for a file, at most a comfortable line for a terminal.
fn columns() -> usize {
    let known = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    known.unwrap_or(80).clamp(40, 100)
}

/// How the program ends with that review.
pub(crate) fn exit(review: &Review) -> Exit {
    let gate = match review.decision.verdict {
        GateVerdict::Go | GateVerdict::GoWithConditions => Exit::Passed,
        GateVerdict::NoGo => Exit::Failed,
        GateVerdict::NotEnoughEvidence => Exit::Incomplete,
    };
    let whole = if review.scan.complete { gate } else { gate.and(Exit::Incomplete) };
    if review.scan.own_errors == 0 { whole } else { whole.and(Exit::Untrustworthy) }
}

/// Writes a file whole or not at all: under another name, to the disk, then renamed.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.part", std::process::id()));
    let temporary =
        folder.map_or_else(|| PathBuf::from(&temporary), |folder| folder.join(&temporary));
    let written = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_or_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.html");
        write_whole(&path, b"old").expect("writable");
        write_whole(&path, b"new").expect("writable");
        assert_eq!(fs::read(&path).expect("there"), b"new");
        assert!(write_whole(&folder.path().join("missing/report.html"), b"x").is_err());
        assert!(write_whole(folder.path(), b"a folder is in the way").is_err());
        let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn an_error_of_our_own_is_never_a_gate_that_passed() {
        let mut review = crate::review::sample::clean();
        assert_eq!(exit(&review), Exit::Passed);
        review.scan.own_errors = 1;
        assert_eq!(exit(&review), Exit::Untrustworthy);
    }

    #[test]
    fn what_is_written_comes_back_from_a_book_and_what_is_given_now_wins() {
        let outputs = |lang: &[&str], format: &[&str], last: Option<&str>| Outputs {
            out: Some("review".into()),
            lang: lang.iter().map(|word| (*word).to_owned()).collect(),
            format: format.iter().map(|word| (*word).to_owned()).collect(),
            words: Vec::new(),
            last: last.map(PathBuf::from),
        };
        let book =
            outputs(&["zh-Hant", "en"], &["html", "sarif"], Some("/old/review.json")).words();
        let nothing = Outputs { out: None, ..outputs(&[], &[], None) };
        let back = nothing.or(&book).expect("our own words");
        assert_eq!(back.words(), book);
        assert_eq!(back.out, None, "the folder is the book's own");
        let other = outputs(&["en"], &[], None).or(&book).expect("our own words");
        assert_eq!(other.languages(&Languages::default()), ["en"]);
        assert_eq!(other.format, ["html", "sarif"]);
        let names = |outputs: &Outputs| -> Vec<_> {
            outputs.formats().expect("known").iter().map(|format| format.name).collect()
        };
        assert_eq!(names(&back), ["json", "html", "sarif"]);
        assert_eq!(names(&nothing), ["json", "html"]);
    }

    #[test]
    fn every_further_language_has_a_file_of_its_own() {
        assert_eq!(file_name("report.html", "en", 0), "report.html");
        assert_eq!(file_name("report.html", "zh-Hant", 1), "report.zh-Hant.html");
    }
}
