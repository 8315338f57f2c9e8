//! What a finding rests on: the rows of the book behind it, shortened for reading.

use super::again::again;
use super::findings::cut;
use super::{Evidence, saw_lines};
use crate::facts::Entry;
use crate::model::heard::shown;
use crate::model::observation::{Line, Observation, Who};
use crate::model::record::Row;
use crate::model::subject::Subject;

/// How many rows are shown for one place: the first ones, as the facts name them.
const ROWS: usize = 6;
/// How many lines of one row are shown.
const LINES: usize = 20;
/// How long a line may be, in characters.
const CHARS: usize = 200;

/// The rows of a book, to be called up by number.
pub(super) struct Witnesses<'a> {
    /// In rising order of their numbers.
    pub(super) rows: &'a [(u64, Row)],
}

impl Witnesses<'_> {
    /// The evidence for the facts of an entry, as far as it is about that subject: the entry's own, or a door of its host.
    pub(super) fn of(&self, entry: &Entry, subject: &Subject) -> Vec<Evidence> {
        let a_door = entry.subject.service.is_none() && subject.service.is_some();
        let there = |saw: &Observation| {
            (saw.spot.address.is_none() || saw.spot.address == subject.address)
                && (saw.spot.service.is_none() || saw.spot.service == subject.service)
        };
        let seen = entry.evidence.iter().filter_map(|row| Some((*row, self.observation(*row)?)));
        let seen = seen.filter(|(_, saw)| !a_door || there(saw));
        let evidence = |(row, saw): (u64, &Observation)| Evidence {
            row,
            probe: saw.probe.clone(),
            at: saw.at,
            lines: lines(saw, subject.service.map(|(_, port)| port)),
            again: again(saw, subject),
        };
        seen.take(ROWS).map(evidence).collect()
    }

    fn observation(&self, number: u64) -> Option<&Observation> {
        let at = self.rows.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        match self.rows.get(at) {
            Some((_, Row::Saw(saw))) => Some(saw),
            _ => None,
        }
    }
}

/// The conversation, or what was seen where there was none; bounded, with everything made visible that could steer
/// whoever shows it.
fn lines(saw: &Observation, port: Option<u16>) -> Vec<String> {
    let mut lines: Vec<String> = if saw.transcript.is_empty() {
        saw_lines::of(saw, port)
    } else {
        saw.transcript.iter().flat_map(utterance).take(LINES + 1).collect()
    };
    let more = lines.len() > LINES;
    lines.truncate(LINES);
    for line in &mut lines {
        *line = cut(&shown(line), CHARS);
    }
    if more {
        lines.push(format!("… more in the book, row of the probe `{}`", saw.probe));
    }
    lines
}

/// The lines of one utterance, each with its speaker's mark.
fn utterance(line: &Line) -> impl Iterator<Item = String> {
    let mark = match line.who {
        Who::Us => '>',
        Who::Them => '<',
        Who::Wire => '!',
    };
    let text = line.text.raw().split_terminator('\n').take(LINES + 1);
    // What is cut away below is cut before it is copied, too: a banner may be a megabyte.
    text.map(move |text| format!("{mark} {}", cut(text.trim_end_matches('\r'), CHARS)))
}
