//! `postern check run`: carries one check out against one target, and shows how it came to what it says.

mod traced;

use clap::Args;

use super::aim::{Aim, Hit};
use crate::catalogue::Verdict;
use crate::cli::conclude;
use crate::cli::further::Further;
use crate::cli::page::{Page, Style};
use crate::cli::stopped::Stopped;
use crate::cli::{Exit, Globals, weigh};
use crate::facts::Entry;
use crate::judge::{About, Cell};
use crate::model::observation::Observation;
use crate::model::outcome::Outcome;
use crate::model::record::Row;
use crate::model::subject::Subject;

/// Carry out one check against one target
///
/// The same engine asks, under the same scope, as in a scan: addresses of this machine need no leave, anything else needs
/// an authorisation or --authorised-by. The check is a gate here: one fail ends with exit code 1.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 it passed, 1 it failed somewhere, 2 not trustworthy, 3 refused by scope, 4 nothing or not enough was settled.

Examples:
  postern check run database/redis-without-password 127.0.0.1
  postern check run tls/old-version 127.0.0.1 --port 8443 --trace
  postern check run ours/gopher/selector-list.yaml 127.0.0.1 --port 7070 --trace
  postern check run web/no-hsts www.example.org=192.0.2.10 --authorised-by \"A. Chan, Acme IT, by mail of 23 November\"
  postern check run exposure/undeclared-open web1 -i inventory.yaml -a authorisation.yaml")]
pub(super) struct Run {
    #[command(flatten)]
    aim: Aim,
    /// Shows the value of every part of every condition, and the conversations.
    #[arg(long)]
    trace: bool,
    /// The language of what it says: en, zh-Hant, or that of a words file [default: that of the words file, or en].
    #[arg(long, value_name = "LANG", env = "POSTERN_LANG")]
    lang: Option<String>,
    #[command(flatten)]
    further: Further,
}

impl Run {
    pub(super) fn run(&self, globals: &Globals) -> Exit {
        self.go(globals).unwrap_or_else(|stopped| stopped.tell(globals))
    }

    fn go(&self, globals: &Globals) -> Result<Exit, Stopped> {
        let hit = self.aim.carry_out(&self.further, None, globals)?;
        let lang = hit.languages.speak(self.lang.as_deref()).map_err(|one| vec![one])?;
        let mut page = Page::new(globals);
        let mut counts = [0_usize; Outcome::ALL.len()];
        for cell in &hit.judged.judgement.cells {
            self.tell(&mut page, &hit, cell, lang)?;
            for (count, outcome) in counts.iter_mut().zip(Outcome::ALL) {
                *count += usize::from(outcome == cell.outcome);
            }
        }
        let told = counts.iter().zip(Outcome::ALL).filter(|(count, _)| **count > 0);
        let told: Vec<String> =
            told.map(|(count, outcome)| format!("{count} {}", outcome.word())).collect();
        page.line("");
        page.line(format!("{}: {}", hit.chosen()?.check.id, told.join(", ")));
        if !globals.quiet {
            page.print();
        }
        let review = weigh::review_of(&hit.book, &hit.measure(), &hit.judged);
        Ok(conclude::exit(&review.map_err(|one| vec![one])?))
    }

    /// What it came to on one subject.
    fn tell(&self, page: &mut Page, hit: &Hit, cell: &Cell, lang: &str) -> Result<(), Stopped> {
        let chosen = hit.chosen()?;
        let passed = Verdict { outcome: Outcome::Pass, witness: Vec::new(), why: None };
        let verdict = hit.judged.judgement.detail(cell).unwrap_or(&passed);
        let outcome = page.styled(cell.outcome.word(), style(cell.outcome), 16);
        let entry = match cell.about {
            About::Entry(at) => hit.judged.facts.entries.get(at as usize),
            About::Host(_) => None,
        };
        page.line("");
        let Some(entry) = entry else {
            let host = match cell.about {
                About::Host(at) => hit.judged.judgement.hosts.get(at as usize),
                About::Entry(_) => None,
            };
            let host = host.map_or(String::new(), ToString::to_string);
            page.line(format!("{outcome}{host}"));
            page.paragraph("  ", 2, &why(verdict));
            return Ok(());
        };
        page.line(format!("{outcome}{}", place(&entry.subject)));
        let lookup = |kind| hit.judged.facts.record(entry, kind);
        let said = match verdict.outcome {
            Outcome::Inconclusive | Outcome::NotTested => why(verdict),
            _ => chosen.check.message(verdict, &entry.subject, &chosen.params, &lookup, lang),
        };
        page.paragraph("  ", 2, &said);
        if self.trace {
            let vocabulary = &hit.loaded.rulebook.vocabulary;
            let trace = chosen.check.trace(&chosen.params, &lookup, vocabulary);
            traced::write(page, &trace);
            let own = chosen.asking().map(|asking| asking.name);
            traced::conversations(page, &said_at(hit, entry), own.as_deref());
        }
        Ok(())
    }
}

/// The conversations that were held at the place of an entry.
fn said_at<'h>(hit: &'h Hit, entry: &Entry) -> Vec<&'h Observation> {
    let here = |row: &'h Row| match row {
        Row::Saw(saw)
            if saw.spot.address == entry.subject.address
                && saw.spot.service == entry.subject.service
                && (saw.spot.name.is_none() || saw.spot.name == entry.subject.name) =>
        {
            Some(saw)
        }
        _ => None,
    };
    hit.book.rows().iter().filter_map(|(_, row)| here(row)).collect()
}

fn why(verdict: &Verdict) -> String {
    verdict.why.as_ref().map_or_else(String::new, ToString::to_string)
}

/// The place with its address, where that is another word.
fn place(subject: &Subject) -> String {
    match subject.address {
        Some(address) if address.to_string() != subject.host.0 => {
            format!("{} at {address}", subject.place())
        }
        _ => subject.place(),
    }
}

fn style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Pass => Style::Green,
        Outcome::Fail => Style::Red,
        Outcome::Inconclusive | Outcome::NotTested => Style::Yellow,
        Outcome::NotApplicable => Style::Faint,
    }
}
