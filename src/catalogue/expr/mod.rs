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
mod net;
mod parse;
mod val;

#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::facts::{KindId, Vocabulary};
use crate::model::outcome::Why;
use crate::model::value::{Scale, Tier, Type, Value};

pub(crate) use self::check::tier;
use self::code::Node;
pub(crate) use self::eval::{Env, Truth};
pub(crate) use self::literal::{misnamed, text_as};
pub(crate) use self::val::Val;

/// The longest condition that is read, in bytes.
const LONGEST: usize = 8 * 1024;

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
        let whole = || 0..text.len();
        if text.len() > LONGEST {
            let title = format!("this condition is longer than {LONGEST} bytes");
            return Err(vec![Fault::new(whole(), title).help("split it into several checks")]);
        }
        let ast = parse::parse(text).map_err(|fault| vec![fault])?;
        let node = check::check(&ast, names, &Type::Bool)?;
        if !node.on_facts {
            let title = "this condition looks at no fact, so it always comes out the same";
            return Err(vec![Fault::new(whole(), title)]);
        }
        Ok(Self { node, text: text.split_whitespace().collect::<Vec<_>>().join(" ") })
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
        let mut seen = Vec::new();
        self.node.walk(&mut |node| {
            if let code::Op::Fact { kind, field, .. } = &node.op
                && !seen.contains(&(*kind, *field))
            {
                seen.push((*kind, *field));
            }
        });
        seen
    }

    /// The places of the parameters that it uses.
    pub(crate) fn uses(&self) -> Vec<usize> {
        let mut seen = Vec::new();
        self.node.walk(&mut |node| {
            if let code::Op::Param(at) = &node.op {
                seen.push(*at);
            }
        });
        seen
    }
}

/// A value that is not known.
pub(crate) fn unknown(why: &'static str) -> Value {
    Value::Unknown(Why::new(why))
}
