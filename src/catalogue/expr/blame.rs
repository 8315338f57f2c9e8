//! What made a condition come out false: the elements and compared values that its author need not name.

use crate::model::value::Type;

use super::code::{Each, Nets, Node, Op};
use super::eval::{Env, Scope, Truth, truth, value};
use super::val::Val;

/// How many values are kept: enough for any reader.
const MOST: usize = 1000;

/// The values that made a false condition false.
pub(super) fn blame<'a>(node: &'a Node, env: &Env<'_, 'a>) -> Vec<(Val<'a>, &'a Type)> {
    let mut blamer = Blamer { env, found: Vec::new() };
    blamer.of(node, Truth::False, None);
    blamer.found
}

struct Blamer<'e, 'f, 'a> {
    env: &'e Env<'f, 'a>,
    found: Vec<(Val<'a>, &'a Type)>,
}

impl<'a> Blamer<'_, '_, 'a> {
    /// Gathers what made a condition come out as it did.
    fn of(&mut self, node: &'a Node, came: Truth<'a>, scope: Option<&Scope<'_, 'a>>) {
        let was = |node: &'a Node| truth(node, self.env, scope);
        match &node.op {
            Op::Not(inner) => self.of(inner, other(came), scope),
            // `!a || b` says "a implies b": what is wrong is b.
            Op::Or(left, right) if came == Truth::False && matches!(left.op, Op::Not(_)) => {
                let before = self.found.len();
                self.of(right, came, scope);
                if self.found.len() == before {
                    self.of(left, came, scope);
                }
            }
            Op::And(left, right) | Op::Or(left, right) => {
                for side in [left, right] {
                    if was(side) == came {
                        self.of(side, came, scope);
                    }
                }
            }
            Op::Choice(condition, yes, no) => {
                let taken = if was(condition) == Truth::True { yes } else { no };
                self.of(taken, came, scope);
            }
            Op::Each(each @ (Each::All | Each::Exists), list, body) => {
                let decisive = if *each == Each::All { Truth::False } else { Truth::True };
                if came == decisive {
                    self.deciding(list, body, decisive, scope);
                }
            }
            Op::Compare(_, left, right) => {
                self.compared(left, scope);
                self.compared(right, scope);
            }
            Op::In(item, list) => {
                if came == Truth::True || item.on_facts {
                    self.add(value(item, self.env, scope), &item.of);
                } else {
                    self.compared(list, scope);
                }
            }
            Op::Text(_, text, part) => {
                self.compared(text, scope);
                self.compared(part, scope);
            }
            Op::Matches(text, _) => self.compared(text, scope),
            Op::InNet(address, nets) => {
                self.compared(address, scope);
                if let Nets::Asked(nets) = nets {
                    self.compared(nets, scope);
                }
            }
            _ => {}
        }
    }

    /// The elements of a list that decided a quantifier.
    fn deciding(
        &mut self,
        list: &'a Node,
        body: &'a Node,
        decisive: Truth<'a>,
        scope: Option<&Scope<'_, 'a>>,
    ) {
        let (Val::List(items), Type::List(of)) = (value(list, self.env, scope), &list.of) else {
            return;
        };
        for element in items.iter() {
            let inner = Scope::new(element.clone(), scope);
            if truth(body, self.env, Some(&inner)) == decisive {
                self.add(element, of);
            }
        }
    }

    /// One side of a comparison: its value if it comes from the facts; of a size, what was counted.
    fn compared(&mut self, node: &'a Node, scope: Option<&Scope<'_, 'a>>) {
        match &node.op {
            _ if !node.on_facts => {}
            Op::Size(counted) | Op::Lower(counted) | Op::Capture(counted, ..) => {
                self.compared(counted, scope);
            }
            _ => self.add(value(node, self.env, scope), &node.of),
        }
    }

    /// Keeps a value, or the elements of a list; what is true, false or not known shows nothing.
    fn add(&mut self, value: Val<'a>, of: &'a Type) {
        match (value, of) {
            (Val::List(items), Type::List(of)) => items.iter().for_each(|item| self.add(item, of)),
            (Val::Unknown(_) | Val::Bool(_), _) => {}
            (value, of) if self.found.len() < MOST => self.found.push((value, of)),
            _ => {}
        }
    }
}

fn other(truth: Truth<'_>) -> Truth<'_> {
    match truth {
        Truth::True => Truth::False,
        Truth::False => Truth::True,
        Truth::Unknown(why) => Truth::Unknown(why),
    }
}

/// The types of what may be blamed, each once: known when the check is read, so that its message can be proofread.
pub(super) fn may_blame(node: &Node) -> Vec<&Type> {
    let mut found: Vec<&Type> = Vec::new();
    types(node, &mut found);
    found
}

fn types<'n>(node: &'n Node, found: &mut Vec<&'n Type>) {
    match &node.op {
        Op::Not(inner) => types(inner, found),
        Op::And(left, right) | Op::Or(left, right) => {
            types(left, found);
            types(right, found);
        }
        Op::Choice(_, yes, no) => {
            types(yes, found);
            types(no, found);
        }
        Op::Each(Each::All | Each::Exists, list, _) => add_type(&list.of, found),
        Op::Compare(_, left, right) | Op::Text(_, left, right) => {
            compared_type(left, found);
            compared_type(right, found);
        }
        Op::In(item, list) => {
            add_type(&item.of, found);
            if !item.on_facts {
                compared_type(list, found);
            }
        }
        Op::Matches(text, _) => compared_type(text, found),
        Op::InNet(address, nets) => {
            compared_type(address, found);
            if let Nets::Asked(nets) = nets {
                compared_type(nets, found);
            }
        }
        _ => {}
    }
}

fn compared_type<'n>(node: &'n Node, found: &mut Vec<&'n Type>) {
    match &node.op {
        _ if !node.on_facts => {}
        Op::Size(counted) | Op::Lower(counted) | Op::Capture(counted, ..) => {
            compared_type(counted, found);
        }
        _ => add_type(&node.of, found),
    }
}

fn add_type<'n>(of: &'n Type, found: &mut Vec<&'n Type>) {
    match of {
        Type::List(of) => add_type(of, found),
        Type::Bool => {}
        of if found.contains(&of) => {}
        of => found.push(of),
    }
}
