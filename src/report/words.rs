//! The words of one language: a data file, so that a further language is one file more. It has the report's own sentences,
//! and may have texts of checks.

mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::catalogue::{CheckWords, Foreign};
use crate::model::complaint::{Complaint, Source};
use crate::model::moment::{Calendar, Moment};
use crate::model::reason::{Part, Reason};
use crate::model::said::Said;
use crate::review::{Fix, Review};
use crate::yaml::{Node, parse};

pub use file::WordsFile;

/// Languages that are built in: the tag that a user types, and the words file.
const BUILT_IN: [(&str, &str); 2] = [
    ("en", include_str!("../../reports/words/en.yaml")),
    ("zh-Hant", include_str!("../../reports/words/zh-Hant.yaml")),
];

/// All sentences of the report in one language. Whatever was read without complaint has every key.
#[derive(Clone, Debug)]
pub struct Words {
    entries: BTreeMap<String, String>,
    checks: BTreeMap<String, CheckWords>,
    /// The file that a user gave, and its tree; none of a language that is built in.
    file: Option<Arc<(Arc<Source>, Node)>>,
}

impl Words {
    /// The tags of the languages that are built in.
    pub fn languages() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(lang, _)| *lang)
    }

    /// The words of a built-in language, by its tag.
    pub fn built_in(lang: &str) -> Option<Self> {
        let (tag, text) = BUILT_IN.iter().find(|(tag, _)| *tag == lang)?;
        let source = Arc::new(Source {
            path: PathBuf::from(format!("built-in:reports/words/{tag}.yaml")),
            text: (*text).to_owned(),
        });
        Some(Self { entries: entries(&source), checks: BTreeMap::new(), file: None })
    }

    /// Reads a words file of a user's own.
    ///
    /// # Errors
    /// Says which keys are missing, unknown, or have other placeholders than in English, each with its place. Whether
    /// its texts of checks are right, [`crate::catalogue::Catalogue::learn`] says.
    pub fn read(source: &Arc<Source>) -> Result<Self, Vec<Complaint>> {
        file::read(source)
    }

    /// The texts of checks that the file has, for a catalogue to learn.
    pub fn foreign(&self) -> Option<Foreign<'_>> {
        let (source, tree) = self.file.as_deref()?;
        Some(Foreign { lang: self.lang(), source, checks: tree.field("checks")? })
    }

    /// The file that they come from, where a user gave one.
    pub fn source(&self) -> Option<&Arc<Source>> {
        self.file.as_deref().map(|(source, _)| source)
    }

    /// Puts the texts of checks into a review that was made without them. What was found where stays in the languages in
    /// which the review tells it: those sentences are made when a book is judged.
    pub fn tell(&self, review: &mut Review) {
        let lang = self.lang();
        for finding in &mut review.findings {
            if let Some(words) = self.checks.get(&finding.check.0) {
                words_of(words, lang, &mut finding.title, &mut finding.why, &mut finding.fix);
            }
        }
        for check in &mut review.checks {
            if let Some(words) = self.checks.get(&check.id.0) {
                words_of(words, lang, &mut check.title, &mut check.why, &mut check.fix);
            }
        }
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
        let there = Self::there(moment);
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
        let there = Self::there(moment);
        self.say("format.time", &[("date", &self.date(moment)), ("time", &clock(there))])
    }

    /// From one time to another; the day is told once where it is the same.
    pub fn span(&self, began: Moment, ended: Moment) -> String {
        let (first, last) = (self.time(began), self.time(ended));
        let same_day = Self::there(began).date() == Self::there(ended).date();
        let last = if same_day { clock(Self::there(ended)) } else { last };
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

    /// A reason: our own words in this language, what others said as it stands.
    pub fn reason(&self, reason: &Reason) -> String {
        match reason {
            Reason::Check { said } => said.in_lang(self.lang()).to_owned(),
            Reason::Verbatim { verbatim } => verbatim.clone(),
            Reason::Ours { key, with } => {
                let own = self.entries.get(&format!("reason.{key}")).map(String::as_str);
                let Some(sentence) = own.or_else(|| Reason::sentence(key)) else {
                    return key.clone();
                };
                let told = |part: &Part| match part {
                    Part::Text(text) => text.clone(),
                    Part::Reasons(reasons) => self.reasons(reasons),
                };
                let fills: Vec<_> = with.iter().map(|(name, part)| (name, told(part))).collect();
                let fills: Vec<_> =
                    fills.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
                fill(sentence, &fills)
            }
        }
    }

    /// Several reasons after one another.
    pub fn reasons<'r>(&self, reasons: impl IntoIterator<Item = &'r Reason>) -> String {
        let told: Vec<String> = reasons.into_iter().map(|reason| self.reason(reason)).collect();
        told.join(self.plain("format.reasons"))
    }

    /// Every key, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    fn there(moment: Moment) -> jiff::civil::DateTime {
        Calendar::HONG_KONG.there(moment)
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

fn words_of(words: &CheckWords, lang: &str, title: &mut Said, why: &mut Said, fix: &mut [Fix]) {
    let put = |said: &mut Said, text: Option<&String>| {
        if let Some(text) = text {
            said.0.insert(lang.to_owned(), text.clone());
        }
    };
    put(title, words.title.as_ref());
    put(why, words.why.as_ref());
    if words.fix.len() == fix.len() {
        for (fix, text) in fix.iter_mut().zip(&words.fix) {
            put(&mut fix.text, Some(text));
        }
    }
}

/// The sentences of a words file that is built in; tests hold that it is whole.
fn entries(source: &Arc<Source>) -> BTreeMap<String, String> {
    let tree = parse(source).0;
    let all = tree.iter().flat_map(Node::entries).filter(|entry| entry.name() != "schema");
    all.filter_map(|entry| Some((entry.name().to_owned(), entry.value.text()?.to_owned())))
        .collect()
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

    fn read(text: &str) -> Result<Words, Vec<Complaint>> {
        Words::read(&Arc::new(Source { path: "xx.yaml".into(), text: text.to_owned() }))
    }

    #[test]
    fn every_reason_of_ours_has_its_words_in_every_language() {
        for lang in Words::languages() {
            let words = Words::built_in(lang).expect("it is built in");
            let keys: BTreeSet<_> =
                words.keys().filter_map(|key| key.strip_prefix("reason.")).collect();
            let known: BTreeSet<_> = Reason::vocabulary().map(|(key, _)| key).collect();
            assert_eq!(keys, known, "{lang}");
            for (key, english) in Reason::vocabulary() {
                let own = words.plain(&format!("reason.{key}"));
                assert_eq!(placeholders(own), placeholders(english), "{lang}: {key}");
                assert!(lang != "en" || own == english, "{key} differs from what the program says");
            }
        }
    }

    #[test]
    fn a_reason_is_told_in_the_reader_s_language() {
        let chinese = Words::built_in("zh-Hant").expect("Chinese is built in");
        for (english, told) in [
            (
                "whether 443/tcp of 192.0.2.1 (a.example) speaks TLS did not become clear: no answer in time",
                "未能確定 192.0.2.1 的 443/tcp（a.example）是否使用 TLS：在時限內沒有回應",
            ),
            ("80/tcp of 192.0.2.1: said {so}", "192.0.2.1 的 80/tcp：said {so}"),
        ] {
            assert_eq!(chinese.reasons(&Reason::all(english)), told);
            let back = Words::built_in("en").expect("English is built in");
            assert_eq!(back.reasons(&Reason::all(english)), english);
        }
    }

    #[test]
    fn a_words_file_must_be_whole() {
        let text = "schema: postern/words/v1\nlang: x x\ndecision.goo: no\nformat.time: \"{date} {clock}\"\n";
        let complaints = read(text).expect_err("it lacks nearly everything");
        let at = |title: &str| {
            let found = complaints.iter().find(|complaint| complaint.title == title);
            let (source, mark) = found.and_then(|found| found.at.as_ref()).expect(title);
            source.line_column(mark.start)
        };
        let missing = complaints.iter().find(|one| one.title.ends_with(" fields are missing here"));
        assert!(missing.is_some_and(|one| one.help[0].contains("area.")), "{complaints:?}");
        assert_eq!(at("there is no field `decision.goo`; did you mean `decision.go`?"), (3, 1));
        assert_eq!(at("`format.time` has other placeholders than in English"), (4, 14));
        assert_eq!(at("this is not the tag of a language"), (2, 7));
    }

    #[test]
    fn a_review_takes_the_texts_that_a_words_file_has() {
        let english =
            include_str!("../../reports/words/en.yaml").replace("lang: en\n", "lang: fr\n");
        let mut review = crate::review::sample::small();
        let id = review.findings.first().expect("a finding").check.clone();
        let words = read(&format!("{english}\nchecks:\n  {id}:\n    title: Un titre\n"))
            .expect("it is whole");
        words.tell(&mut review);
        let finding = review.findings.first().expect("a finding");
        assert_eq!(
            (finding.title.in_lang("fr"), finding.why.0.contains_key("fr")),
            ("Un titre", false)
        );
        assert!(review.checks.iter().any(|check| check.title.in_lang("fr") == "Un titre"));
    }
}
