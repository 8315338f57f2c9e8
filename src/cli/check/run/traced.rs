//! A trace as a page: every part of a condition with its value, indented below the part that it belongs to.

use crate::catalogue::{Trace, Traced};
use crate::cli::check::shown;
use crate::cli::page::{Page, Style};
use crate::model::observation::{Observation, Who};
use crate::model::value::Value;

/// The width of the words for values.
const WORD: usize = 9;

/// Writes what its probe concludes and its conditions come to.
pub(super) fn write(page: &mut Page, trace: &Trace) {
    for (name, traced) in &trace.concluded {
        field(page, &format!("probe.{name}"), traced);
    }
    for (name, traced) in &trace.conditions {
        field(page, name, traced);
    }
}

fn field(page: &mut Page, name: &str, traced: &Traced) {
    page.line(format!("  {}", page.styled(name, Style::Cyan, 0)));
    part(page, traced, 4);
}

fn part(page: &mut Page, traced: &Traced, indent: usize) {
    let name = match &traced.element {
        Some((element, of)) => format!("{} is {}", traced.text, shown::value(element, of)),
        None => traced.text.clone(),
    };
    let (word, style, text) = match &traced.came {
        Value::Bool(true) => ("true", Style::Green, name),
        Value::Bool(false) => ("false", Style::Red, name),
        Value::Unknown(why) => ("unknown", Style::Yellow, format!("{name}: {why}")),
        other => ("value", Style::Faint, format!("{name} = {}", shown::value(other, &traced.of))),
    };
    page.row(indent, word, style, WORD, &text);
    for below in &traced.below {
        part(page, below, indent + 2);
    }
    if traced.more > 0 {
        let text = format!("and {} elements more", traced.more);
        page.line(format!("{}{text}", " ".repeat(indent + 2 + WORD)));
    }
}

/// Writes what was said at a place, probe by probe.
pub(super) fn conversations(page: &mut Page, all: &[&Observation], own: Option<&str>) {
    for saw in all.iter().filter(|saw| !saw.transcript.is_empty()) {
        let whose = if own == Some(&saw.probe) { "its own probe" } else { &saw.probe };
        let name = page.styled(&format!("conversation of {whose}"), Style::Cyan, 0);
        page.line(format!("  {name}"));
        for line in &saw.transcript {
            let (mark, style) = match line.who {
                Who::Us => (">", Style::Bold),
                Who::Them => ("<", Style::Green),
                Who::Wire => ("!", Style::Yellow),
            };
            let first = format!("    {:>5} ms {} ", line.ms, page.styled(mark, style, 0));
            page.paragraph(&first, 15, &line.text.shown());
        }
    }
}
