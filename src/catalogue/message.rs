//! The sentences of a check: minijinja templates whose names are checked when the file is read.
//!
//! They see the facts, the parameters, the witness and the subject, and nothing else. What a peer said is put in as
//! data, made safe to show and cut to a bounded length, and is never read as a template.

mod bounded;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::value::{Object, ObjectRepr, Rest};
use minijinja::{Environment, Error, State, UndefinedBehavior, Value as Shown};
use regex::Regex;

use super::Param;
use super::expr::{Called, Condition, Env, Names, Own, Val, misnamed};
use super::recipe::Recipe;
use super::values::Reader;
use crate::facts::KindId;
use crate::model::complaint::Complaint;
use crate::model::heard;
use crate::model::said::Said;
use crate::model::subject::Subject;
use crate::model::value::{Kind, Type, Value};
use crate::yaml::Node;

/// How many characters of one value are shown.
const VALUE_LENGTH: usize = 300;
/// How many characters a sentence may have.
const SENTENCE_LENGTH: usize = 4000;
/// How many entries of a list `join` writes out.
const ENTRIES: usize = 20;
/// How many steps a template may take.
const FUEL: u64 = 50_000;

/// What a template may ask of the subject.
const SUBJECT: [&str; 6] = ["host", "address", "port", "transport", "name", "vantage"];

/// A sentence in its languages.
#[derive(Debug)]
pub(crate) struct Sentence {
    texts: Said,
    /// The kinds of facts that it speaks of.
    pub(super) kinds: Vec<KindId>,
}

/// What the names in a sentence are checked against.
pub(super) struct Sources<'s> {
    pub(super) names: &'s Names<'s>,
    pub(super) params: &'s [Param],
    pub(super) expect: Option<&'s Condition>,
}

impl Sources<'_> {
    /// The check's own probe.
    fn own(&self) -> Option<Own<'_>> {
        self.names.own.filter(|own| own.called == Called::Probe)
    }
}

impl Sentence {
    /// Reads a sentence: every name, filter and function in it must be known.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        node: &Node,
        sources: &Sources<'_>,
    ) -> Option<Self> {
        let before = reader.complaints.len();
        let (mut texts, mut kinds) = (BTreeMap::new(), Vec::new());
        for entry in node.entries() {
            let Some(text) = entry.value.text() else { continue };
            proof(reader, &entry.value, text, sources, &mut kinds);
            texts.insert(entry.name().to_owned(), text.to_owned());
        }
        (reader.complaints.len() == before).then_some(Self { texts: Said(texts), kinds })
    }

    /// Adds the text of one language, if it is right. It may speak of nothing that the sentence does not speak of already:
    /// for that, a plan would have to ask for more.
    pub(super) fn learn(
        &mut self,
        lang: &str,
        node: &Node,
        sources: &Sources<'_>,
        reader: &mut Reader<'_>,
    ) {
        let Some(text) = node.text() else { return };
        let (before, mut kinds) = (reader.complaints.len(), Vec::new());
        proof(reader, node, text, sources, &mut kinds);
        if let Some(more) = kinds.iter().find(|kind| !self.kinds.contains(kind)) {
            let kind = sources.names.vocabulary.kind(*more).map_or("", |kind| &*kind.name);
            let title = format!("this speaks of `{kind}`, which the check's own sentence does not");
            reader.wrong(node, title, "say no more than the check says in English");
        }
        if reader.complaints.len() == before {
            self.texts.0.insert(lang.to_owned(), text.to_owned());
        }
    }

    /// The languages that it is written in.
    pub(crate) fn texts(&self) -> &Said {
        &self.texts
    }

    /// The sentence with its facts put in.
    pub(super) fn written(&self, scene: &Scene<'_, '_>) -> Result<String, Error> {
        let template = TEMPLATES.template_from_str(self.texts.in_lang(scene.lang))?;
        let context = scene.context(&self.kinds);
        let said = bounded::rendered(|text| template.render_captured_to(context, text).map(drop))?;
        Ok(cut(said.trim(), SENTENCE_LENGTH))
    }
}

/// Everything that a sentence may speak of.
pub(super) struct Scene<'s, 'a> {
    /// The check's own probe, with the place of its kind.
    pub(super) own: Option<(KindId, &'a Recipe)>,
    pub(super) lang: &'s str,
    pub(super) subject: &'s Subject,
    pub(super) params: &'s [Param],
    pub(super) values: &'a [Value],
    pub(super) kinds: &'s [(KindId, Arc<Kind>)],
    pub(super) lookup: super::Lookup<'s, 'a>,
    pub(super) witness: &'s [(Val<'a>, &'a Type)],
}

impl Scene<'_, '_> {
    fn context(&self, wanted: &[KindId]) -> Shown {
        let mut all: BTreeMap<String, Shown> = BTreeMap::new();
        for (id, kind) in self.kinds.iter().filter(|(id, _)| wanted.contains(id)) {
            let record = (self.lookup)(*id);
            let own = self.own.filter(|(own, _)| own == id).map(|(_, recipe)| recipe);
            let fields = kind.fields.iter().enumerate().map(|(slot, field)| {
                let value = record.and_then(|record| record.get(slot));
                (
                    field.name.to_string(),
                    value.map_or_else(not_known, |value| shown(value, &field.of)),
                )
            });
            let env = Env::new(self.values, self.lookup);
            let facts = own.map(|recipe| recipe.facts.as_slice()).unwrap_or_default().iter();
            let facts = facts
                .map(|(name, fact)| (name.clone(), shown(&fact.value(&env).keep(), fact.of())));
            let name = if own.is_some() { "probe" } else { &kind.name };
            let told: BTreeMap<String, Shown> = fields.chain(facts).collect();
            all.insert(name.into(), told.into());
        }
        let params = self.params.iter().zip(self.values);
        let params = params.map(|(param, value)| (param.name.clone(), shown(value, &param.of)));
        let witness = self.witness.iter().map(|(value, of)| shown(&value.keep(), of));
        let subject = self.subject;
        let port = subject.service.map(|(_, port)| Shown::from(port));
        let about = [
            ("host", text(&subject.host.0)),
            (
                "address",
                subject.address.map_or(Shown::from(""), |address| text(&address.to_string())),
            ),
            ("port", port.unwrap_or_else(|| Shown::from(""))),
            (
                "transport",
                subject
                    .service
                    .map_or(Shown::from(""), |(transport, _)| text(&transport.to_string())),
            ),
            ("name", text(subject.name.as_deref().unwrap_or(""))),
            ("vantage", text(&subject.vantage)),
        ];
        let about = about.map(|(name, value)| (name.to_owned(), value));
        all.insert("params".into(), params.collect::<BTreeMap<_, _>>().into());
        all.insert("witness".into(), witness.collect::<Vec<_>>().into());
        all.insert("place".into(), text(&subject.place()));
        all.insert("subject".into(), BTreeMap::from(about).into());
        all.insert("lang".into(), self.lang.into());
        all.into()
    }
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    templates.set_fuel(Some(FUEL));
    templates.set_debug(true);
    templates.add_filter("join", join);
    templates.add_filter("default", default);
    templates.add_filter("replace", |text: String, from: String, to: String| {
        bounded::replace(&text, &from, &to)
    });
    templates.add_filter("date", |time: String| time.get(..10).unwrap_or(&time).to_owned());
    templates
});

/// The filters that a sentence may use.
const FILTERS: [&str; 18] = [
    "abs",
    "date",
    "default",
    "first",
    "join",
    "last",
    "length",
    "lower",
    "map",
    "reject",
    "rejectattr",
    "replace",
    "select",
    "selectattr",
    "sort",
    "unique",
    "upper",
    "round",
];

static FILTER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\|\s*([A-Za-z_]+)").expect("a pattern of ours"));

/// Checks one text: its syntax, its names, its filters, and that it can be written with facts of the right types.
fn proof(
    reader: &mut Reader<'_>,
    node: &Node,
    text: &str,
    sources: &Sources<'_>,
    kinds: &mut Vec<KindId>,
) {
    let found = reader.complaints.len();
    for (at, title, help) in bounded::refused(text) {
        let at = node.within(reader.source, at);
        reader.complaints.push(Complaint::at(reader.source, at, title).help(help));
    }
    if reader.complaints.len() > found {
        return;
    }
    let template = match TEMPLATES.template_from_str(text) {
        Ok(template) => template,
        Err(wrong) => return complain(reader, node, text, &wrong),
    };
    let mut used: Vec<String> = template.undeclared_variables(true).into_iter().collect();
    used.sort();
    for name in &used {
        if let Err((part, title, help)) = known(name, sources, kinds) {
            let at = place(text, name, part);
            let complaint = Complaint::at(reader.source, node.within(reader.source, at), title);
            reader.complaints.push(if help.is_empty() { complaint } else { complaint.help(help) });
        }
    }
    for tag in bounded::tags(text) {
        for filter in FILTER.captures_iter(&tag.bare).filter_map(|groups| groups.get(1)) {
            if !FILTERS.contains(&filter.as_str()) {
                let title = misnamed(filter.as_str(), "is not a filter of messages", FILTERS);
                let at = node.within(reader.source, tag.place(filter.range()));
                let help = format!("the filters: {}", FILTERS.join(", "));
                reader.complaints.push(Complaint::at(reader.source, at, title).help(help));
            }
        }
    }
    if reader.complaints.len() == found
        && let Err(wrong) = bounded::rendered(|text| {
            template.render_captured_to(rehearsal(sources, kinds), text).map(drop)
        })
    {
        complain(reader, node, text, &wrong);
    }
}

/// Where a name stands in a template; `part` is the number of dots before what is wrong in it.
fn place(text: &str, name: &str, part: usize) -> std::ops::Range<usize> {
    let start = text.find(name).unwrap_or(0);
    let before: usize = name.split('.').take(part).map(|word| word.len() + 1).sum();
    let length = name.split('.').nth(part).map_or(0, str::len);
    if text.contains(name) { start + before..start + before + length } else { 0..text.len() }
}

/// Says what is wrong with a name, if anything, and which of its parts.
fn known(
    name: &str,
    sources: &Sources<'_>,
    kinds: &mut Vec<KindId>,
) -> Result<(), (usize, String, String)> {
    let mut parts = name.split('.');
    let (first, second) = (parts.next().unwrap_or(""), parts.next());
    let vocabulary = sources.names.vocabulary;
    let choose = |known: Vec<&str>, what: &str| match second {
        Some(second) if known.contains(&second) => Ok(()),
        Some(second) => {
            let title = misnamed(second, &format!("is not {what}"), known.iter().copied());
            Err((1, title, format!("known: {}", known.join(", "))))
        }
        None => Err((0, format!("say which: `{first}.…`"), format!("known: {}", known.join(", ")))),
    };
    match first {
        "place" | "witness" | "lang" => Ok(()),
        "subject" => choose(SUBJECT.to_vec(), "a part of the subject"),
        "params" => choose(
            sources.params.iter().map(|param| param.name.as_str()).collect(),
            "a parameter of this check",
        ),
        "probe" => match sources.own() {
            Some(own) if own.kind.tier <= sources.names.tier => {
                if !kinds.contains(&own.id) {
                    kinds.push(own.id);
                }
                match second {
                    Some(second) if own.is_broken(second) => Ok(()),
                    _ => choose(own.names(), "anything that the probe tells"),
                }
            }
            Some(_) => {
                let help = "make the check one of `on: probe`".to_owned();
                Err((0, "the probe is not put to what this check is about".into(), help))
            }
            None => {
                let help = "write one under `probe:`".to_owned();
                Err((0, "this check has no probe of its own".into(), help))
            }
        },
        _ => {
            let id = vocabulary.id(first);
            let kind = id.and_then(|id| vocabulary.kind(id));
            match id.zip(kind) {
                Some((id, kind)) if kind.tier <= sources.names.tier && !kind.is_of_one_check() => {
                    if !kinds.contains(&id) {
                        kinds.push(id);
                    }
                    choose(kind.fields.iter().map(|field| &*field.name).collect(), "a field of it")
                }
                _ => {
                    let seen = vocabulary.visible(sources.names.tier).map(|kind| &*kind.name);
                    let known: Vec<&str> =
                        ["place", "witness", "params", "subject"].into_iter().chain(seen).collect();
                    let title = misnamed(first, "is not known here", known.iter().copied());
                    Err((0, title, format!("known here: {}", known.join(", "))))
                }
            }
        }
    }
}

/// What minijinja says, with its place.
fn complain(reader: &mut Reader<'_>, node: &Node, text: &str, wrong: &Error) {
    let at = node.within(reader.source, wrong.range().unwrap_or(0..text.len()));
    let said = wrong.detail().map_or_else(|| wrong.kind().to_string(), str::to_owned);
    let title = format!("this message cannot be written: {said}");
    let help =
        "it is a sentence with {{ place }}, {{ witness | join }} and the fields of facts in it";
    reader.complaints.push(Complaint::at(reader.source, at, title).help(help));
}

/// A context of made-up facts of the right types.
fn rehearsal(sources: &Sources<'_>, kinds: &[KindId]) -> Shown {
    let mut all: BTreeMap<String, Shown> = BTreeMap::new();
    for kind in kinds.iter().filter_map(|id| sources.names.vocabulary.kind(*id)) {
        let fields = kind.fields.iter().map(|field| (field.name.to_string(), sample(&field.of)));
        let own = sources.own().filter(|own| own.kind.name == kind.name);
        let facts = own.map(|own| own.facts).unwrap_or_default().iter();
        let facts = facts.map(|(name, fact)| (name.clone(), sample(fact.of())));
        let name = if own.is_some() { "probe" } else { &kind.name };
        let told: BTreeMap<String, Shown> = fields.chain(facts).collect();
        all.insert(name.into(), told.into());
    }
    let params = sources.params.iter().map(|param| (param.name.clone(), sample(&param.of)));
    let blamed = sources.expect.map(Condition::may_blame).unwrap_or_default();
    let subject = SUBJECT.map(|name| (name.to_owned(), Shown::from("x")));
    all.insert("params".into(), params.collect::<BTreeMap<_, _>>().into());
    all.insert("witness".into(), blamed.into_iter().map(sample).collect::<Vec<_>>().into());
    all.insert("place".into(), "x".into());
    all.insert("subject".into(), BTreeMap::from(subject).into());
    all.insert("lang".into(), "en".into());
    all.into()
}

fn sample(of: &Type) -> Shown {
    match of {
        Type::Bool => true.into(),
        Type::Int => 1.into(),
        Type::Text => "x".into(),
        Type::Scale(scale) => scale.names.first().copied().unwrap_or("").into(),
        Type::Moment => "2026-11-23 14:05 UTC".into(),
        Type::List(of) => vec![sample(of)].into(),
        Type::Record(fields) => fields
            .iter()
            .map(|field| (field.name.to_string(), sample(&field.of)))
            .collect::<BTreeMap<_, _>>()
            .into(),
    }
}

/// A value as a template sees it: safe to show, and no longer than a reader can bear.
fn shown(value: &Value, of: &Type) -> Shown {
    match (value, of) {
        (Value::Unknown(_), _) => not_known(),
        (Value::Bool(is), _) => (*is).into(),
        (Value::Int(number), _) => (*number).into(),
        (Value::Text(said), _) => text(said),
        (Value::Level(level), _) => level.name().into(),
        (Value::Moment(moment), _) => moment.minute().into(),
        (Value::List(list), Type::List(of)) => {
            list.items.iter().map(|item| shown(item, of)).collect::<Vec<_>>().into()
        }
        (Value::Record(values), Type::Record(fields)) => values
            .iter()
            .zip(fields.iter())
            .map(|(value, field)| (field.name.to_string(), shown(value, &field.of)))
            .collect::<BTreeMap<_, _>>()
            .into(),
        _ => text(&value.to_string()),
    }
}

fn text(said: &str) -> Shown {
    let short: String = said.chars().take(VALUE_LENGTH + 1).collect();
    cut(&heard::shown(&short), VALUE_LENGTH).into()
}

fn cut(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// What stands in a sentence for a value that is not known.
#[derive(Debug)]
struct NotKnown;

impl Object for NotKnown {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("?")
    }
}

fn not_known() -> Shown {
    Shown::from_object(NotKnown)
}

/// The value, or something else where it is not known or empty.
#[expect(clippy::needless_pass_by_value, reason = "the form that minijinja calls")]
fn default(value: &Shown, instead: Rest<Shown>) -> Shown {
    let missing = value.is_undefined()
        || value.is_none()
        || value.downcast_object_ref::<NotKnown>().is_some()
        || value.as_str() == Some("");
    if missing { instead.first().cloned().unwrap_or_else(|| "".into()) } else { value.clone() }
}

/// The entries of a list with something between them; of a long list the first ones, and how many more there are.
fn join(state: &State<'_, '_>, list: &Shown, between: Option<String>) -> Result<String, Error> {
    let chinese =
        state.lookup("lang").is_some_and(|lang| lang.as_str().unwrap_or("").starts_with("zh"));
    let between = between.unwrap_or_else(|| if chinese { "、" } else { ", " }.to_owned());
    let (mut text, mut more) = (String::new(), 0_usize);
    for (at, entry) in list.try_iter()?.enumerate() {
        if at >= ENTRIES {
            more += 1;
            continue;
        }
        if at > 0 {
            text.push_str(&between);
        }
        text.push_str(&entry.to_string());
    }
    if more > 0 {
        let words =
            if chinese { format!("，另有 {more} 項") } else { format!(" and {more} more") };
        text.push_str(&words);
    }
    Ok(bounded::short(&text))
}
