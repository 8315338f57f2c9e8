//! How a check came to its verdict: every part of its conditions, and of what its probe concludes, with its value.

use std::cell::Cell;

use super::expr::{Called, Names, Own, Traced, trace};
use super::file::CheckFile;
use super::{Check, Lookup};
use crate::facts::Vocabulary;
use crate::model::value::{Type, Value};
use crate::yaml;

/// The parts of a check on one subject.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// What its own probe concludes, by name.
    pub concluded: Vec<(String, Traced)>,
    /// Its conditions, each by the field that holds it.
    pub conditions: Vec<(&'static str, Traced)>,
}

impl Check {
    /// What every part of it comes to on one subject. `vocabulary` is that of the catalogue which holds it.
    pub fn trace(
        &self,
        params: &[Value],
        lookup: Lookup<'_, '_>,
        vocabulary: &Vocabulary,
    ) -> Trace {
        // It was read without a mistake before.
        let Ok(file) = yaml::read::<CheckFile>(&self.source) else { return Trace::default() };
        let file = file.value;
        let Some(tier) = vocabulary.kind(self.on).map(|kind| kind.tier) else {
            return Trace::default();
        };
        let typed: Vec<(String, Type)> =
            self.params.iter().map(|param| (param.name.clone(), param.of.clone())).collect();
        let own = |called| {
            self.recipe.as_ref().zip(self.own).map(|(recipe, id)| Own {
                kind: recipe.kind(),
                id,
                facts: &recipe.facts,
                broken: &recipe.broken,
                called,
            })
        };
        // Each slice is compiled by itself, so patterns are compiled again and again: the file was held to its limit before.
        let patterns = Cell::new(u32::MAX);
        let names = |called| Names {
            vocabulary,
            tier,
            params: &typed,
            own: own(called),
            patterns: &patterns,
        };
        let conditions = [
            ("when", file.when.as_ref(), Called::Later),
            ("applies", file.applies.as_ref(), Called::Probe),
            ("expect", Some(&file.expect), Called::Probe),
        ];
        let of_condition = |(field, text, called): (&'static str, Option<&String>, Called)| {
            Some((field, trace(text?, &names(called), params, lookup)?))
        };
        let written = file.probe.map(|probe| probe.facts).unwrap_or_default();
        let facts = self.recipe.iter().flat_map(|recipe| recipe.facts());
        let of_fact = |(name, _): (&str, &Type)| {
            let text = written.get(name)?;
            Some((name.to_owned(), trace(text, &names(Called::Bare), params, lookup)?))
        };
        Trace {
            concluded: facts.filter_map(of_fact).collect(),
            conditions: conditions.into_iter().filter_map(of_condition).collect(),
        }
    }
}
