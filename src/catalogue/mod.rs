//! The checks: from a YAML file to a condition that is typed, compiled and tested.

mod bounds;
mod door;
mod expr;
mod file;
mod foreign;
mod lint;
mod message;
mod mutate;
pub mod pack;
mod read;
pub mod recipe;
mod selftest;
mod trace;
mod values;
mod want;

use std::collections::BTreeMap;
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use crate::facts::{KindId, Vocabulary};
use crate::model::complaint::{Complaint, Source};
use crate::model::digest::Digest;
use crate::model::net::CheckId;
use crate::model::outcome::{Outcome, Why};
use crate::model::said::Said;
use crate::model::severity::Degree;
use crate::model::subject::Subject;
use crate::model::value::{Kind, Type, Value};
use crate::yaml::{self, Node};

use self::expr::{Condition, Env, Truth};
use self::message::{Scene, Sentence};
use self::recipe::Recipe;
use self::want::Service;

pub use self::bounds::Bounds;
pub use self::door::Door;
pub use self::expr::Traced;
pub(crate) use self::expr::misnamed;
#[cfg(fuzzing)]
pub use self::expr::try_expression;
pub use self::file::{CheckFile, FixText, ParamFile, SaysFile, Stricter, TestFile};
pub use self::foreign::{CheckWords, Foreign, SaysWords};
pub use self::lint::lint;
pub use self::mutate::{Mutated, mutate};
pub(crate) use self::read::is_id;
pub use self::selftest::{Rehearsed, SelfTest};
pub use self::trace::Trace;
pub(crate) use self::values::Reader;
pub use self::values::type_in_full;
pub use self::want::Wants;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/checks");

/// A check file as it was found: its text and the name that its path gives it.
#[derive(Clone, Debug)]
pub struct File {
    /// The path under `checks/` without the ending: `tls/old-version`.
    pub id: String,
    /// The text.
    pub source: Arc<Source>,
}

impl File {
    /// The same check with one test only, which is written as an entry of `tests`, indented by two spaces.
    #[must_use]
    pub fn with_only(&self, entry: &str) -> Self {
        let mut text = self.source.text.clone();
        let (tree, _) = yaml::parse(&self.source);
        let entries = tree.as_ref().map(Node::entries).unwrap_or_default();
        if let Some(tests) = entries.iter().find(|entry| entry.name() == "tests") {
            text.replace_range(tests.key.span().start..tests.value.span().end, "");
        }
        let text = format!("{}\ntests:\n{entry}", text.trim_end());
        let source = Source { path: self.source.path.clone(), text };
        Self { id: self.id.clone(), source: Arc::new(source) }
    }

    /// The YAML files of a folder that was embedded when the program was built, in order of their ids.
    pub(crate) fn embedded(folder: &Dir<'_>, name: &str) -> Vec<Self> {
        let mut files = Vec::new();
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            folders.extend(folder.dirs());
            for file in folder.files() {
                let path = file.path().to_string_lossy();
                let Some(id) = path.strip_suffix(".yaml") else { continue };
                let text = file.contents_utf8().unwrap_or("").to_owned();
                let path = format!("built-in:{name}/{path}").into();
                files.push(Self { id: id.to_owned(), source: Arc::new(Source { path, text }) });
            }
        }
        files.sort_by(|a, b| a.id.cmp(&b.id));
        files
    }
}

/// All checks that can be chosen from, in order of their ids.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    checks: Vec<Arc<Check>>,
    replaced: Vec<CheckId>,
    digest: Option<Digest>,
    vocabulary: Vocabulary,
}

impl Catalogue {
    /// Reads checks. Of two files with the same id the later one counts; files with mistakes are left out and complained
    /// of, and never hide the others.
    pub fn read(files: &[File], vocabulary: &Vocabulary) -> (Self, Vec<Complaint>) {
        let mut by_id: BTreeMap<&str, &File> = BTreeMap::new();
        let mut replaced = Vec::new();
        for file in files {
            if by_id.insert(&file.id, file).is_some() {
                replaced.push(CheckId(file.id.clone()));
            }
        }
        let (mut checks, mut complaints) = (Vec::new(), Vec::new());
        let mut vocabulary = vocabulary.clone();
        for file in by_id.values() {
            match read::read(file, &vocabulary) {
                Ok(check) => {
                    if let Some(recipe) = &check.recipe {
                        vocabulary.add(recipe.kind().clone());
                    }
                    checks.push(Arc::new(check));
                }
                Err(wrong) => complaints.extend(wrong),
            }
        }
        let texts =
            by_id.values().flat_map(|file| [file.id.as_bytes(), file.source.text.as_bytes()]);
        let digest = Some(Digest::of_parts(texts));
        (Self { checks, replaced, digest, vocabulary }, complaints)
    }

    /// The checks that are built into the program.
    pub fn built_in_files() -> Vec<File> {
        File::embedded(&BUILT_IN, "checks")
    }

    /// The checks, in order of their ids.
    pub fn checks(&self) -> &[Arc<Check>] {
        &self.checks
    }

    /// What the checks speak of: the vocabulary that they were read with, and a kind for each probe that one of them
    /// brings along. Those have no name for their probe yet: that depends on the parameters, which a profile sets.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The check of that id.
    pub fn check(&self, id: &str) -> Option<&Arc<Check>> {
        let at = self.checks.binary_search_by(|check| check.id.0.as_str().cmp(id)).ok()?;
        self.checks.get(at)
    }

    /// The ids that more than one file had: the last of them is the one that counts.
    pub fn replaced(&self) -> &[CheckId] {
        &self.replaced
    }

    /// SHA-256 of all files with their ids.
    pub fn digest(&self) -> Digest {
        self.digest.unwrap_or_else(|| Digest::of(b""))
    }
}

/// The record of a kind, as seen from the subject that is judged; `None` when there is none.
pub type Lookup<'f, 'a> = &'f dyn Fn(KindId) -> Option<&'a [Value]>;

impl Check {
    /// Its parameters as they are when no profile says otherwise.
    pub fn defaults(&self) -> Vec<Value> {
        self.params.iter().map(|param| param.default.clone()).collect()
    }

    /// What it comes to on one subject, with parameters in the order of [`Check::params`].
    pub fn judge<'a>(&'a self, params: &'a [Value], lookup: Lookup<'_, 'a>) -> Verdict {
        let env = Env::new(params, lookup);
        let gates = [(&self.when, &self.not_when), (&self.applies, &self.not_applies)];
        for (condition, otherwise) in gates {
            let Some(condition) = condition else { continue };
            match condition.truth(&env) {
                Truth::True => {}
                Truth::False => return Verdict::without(Outcome::NotApplicable, otherwise),
                Truth::Unknown(why) => return Verdict::without(Outcome::Inconclusive, why),
            }
        }
        match self.expect.truth(&env) {
            Truth::True => Verdict { outcome: Outcome::Pass, witness: Vec::new(), why: None },
            Truth::Unknown(why) => Verdict::without(Outcome::Inconclusive, why),
            Truth::False => {
                let env = Env::new(params, lookup);
                let witness =
                    self.expect.blame(&env).iter().map(|(value, _)| value.keep()).collect();
                Verdict { outcome: Outcome::Fail, witness, why: None }
            }
        }
    }

    /// Its sentence for a verdict, in that language: plain text, with what peers said made safe to show. The format that
    /// shows it still escapes it for its own place.
    pub fn message<'a>(
        &'a self,
        verdict: &Verdict,
        subject: &Subject,
        params: &'a [Value],
        lookup: Lookup<'_, 'a>,
        lang: &str,
    ) -> String {
        // A template that runs out of fuel on some odd fact still leaves a true sentence.
        self.sentence(verdict, subject, params, lookup, lang)
            .unwrap_or_else(|_| format!("{}: {}", subject.place(), self.title.in_lang(lang)))
    }

    fn sentence<'a>(
        &'a self,
        verdict: &Verdict,
        subject: &Subject,
        params: &'a [Value],
        lookup: Lookup<'_, 'a>,
        lang: &str,
    ) -> Result<String, minijinja::Error> {
        let why = || verdict.why.as_ref().map(ToString::to_string).unwrap_or_default();
        let sentence = match verdict.outcome {
            Outcome::Fail => Some(&self.fail),
            Outcome::Pass => self.pass.as_ref(),
            Outcome::NotApplicable => {
                let otherwise = self.otherwise.as_ref().map(|said| said.in_lang(lang).to_owned());
                return Ok(otherwise.unwrap_or_else(why));
            }
            Outcome::Inconclusive | Outcome::NotTested => return Ok(why()),
        };
        let Some(sentence) = sentence else { return Ok(self.title.in_lang(lang).to_owned()) };
        let env = Env::new(params, lookup);
        let witness = match verdict.outcome {
            // Only those that the verdict names: it may have been narrowed to one place.
            Outcome::Fail => {
                let mut blamed = self.expect.blame(&env);
                blamed.retain(|(value, _)| verdict.witness.contains(&value.keep()));
                blamed
            }
            _ => Vec::new(),
        };
        let (declared, kinds) = (&self.params, &self.kinds);
        let witness = &witness;
        sentence.written(&Scene {
            own: self.own.zip(self.recipe.as_deref()),
            lang,
            subject,
            params: declared,
            values: params,
            kinds,
            lookup,
            witness,
        })
    }

    /// Its own tests.
    pub fn tests(&self) -> &[SelfTest] {
        &self.tests
    }

    /// Its conditions as they are written, each on one line, with the field that holds it.
    pub fn conditions(&self) -> Vec<(&'static str, &str)> {
        let optional = [("when", self.when.as_ref()), ("applies", self.applies.as_ref())];
        let optional = optional.into_iter().filter_map(|(field, one)| Some((field, one?.text())));
        optional.chain([("expect", self.expect.text())]).collect()
    }

    /// Why it does not apply where a condition of its own is false, as its file says it.
    pub fn otherwise(&self) -> Option<&Said> {
        self.otherwise.as_ref()
    }

    /// The fields of facts that its conditions look at, each once.
    pub fn looks_at(&self) -> Vec<(KindId, u16)> {
        let mut all = Vec::new();
        let conditions = [self.when.as_ref(), self.applies.as_ref(), Some(&self.expect)];
        for one in conditions.into_iter().flatten().flat_map(Condition::looks_at) {
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all
    }
}

impl Verdict {
    fn without(outcome: Outcome, why: &Why) -> Self {
        Self { outcome, witness: Vec::new(), why: Some(why.clone()) }
    }
}

/// Why a check does not apply where a condition of its own is false.
fn not_so(condition: Option<&Condition>, otherwise: Option<&Said>) -> Why {
    match (otherwise, condition) {
        (Some(said), _) => Why::new(said.in_lang("en")),
        (None, Some(condition)) => Why::new(format!("it applies only where {}", condition.text())),
        (None, None) => Why::new("it does not apply"),
    }
}

/// A check, ready to be judged: every name, type and literal in it was found right when it was read.
#[derive(Debug)]
pub struct Check {
    /// Its name, for ever: the path under `checks/` without the ending.
    pub id: CheckId,
    /// Goes up when the meaning changes.
    pub revision: u32,
    /// The wanted state, as a sentence.
    pub title: Said,
    /// How bad it is when it fails.
    pub impact: Degree,
    /// How likely it is to be used against the operator.
    pub likelihood: Degree,
    /// The kind of fact it looks at: one result for each subject that has it.
    pub on: KindId,
    /// Every kind that its conditions speak of, `on` included: what the plan must provide.
    pub speaks_of: Vec<KindId>,
    /// Why it matters, for a centre manager.
    pub why: Said,
    /// Ways to mend it.
    pub fix: Vec<FixText>,
    /// Sources.
    pub refs: Vec<String>,
    /// Words to select it by.
    pub tags: Vec<String>,
    /// What a profile may set.
    pub params: Vec<Param>,
    /// The file it was read from.
    pub source: Arc<Source>,
    recipe: Option<Arc<Recipe>>,
    /// The place of its recipe's kind in the vocabulary.
    own: Option<KindId>,
    /// Where in the records of services the fields stand that are known before anything was asked.
    service: Option<Service>,
    when: Option<Condition>,
    not_when: Why,
    applies: Option<Condition>,
    not_applies: Why,
    otherwise: Option<Said>,
    expect: Condition,
    fail: Sentence,
    pass: Option<Sentence>,
    tests: Vec<SelfTest>,
    /// The kinds that its sentences speak of.
    kinds: Vec<(KindId, Arc<Kind>)>,
}

/// A parameter of a check.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name: `params.days`.
    pub name: String,
    /// Its type.
    pub of: Type,
    /// What it is when no profile says otherwise.
    pub default: Value,
    /// Which way is stricter, so that loosening can be told.
    pub stricter: Option<Stricter>,
    /// What a profile may set, beyond the type.
    pub bounds: Bounds,
    /// Its meaning, as a sentence.
    pub means: String,
}

/// What a check came to on one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The outcome.
    pub outcome: Outcome,
    /// On a fail: the elements that broke the expectation.
    pub witness: Vec<Value>,
    /// On anything but pass and fail: why.
    pub why: Option<Why>,
}
