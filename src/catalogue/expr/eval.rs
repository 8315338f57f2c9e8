//! Code against facts: Kleene's three-valued logic, in which not knowing carries its reason.
//!
//! On the way to a pass nothing is allocated and no name is looked up. What lists cost is bounded by a budget: a peer
//! that answers on every port cannot make a comparison of two lists run for minutes.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use crate::catalogue::Lookup;
use crate::model::outcome::Why;
use crate::model::value::Value;

use super::code::{Each, Nets, Node, Op, Order, TextTest};
use super::net;
use super::val::{Items, Made, Val};

/// How many elements are looked at in one judgement. Tests reach it with unoptimised code, and so it is much nearer there.
const BUDGET: u32 = if cfg!(test) { 100_000 } else { 5_000_000 };

/// How many bytes of a text are searched for one unit of the budget, and how many are held against a pattern, which may
/// have to be tried at each of them.
const SEARCHED: usize = 64;
const MATCHED: usize = 16;

static TOO_LONG: LazyLock<Why> =
    LazyLock::new(|| Why::new("the lists are too long to be compared within the limit of work"));
static NOT_AN_ADDRESS: LazyLock<Why> = LazyLock::new(|| Why::new("the text is not an address"));
static NOT_A_NETWORK: LazyLock<Why> = LazyLock::new(|| Why::new("a parameter is not a network"));
static NO_PARAMETER: LazyLock<Why> = LazyLock::new(|| Why::new("a parameter was not given"));
static NOT_OF_ITS_TYPE: LazyLock<Why> =
    LazyLock::new(|| Why::new("a fact is not of the type that its field declares"));

/// What a condition is evaluated against.
pub(crate) struct Env<'f, 'a> {
    params: &'a [Value],
    lookup: Lookup<'f, 'a>,
    left: Cell<u32>,
}

impl<'f, 'a> Env<'f, 'a> {
    /// Facts and parameters.
    pub(crate) fn new(params: &'a [Value], lookup: Lookup<'f, 'a>) -> Self {
        Self { params, lookup, left: Cell::new(BUDGET) }
    }

    /// Takes work off the budget; false when it is spent.
    fn spend(&self, work: usize) -> bool {
        let left = self.left.get().saturating_sub(u32::try_from(work).unwrap_or(u32::MAX));
        self.left.set(left);
        left > 0
    }
}

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth<'a> {
    True,
    False,
    /// Not known, and why.
    Unknown(&'a Why),
}

impl Truth<'_> {
    fn of(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown(why) => Self::Unknown(why),
        }
    }
}

/// The variables in sight: a chain on the stack.
pub(super) struct Scope<'s, 'a> {
    element: Val<'a>,
    outer: Option<&'s Self>,
}

impl<'s, 'a> Scope<'s, 'a> {
    pub(super) fn new(element: Val<'a>, outer: Option<&'s Self>) -> Self {
        Self { element, outer }
    }

    fn up(&self, between: usize) -> Option<&Val<'a>> {
        let mut here = self;
        for _ in 0..between {
            here = here.outer?;
        }
        Some(&here.element)
    }
}

/// Whether a condition holds.
pub(super) fn truth<'a>(
    node: &'a Node,
    env: &Env<'_, 'a>,
    scope: Option<&Scope<'_, 'a>>,
) -> Truth<'a> {
    match &node.op {
        Op::Not(inner) => truth(inner, env, scope).not(),
        Op::And(left, right) => match truth(left, env, scope) {
            Truth::False => Truth::False,
            Truth::True => truth(right, env, scope),
            // Of two reasons the first is told.
            unknown @ Truth::Unknown(_) => match truth(right, env, scope) {
                Truth::False => Truth::False,
                _ => unknown,
            },
        },
        Op::Or(left, right) => match truth(left, env, scope) {
            Truth::True => Truth::True,
            Truth::False => truth(right, env, scope),
            unknown @ Truth::Unknown(_) => match truth(right, env, scope) {
                Truth::True => Truth::True,
                _ => unknown,
            },
        },
        Op::Compare(order, left, right) => compare_nodes(*order, left, right, env, scope),
        Op::In(item, list) => within(&value(item, env, scope), &value(list, env, scope), env),
        Op::Each(each @ (Each::All | Each::Exists), list, body) => {
            quantified(*each, &value(list, env, scope), body, env, scope)
        }
        Op::Text(question, text, part) => {
            let (text, part) = (value(text, env, scope), value(part, env, scope));
            if let Some(why) = text.why().or(part.why()) {
                return Truth::Unknown(why);
            }
            let Some((text, part)) = text.as_text().zip(part.as_text()) else { return mistyped() };
            if !env.spend(text.len() / SEARCHED) {
                return Truth::Unknown(&TOO_LONG);
            }
            Truth::of(match question {
                TextTest::StartsWith => text.starts_with(part),
                TextTest::EndsWith => text.ends_with(part),
                TextTest::Contains => text.contains(part),
            })
        }
        Op::Matches(text, pattern) => match value(text, env, scope) {
            Val::Unknown(why) => Truth::Unknown(why),
            text => text.as_text().map_or_else(mistyped, |text| {
                if env.spend(text.len() / MATCHED) {
                    Truth::of(pattern.is_match(text))
                } else {
                    Truth::Unknown(&TOO_LONG)
                }
            }),
        },
        Op::InNet(address, nets) => in_net(&value(address, env, scope), nets, env, scope),
        _ => match value(node, env, scope) {
            Val::Bool(is) => Truth::of(is),
            Val::Unknown(why) => Truth::Unknown(why),
            _ => mistyped(),
        },
    }
}

/// What a node comes to.
pub(super) fn value<'a>(
    node: &'a Node,
    env: &Env<'_, 'a>,
    scope: Option<&Scope<'_, 'a>>,
) -> Val<'a> {
    match &node.op {
        Op::Const(value) => Val::from(value),
        Op::Param(at) => env.params.get(*at).map_or(Val::Unknown(&NO_PARAMETER), Val::from),
        Op::Var(between) => scope
            .and_then(|scope| scope.up(*between))
            .cloned()
            .unwrap_or(Val::Unknown(&NOT_OF_ITS_TYPE)),
        Op::Fact { kind, field, absent } => match (env.lookup)(*kind) {
            Some(record) => record.get(usize::from(*field)).map_or(Val::Unknown(absent), Val::from),
            None => Val::Unknown(absent),
        },
        Op::Part(record, slot) => match value(record, env, scope) {
            Val::Record(fields) => {
                fields.get(*slot).map_or(Val::Unknown(&NOT_OF_ITS_TYPE), Val::from)
            }
            Val::Unknown(why) => Val::Unknown(why),
            _ => Val::Unknown(&NOT_OF_ITS_TYPE),
        },
        Op::Index(list, index, missing) => {
            let (list, index) = (value(list, env, scope), value(index, env, scope));
            match (list, index) {
                (Val::Unknown(why), _) | (_, Val::Unknown(why)) => Val::Unknown(why),
                (Val::List(items), Val::Int(index)) => usize::try_from(index)
                    .ok()
                    .and_then(|index| items.at(index))
                    .unwrap_or(Val::Unknown(items.unseen().unwrap_or(missing))),
                _ => Val::Unknown(&NOT_OF_ITS_TYPE),
            }
        }
        Op::List(nodes) => {
            if !env.spend(nodes.len()) {
                return Val::Unknown(&TOO_LONG);
            }
            let items = nodes.iter().map(|node| value(node, env, scope)).collect();
            Val::List(Items::Made(Rc::new(Made { items, unseen: None })))
        }
        Op::Plus(left, right) => sum(left, right, i64::saturating_add, env, scope),
        Op::Minus(left, right) => sum(left, right, i64::saturating_sub, env, scope),
        Op::Choice(condition, yes, no) => match truth(condition, env, scope) {
            Truth::True => value(yes, env, scope),
            Truth::False => value(no, env, scope),
            Truth::Unknown(why) => Val::Unknown(why),
        },
        Op::Each(each @ (Each::Filter | Each::Map), list, body) => {
            made(*each, value(list, env, scope), body, env, scope)
        }
        Op::Size(of) => match value(of, env, scope) {
            Val::Unknown(why) => Val::Unknown(why),
            Val::List(items) => match items.unseen() {
                Some(why) => Val::Unknown(why),
                None => Val::Int(i64::try_from(items.len()).unwrap_or(i64::MAX)),
            },
            text => text.as_text().map_or(Val::Unknown(&NOT_OF_ITS_TYPE), |text| {
                Val::Int(i64::try_from(text.chars().count()).unwrap_or(i64::MAX))
            }),
        },
        Op::Capture(text, pattern, missing) => match value(text, env, scope) {
            text if !env.spend(text.as_text().map_or(0, str::len) / MATCHED) => {
                text.why().map_or(Val::Unknown(&TOO_LONG), Val::Unknown)
            }
            Val::Text(text) => {
                let group = pattern.captures(text).and_then(|groups| groups.get(1));
                group.map_or(Val::Unknown(missing), |group| Val::Text(group.as_str()))
            }
            Val::Made(text) => {
                let group = pattern.captures(&text).and_then(|groups| groups.get(1));
                group.map_or(Val::Unknown(missing), |group| Val::Made(Arc::from(group.as_str())))
            }
            Val::Unknown(why) => Val::Unknown(why),
            _ => Val::Unknown(&NOT_OF_ITS_TYPE),
        },
        Op::Lower(text) => match value(text, env, scope) {
            // Most texts are lower case already.
            Val::Text(text) if !text.chars().any(char::is_uppercase) => Val::Text(text),
            Val::Unknown(why) => Val::Unknown(why),
            text => text.as_text().map_or(Val::Unknown(&NOT_OF_ITS_TYPE), |text| {
                if env.spend(text.len() / SEARCHED) {
                    Val::Made(text.to_lowercase().into())
                } else {
                    Val::Unknown(&TOO_LONG)
                }
            }),
        },
        _ => match truth(node, env, scope) {
            Truth::True => Val::Bool(true),
            Truth::False => Val::Bool(false),
            Truth::Unknown(why) => Val::Unknown(why),
        },
    }
}

fn mistyped<'a>() -> Truth<'a> {
    Truth::Unknown(&NOT_OF_ITS_TYPE)
}

fn quantified<'a>(
    each: Each,
    list: &Val<'a>,
    body: &'a Node,
    env: &Env<'_, 'a>,
    scope: Option<&Scope<'_, 'a>>,
) -> Truth<'a> {
    let items = match list {
        Val::List(items) => items,
        Val::Unknown(why) => return Truth::Unknown(why),
        _ => return mistyped(),
    };
    let decisive = if each == Each::All { Truth::False } else { Truth::True };
    let mut doubt = items.unseen();
    for element in items.iter() {
        if !env.spend(1) {
            return Truth::Unknown(&TOO_LONG);
        }
        match truth(body, env, Some(&Scope::new(element, scope))) {
            found if found == decisive => return found,
            Truth::Unknown(why) => doubt = doubt.or(Some(why)),
            _ => {}
        }
    }
    doubt.map_or(decisive.not(), Truth::Unknown)
}

fn made<'a>(
    each: Each,
    list: Val<'a>,
    body: &'a Node,
    env: &Env<'_, 'a>,
    scope: Option<&Scope<'_, 'a>>,
) -> Val<'a> {
    let source = match list {
        Val::List(items) => items,
        Val::Unknown(why) => return Val::Unknown(why),
        _ => return Val::Unknown(&NOT_OF_ITS_TYPE),
    };
    let mut unseen = source.unseen();
    let mut items = Vec::new();
    for element in source.iter() {
        if !env.spend(1) {
            unseen = unseen.or(Some(&TOO_LONG));
            break;
        }
        let inner = Scope::new(element, scope);
        match each {
            Each::Map => items.push(value(body, env, Some(&inner))),
            _ => match truth(body, env, Some(&inner)) {
                Truth::True => items.push(inner.element),
                Truth::False => {}
                // It may belong to the list or not: so the list may hold more than is known.
                Truth::Unknown(why) => unseen = unseen.or(Some(why)),
            },
        }
    }
    Val::List(Items::Made(Rc::new(Made { items, unseen })))
}

fn within<'a>(item: &Val<'a>, list: &Val<'a>, env: &Env<'_, 'a>) -> Truth<'a> {
    let items = match list {
        Val::List(items) => items,
        Val::Unknown(why) => return Truth::Unknown(why),
        _ => return mistyped(),
    };
    if !env.spend(items.len() / 8) {
        return Truth::Unknown(&TOO_LONG);
    }
    let mut doubt = items.unseen();
    for element in items.iter() {
        match equal(item, &element, env) {
            Truth::True => return Truth::True,
            Truth::False => {}
            Truth::Unknown(why) => doubt = doubt.or(Some(why)),
        }
    }
    doubt.map_or(Truth::False, Truth::Unknown)
}

fn sum<'a>(
    left: &'a Node,
    right: &'a Node,
    add: fn(i64, i64) -> i64,
    env: &Env<'_, 'a>,
    scope: Option<&Scope<'_, 'a>>,
) -> Val<'a> {
    match (value(left, env, scope), value(right, env, scope)) {
        (Val::Int(left), Val::Int(right)) => Val::Int(add(left, right)),
        (Val::Unknown(why), _) | (_, Val::Unknown(why)) => Val::Unknown(why),
        _ => Val::Unknown(&NOT_OF_ITS_TYPE),
    }
}

fn compare_nodes<'a>(
    order: Order,
    left: &'a Node,
    right: &'a Node,
    env: &Env<'_, 'a>,
    scope: Option<&Scope<'_, 'a>>,
) -> Truth<'a> {
    if let (Some(left), Some(right)) = (number(left, env, scope), number(right, env, scope)) {
        return compare(order, &Val::Int(left), &Val::Int(right), env);
    }
    // The size of a list of which only a part was seen is at least that of the part, and that may be enough to know.
    if let Op::Size(list) = &left.op
        && let Val::List(items) = value(list, env, scope)
        && let Some(why) = items.unseen()
        && let Val::Int(bound) = value(right, env, scope)
    {
        return size_at_least(i64::try_from(items.len()).unwrap_or(i64::MAX), order, bound, why);
    }
    compare(order, &value(left, env, scope), &value(right, env, scope), env)
}

/// A number that stands there without any working out: what most comparisons over lists are about, told by the shortest
/// way, since millions of them are made when a saved book is judged.
#[inline]
fn number(node: &Node, env: &Env<'_, '_>, scope: Option<&Scope<'_, '_>>) -> Option<i64> {
    let known = match &node.op {
        Op::Var(between) => {
            return match scope?.up(*between)? {
                Val::Int(number) => Some(*number),
                _ => None,
            };
        }
        Op::Const(value) => value,
        Op::Param(at) => env.params.get(*at)?,
        _ => return None,
    };
    match known {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

fn size_at_least(seen: i64, order: Order, bound: i64, why: &Why) -> Truth<'_> {
    match order {
        Order::AtLeast if seen >= bound => Truth::True,
        Order::More | Order::Differs if seen > bound => Truth::True,
        Order::Less if seen >= bound => Truth::False,
        Order::AtMost | Order::Equal if seen > bound => Truth::False,
        _ => Truth::Unknown(why),
    }
}

#[inline]
fn compare<'a>(order: Order, left: &Val<'a>, right: &Val<'a>, env: &Env<'_, 'a>) -> Truth<'a> {
    match order {
        Order::Equal => return equal(left, right, env),
        Order::Differs => return equal(left, right, env).not(),
        _ => {}
    }
    let found = match (left, right) {
        (Val::Unknown(why), _) | (_, Val::Unknown(why)) => return Truth::Unknown(why),
        (Val::Int(left), Val::Int(right)) => left.cmp(right),
        (Val::Level(left), Val::Level(right)) => left.rank.cmp(&right.rank),
        (Val::Moment(left), Val::Moment(right)) => left.cmp(right),
        _ => return mistyped(),
    };
    Truth::of(match order {
        Order::Less => found.is_lt(),
        Order::AtMost => found.is_le(),
        Order::More => found.is_gt(),
        _ => found.is_ge(),
    })
}

fn equal<'a>(left: &Val<'a>, right: &Val<'a>, env: &Env<'_, 'a>) -> Truth<'a> {
    match (left, right) {
        (Val::Unknown(why), _) | (_, Val::Unknown(why)) => Truth::Unknown(why),
        (Val::Bool(left), Val::Bool(right)) => Truth::of(left == right),
        (Val::Int(left), Val::Int(right)) => Truth::of(left == right),
        (Val::Level(left), Val::Level(right)) => Truth::of(left.rank == right.rank),
        (Val::Moment(left), Val::Moment(right)) => Truth::of(left == right),
        (Val::List(left), Val::List(right)) => equal_lists(left, right, env),
        _ => match left.as_text().zip(right.as_text()) {
            Some((left, right)) => Truth::of(left == right),
            None => mistyped(),
        },
    }
}

fn equal_lists<'a>(left: &Items<'a>, right: &Items<'a>, env: &Env<'_, 'a>) -> Truth<'a> {
    let (whole, longer) = match (left.unseen(), right.unseen()) {
        (None, None) => (None, left.len() != right.len()),
        (Some(why), None) => (Some(why), left.len() > right.len()),
        (None, Some(why)) => (Some(why), right.len() > left.len()),
        (Some(why), Some(_)) => (Some(why), false),
    };
    if longer {
        return Truth::False;
    }
    if !env.spend(left.len().min(right.len()) / 8) {
        return Truth::Unknown(&TOO_LONG);
    }
    let mut doubt = whole;
    for (left, right) in left.iter().zip(right.iter()) {
        match equal(&left, &right, env) {
            // Where parts are missing, nothing says that they are missing at the end.
            Truth::False if whole.is_none() => return Truth::False,
            Truth::True | Truth::False => {}
            Truth::Unknown(why) => doubt = doubt.or(Some(why)),
        }
    }
    doubt.map_or(Truth::True, Truth::Unknown)
}

fn in_net<'a>(
    address: &Val<'a>,
    nets: &'a Nets,
    env: &Env<'_, 'a>,
    scope: Option<&Scope<'_, 'a>>,
) -> Truth<'a> {
    if let Val::Unknown(why) = address {
        return Truth::Unknown(why);
    }
    let Some(address) = address.as_text().and_then(net::address) else {
        return Truth::Unknown(&NOT_AN_ADDRESS);
    };
    let asked = match nets {
        Nets::Fixed(nets) => return Truth::of(nets.iter().any(|net| net.contains(&address))),
        Nets::Asked(asked) => value(asked, env, scope),
    };
    let lies_in = |net: &Val<'a>| match net {
        Val::Unknown(why) => Truth::Unknown(why),
        net => match net.as_text().and_then(net::network) {
            Some(net) => Truth::of(net.contains(&address)),
            None => Truth::Unknown(&NOT_A_NETWORK),
        },
    };
    let Val::List(items) = asked else { return lies_in(&asked) };
    if !env.spend(items.len()) {
        return Truth::Unknown(&TOO_LONG);
    }
    let mut doubt = items.unseen();
    for net in items.iter() {
        match lies_in(&net) {
            Truth::True => return Truth::True,
            Truth::False => {}
            Truth::Unknown(why) => doubt = doubt.or(Some(why)),
        }
    }
    doubt.map_or(Truth::False, Truth::Unknown)
}
