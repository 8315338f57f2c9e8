//! A compiled condition: every name resolved to a place, every literal to a value, every pattern to an automaton.

use ipnet::IpNet;
use regex::Regex;

use crate::facts::KindId;
use crate::model::outcome::Why;
use crate::model::value::{Type, Value};

/// A step of evaluation, with the type of what comes out.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// What is done.
    pub(crate) op: Op,
    /// The type of the result.
    pub(crate) of: Type,
    /// Whether the result depends on any fact.
    pub(crate) on_facts: bool,
}

/// What a node does.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// A constant.
    Const(Value),
    /// A parameter, by its place.
    Param(usize),
    /// A variable, by how many scopes lie between.
    Var(usize),
    /// A field of a kind of fact; `absent` is said when the subject has no such record.
    Fact {
        kind: KindId,
        field: u16,
        absent: Why,
    },
    /// A field of a record.
    Part(Box<Node>, usize),
    /// An element of a list, by number; the reason is for when there is none.
    Index(Box<Node>, Box<Node>, Why),
    /// A list written out, not all of it constant.
    List(Vec<Node>),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Compare(Order, Box<Node>, Box<Node>),
    In(Box<Node>, Box<Node>),
    Plus(Box<Node>, Box<Node>),
    Minus(Box<Node>, Box<Node>),
    Choice(Box<Node>, Box<Node>, Box<Node>),
    /// `list.all(x, body)` and its relatives.
    Each(Each, Box<Node>, Box<Node>),
    Size(Box<Node>),
    Text(TextTest, Box<Node>, Box<Node>),
    Matches(Box<Node>, Regex),
    /// The first group of a pattern; the reason is for when the text does not match.
    Capture(Box<Node>, Regex, Why),
    Lower(Box<Node>),
    /// Whether an address lies in one of some networks.
    InNet(Box<Node>, Nets),
}

/// The networks of `in_net`.
#[derive(Clone, Debug)]
pub(crate) enum Nets {
    /// Written out, and read when the check was.
    Fixed(Vec<IpNet>),
    /// Known only at evaluation: a text or a list of texts.
    Asked(Box<Node>),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Equal,
    Differs,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// What is done with each element of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Each {
    All,
    Exists,
    Filter,
    Map,
}

/// A question about two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextTest {
    StartsWith,
    EndsWith,
    Contains,
}

impl Node {
    /// Visits this node and all below it, in the order of the text.
    pub(crate) fn walk<'n>(&'n self, visit: &mut dyn FnMut(&'n Self)) {
        visit(self);
        for below in self.below() {
            below.walk(visit);
        }
    }

    /// How many steps there are in it.
    pub(super) fn size(&self) -> usize {
        let mut count = 0;
        self.walk(&mut |_| count += 1);
        count
    }

    /// How deep its steps stand in each other.
    pub(super) fn depth(&self) -> usize {
        1 + self.below().into_iter().map(Self::depth).max().unwrap_or(0)
    }

    fn below(&self) -> Vec<&Self> {
        match &self.op {
            Op::Const(_) | Op::Param(_) | Op::Var(_) | Op::Fact { .. } => Vec::new(),
            Op::Part(a, _)
            | Op::Not(a)
            | Op::Size(a)
            | Op::Matches(a, _)
            | Op::Capture(a, _, _)
            | Op::Lower(a)
            | Op::InNet(a, Nets::Fixed(_)) => vec![a],
            Op::Index(a, b, _)
            | Op::And(a, b)
            | Op::Or(a, b)
            | Op::Compare(_, a, b)
            | Op::In(a, b)
            | Op::Plus(a, b)
            | Op::Minus(a, b)
            | Op::Each(_, a, b)
            | Op::Text(_, a, b)
            | Op::InNet(a, Nets::Asked(b)) => vec![a, b],
            Op::Choice(a, b, c) => vec![a, b, c],
            Op::List(items) => items.iter().collect(),
        }
    }
}
