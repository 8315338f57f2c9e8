//! The summary for a terminal: the verdict and the grade with their reasons first, then what is wrong, what was not
//! settled, and where the files are.

mod page;

use std::collections::BTreeMap;

use super::words::{Words, number};
use super::{Format, Options, RenderError};
use crate::model::moment::Calendar;
use crate::model::outcome::Outcome;
use crate::model::reason::Reason;
use crate::model::severity::Severity;
use crate::review::{
    Because, Cap, ExposureCell, Finding, FindingState, GateVerdict, Letter, Review,
};
use page::{Ink, Page};

pub(super) const FORMAT: Format = Format {
    name: "text",
    file: "review.txt",
    means: "the summary for a terminal",
    render,
};

/// How many findings, and how many tests that were not settled, are told one by one.
const FINDINGS: usize = 40;
const UNSETTLED: usize = 12;

fn render(review: &Review, options: &Options<'_>) -> Result<Vec<u8>, RenderError> {
    let words = options.words()?;
    let mut page = Page::new(options.paint, options.columns);
    let teller = Teller { review, words: &words };
    teller.decision(&mut page);
    teller.counts(&mut page);
    teller.findings(&mut page);
    teller.unsettled(&mut page);
    files(&mut page, &words, options.beside);
    Ok(page.finish().into_bytes())
}

struct Teller<'a> {
    review: &'a Review,
    words: &'a Words,
}

impl Teller<'_> {
    /// The verdict and the letter, who was reviewed, and why.
    fn decision(&self, page: &mut Page) {
        let Self { review, words } = self;
        let (key, ink) = match review.decision.verdict {
            GateVerdict::Go => ("decision.go", Ink::Good),
            GateVerdict::GoWithConditions => ("decision.conditions", Ink::Care),
            GateVerdict::NoGo => ("decision.no-go", Ink::Bad),
            GateVerdict::NotEnoughEvidence => ("decision.unsure", Ink::Care),
        };
        let lang = words.lang();
        let verdict = words.plain(key);
        let label = words.say("grade.label", &[("letter", &starred(review))]);
        page.line(ink, 0, &format!("{verdict}  ·  {label}"));
        let providers = review.providers.iter().map(|party| party.name.in_lang(lang));
        let parties =
            words.list(std::iter::once(review.operator.name.in_lang(lang)).chain(providers));
        page.line(Ink::Faint, 0, &format!("{parties}  ·  {}", words.time(review.scan.began)));
        page.gap();
        for because in self.reasons() {
            page.line(Ink::Plain, 0, &because);
        }
        for because in self.grade() {
            page.line(Ink::Plain, 0, &because);
        }
        if let Some(changes) = &review.changes {
            let count = |key, n: usize| words.count(key, n as u64, &[]);
            let back = (!changes.came_back.is_empty())
                .then(|| count("changes.back", changes.came_back.len()));
            let told = [
                count("changes.new", changes.new.len()),
                count("changes.still", changes.still_open.len()),
                count("changes.fixed", changes.fixed.len()),
                count("changes.gone", changes.not_seen_again.len()),
            ];
            let told = words.list(told.into_iter().chain(back));
            let date = words.date(changes.last_made);
            let against = words.say("changes.against", &[("date", &date)]);
            page.line(Ink::Plain, 0, &against);
            page.line(Ink::Plain, 2, &told);
            if !changes.same_measure() {
                page.line(Ink::Care, 0, words.plain("changes.measure"));
            }
            for differs in &changes.differs {
                page.line(Ink::Plain, 2, &words.differs(differs));
            }
        }
    }

    /// Why the verdict is what it is; the first of each kind.
    fn reasons(&self) -> Vec<String> {
        let Self { review, words } = self;
        let means = match review.decision.verdict {
            GateVerdict::Go => "decision.go.means",
            GateVerdict::GoWithConditions => "decision.conditions.means",
            GateVerdict::NoGo => "decision.no-go.means",
            GateVerdict::NotEnoughEvidence => "decision.unsure.means",
        };
        let mut reasons = vec![words.plain(means).to_owned()];
        let mut told = Vec::new();
        for because in &review.decision.because {
            let kind = std::mem::discriminant(because);
            if !told.contains(&kind) {
                told.push(kind);
                reasons.push(self.reason(because));
            }
        }
        let more = review.decision.because.len() - told.len();
        if more > 0 {
            let more = number(more as u64);
            reasons.push(words.say("decision.because.more", &[("n", &more)]));
        }
        reasons
    }

    fn reason(&self, because: &Because) -> String {
        let Self { review, words } = self;
        let lang = words.lang();
        match because {
            Because::GateFinding { finding } => {
                let (number, place, message) = self.finding(finding);
                let fills = [("number", &*number), ("place", &*place), ("message", &*message)];
                let placed = place.is_empty();
                let key = if placed { "decision.because.finding.placed" } else { "decision.because.finding" };
                words.say(key, &fills)
            }
            Because::GateNotSettled { check, host } => {
                let line = review.checks.iter().find(|line| line.id == *check);
                let title = line.map_or(check.0.as_str(), |line| line.title.in_lang(lang));
                words.say("decision.because.gate", &[("hosts", &host.0), ("title", title)])
            }
            Because::GateOutOfSight { check } => {
                let line = review.checks.iter().find(|line| line.id == *check);
                let title = line.map_or(check.0.as_str(), |line| line.title.in_lang(lang));
                words.say("decision.because.sight", &[("title", title)])
            }
            Because::NothingSettled => words.plain("decision.because.nothing").to_owned(),
            Because::Coverage { settled, wanted } => {
                let (settled, wanted) = (settled.to_string(), wanted.to_string());
                let fills = [("settled", &*settled), ("wanted", &*wanted)];
                words.say("decision.because.coverage", &fills)
            }
            Because::Incomplete => match words.reasons(&review.scan.incomplete_because) {
                why if why.is_empty() => words.plain("decision.because.incomplete").to_owned(),
                why => words.say("decision.unseen.incomplete", &[("reason", &why)]),
            },
            Because::OpenFindings { count } => words.count("decision.because.open", *count, &[]),
        }
    }

    /// Why the letter is what it is, and what it would be otherwise.
    fn grade(&self) -> Vec<String> {
        let Self { review, words } = self;
        let grade = &review.grade;
        let letter = starred(review);
        let with = |key, fills: &[(&str, &str)]| {
            let fills: Vec<_> = fills.iter().copied().chain([("letter", &*letter)]).collect();
            words.say(key, &fills)
        };
        let of_finding = |key, finding: &str| {
            let (number, _, message) = self.finding(finding);
            with(key, &[("number", &number), ("message", &message)])
        };
        let because = match &grade.because {
            None => {
                let colon = words.plain("format.colon");
                format!("{}{colon}{}", with("grade.label", &[]), words.plain("grade.top"))
            }
            Some(Cap::Finding { finding }) => of_finding("grade.because", finding),
            Some(Cap::Overdue { finding }) => of_finding("grade.because.overdue", finding),
            Some(Cap::ManyMedium { count }) => {
                with("grade.because.medium", &[("n", &number(*count))])
            }
            Some(Cap::Inconclusive { percent }) => {
                with("grade.because.inconclusive", &[("percent", &percent.to_string())])
            }
            Some(Cap::Unsettled { percent }) => {
                with("grade.because.unsettled", &[("percent", &percent.to_string())])
            }
        };
        let more = (grade.more > 0).then(|| words.count("grade.more", grade.more, &[]));
        let without = grade.without.map(|without| {
            words.say("grade.without", &[("letter", letter_word(without))])
        });
        std::iter::once(because).chain(more).chain(without).collect()
    }

    /// A finding's number, its place unless the message begins with it, and the message.
    fn finding(&self, fingerprint: &str) -> (String, String, String) {
        let finding = self.review.findings.iter().find(|one| one.fingerprint == fingerprint);
        let Some(finding) = finding else {
            return (fingerprint.to_owned(), String::new(), String::new());
        };
        let place = finding.places.first();
        let message = place.map_or(&finding.title, |place| &place.message);
        let message = message.in_lang(self.words.lang()).to_owned();
        let place = place.filter(|place| !place.subject.begins(&message));
        let place = place.map(|place| place.subject.place()).unwrap_or_default();
        (finding.number.clone(), place, message)
    }

    /// How many findings of each level, and how many results of each outcome.
    fn counts(&self, page: &mut Page) {
        let Self { review, words } = self;
        let level = |severity: Severity| {
            let of_level = |one: &&Finding| one.severity == severity && one.waived_by.is_none();
            let n = review.findings.iter().filter(of_level).count();
            let word = words.plain(severity_key(severity));
            format!("{word} {}", number(n as u64))
        };
        let levels = words.list(Severity::GRAVEST_FIRST.map(level));
        let accepted = review.findings.iter().filter(|one| one.waived_by.is_some()).count();
        let accepted = (accepted > 0)
            .then(|| format!(" ({} {})", words.plain("heat.accepted"), number(accepted as u64)));
        let colon = words.plain("format.colon");
        let heading = words.plain("decision.counts");
        page.gap();
        page.line(Ink::Plain, 0, &format!("{heading}{colon}{levels}{}", accepted.unwrap_or_default()));
        let shares = &review.coverage;
        let (pass, fail) = (number(shares.pass), number(shares.fail));
        let (open, untested) = (number(shares.inconclusive), number(shares.not_tested));
        let fills = [
            ("pass", &*pass),
            ("fail", &*fail),
            ("inconclusive", &*open),
            ("untested", &*untested),
        ];
        page.line(Ink::Plain, 0, &words.say("decision.bar", &fills));
        let undeclared = |row: &&_| matches!(row, crate::review::ExposureRow { cell: ExposureCell::Undeclared, .. });
        let undeclared = review.exposure.iter().filter(undeclared).count() as u64;
        if undeclared > 0 {
            let word = words.plain("exposure.cell.undeclared");
            page.line(Ink::Plain, 0, &format!("{word}{colon}{}", number(undeclared)));
        }
    }

    /// Every finding, gravest first, with its places.
    fn findings(&self, page: &mut Page) {
        let Self { review, words } = self;
        let mut told = 0;
        for severity in Severity::GRAVEST_FIRST {
            let of_level = review.findings.iter().filter(|one| one.severity == severity);
            for (nth, finding) in of_level.take(FINDINGS - told).enumerate() {
                if nth == 0 {
                    page.gap();
                    page.line(ink(severity), 0, words.plain(severity_key(severity)));
                }
                told += 1;
                self.tell(page, finding);
            }
        }
        let more = review.findings.len() - told;
        if more > 0 {
            page.gap();
            page.line(Ink::Plain, 0, &words.count("decision.actions.more", more as u64, &[]));
        }
    }

    fn tell(&self, page: &mut Page, finding: &Finding) {
        let Self { review, words } = self;
        let due = format!("{} {}", words.plain("findings.due"), words.date(finding.due));
        let state = match (&finding.waived_by, finding.state) {
            (Some(id), _) => {
                let waiver = review.waivers.iter().find(|waiver| waiver.id == *id);
                let until = waiver.map(|waiver| words.date(waiver.expires)).unwrap_or_default();
                words.say("state.accepted", &[("date", &until)])
            }
            (None, _) if Calendar::HONG_KONG.is_past(finding.due, review.made) => {
                format!("{}  ·  {due}", words.plain("state.overdue"))
            }
            (None, FindingState::StillOpen) => {
                format!("{}  ·  {due}", words.plain("state.still-open"))
            }
            (None, FindingState::WaiverEnded) => {
                format!("{}  ·  {due}", words.plain("state.waiver-ended"))
            }
            (None, FindingState::CameBack) => {
                format!("{}  ·  {due}", words.plain("state.came-back"))
            }
            (None, FindingState::New) => due,
        };
        let mut messages: Vec<String> = Vec::new();
        for place in &finding.places {
            let message =
                self.placed(&place.subject.place(), place.message.in_lang(words.lang()));
            if !messages.contains(&message) {
                messages.push(message);
            }
        }
        for (nth, message) in messages.iter().take(3).enumerate() {
            let mark = if nth == 0 { finding.number.as_str() } else { "" };
            page.item(Ink::Plain, mark, message);
        }
        page.item(Ink::Faint, "", &format!("{}  ·  {state}", finding.check));
    }

    /// A message with its place before it, where it does not say the place by itself.
    fn placed(&self, place: &str, message: &str) -> String {
        if message.contains(place) {
            return message.to_owned();
        }
        format!("{place}{}{message}", self.words.plain("format.colon"))
    }

    /// What was not settled, by check and reason.
    fn unsettled(&self, page: &mut Page) {
        let Self { review, words } = self;
        let mut groups: BTreeMap<(&str, Outcome, Option<Reason>), Vec<&str>> = BTreeMap::new();
        for test in &review.tests {
            for outcome in [Outcome::Inconclusive, Outcome::NotTested] {
                if test.outcomes.contains_key(&outcome) {
                    let reason = test.reasons.get(&outcome).and_then(|reasons| reasons.first());
                    let word = words.plain("untested.this-host");
                    let reason = reason.map(|reason| reason.told_of(&test.host.0, word));
                    let group = groups.entry((&test.check.0, outcome, reason)).or_default();
                    group.push(&test.host.0);
                }
            }
        }
        let refused = review.refused.len() as u64;
        let hidden = review.decision.out_of_sight.len() as u64;
        let troubles = review.scan.troubles();
        let nothing = groups.is_empty() && refused + hidden == 0 && troubles.is_empty();
        if nothing && review.scan.complete {
            return;
        }
        page.gap();
        page.line(Ink::Care, 0, words.plain("untested.heading"));
        let why = words.reasons(&review.scan.incomplete_because);
        if !why.is_empty() {
            let text = words.say("decision.unseen.incomplete", &[("reason", &why)]);
            page.line(Ink::Plain, 2, &text);
        }
        if hidden > 0 {
            page.line(Ink::Plain, 2, &words.count("decision.unseen.sight", hidden, &[]));
        }
        if refused > 0 {
            page.line(Ink::Plain, 2, &words.count("decision.unseen.refused", refused, &[]));
        }
        for (reason, hosts) in troubles {
            let some = words.list(hosts.iter().take(5).map(|host| &*host.0));
            let more = if hosts.len() > 5 { ", …" } else { "" };
            let (hosts, reason) = (format!("{some}{more}"), words.reason(reason));
            let text = words.say("sweep.trouble", &[("hosts", &hosts), ("reason", &reason)]);
            page.line(Ink::Plain, 2, &text);
        }
        let colon = words.plain("format.colon");
        for ((check, outcome, reason), hosts) in groups.iter().take(UNSETTLED) {
            let word = words.plain(outcome_key(*outcome));
            let reason = reason.as_ref().map(|reason| words.reason(reason)).unwrap_or_default();
            let some = words.list(hosts.iter().take(5));
            let more = if hosts.len() > 5 { ", …" } else { "" };
            page.line(Ink::Plain, 2, &format!("{check}{colon}{word}{colon}{reason} ({some}{more})"));
        }
        if groups.len() > UNSETTLED {
            let more = number((groups.len() - UNSETTLED) as u64);
            page.line(Ink::Plain, 2, &words.say("decision.because.more", &[("n", &more)]));
        }
    }
}

/// Where the files are, one a line and never broken, so that they can be copied.
fn files(page: &mut Page, words: &Words, beside: &[String]) {
    if beside.is_empty() {
        return;
    }
    page.gap();
    page.line(Ink::Strong, 0, words.plain("text.files"));
    for file in beside {
        page.whole(2, file);
    }
}

/// The letter, with a star where a risk was accepted.
fn starred(review: &Review) -> String {
    let star = if review.grade.accepted_risk { "*" } else { "" };
    format!("{}{star}", letter_word(review.grade.letter))
}

fn letter_word(letter: Letter) -> &'static str {
    match letter {
        Letter::A => "A",
        Letter::B => "B",
        Letter::C => "C",
        Letter::D => "D",
        Letter::F => "F",
    }
}

fn ink(severity: Severity) -> Ink {
    match severity {
        Severity::Critical | Severity::High => Ink::Bad,
        Severity::Medium => Ink::Care,
        Severity::Low => Ink::Strong,
    }
}

fn severity_key(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "severity.critical",
        Severity::High => "severity.high",
        Severity::Medium => "severity.medium",
        Severity::Low => "severity.low",
    }
}

fn outcome_key(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "outcome.pass",
        Outcome::Fail => "outcome.fail",
        Outcome::Inconclusive => "outcome.inconclusive",
        Outcome::NotTested => "outcome.not-tested",
        Outcome::NotApplicable => "outcome.not-applicable",
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;
    use crate::review::sample;

    fn text(review: &Review, lang: &str) -> String {
        let beside = ["postern-review-2026-11-24/report.html".to_owned()];
        let mut options = Options::new(lang);
        options.beside = &beside;
        String::from_utf8(render(review, &options).expect("it renders")).expect("UTF-8")
    }

    #[test]
    fn what_a_terminal_shows() {
        insta::assert_snapshot!("english", text(&sample::small(), "en"));
        insta::assert_snapshot!("chinese", text(&sample::small(), "zh-Hant"));
        insta::assert_snapshot!("clean", text(&sample::clean(), "en"));
    }

    #[test]
    fn it_fits_the_page_and_nothing_in_it_steers() {
        for review in [sample::small(), sample::hostile(), sample::large(50, 40)] {
            for lang in ["en", "zh-Hant"] {
                let text = text(&review, lang);
                let wide: Vec<_> = text.lines().filter(|line| line.width() > 80).collect();
                assert_eq!(wide, Vec::<&str>::new());
                let steers = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
                assert!(!text.contains(steers), "{lang}");
                assert!(text.lines().count() < 250);
            }
        }
    }
}
