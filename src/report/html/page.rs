//! The whole report as one value, section after section, ready for the templates.

use serde::Serialize;

use super::changes::{ChangesView, Waiver, changes, waivers};
use super::controls::{Framework, frameworks};
use super::decision::Decision;
use super::exposure::Exposure;
use super::findings::{Card, cards};
use super::heat::Heat;
use super::method::{Leave, Method, Term, glossary};
use super::reader::{Reader, Text, When};
use super::results::Results;
use crate::report::words::{Words, number};
use crate::review::Review;

/// Everything that the templates show.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    lang: String,
    title: String,
    version: String,
    made: When,
    operator: Text,
    providers: Vec<Text>,
    systems: Vec<System>,
    scanned: String,
    vantage: String,
    hosts: String,
    planned: String,
    decision: Decision,
    exposure: Exposure,
    heat: Heat,
    changes: Option<ChangesView>,
    cards: Vec<Card>,
    waivers: Vec<Waiver>,
    results: Results,
    controls: Vec<Framework>,
    method: Method,
    leave: Leave,
    glossary: Vec<Term>,
}

#[derive(Debug, Serialize)]
struct System {
    purpose: Text,
    personal_data: bool,
}

impl Page {
    pub(super) fn new(review: &Review, words: &Words) -> Self {
        let reader = &Reader::new(review, words);
        let operator = reader.said(&review.operator.name);
        let scan = &review.scan;
        let system = |line: &crate::review::SystemLine| System {
            purpose: reader.said(&line.purpose),
            personal_data: line.personal_data,
        };
        Self {
            lang: words.lang().to_owned(),
            title: words.say("page.title", &[("operator", &operator.text)]),
            version: reader.bounded(&review.tool.version),
            made: reader.time(review.made),
            operator,
            providers: review.providers.iter().map(|party| reader.said(&party.name)).collect(),
            systems: review.systems.iter().map(system).collect(),
            scanned: words.span(scan.began, scan.ended),
            vantage: reader.bounded(&scan.vantage),
            hosts: number(review.hosts.len() as u64),
            planned: number(review.coverage.planned),
            decision: Decision::new(reader),
            exposure: Exposure::new(reader),
            heat: Heat::new(reader),
            changes: changes(reader),
            cards: cards(reader),
            waivers: waivers(reader),
            results: Results::new(reader),
            controls: frameworks(reader),
            method: Method::new(reader),
            leave: Leave::new(reader),
            glossary: glossary(reader),
        }
    }
}
