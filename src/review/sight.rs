//! Which checks apply nowhere only because of where the scan was made from: what they ask, nobody asked.
//!
//! A check that is about what a stranger reaches does not apply when we stand inside, and that is no answer to it. Whether
//! the vantage is the cause is not guessed from the check's words: the check is judged once more as if we had stood on
//! the other side, and where it then applies, the vantage was the cause.

use super::ReviewInput;
use crate::facts::{KindId, Vocabulary};
use crate::judge::{About, Cell};
use crate::model::net::CheckId;
use crate::model::outcome::Outcome;
use crate::model::severity::Gate;
use crate::model::value::Value;
use crate::profile::Chosen;

/// The gate checks that apply on no host because of the vantage, in the profile's order.
pub(super) fn out_of_sight(input: &ReviewInput<'_>) -> Vec<CheckId> {
    let Some(field) = Field::from_internet() else { return Vec::new() };
    let gates = (0_u16..).zip(&input.profile.chosen).filter(|(_, one)| one.gate == Gate::Stops);
    let hidden = gates.filter(|(at, chosen)| {
        chosen.check.looks_at().contains(&(field.kind, field.slot)) && {
            let mut cells =
                input.judgement.cells.iter().filter(|cell| cell.check == *at).peekable();
            cells.peek().is_some()
                && cells.clone().all(|cell| cell.outcome == Outcome::NotApplicable)
                && cells.any(|cell| applies_elsewhere(input, chosen, cell, field))
        }
    });
    hidden.map(|(_, chosen)| chosen.check.id.clone()).collect()
}

/// Where the facts say whether we stand where any stranger does.
#[derive(Clone, Copy)]
struct Field {
    kind: KindId,
    slot: u16,
}

impl Field {
    fn from_internet() -> Option<Self> {
        // The kinds that are built in come first, whatever probes add to them.
        let vocabulary = Vocabulary::built_in();
        let kind = vocabulary.id("host")?;
        let slot = vocabulary.kind(kind)?.slot("from_internet")?;
        Some(Self { kind, slot: u16::try_from(slot).ok()? })
    }
}

/// Whether a check that does not apply to a subject would, had we stood on the other side.
fn applies_elsewhere(input: &ReviewInput<'_>, chosen: &Chosen, cell: &Cell, field: Field) -> bool {
    let About::Entry(at) = cell.about else { return false };
    let Some(entry) = input.facts.entries.get(at as usize) else { return false };
    let mut other: Vec<Value> =
        input.facts.record(entry, field.kind).map(<[Value]>::to_vec).unwrap_or_default();
    if let Some(Value::Bool(is)) = other.get_mut(usize::from(field.slot)) {
        *is = !*is;
    }
    let other = other.as_slice();
    let lookup =
        |kind| if kind == field.kind { Some(other) } else { input.facts.record(entry, kind) };
    chosen.check.judge(&chosen.params, &lookup).outcome != Outcome::NotApplicable
}
