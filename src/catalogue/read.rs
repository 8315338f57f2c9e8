//! From a check file to a check: everything that is wrong with it, in one go.

use std::cell::Cell;
use std::sync::Arc;

use super::bounds::Bounds;
use super::expr::{Called, Condition, Fault, Names, Own, PATTERNS, misnamed};
use super::file::CheckFile;
use super::message::{Sentence, Sources};
use super::recipe::{self, Around, Medium, Recipe};
use super::selftest::SelfTest;
use super::values::Reader;
use super::want::Service;
use super::{Check, File, Param};
use crate::facts::{KindId, Vocabulary};
use crate::model::complaint::Complaint;
use crate::model::net::CheckId;
use crate::model::value::{Kind, Tier, Type};
use crate::yaml::{self, Document, Node};

/// Reads one check.
pub(super) fn read(file: &File, vocabulary: &Vocabulary) -> Result<Check, Vec<Complaint>> {
    let mut complaints = Vec::new();
    if !is_id(&file.id) {
        let title = format!("`{}` is not a name for a check", file.id);
        let help = "put it at <area>/<name>.yaml, in small letters, digits and hyphens";
        complaints.push(Complaint::at(&file.source, 0..0, title).help(help));
    }
    let mut compiled = None;
    let document = yaml::read_with::<CheckFile>(&file.source, |tree, complaints| {
        let (made, found) = compile(file, tree, vocabulary);
        compiled = made;
        complaints.extend(found);
    });
    let shape = match document {
        Ok(document) => document.value,
        Err(found) => {
            complaints.extend(found);
            return Err(complaints);
        }
    };
    match compiled {
        Some(compiled) if complaints.is_empty() => Ok(assemble(file, shape, compiled)),
        _ => Err(complaints),
    }
}

/// A check file that was read without a mistake, for making it again with one part changed.
pub(super) struct Parts<'a> {
    file: &'a File,
    vocabulary: &'a Vocabulary,
    /// The file as it is.
    pub(super) document: Document<CheckFile>,
}

/// Reads a check file for trying what it would be otherwise.
///
/// # Errors
/// Everything that is wrong with it as it is.
pub(super) fn parts<'a>(
    file: &'a File,
    vocabulary: &'a Vocabulary,
) -> Result<Parts<'a>, Vec<Complaint>> {
    read(file, vocabulary)?;
    let document = yaml::read::<CheckFile>(&file.source)?;
    Ok(Parts { file, vocabulary, document })
}

impl Parts<'_> {
    /// The check from that tree; none where it cannot be typed. A parameter that is used no more is forgiven.
    pub(super) fn check(&self, tree: &Node) -> Option<Check> {
        let (compiled, _) = compile(self.file, tree, self.vocabulary);
        Some(assemble(self.file, self.document.value.clone(), compiled?))
    }
}

/// What is made of the parts of a file that know about facts.
struct Compiled {
    on: KindId,
    params: Vec<Param>,
    when: Option<Condition>,
    applies: Option<Condition>,
    expect: Condition,
    fail: Sentence,
    pass: Option<Sentence>,
    tests: Vec<SelfTest>,
    kinds: Vec<(KindId, Arc<Kind>)>,
    own: Option<(KindId, Arc<Recipe>)>,
    service: Option<Service>,
}

fn assemble(file: &File, shape: CheckFile, compiled: Compiled) -> Check {
    let conditions = [compiled.when.as_ref(), compiled.applies.as_ref(), Some(&compiled.expect)];
    let mut speaks_of = vec![compiled.on];
    let looked_at = conditions.into_iter().flatten().flat_map(Condition::looks_at);
    let told = compiled.kinds.iter().map(|(kind, _)| *kind);
    for kind in looked_at.map(|(kind, _)| kind).chain(told) {
        if !speaks_of.contains(&kind) {
            speaks_of.push(kind);
        }
    }
    Check {
        id: CheckId(file.id.clone()),
        revision: shape.revision,
        title: shape.title,
        impact: shape.impact,
        likelihood: shape.likelihood,
        on: compiled.on,
        speaks_of,
        why: shape.why,
        fix: shape.fix,
        refs: shape.refs,
        tags: shape.tags,
        params: compiled.params,
        source: Arc::clone(&file.source),
        own: compiled.own.as_ref().map(|(id, _)| *id),
        recipe: compiled.own.map(|(_, recipe)| recipe),
        service: compiled.service,
        not_when: super::not_so(compiled.when.as_ref(), shape.otherwise.as_ref()),
        not_applies: super::not_so(compiled.applies.as_ref(), shape.otherwise.as_ref()),
        when: compiled.when,
        applies: compiled.applies,
        otherwise: shape.otherwise,
        expect: compiled.expect,
        fail: compiled.fail,
        pass: compiled.pass,
        tests: compiled.tests,
        kinds: compiled.kinds,
    }
}

fn compile(
    file: &File,
    tree: &Node,
    vocabulary: &Vocabulary,
) -> (Option<Compiled>, Vec<Complaint>) {
    let mut reader = Reader::new(&file.source);
    let params = params(&mut reader, tree, vocabulary);
    let typed: Vec<(String, Type)> =
        params.iter().map(|param| (param.name.clone(), param.of.clone())).collect();
    let mut words = vocabulary.clone();
    let patterns = &Cell::new(PATTERNS);
    let around = Around { check: &file.id, params: &params, typed: &typed, patterns };
    let own = own(&mut reader, tree, &mut words, &around);
    let vocabulary = &words;
    let on = on(&mut reader, tree, vocabulary, own.as_ref().map(|(id, _)| *id));
    // Without knowing what it is on, nothing says what its conditions may see.
    let Some(on) = on else { return (None, reader.complaints) };
    let Some(tier) = vocabulary.kind(on).map(|kind| kind.tier) else {
        return (None, reader.complaints);
    };
    let heard = |called| {
        own.as_ref().map(|(id, recipe)| Own {
            kind: recipe.kind(),
            id: *id,
            facts: &recipe.facts,
            broken: &recipe.broken,
            called,
        })
    };
    let names = Names { vocabulary, tier, params: &typed, own: heard(Called::Later), patterns };
    let when = condition(&mut reader, tree, "when", &names);
    let names = Names { own: heard(Called::Probe), ..names };
    let applies = condition(&mut reader, tree, "applies", &names);
    let expect = condition(&mut reader, tree, "expect", &names);
    let asked = own.as_ref().map(|(_, recipe)| recipe::uses(recipe)).unwrap_or_default();
    unused(&mut reader, tree, &params, [&when, &applies, &expect], asked);
    if let Some((id, recipe)) = &own {
        goes_somewhere(&mut reader, tree, recipe);
        looked_at(&mut reader, tree, *id, [&applies, &expect]);
    }
    let sources = Sources { names: &names, params: &params, expect: expect.as_ref() };
    let says = tree.field("says");
    let fail = says
        .and_then(|says| says.field("fail"))
        .and_then(|node| Sentence::read(&mut reader, node, &sources));
    let pass = says
        .and_then(|says| says.field("pass"))
        .map(|node| Sentence::read(&mut reader, node, &sources));
    let tests = SelfTest::read_all(
        &mut reader,
        tree,
        &names,
        &params,
        own.as_ref().map(|(_, recipe)| recipe),
    );
    let mut kinds: Vec<(KindId, Arc<Kind>)> = Vec::new();
    let told = fail.iter().chain(pass.iter().flatten()).flat_map(|sentence| &sentence.kinds);
    for id in told {
        if let Some(kind) = vocabulary.kinds().get(usize::from(*id))
            && !kinds.iter().any(|(known, _)| known == id)
        {
            kinds.push((*id, Arc::clone(kind)));
        }
    }
    let compiled = expect.zip(fail).map(|(expect, fail)| Compiled {
        on,
        params,
        when,
        applies,
        expect,
        fail,
        pass: pass.flatten(),
        tests,
        kinds,
        service: Service::of(vocabulary),
        own,
    });
    (compiled, reader.complaints)
}

/// The check's own probe, with the place of its kind, which is added to the vocabulary.
fn own(
    reader: &mut Reader<'_>,
    tree: &Node,
    vocabulary: &mut Vocabulary,
    around: &Around<'_>,
) -> Option<(KindId, Arc<Recipe>)> {
    let probe = tree.field("probe")?;
    let id = KindId::try_from(vocabulary.kinds().len()).ok()?;
    let recipe = recipe::read(reader, probe, id, around)?;
    vocabulary.add(recipe.kind().clone());
    Some((id, Arc::new(recipe)))
}

/// What goes to services that were found must say to which.
fn goes_somewhere(reader: &mut Reader<'_>, tree: &Node, recipe: &Recipe) {
    if matches!(recipe.medium, Medium::Tcp | Medium::Tls)
        && tree.field("when").is_none()
        && let Some(entry) = tree.entries().iter().find(|entry| entry.name() == "probe")
    {
        let help =
            "write `when:`, which decides where it goes: `when: service.port in params.ports`";
        reader.wrong(&entry.key, "nothing says to which ports this probe goes", help);
    }
}

/// A probe whose answers nobody looks at would be sent in vain.
fn looked_at(reader: &mut Reader<'_>, tree: &Node, own: KindId, all: [&Option<Condition>; 2]) {
    if all[1].is_none() {
        return;
    }
    let looks = |condition: &Condition| condition.looks_at().iter().any(|(kind, _)| *kind == own);
    if !all.iter().filter_map(|one| one.as_ref()).any(looks)
        && let Some(entry) = tree.entries().iter().find(|entry| entry.name() == "probe")
    {
        let help = "use `probe.…` in `applies` or `expect`, or take the probe out";
        reader.wrong(&entry.key, "no condition looks at what this probe hears", help);
    }
}

fn on(
    reader: &mut Reader<'_>,
    tree: &Node,
    vocabulary: &Vocabulary,
    own: Option<KindId>,
) -> Option<KindId> {
    let node = tree.field("on")?;
    let name = node.text()?;
    if name == "probe" {
        // Where there is a probe that cannot be read, that was complained of.
        if own.is_none() && tree.field("probe").is_none() {
            reader.wrong(node, "this check has no probe of its own", "write one under `probe:`");
        }
        return own;
    }
    let spelt = |id: &KindId| vocabulary.kind(*id).is_some_and(|kind| !kind.is_of_one_check());
    let found = vocabulary.id(name).filter(spelt);
    if found.is_none() {
        let known: Vec<&str> = vocabulary.visible(Tier::Site).map(|kind| &*kind.name).collect();
        let title = misnamed(name, "is not a kind of fact", known.iter().copied());
        reader.wrong(node, title, &format!("the kinds: {}", known.join(", ")));
    }
    found
}

fn params(reader: &mut Reader<'_>, tree: &Node, vocabulary: &Vocabulary) -> Vec<Param> {
    let mut params = Vec::new();
    for entry in tree.field("params").map(Node::entries).unwrap_or_default() {
        let name = entry.name().to_owned();
        if !is_name(&name) {
            let help = "write small letters, digits and underscores, a letter first";
            reader.wrong(&entry.key, format!("`{name}` is not a name for a parameter"), help);
            continue;
        }
        let Some(of) = entry.value.field("type").and_then(|node| reader.declared(node, vocabulary))
        else {
            continue;
        };
        let Some(default) = entry.value.field("default").and_then(|node| reader.value(node, &of))
        else {
            continue;
        };
        let stricter = stricter(reader, &entry.value, &of);
        let means = entry.value.field("means").and_then(Node::text).unwrap_or("").to_owned();
        let bounds = Bounds::read(reader, &entry.value, &of, &default);
        params.push(Param { name, of, default, stricter, bounds, means });
    }
    params
}

fn stricter(reader: &mut Reader<'_>, param: &Node, of: &Type) -> Option<super::Stricter> {
    use super::Stricter::{Fewer, Higher, Lower, More};
    let node = param.field("stricter")?;
    let stricter = match node.text()? {
        "higher" => Higher,
        "lower" => Lower,
        "fewer" => Fewer,
        "more" => More,
        _ => return None,
    };
    let ordered = matches!(of, Type::Int | Type::Scale(_) | Type::Moment | Type::Bool);
    let fits = match stricter {
        Higher | Lower => ordered,
        Fewer | More => matches!(of, Type::List(_)),
    };
    if !fits {
        let help = "higher and lower are for numbers, times, scales and true (the higher) or false; \
                    fewer and more are for lists";
        reader.wrong(node, format!("a {of} has no such direction"), help);
    }
    fits.then_some(stricter)
}

fn condition(
    reader: &mut Reader<'_>,
    tree: &Node,
    field: &str,
    names: &Names<'_>,
) -> Option<Condition> {
    let node = tree.field(field)?;
    let text = node.text()?;
    match Condition::read(text, names) {
        Ok(condition) => Some(condition),
        Err(faults) => {
            for fault in faults {
                reader.complaints.push(placed(reader, node, fault));
            }
            None
        }
    }
}

/// A fault of an expression as a complaint about the file that it stands in.
pub(super) fn placed(reader: &Reader<'_>, node: &Node, fault: Fault) -> Complaint {
    let at = node.within(reader.source, fault.at);
    let complaint = Complaint::at(reader.source, at, fault.title);
    fault.help.into_iter().fold(complaint, Complaint::help)
}

/// A parameter that no condition uses would be set in vain.
fn unused(
    reader: &mut Reader<'_>,
    tree: &Node,
    params: &[Param],
    conditions: [&Option<Condition>; 3],
    asked: Vec<usize>,
) {
    if conditions[2].is_none() {
        return;
    }
    let used: Vec<usize> = conditions
        .iter()
        .filter_map(|one| one.as_ref())
        .flat_map(Condition::uses)
        .chain(asked)
        .collect();
    let written = tree.field("params").map(Node::entries).unwrap_or_default();
    for (_, param) in params.iter().enumerate().filter(|(place, _)| !used.contains(place)) {
        let Some(entry) = written.iter().find(|entry| entry.name() == param.name) else { continue };
        let title = format!("nothing uses the parameter `{}`", param.name);
        reader.wrong(&entry.key, title, &format!("use params.{}, or take it out", param.name));
    }
}

/// Whether a text is a name for a check: `area/name`, each of small letters, digits and hyphens, a letter first.
pub(crate) fn is_id(id: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    id.split_once('/').is_some_and(|(area, name)| word(area) && word(name))
}

pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
