//! The tests inside a check file: made-up facts, and what the check must come to on them.

use std::ops::Range;
use std::sync::Arc;

use super::expr::{Env, Names, Val, misnamed, tier, unknown};
use super::recipe::{Recipe, Script};
use super::values::Reader;
use super::{Check, Lookup, Param};
use crate::facts::KindId;
use crate::model::complaint::Complaint;
use crate::model::net::{HostId, Transport};
use crate::model::outcome::Outcome;
use crate::model::subject::Subject;
use crate::model::value::{Tier, Type, Value};
use crate::yaml::Node;

/// A test of a check.
#[derive(Debug)]
pub struct SelfTest {
    /// What is tried, as a sentence.
    pub name: String,
    /// The outcome that it must come to.
    pub expect: Outcome,
    given: Vec<(KindId, Arc<[Value]>)>,
    script: Option<Script>,
    facts: Vec<(String, Option<Value>, Range<usize>)>,
    params: Vec<Value>,
    witness: Option<Vec<Wanted>>,
    says: Option<String>,
    at: Range<usize>,
}

/// An element that a test wants to be blamed.
#[derive(Debug)]
enum Wanted {
    /// By what it is when shown; of a record, its first field will do.
    Word(String),
    /// By some of its fields.
    Fields(Vec<(String, String)>),
}

impl SelfTest {
    /// Reads all tests of a file.
    pub(super) fn read_all(
        reader: &mut Reader<'_>,
        tree: &Node,
        names: &Names<'_>,
        params: &[Param],
        recipe: Option<&Arc<Recipe>>,
    ) -> Vec<Self> {
        let tests = tree.field("tests").map(Node::items).unwrap_or_default();
        tests.iter().filter_map(|test| Self::read(reader, test, names, params, recipe)).collect()
    }

    fn read(
        reader: &mut Reader<'_>,
        node: &Node,
        names: &Names<'_>,
        params: &[Param],
        recipe: Option<&Arc<Recipe>>,
    ) -> Option<Self> {
        let name = node.field("name")?;
        let word = node.field("expect").and_then(Node::text)?;
        let expect = Outcome::ALL.into_iter().find(|outcome| outcome.word() == word)?;
        let given = given(reader, node, names);
        let script = Script::read(reader, node, recipe.map(|recipe| recipe.medium));
        let heard = node.field("given").and_then(|given| given.field("probe"));
        if let (Some(_), Some(heard)) = (&script, heard) {
            let help = "take one of the two out";
            reader.wrong(heard, "what the probe hears is told twice", help);
        }
        let facts = facts(reader, node.field("facts"), names);
        let params = set(reader, node.field("params"), params, "this test sets");
        let witness = node.field("witness").map(|list| list.items().iter().map(wanted).collect());
        Some(Self {
            name: name.text()?.to_owned(),
            expect,
            given,
            script,
            facts,
            params,
            witness,
            says: node.field("says").and_then(Node::text).map(str::to_owned),
            at: name.mark(),
        })
    }
}

/// The facts of a test, with every kind that is left out not known.
fn given(reader: &mut Reader<'_>, node: &Node, names: &Names<'_>) -> Vec<(KindId, Arc<[Value]>)> {
    let written = node.field("given").map(Node::entries).unwrap_or_default();
    for entry in written {
        let own = names.own.filter(|_| entry.name() == "probe").map(|own| own.kind);
        let spelt = || names.vocabulary.visible(Tier::Site).find(|kind| kind.name == entry.name());
        match own.or_else(spelt) {
            Some(kind) if kind.tier <= names.tier => {}
            Some(kind) => {
                let title = format!(
                    "`{}` is known for each {}, and this check is about a {}",
                    kind.name,
                    tier(kind.tier),
                    tier(names.tier)
                );
                reader.wrong(&entry.key, title, "");
            }
            None => {
                let known = names.vocabulary.visible(names.tier).map(|kind| &*kind.name);
                let title = misnamed(entry.name(), "is not a kind of fact", known);
                reader.wrong(&entry.key, title, "");
            }
        }
    }
    let mut all = Vec::new();
    for (id, kind) in
        (0..).zip(names.vocabulary.kinds()).filter(|(_, kind)| kind.tier <= names.tier)
    {
        let own = names.own.is_some_and(|own| own.id == id);
        if kind.is_of_one_check() && !own {
            continue;
        }
        let name = if own { "probe" } else { &*kind.name };
        let value = written.iter().find(|entry| entry.name() == name).map(|entry| &entry.value);
        let record = match value {
            Some(value) => reader.record(value, &kind.fields).map(Into::into),
            None => Some(kind.fields.iter().map(|_| unknown("not given")).collect()),
        };
        if let Some(record) = record {
            all.push((id, record));
        }
    }
    all
}

/// What a test says that the probe concludes; none stands for what is not known.
fn facts(
    reader: &mut Reader<'_>,
    node: Option<&Node>,
    names: &Names<'_>,
) -> Vec<(String, Option<Value>, Range<usize>)> {
    let mut all = Vec::new();
    for entry in node.map(Node::entries).unwrap_or_default() {
        let known = names.own.map(|own| own.facts).unwrap_or_default();
        if names.own.is_some_and(|own| own.is_broken(entry.name())) {
            continue;
        }
        let Some((name, fact)) = known.iter().find(|(name, _)| name == entry.name()) else {
            let known = known.iter().map(|(name, _)| name.as_str());
            let title = misnamed(entry.name(), "is not a fact of the check's probe", known);
            reader.wrong(&entry.key, title, "its facts stand under `probe.facts`");
            continue;
        };
        let value = match reader.value(&entry.value, fact.of()) {
            Some(Value::Unknown(_)) => None,
            Some(value) => Some(value),
            None => continue,
        };
        all.push((name.clone(), value, entry.key.mark()));
    }
    all
}

/// The parameters of a check with those that a mapping sets; `who` begins a complaint.
pub(crate) fn set(
    reader: &mut Reader<'_>,
    node: Option<&Node>,
    params: &[Param],
    who: &str,
) -> Vec<Value> {
    let written = node.map(Node::entries).unwrap_or_default();
    for entry in written {
        if !params.iter().any(|param| param.name == entry.name()) {
            let known: Vec<&str> = params.iter().map(|param| param.name.as_str()).collect();
            let title =
                misnamed(entry.name(), "is not a parameter of the check", known.iter().copied());
            let help = match known.as_slice() {
                [] => format!("{who} it, and the check has no parameters"),
                known => format!("its parameters: {}", known.join(", ")),
            };
            reader.wrong(&entry.key, title, &help);
        }
    }
    params
        .iter()
        .map(|param| {
            let entry = written.iter().find(|entry| entry.name() == param.name);
            entry
                .and_then(|entry| reader.value(&entry.value, &param.of))
                .unwrap_or_else(|| param.default.clone())
        })
        .collect()
}

fn wanted(node: &Node) -> Wanted {
    match node.text() {
        Some(text) => Wanted::Word(text.to_owned()),
        None => Wanted::Fields(
            node.entries()
                .iter()
                .map(|entry| (entry.name().to_owned(), entry.value.text().unwrap_or("").to_owned()))
                .collect(),
        ),
    }
}

impl Wanted {
    fn is(&self, value: &Value, of: &Type) -> bool {
        match (self, value, of) {
            (Self::Word(word), Value::Record(fields), _) => {
                value.to_string() == *word
                    || fields.first().is_some_and(|first| first.to_string() == *word)
            }
            (Self::Word(word), _, _) => value.to_string() == *word,
            (Self::Fields(wanted), Value::Record(values), Type::Record(fields)) => {
                wanted.iter().all(|(name, word)| {
                    let slot = fields.iter().position(|field| &field.name == name);
                    slot.and_then(|slot| values.get(slot)).is_some_and(|it| it.to_string() == *word)
                })
            }
            (Self::Fields(_), _, _) => false,
        }
    }
}

/// What the facts and the conversation of a test come to, whatever the test expects.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsed {
    /// The outcome.
    pub outcome: Outcome,
    /// What the check's own probe concludes, by name.
    pub concluded: Vec<(String, Value)>,
}

impl Check {
    /// What one of its tests comes to.
    ///
    /// # Errors
    /// The conversation is not the one that the probe holds.
    pub fn rehearse(&self, test: &SelfTest) -> Result<Rehearsed, Complaint> {
        let heard = self.heard(test)?;
        let lookup = |kind| self.seen(test, heard.as_deref(), kind);
        let env = Env::new(&test.params, &lookup);
        let facts = self.recipe.iter().flat_map(|recipe| &recipe.facts);
        let concluded = facts.map(|(name, fact)| (name.clone(), fact.value(&env).keep())).collect();
        Ok(Rehearsed { outcome: self.judge(&test.params, &lookup).outcome, concluded })
    }

    /// What its probe hears in a test that has a conversation.
    fn heard(&self, test: &SelfTest) -> Result<Option<Vec<Value>>, Complaint> {
        let Some((script, asking)) = test.script.as_ref().zip(self.asking(&test.params)) else {
            return Ok(None);
        };
        script.play(asking).map(Some).map_err(|mismatch| {
            let at = mismatch.at.unwrap_or_else(|| test.at.clone());
            let complaint = Complaint::at(&self.source, at, mismatch.title);
            match mismatch.help.as_str() {
                "" => complaint,
                help => complaint.help(help),
            }
        })
    }

    /// The record of a kind in a test.
    fn seen<'a>(
        &self,
        test: &'a SelfTest,
        heard: Option<&'a [Value]>,
        kind: KindId,
    ) -> Option<&'a [Value]> {
        if let Some(heard) = heard.filter(|_| self.own == Some(kind)) {
            return Some(heard);
        }
        let given = test.given.iter().find(|(known, _)| *known == kind);
        given.map(|(_, record)| record.as_ref())
    }

    /// Runs one of its tests; a complaint points at the test that failed.
    ///
    /// # Errors
    /// What it came to instead.
    pub fn test(&self, test: &SelfTest) -> Result<(), Complaint> {
        let heard = self.heard(test)?;
        let lookup = |kind| self.seen(test, heard.as_deref(), kind);
        self.concludes(test, &lookup)?;
        let verdict = self.judge(&test.params, &lookup);
        let wrong = |title: String| Complaint::at(&self.source, test.at.clone(), title);
        if verdict.outcome != test.expect {
            let mut complaint = wrong(format!(
                "this came to {}, not {}",
                verdict.outcome.word(),
                test.expect.word()
            ));
            if let Some(why) = &verdict.why {
                complaint = complaint.help(format!("the reason: {why}"));
            }
            if !verdict.witness.is_empty() {
                complaint = complaint.help(format!("the witness: {}", words(&verdict.witness)));
            }
            return Err(complaint);
        }
        if verdict.outcome != Outcome::Fail {
            return Ok(());
        }
        let env = Env::new(&test.params, &lookup);
        let blamed: Vec<(Val<'_>, &Type)> = self.expect.blame(&env);
        if let Some(wanted) = &test.witness {
            let same = wanted.len() == blamed.len()
                && wanted
                    .iter()
                    .all(|one| blamed.iter().any(|(value, of)| one.is(&value.keep(), of)));
            if !same {
                return Err(wrong("this blamed something else than the test says".into())
                    .help(format!("the witness: {}", words(&verdict.witness))));
            }
        }
        let subject = somebody();
        for lang in self.fail.texts().0.keys() {
            if let Err(why) = self.sentence(&verdict, &subject, &test.params, &lookup, lang) {
                return Err(wrong(format!("its message in {lang} cannot be written: {why}")));
            }
        }
        let said = self.message(&verdict, &subject, &test.params, &lookup, "en");
        match &test.says {
            Some(wanted) if *wanted != said => {
                Err(wrong("this says something else than the test says".into())
                    .help(format!("it says: {said}")))
            }
            _ => Ok(()),
        }
    }
}

impl Check {
    /// Holds what its probe concludes against what a test says.
    fn concludes<'a>(
        &'a self,
        test: &'a SelfTest,
        lookup: Lookup<'_, 'a>,
    ) -> Result<(), Complaint> {
        let Some(recipe) = &self.recipe else { return Ok(()) };
        let env = Env::new(&test.params, lookup);
        for (name, wanted, at) in &test.facts {
            let fact = recipe.facts.iter().find(|(known, _)| known == name);
            let Some(came) = fact.map(|(_, fact)| fact.value(&env).keep()) else { continue };
            let same = match (wanted, &came) {
                (None, Value::Unknown(_)) => true,
                (Some(wanted), came) => wanted == came,
                (None, _) => false,
            };
            if !same {
                let wanted = wanted.as_ref().map_or("unknown".into(), ToString::to_string);
                let title = format!("`{name}` came to {came}, not {wanted}");
                return Err(Complaint::at(&self.source, at.clone(), title));
            }
        }
        Ok(())
    }
}

fn words(values: &[Value]) -> String {
    values.iter().map(Value::to_string).collect::<Vec<_>>().join("; ")
}

/// The subject that the messages of tests speak of.
fn somebody() -> Subject {
    Subject {
        host: HostId("web1".into()),
        address: "192.0.2.10".parse().ok(),
        service: Some((Transport::Tcp, 443)),
        name: None,
        vantage: "outside".into(),
    }
}
