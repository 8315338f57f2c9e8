//! The expression language of conditions: CEL's spelling, typed by the facts, with `unknown` as a value.
//!
//! A condition goes `text → lex → parse → check → Node`, and a `Node` is evaluated against facts. Everything that can be
//! wrong with it is found on the way to the `Node`; at evaluation nothing is left to go wrong but not knowing.

mod blame;
mod call;
mod check;
mod code;
mod eval;
mod lex;
mod literal;
#[cfg(any(test, fuzzing))]
mod made_up;
mod mutate;
mod net;
mod parse;
mod trace;
mod val;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::ops::Range;

use crate::facts::{KindId, Vocabulary};
use crate::model::outcome::Why;
use crate::model::value::{Kind, Scale, Tier, Type, Value};

pub(crate) use self::check::tier;
use self::code::Node;
pub(crate) use self::eval::{Env, Truth};
pub(crate) use self::literal::{misnamed, text_as};
#[cfg(fuzzing)]
pub use self::made_up::try_expression;
pub(crate) use self::mutate::{Mutation, mutations};
pub use self::trace::Traced;
pub(crate) use self::trace::trace;
pub(crate) use self::val::Val;

/// The longest condition that is read, in bytes.
const LONGEST: usize = 8 * 1024;

/// How many steps a condition may have once the facts that it names are put in: each fact may name others, so that a
/// screenful of them could ask for more than any memory holds.
const MOST_STEPS: usize = 5_000;

/// How deep these steps may stand in each other: far from what a stack can hold.
const DEEPEST: usize = 128;

/// How many patterns the conditions of one file may have together: each is compiled, and kept.
pub(crate) const PATTERNS: u32 = 64;

/// Something wrong with an expression, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The bytes of the expression that it is about.
    pub(crate) at: Range<usize>,
    /// What is wrong.
    pub(crate) title: String,
    /// What to do about it; may be empty.
    pub(crate) help: Vec<String>,
}

impl Fault {
    fn new(at: Range<usize>, title: impl Into<String>) -> Self {
        Self { at, title: title.into(), help: Vec::new() }
    }

    fn help(mut self, advice: impl Into<String>) -> Self {
        self.help.push(advice.into());
        self
    }
}

/// The names that an expression may use.
pub(crate) struct Names<'v> {
    /// The kinds of facts.
    pub(crate) vocabulary: &'v Vocabulary,
    /// The tier of the kind that the check is on: kinds below it cannot be seen.
    pub(crate) tier: Tier,
    /// The parameters, in their order.
    pub(crate) params: &'v [(String, Type)],
    /// What the check's own probe hears.
    pub(crate) own: Option<Own<'v>>,
    /// How many patterns may still be compiled for the file.
    pub(crate) patterns: &'v Cell<u32>,
}

/// What a check's own probe hears, and what is concluded from it.
#[derive(Clone, Copy)]
pub(crate) struct Own<'v> {
    /// Its kind.
    pub(crate) kind: &'v Kind,
    /// The place of that in the vocabulary.
    pub(crate) id: KindId,
    /// What is concluded, by name.
    pub(crate) facts: &'v [(String, Expression)],
    /// What is concluded by an expression that is wrong: that was complained of where it stands.
    pub(crate) broken: &'v [String],
    /// How it is called.
    pub(crate) called: Called,
}

/// How the captures of a check's own probe are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    /// By their bare names, in the probe's own conditions.
    Bare,
    /// `probe.name`, in the conditions of the check.
    Probe,
    /// Not yet: in the condition that decides where the probe goes.
    Later,
}

impl<'v> Own<'v> {
    /// The code for one of its captures, or for what is concluded from them: a fact's own expression stands in its
    /// place, so that its type, what it blames and why it is not known come out by themselves.
    fn node(&self, name: &str) -> Option<Node> {
        if let Some((_, fact)) = self.facts.iter().find(|(known, _)| known == name) {
            return Some(fact.node.clone());
        }
        let slot = self.kind.slot(name)?;
        let of = self.kind.fields.get(slot)?.of.clone();
        let absent = Why::new("the check's own probe was not put to this");
        let op = code::Op::Fact { kind: self.id, field: u16::try_from(slot).ok()?, absent };
        Some(Node { op, of, on_facts: true })
    }

    /// How many steps stand for it.
    fn size(&self, name: &str) -> usize {
        self.facts.iter().find(|(known, _)| known == name).map_or(1, |(_, fact)| fact.node.size())
    }

    /// Whether it would have something of that name, were it not wrong.
    pub(crate) fn is_broken(&self, name: &str) -> bool {
        self.broken.iter().any(|known| known == name)
    }

    /// Whether it has something of that name.
    fn knows(&self, name: &str) -> bool {
        self.kind.slot(name).is_some()
            || self.facts.iter().any(|(known, _)| known == name)
            || self.is_broken(name)
    }

    /// Every name that it has, conclusions first.
    pub(crate) fn names(&self) -> Vec<&'v str> {
        let facts = self.facts.iter().map(|(name, _)| name.as_str());
        facts.chain(self.kind.fields.iter().map(|field| &*field.name)).collect()
    }
}

/// Every scale that the fields of the vocabulary are typed by, in order of first use.
pub(crate) fn scales(vocabulary: &Vocabulary) -> Vec<&'static Scale> {
    fn gather(of: &Type, found: &mut Vec<&'static Scale>) {
        match of {
            Type::Scale(scale) if !found.iter().any(|known| known.name == scale.name) => {
                found.push(scale);
            }
            Type::List(of) => gather(of, found),
            Type::Record(fields) => fields.iter().for_each(|field| gather(&field.of, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for kind in vocabulary.kinds() {
        kind.fields.iter().for_each(|field| gather(&field.of, &mut found));
    }
    found
}

/// A condition that was read, typed and compiled.
#[derive(Debug)]
pub(crate) struct Condition {
    node: Node,
    text: String,
}

impl Condition {
    /// Reads a condition.
    pub(crate) fn read(text: &str, names: &Names<'_>) -> Result<Self, Vec<Fault>> {
        let (node, text) = compiled(text, names, Some(&Type::Bool))?;
        Ok(Self { node, text })
    }

    /// Whether it holds.
    pub(crate) fn truth<'a>(&'a self, env: &Env<'_, 'a>) -> Truth<'a> {
        eval::truth(&self.node, env, None)
    }

    /// What made it false: values with their types.
    pub(crate) fn blame<'a>(&'a self, env: &Env<'_, 'a>) -> Vec<(Val<'a>, &'a Type)> {
        blame::blame(&self.node, env)
    }

    /// The types of what may be blamed.
    pub(crate) fn may_blame(&self) -> Vec<&Type> {
        blame::may_blame(&self.node)
    }

    /// Its text on one line.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The kinds and fields that it looks at, each once, in order of appearance.
    pub(crate) fn looks_at(&self) -> Vec<(KindId, u16)> {
        looks_at(&self.node)
    }

    /// The places of the parameters that it uses.
    pub(crate) fn uses(&self) -> Vec<usize> {
        uses(&self.node)
    }
}

/// An expression of any type that was read, typed and compiled.
#[derive(Debug)]
pub(crate) struct Expression {
    node: Node,
    text: String,
}

impl Expression {
    /// Reads an expression of that type, or of whichever it is.
    pub(crate) fn read(
        text: &str,
        names: &Names<'_>,
        wanted: Option<&Type>,
    ) -> Result<Self, Vec<Fault>> {
        let (node, text) = compiled(text, names, wanted)?;
        Ok(Self { node, text })
    }

    /// Its type.
    pub(crate) fn of(&self) -> &Type {
        &self.node.of
    }

    /// Its text on one line.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds.
    pub(crate) fn truth<'a>(&'a self, env: &Env<'_, 'a>) -> Truth<'a> {
        eval::truth(&self.node, env, None)
    }

    /// What it comes to.
    pub(crate) fn value<'a>(&'a self, env: &Env<'_, 'a>) -> Val<'a> {
        eval::value(&self.node, env, None)
    }

    /// The kinds and fields that it looks at, each once, in order of appearance.
    pub(crate) fn looks_at(&self) -> Vec<(KindId, u16)> {
        looks_at(&self.node)
    }

    /// The places of the parameters that it uses.
    pub(crate) fn uses(&self) -> Vec<usize> {
        uses(&self.node)
    }
}

/// Code and text of an expression.
fn compiled(
    text: &str,
    names: &Names<'_>,
    wanted: Option<&Type>,
) -> Result<(Node, String), Vec<Fault>> {
    let whole = || 0..text.len();
    if text.len() > LONGEST {
        let title = format!("this condition is longer than {LONGEST} bytes");
        return Err(vec![Fault::new(whole(), title).help("split it into several checks")]);
    }
    let ast = parse::parse(text).map_err(|fault| vec![fault])?;
    let node = check::check(&ast, names, wanted)?;
    if node.size() > MOST_STEPS || node.depth() > DEEPEST {
        return Err(vec![too_much(whole())]);
    }
    if !node.on_facts {
        let title = "this condition looks at no fact, so it always comes out the same";
        return Err(vec![Fault::new(whole(), title)]);
    }
    Ok((node, text.split_whitespace().collect::<Vec<_>>().join(" ")))
}

/// What is said of a condition that grows out of all bounds by the facts that it names.
fn too_much(at: Range<usize>) -> Fault {
    Fault::new(at, "this is too long or too deep once the facts that it names are put in")
        .help(format!("at most {MOST_STEPS} steps, {DEEPEST} deep; rest on fewer facts"))
}

fn looks_at(node: &Node) -> Vec<(KindId, u16)> {
    let mut seen = Vec::new();
    node.walk(&mut |node| {
        if let code::Op::Fact { kind, field, .. } = &node.op
            && !seen.contains(&(*kind, *field))
        {
            seen.push((*kind, *field));
        }
    });
    seen
}

fn uses(node: &Node) -> Vec<usize> {
    let mut seen = Vec::new();
    node.walk(&mut |node| {
        if let code::Op::Param(at) = &node.op {
            seen.push(*at);
        }
    });
    seen
}

/// The names that a text speaks of by themselves, not as a field of something: an over-estimate, for what must be
/// compiled before what.
pub(crate) fn mentions(text: &str) -> Vec<String> {
    let tokens = lex::lex(text).unwrap_or_default();
    let mut after_dot = false;
    let mut found = Vec::new();
    for (token, _) in tokens {
        let dot = token == lex::Token::Sign(".");
        if let lex::Token::Name(name) = token
            && !after_dot
        {
            found.push(name);
        }
        after_dot = dot;
    }
    found
}

/// A value that is not known.
pub(crate) fn unknown(why: &'static str) -> Value {
    Value::Unknown(Why::new(why))
}
