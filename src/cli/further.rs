//! Languages beyond those built in: the words files that the user names.

use std::path::PathBuf;

use clap::Args;

use super::Globals;
use super::complain::say;
use super::files::read_one;
use crate::catalogue::Catalogue;
use crate::model::complaint::{Complaint, nearest};
use crate::model::heard::shown;
use crate::report::Options;
use crate::report::words::Words;

/// Words files.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Further {
    /// A words file: a further language, or other words for one that is built in; may be given more than once.
    #[arg(long, value_name = "FILE", env = "POSTERN_WORDS", value_delimiter = ',')]
    pub(crate) words: Vec<PathBuf>,
}

/// The languages that can be chosen from.
#[derive(Debug, Default)]
pub(crate) struct Languages {
    given: Vec<Words>,
    /// Whether a file had mistakes: what else there would be is not known then.
    unread: bool,
}

impl Further {
    /// Reads the files; everything that is wrong with any of them joins the other complaints.
    pub(crate) fn read(&self, complaints: &mut Vec<Complaint>) -> Languages {
        let before = complaints.len();
        let read = |path: &PathBuf| read_one(path, Words::read, complaints);
        let given: Vec<Words> = self.words.iter().filter_map(read).collect();
        for (place, words) in given.iter().enumerate() {
            let earlier = given.get(..place).unwrap_or_default();
            if let (true, Some(source)) =
                (earlier.iter().any(|other| other.lang() == words.lang()), words.source())
            {
                let title = format!("this is a second words file for `{}`", words.lang());
                let one = Complaint::at(source, 0..0, title);
                complaints.push(one.help("put all of it into one file"));
            }
        }
        Languages { given, unread: complaints.len() > before }
    }
}

impl Languages {
    /// The language when none is asked for: that of the first words file, or English.
    pub(crate) fn usual(&self) -> &str {
        self.given.first().map_or("en", Words::lang)
    }

    /// The words files.
    pub(crate) fn given(&self) -> &[Words] {
        &self.given
    }

    /// The words of a language, where a file gave them.
    pub(crate) fn words(&self, lang: &str) -> Option<&Words> {
        self.given.iter().find(|words| words.lang() == lang)
    }

    /// What a format needs to write in that language.
    pub(crate) fn options<'a>(&'a self, lang: &'a str) -> Options<'a> {
        self.words(lang).map_or_else(|| Options::new(lang), Options::in_words)
    }

    /// What is wrong with the name of a language, before anything is done in it.
    pub(crate) fn unknown(&self, lang: &str) -> Option<Complaint> {
        let mut known: Vec<&str> = Words::languages().collect();
        known.extend(self.given.iter().map(Words::lang));
        if known.contains(&lang) || self.unread {
            return None;
        }
        let near = nearest(lang, known.iter().copied());
        let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        let one = Complaint::nowhere(format!("there are no words for `{lang}`{near}"));
        Some(one.help(format!("there are {}; --words FILE adds a language", known.join(", "))))
    }

    /// The language to speak in, of what may be asked for, or what is wrong with it.
    pub(crate) fn speak<'a>(&'a self, asked: Option<&'a str>) -> Result<&'a str, Complaint> {
        let lang = asked.unwrap_or(self.usual());
        self.unknown(lang).map_or(Ok(lang), Err)
    }

    /// Says on stderr how much each file tells of the checks; the report's own sentences are always whole.
    pub(crate) fn say_how_whole(&self, catalogue: &Catalogue, globals: &Globals) {
        let checks = catalogue.checks();
        for words in self.given.iter().filter(|_| !globals.quiet) {
            let told = checks.iter().filter(|check| check.is_told_in(words.lang())).count();
            let rest =
                if told == checks.len() { "" } else { "; what is missing appears in English" };
            let path = words.source().map(|source| shown(&source.path.display().to_string()));
            say(&format!(
                "{}: every sentence of the report, and every text of {told} of {} checks{rest}",
                path.unwrap_or_default(),
                checks.len()
            ));
        }
    }
}
