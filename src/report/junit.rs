//! JUnit XML, which every CI reads: a test case for each check and host. What was not settled is an error, what a
//! person accepted or what was not tested is skipped, with the reason.

use std::collections::BTreeMap;

use super::words::Words;
use super::{Format, Options, RenderError};
use crate::model::moment::Calendar;
use crate::model::net::HostId;
use crate::model::outcome::Outcome;
use crate::review::{CheckLine, Finding, HostLine, Review, Test};
use super::xml::Element;

pub(super) const FORMAT: Format = Format {
    name: "junit",
    file: "review.junit.xml",
    means: "JUnit XML, a test case for each check and host",
    render,
};

fn render(review: &Review, options: &Options<'_>) -> Result<Vec<u8>, RenderError> {
    let words = Words::built_in(options.lang)
        .ok_or_else(|| RenderError(format!("no words for `{}`", options.lang)))?;
    let mut by_host: BTreeMap<&HostId, Vec<&Test>> = BTreeMap::new();
    for test in &review.tests {
        by_host.entry(&test.host).or_default().push(test);
    }
    let of_host = |host: &HostLine| by_host.get(&host.id).map(Vec::as_slice).unwrap_or_default();
    let suites = review.hosts.iter().map(|host| suite(review, host, of_host(host), &words));
    let suites: Vec<_> = suites.collect();
    let mut total = Counts::default();
    for (_, counts) in &suites {
        total.add(counts);
    }
    let seconds = review.scan.ended.since(review.scan.began).as_secs();
    let root = total
        .onto(Element::new("testsuites"))
        .with("name", "postern")
        .with("time", &seconds.to_string());
    let suites = suites.into_iter().map(|(suite, _)| suite);
    Ok(root.holding(suites).document().into_bytes())
}

/// How many test cases there are, and how many of each kind.
#[derive(Clone, Copy, Default)]
struct Counts {
    tests: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.tests += other.tests;
        self.failures += other.failures;
        self.errors += other.errors;
        self.skipped += other.skipped;
    }

    fn onto(self, element: Element) -> Element {
        element
            .with("tests", &self.tests.to_string())
            .with("failures", &self.failures.to_string())
            .with("errors", &self.errors.to_string())
            .with("skipped", &self.skipped.to_string())
    }
}

/// One host's test cases.
fn suite(
    review: &Review,
    host: &HostLine,
    tests: &[&Test],
    words: &Words,
) -> (Element, Counts) {
    let mut counts = Counts::default();
    let mut cases = Vec::new();
    for test in tests {
        let check = review.checks.iter().find(|check| check.id == test.check);
        let told = told(review, test, words);
        counts.tests += 1;
        match told.as_ref().map(Element::name) {
            Some("failure") => counts.failures += 1,
            Some("error") => counts.errors += 1,
            Some("skipped") => counts.skipped += 1,
            _ => {}
        }
        let case = Element::new("testcase")
            .with("classname", &format!("postern.{}", host.id))
            .with("name", &name(test, check, words.lang()))
            .with("time", "0");
        cases.push(case.holding(told));
    }
    let properties = [("profile", &review.tool.profile), ("vantage", &review.scan.vantage)];
    let properties = properties
        .map(|(name, value)| Element::new("property").with("name", name).with("value", value));
    let suite = counts
        .onto(Element::new("testsuite").with("name", &host.id.0))
        .with("timestamp", &review.scan.began.to_string())
        .with("time", "0")
        .holding([Element::new("properties").holding(properties)])
        .holding(cases);
    (suite, counts)
}

fn name(test: &Test, check: Option<&CheckLine>, lang: &str) -> String {
    match check {
        Some(check) => format!("{}: {}", test.check, check.title.in_lang(lang)),
        None => test.check.to_string(),
    }
}

/// What there is to say about a test that did not simply pass.
fn told(review: &Review, test: &Test, words: &Words) -> Option<Element> {
    let lang = words.lang();
    let why = || {
        let reasons = test.reasons.get(&test.worst).into_iter().flatten();
        let reasons = words.reasons(reasons);
        let word = test.worst.word();
        if reasons.is_empty() { word.to_owned() } else { format!("{word}: {reasons}") }
    };
    match test.worst {
        Outcome::Pass => None,
        Outcome::Fail => Some(failure(review, test, lang)),
        Outcome::Inconclusive => {
            Some(Element::new("error").with("type", "inconclusive").with("message", &why()))
        }
        Outcome::NotApplicable | Outcome::NotTested => {
            Some(Element::new("skipped").with("message", &why()))
        }
    }
}

/// A failure; skipped when every finding of it is accepted by a waiver.
fn failure(review: &Review, test: &Test, lang: &str) -> Element {
    let of_test = |finding: &&Finding| {
        let mut hosts = finding.places.iter().map(|place| &place.subject.host);
        finding.check == test.check && hosts.any(|host| *host == test.host)
    };
    let findings: Vec<_> = review.findings.iter().filter(of_test).collect();
    let open: Vec<_> = findings.iter().filter(|finding| finding.waived_by.is_none()).collect();
    let Some(gravest) = open.iter().map(|finding| finding.severity).max() else {
        let waivers = findings.iter().filter_map(|finding| finding.waived_by.as_deref());
        let waivers = waivers.collect::<Vec<_>>().join(", ");
        return Element::new("skipped").with("message", &format!("waived by {waivers}"));
    };
    let places = open.iter().flat_map(|finding| &finding.places);
    let messages = places.map(|place| place.message.in_lang(lang)).collect::<Vec<_>>().join(" · ");
    let bodies = open.iter().map(|finding| body(finding, lang)).collect::<Vec<_>>().join("\n\n");
    Element::new("failure")
        .with("type", gravest.word())
        .with("message", &messages)
        .saying(&bodies)
}

/// Everything that an engineer needs: where, what was seen, how to see it again, what to do, by when.
fn body(finding: &Finding, lang: &str) -> String {
    let mut lines = vec![format!(
        "{} {} ({}), due {}",
        finding.number,
        finding.fingerprint,
        finding.severity.word(),
        Calendar::HONG_KONG.date(finding.due)
    )];
    for place in &finding.places {
        lines.push(place.subject.told(place.message.in_lang(lang)));
        for evidence in &place.evidence {
            lines.extend(evidence.lines.iter().map(|line| format!("    {line}")));
            lines.extend(evidence.again.iter().map(|command| format!("    $ {command}")));
        }
    }
    for fix in &finding.fix {
        let product = fix.product.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        lines.push(format!("{product}{}", fix.text.in_lang(lang)));
    }
    lines.join("\n")
}
