//! The report's own sentences in one language: a data file, so that a further language is one file more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::model::complaint::{Complaint, Source, nearest};
use crate::model::moment::Moment;
use crate::yaml::{Node, parse};

/// Languages that are built in: the tag that a user types, and the words file.
const BUILT_IN: [(&str, &str); 2] = [
    ("en", include_str!("../../reports/words/en.yaml")),
    ("zh-Hant", include_str!("../../reports/words/zh-Hant.yaml")),
];

/// All sentences of the report in one language. Whatever was read without complaint has every key.
#[derive(Clone, Debug)]
pub struct Words {
    entries: BTreeMap<String, String>,
}

impl Words {
    /// The tags of the languages that are built in.
    pub fn languages() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(lang, _)| *lang)
    }

    /// The words of a built-in language, by its tag.
    pub fn built_in(lang: &str) -> Option<Self> {
        let (tag, text) = BUILT_IN.iter().find(|(tag, _)| *tag == lang)?;
        let entries = entries(&source(&format!("built-in:reports/words/{tag}.yaml"), text)).ok()?;
        Some(Self { entries })
    }

    /// Reads a words file of a user's own.
    ///
    /// # Errors
    /// Says which keys are missing, unknown, or have other placeholders than in English.
    pub fn read(source: &Arc<Source>) -> Result<Self, Vec<Complaint>> {
        let entries = entries(source)?;
        let english = Self::built_in("en").map(|words| words.entries).unwrap_or_default();
        let complaints = unlike(&english, &entries, source);
        if complaints.is_empty() { Ok(Self { entries }) } else { Err(complaints) }
    }

    /// The BCP 47 tag: what picks a check's own texts.
    pub fn lang(&self) -> &str {
        self.plain("lang")
    }

    /// The sentence of that key, for keys without placeholders. A key that is nowhere shows itself in brackets.
    pub fn plain(&self, key: &str) -> &str {
        self.entries.get(key).map_or("⟦missing words⟧", String::as_str)
    }

    /// The sentence of that key with its placeholders filled.
    pub fn say(&self, key: &str, fills: &[(&str, &str)]) -> String {
        fill(self.plain(key), fills)
    }

    /// The sentence of that key for so many things, `{n}` filled with the number: `key.one` or `key.other`.
    pub fn count(&self, key: &str, n: u64, fills: &[(&str, &str)]) -> String {
        let one = (n == 1).then(|| self.entries.get(&format!("{key}.one"))).flatten();
        let other = || self.plain(&format!("{key}.other"));
        let number = number(n);
        let fills: Vec<_> = fills.iter().copied().chain([("n", number.as_str())]).collect();
        fill(one.map_or_else(other, String::as_str), &fills)
    }

    /// The calendar day where the readers are.
    pub fn date(&self, moment: Moment) -> String {
        let there = self.there(moment);
        let month = match there.month() {
            1 => "month.1",
            2 => "month.2",
            3 => "month.3",
            4 => "month.4",
            5 => "month.5",
            6 => "month.6",
            7 => "month.7",
            8 => "month.8",
            9 => "month.9",
            10 => "month.10",
            11 => "month.11",
            _ => "month.12",
        };
        let (day, year) = (there.day().to_string(), there.year().to_string());
        let month = self.plain(month);
        self.say("format.date", &[("day", &day), ("month", month), ("year", &year)])
    }

    /// Day and minute where the readers are.
    pub fn time(&self, moment: Moment) -> String {
        let there = self.there(moment);
        self.say("format.time", &[("date", &self.date(moment)), ("time", &clock(there))])
    }

    /// From one time to another; the day is told once where it is the same.
    pub fn span(&self, began: Moment, ended: Moment) -> String {
        let (first, last) = (self.time(began), self.time(ended));
        let same_day = self.there(began).date() == self.there(ended).date();
        let last = if same_day { clock(self.there(ended)) } else { last };
        self.say("format.span", &[("began", &first), ("ended", &last)])
    }

    /// Several things after one another.
    pub fn list<T: AsRef<str>>(&self, parts: impl IntoIterator<Item = T>) -> String {
        let mut out = String::new();
        for part in parts {
            if !out.is_empty() {
                out.push_str(self.plain("format.list"));
            }
            out.push_str(part.as_ref());
        }
        out
    }

    /// Every key, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    fn there(&self, moment: Moment) -> jiff::civil::DateTime {
        let minutes: i32 = self.plain("format.zone-minutes").parse().unwrap_or(0);
        let offset = Offset::from_seconds(minutes.saturating_mul(60)).unwrap_or(Offset::UTC);
        let stamp =
            Timestamp::from_millisecond(moment.unix_millis()).unwrap_or(Timestamp::UNIX_EPOCH);
        offset.to_datetime(stamp)
    }
}

fn clock(there: jiff::civil::DateTime) -> String {
    format!("{:02}:{:02}", there.hour(), there.minute())
}

/// A whole number with its thousands set apart.
pub(crate) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The names between braces in a sentence.
pub fn placeholders(sentence: &str) -> BTreeSet<&str> {
    let parts = sentence.split('{').skip(1);
    parts.filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect()
}

/// Fills placeholders in one pass, so that braces in what is filled in mean nothing.
fn fill(sentence: &str, fills: &[(&str, &str)]) -> String {
    let mut parts = sentence.split('{');
    let mut out = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        let value = fills.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        out.push_str(value.unwrap_or("⟦missing value⟧"));
        out.push_str(rest);
    }
    out
}

fn source(path: &str, text: &str) -> Arc<Source> {
    Arc::new(Source { path: PathBuf::from(path), text: text.to_owned() })
}

/// The keys of a words file with their sentences; every value is text.
fn entries(source: &Arc<Source>) -> Result<BTreeMap<String, String>, Vec<Complaint>> {
    let (tree, mut complaints) = parse(source);
    let mut entries = BTreeMap::new();
    for entry in tree.iter().flat_map(Node::entries) {
        if let Some(text) = entry.value.text() {
            entries.insert(entry.name().to_owned(), text.to_owned());
        } else {
            let title = format!("`{}` is not a sentence", entry.name());
            complaints.push(Complaint::at(source, entry.key.mark(), title));
        }
    }
    if complaints.is_empty() { Ok(entries) } else { Err(complaints) }
}

/// What a words file lacks or has too much, measured by the English one.
fn unlike(
    english: &BTreeMap<String, String>,
    theirs: &BTreeMap<String, String>,
    source: &Arc<Source>,
) -> Vec<Complaint> {
    let (tree, _) = parse(source);
    let at = |key: &str| {
        let mut keys = tree.iter().flat_map(Node::entries);
        keys.find(|entry| entry.name() == key).map_or(0..0, |entry| entry.key.mark())
    };
    let optional = |key: &str| key.strip_suffix(".one").is_some();
    let missing = english.keys().filter(|key| !optional(key) && !theirs.contains_key(*key));
    let missing = missing.map(|key| {
        Complaint::at(source, 0..0, format!("the sentence `{key}` is missing"))
            .help("take the English words file as the pattern: it has every key")
    });
    let unknown = theirs.keys().filter(|key| !english.contains_key(*key)).map(|key| {
        let title = format!("no sentence of the report is called `{key}`");
        let complaint = Complaint::at(source, at(key), title);
        match nearest(key, english.keys().map(String::as_str)) {
            Some(near) => complaint.help(format!("did you mean `{near}`?")),
            None => complaint,
        }
    });
    let differing = theirs.iter().filter_map(|(key, sentence)| {
        let wanted = placeholders(english.get(key)?);
        (placeholders(sentence) != wanted).then(|| {
            let names: Vec<_> = wanted.iter().map(|name| format!("{{{name}}}")).collect();
            let names = if names.is_empty() { "none".into() } else { names.join(" ") };
            let title = format!("`{key}` has other placeholders than in English");
            Complaint::at(source, at(key), title).help(format!("it needs: {names}"))
        })
    });
    missing.chain(unknown).chain(differing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_filled_once() {
        assert_eq!(fill("a {x} c {y}", &[("x", "{y}"), ("y", "d")]), "a {y} c d");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(number(999), "999");
    }

    #[test]
    fn times_are_told_where_the_readers_are() {
        let moment: Moment = "2026-11-23T17:05:00Z".parse().expect("a time");
        let english = Words::built_in("en").expect("English is built in");
        assert_eq!(english.time(moment), "24 November 2026, 01:05");
        let chinese = Words::built_in("zh-Hant").expect("Chinese is built in");
        assert_eq!(chinese.date(moment), "2026年11月24日");
    }

    #[test]
    fn a_words_file_must_be_whole() {
        let text = "lang: xx\ndecision.goo: no\nformat.time: \"{date} {clock}\"\n";
        let complaints =
            Words::read(&source("xx.yaml", text)).expect_err("it lacks nearly everything");
        let told: Vec<_> = complaints.iter().map(|complaint| complaint.title.as_str()).collect();
        assert!(told.contains(&"the sentence `decision.heading` is missing"));
        assert!(told.contains(&"no sentence of the report is called `decision.goo`"));
        assert!(told.contains(&"`format.time` has other placeholders than in English"));
    }
}
