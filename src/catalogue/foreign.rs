//! A check's texts in a further language, from a words file instead of the check's own.

use std::cell::Cell;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expr::{Called, Names, Own, misnamed};
use super::message::Sources;
use super::values::Reader;
use super::{Catalogue, Check, FixText};
use crate::facts::Vocabulary;
use crate::model::complaint::{Complaint, Source};
use crate::model::said::Said;
use crate::model::value::Type;
use crate::yaml::Node;

/// What a words file says for one check; what it leaves out appears in English.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckWords {
    /// The wanted state, as a sentence.
    #[serde(default)]
    pub title: Option<String>,
    /// Why it does not apply where its conditions are not met.
    #[serde(default)]
    pub otherwise: Option<String>,
    /// What a result says.
    #[serde(default)]
    pub says: SaysWords,
    /// Why it matters, for a centre manager.
    #[serde(default)]
    pub why: Option<String>,
    /// The texts of the ways to mend it, as many as the check has and in its order.
    #[serde(default)]
    pub fix: Vec<String>,
}

/// The sentences of a check, with `{{ … }}` for facts (minijinja).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaysWords {
    /// On a fail: what was found.
    #[serde(default)]
    pub fail: Option<String>,
    /// On a pass.
    #[serde(default)]
    pub pass: Option<String>,
}

/// The texts of checks in one language, and where they stand.
#[derive(Clone, Copy, Debug)]
pub struct Foreign<'a> {
    /// The tag of the language.
    pub lang: &'a str,
    /// The file.
    pub source: &'a Arc<Source>,
    /// Its mapping from ids of checks to their texts.
    pub checks: &'a Node,
}

impl Catalogue {
    /// Has the checks speak a further language, or other words of one that they speak already. What is wrong is
    /// complained of and left out. It is for a catalogue that was just read: a check that somebody holds already stays
    /// as it is.
    pub fn learn(&mut self, foreign: &Foreign<'_>, vocabulary: &Vocabulary) -> Vec<Complaint> {
        let mut reader = Reader::new(foreign.source);
        for entry in foreign.checks.entries() {
            let known = self.checks.iter_mut().find(|check| check.id.0 == entry.name());
            if let Some(check) = known.and_then(Arc::get_mut) {
                check.learn(foreign.lang, &entry.value, vocabulary, &mut reader);
            } else {
                let ids = self.checks.iter().map(|check| check.id.0.as_str());
                let title = misnamed(entry.name(), "is not a check", ids);
                reader.wrong(&entry.key, title, "`postern check list` shows every check");
            }
        }
        reader.complaints
    }
}

impl Check {
    /// Whether each of its texts is there in that language.
    pub fn is_told_in(&self, lang: &str) -> bool {
        super::lint::texts(self).iter().all(|(_, said)| said.0.contains_key(lang))
    }

    fn learn(&mut self, lang: &str, node: &Node, vocabulary: &Vocabulary, reader: &mut Reader<'_>) {
        let says = |field: &str| node.at(&["says", field]);
        put(&mut self.title, lang, node.field("title"));
        put(&mut self.why, lang, node.field("why"));
        match (&mut self.otherwise, node.field("otherwise")) {
            (Some(said), text) => put(said, lang, text),
            (None, Some(text)) => reader.wrong(text, "this check has no such text", "leave it out"),
            (None, None) => {}
        }
        fixes(&mut self.fix, lang, node.field("fix"), reader);
        let typed: Vec<(String, Type)> =
            self.params.iter().map(|param| (param.name.clone(), param.of.clone())).collect();
        let Some(tier) = vocabulary.kind(self.on).map(|kind| kind.tier) else { return };
        let recipe = self.recipe.clone();
        let own = self.own.zip(recipe.as_deref()).map(|(id, recipe)| Own {
            kind: recipe.kind(),
            id,
            facts: &recipe.facts,
            broken: &[],
            called: Called::Probe,
        });
        let names = Names { vocabulary, tier, params: &typed, own, patterns: &Cell::new(0) };
        let sources = Sources { names: &names, params: &self.params, expect: Some(&self.expect) };
        let sentences = [(Some(&mut self.fail), "fail"), (self.pass.as_mut(), "pass")];
        for (sentence, field) in sentences {
            match (sentence, says(field)) {
                (Some(sentence), Some(node)) => sentence.learn(lang, node, &sources, reader),
                (None, Some(node)) => {
                    reader.wrong(node, "this check has no such sentence", "leave it out");
                }
                (_, None) => {}
            }
        }
    }
}

fn put(said: &mut Said, lang: &str, node: Option<&Node>) {
    if let Some(text) = node.and_then(Node::text) {
        said.0.insert(lang.to_owned(), text.to_owned());
    }
}

fn fixes(fixes: &mut [FixText], lang: &str, node: Option<&Node>, reader: &mut Reader<'_>) {
    let Some(node) = node else { return };
    let (told, wanted) = (node.items().len(), fixes.len());
    if told != wanted {
        let title = format!("{told} texts stand here, and this check has {wanted} ways to mend it");
        return reader.wrong(
            node,
            title,
            "write one text for each of them, in the order of the check",
        );
    }
    for (fix, text) in fixes.iter_mut().zip(node.items()) {
        put(&mut fix.text, lang, Some(text));
    }
}
