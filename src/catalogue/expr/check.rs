//! The tree into typed code: every wrong name, type and literal is found here, all of them in one go.

use std::ops::Range;

use crate::model::outcome::Why;
use crate::model::value::{Field, Kind, Type, Value};

use super::code::{Node, Op, Order};
use super::literal::{misnamed, text_as};
use super::parse::{Ast, Is, Sign, Word};
use super::{Called, Fault, MOST_STEPS, Names, Own, too_much};

/// Types and compiles a tree that must come to `wanted`, or to anything.
pub(super) fn check(
    ast: &Ast,
    names: &Names<'_>,
    wanted: Option<&Type>,
) -> Result<Node, Vec<Fault>> {
    let mut checker = Checker { names, scope: Vec::new(), faults: Vec::new(), put_in: 0 };
    let node = match wanted {
        Some(wanted) => checker.wanted(ast, wanted),
        None => checker.hinted(ast, None),
    };
    match node {
        Some(node) if checker.faults.is_empty() => Ok(node),
        _ => Err(checker.faults),
    }
}

/// Walks a tree. Its functions give `None` after they have noted a fault, so that the rest is still looked at.
pub(super) struct Checker<'n, 'v> {
    pub(super) names: &'n Names<'v>,
    /// The variables in sight, innermost last.
    pub(super) scope: Vec<Variable>,
    pub(super) faults: Vec<Fault>,
    /// How many steps came in with the facts that it names.
    put_in: usize,
}

/// A variable of `all(x, …)`.
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) of: Type,
    pub(super) on_facts: bool,
}

impl Checker<'_, '_> {
    /// Notes a fault.
    pub(super) fn wrong<T>(&mut self, fault: Fault) -> Option<T> {
        self.faults.push(fault);
        None
    }

    /// Types a tree where that type is needed.
    pub(super) fn wanted(&mut self, ast: &Ast, wanted: &Type) -> Option<Node> {
        let node = self.hinted(ast, Some(wanted))?;
        self.agrees(ast, node, wanted)
    }

    fn agrees(&mut self, ast: &Ast, node: Node, wanted: &Type) -> Option<Node> {
        if node.of == *wanted {
            return Some(node);
        }
        let title = format!("this is {}; {} is needed here", a(&node.of), a(wanted));
        let fault = Fault::new(ast.at.clone(), title);
        let fault = match (&ast.is, wanted, &node.of) {
            (Is::Text(text), Type::Int, _) if text.parse::<i64>().is_ok() => {
                fault.help(format!("write {text} without quotes"))
            }
            (Is::Int(number), Type::Text, _) => fault.help(format!("write \"{number}\"")),
            (_, Type::Bool, Type::List(_)) => {
                fault.help("ask something of it: .size() > 0, .exists(x, …), .all(x, …)")
            }
            (_, Type::Bool, _) => fault.help("compare it with something"),
            _ => fault,
        };
        self.wrong(fault)
    }

    /// Types a tree; the hint says what the literals in it are likely to be.
    pub(super) fn hinted(&mut self, ast: &Ast, hint: Option<&Type>) -> Option<Node> {
        match &ast.is {
            Is::Bool(is) => Some(constant(Value::Bool(*is), Type::Bool)),
            Is::Int(number) => Some(constant(Value::Int(*number), Type::Int)),
            Is::Text(text) => match hint.and_then(|of| Some((text_as(text, of, &ast.at)?, of))) {
                Some((Ok(value), of)) => Some(constant(value, of.clone())),
                Some((Err(fault), _)) => self.wrong(fault),
                None => Some(constant(Value::text(text.as_str()), Type::Text)),
            },
            Is::List(items) => self.list(ast, items, hint),
            Is::Name(name) => self.name(name, &ast.at, hint),
            Is::Field(of, word) => self.field(of, word),
            Is::Index(list, index) => self.index(list, index),
            Is::Call(on, word, with) => self.call(on.as_deref(), word, with, &ast.at),
            Is::Not(inner) => {
                let inner = self.wanted(inner, &Type::Bool)?;
                Some(one(inner, Type::Bool, Op::Not))
            }
            Is::Minus(inner) => {
                let inner = self.wanted(inner, &Type::Int)?;
                let zero = constant(Value::Int(0), Type::Int);
                Some(folded(two(zero, inner, Type::Int, Op::Minus)))
            }
            Is::Two(sign, left, right) => self.two(*sign, left, right),
            Is::Choice(condition, yes, no) => self.choice(condition, yes, no, hint),
        }
    }

    fn list(&mut self, ast: &Ast, items: &[Ast], hint: Option<&Type>) -> Option<Node> {
        let mut of = match hint {
            Some(Type::List(of)) => Some(of.as_ref().clone()),
            _ => None,
        };
        // An element that says its own type helps those that need to be told.
        if of.is_none()
            && let Some(sure) = items.iter().find(|item| !self.needs_hint(item))
        {
            let noted = self.faults.len();
            of = self.hinted(sure, None).map(|node| node.of);
            self.faults.truncate(noted);
        }
        let mut nodes = Vec::new();
        for item in items {
            let node = match &of {
                Some(of) => self.wanted(item, of),
                None => self.hinted(item, None),
            };
            if of.is_none() {
                of = node.as_ref().map(|node| node.of.clone());
            }
            nodes.push(node);
        }
        let Some(of) = of else {
            if !items.is_empty() {
                return None;
            }
            let fault =
                Fault::new(ast.at.clone(), "nothing says what this empty list is a list of");
            return self.wrong(fault.help("compare sizes instead: .size() == 0"));
        };
        let nodes: Vec<Node> = nodes.into_iter().collect::<Option<_>>()?;
        let on_facts = nodes.iter().any(|node| node.on_facts);
        let values: Option<Vec<Value>> = nodes
            .iter()
            .map(|node| match &node.op {
                Op::Const(value) => Some(value.clone()),
                _ => None,
            })
            .collect();
        let op = values.map_or_else(|| Op::List(nodes), |values| Op::Const(Value::list(values)));
        Some(Node { op, of: Type::list(of), on_facts })
    }

    fn name(&mut self, name: &str, at: &Range<usize>, hint: Option<&Type>) -> Option<Node> {
        if let Some((between, variable)) =
            self.scope.iter().rev().enumerate().find(|(_, variable)| variable.name == name)
        {
            let (of, on_facts) = (variable.of.clone(), variable.on_facts);
            return Some(Node { op: Op::Var(between), of, on_facts });
        }
        if name == "params" {
            return self.wrong(Fault::new(at.clone(), "say which parameter: `params.…`"));
        }
        if let Some(own) = self.names.own {
            if own.called == Called::Bare && own.knows(name) {
                return self.put_in(own, name, at);
            }
            if name == "probe" && own.called == Called::Probe {
                let help = format!("known: {}", prefixed("probe", &own.names()));
                return self.wrong(
                    Fault::new(at.clone(), "say which of the probe's facts: `probe.…`").help(help),
                );
            }
        }
        if let Some(kind) = self.names.vocabulary.id(name) {
            let fields = self.names.vocabulary.kind(kind).map(field_names).unwrap_or_default();
            let title = format!("`{name}` is a kind of fact, not a value; say which of its fields");
            return self.wrong(
                Fault::new(at.clone(), title)
                    .help(format!("its fields: {}", prefixed(name, &fields))),
            );
        }
        if let Some(scale @ Type::Scale(_)) = hint
            && let Some(result) = text_as(name, scale, at)
        {
            return match result {
                Ok(value) => Some(constant(value, scale.clone())),
                Err(fault) => self.wrong(fault),
            };
        }
        let title = misnamed(name, "is not known here", self.in_sight());
        let fault = Fault::new(at.clone(), title);
        let fault = match hint {
            Some(Type::Text) => {
                fault.help(format!("if it is a text, put it in quotes: \"{name}\""))
            }
            _ => fault.help(format!("known here: {}", self.in_sight().join(", "))),
        };
        self.wrong(fault)
    }

    fn in_sight(&self) -> Vec<&str> {
        let variables = self.scope.iter().rev().map(|variable| variable.name.as_str());
        let kinds = self.names.vocabulary.visible(self.names.tier).map(|kind| &*kind.name);
        let params = (!self.names.params.is_empty()).then_some("params");
        let own = match self.names.own {
            Some(own) if own.called == Called::Bare => own.names(),
            Some(own) if own.called == Called::Probe => vec!["probe"],
            _ => Vec::new(),
        };
        variables.chain(own).chain(kinds).chain(params).collect()
    }

    fn field(&mut self, of: &Ast, word: &Word) -> Option<Node> {
        if let Is::Name(name) = &of.is
            && !self.scope.iter().any(|variable| variable.name == *name)
        {
            if name == "params" {
                return self.param(word);
            }
            if name == "probe" {
                return self.heard(&of.at, word);
            }
            if let Some(id) = self.names.vocabulary.id(name)
                && let Some(kind) = self.names.vocabulary.kind(id)
            {
                return self.fact(id, kind, &of.at, word);
            }
        }
        let record = self.hinted(of, None)?;
        let Type::Record(fields) = &record.of else {
            let title = format!("this is {} and has no fields", a(&record.of));
            let fault = Fault::new(word.at.clone(), title);
            let question = super::call::methods(&record.of).contains(&word.text.as_str());
            return self.wrong(if question {
                fault.help(format!("it is a question: write .{}(…)", word.text))
            } else {
                fault
            });
        };
        if let Some(slot) = fields.iter().position(|field| field.name == word.text) {
            let of = fields.get(slot)?.of.clone();
            return Some(one(record, of, |record| Op::Part(record, slot)));
        }
        let title = misnamed(&word.text, "is not a field of this", names_of(fields));
        let known = names_of(fields).collect::<Vec<_>>().join(", ");
        self.wrong(Fault::new(word.at.clone(), title).help(format!("its fields: {known}")))
    }

    /// What the check's own probe heard, or what is concluded from it.
    fn heard(&mut self, at: &Range<usize>, word: &Word) -> Option<Node> {
        let Some(own) = self.names.own else {
            let fault = Fault::new(at.clone(), "this check has no probe of its own");
            return self.wrong(fault.help("write one under `probe:`"));
        };
        match own.called {
            Called::Probe => {}
            Called::Bare => {
                let fault = Fault::new(at.clone(), "`probe` is not known inside the probe itself");
                return self.wrong(fault.help(format!("write `{}` alone", word.text)));
            }
            Called::Later => {
                let title =
                    "`when` decides where the probe goes, so it cannot speak of its answers";
                let fault = Fault::new(at.clone(), title);
                return self.wrong(fault.help("write this condition under `applies:`"));
            }
        }
        if own.kind.tier > self.names.tier {
            let title = format!(
                "the probe is put to each {}, and this check is about a {}",
                tier(own.kind.tier),
                tier(self.names.tier)
            );
            let fault = Fault::new(at.clone(), title);
            return self.wrong(fault.help("make the check one of `on: probe`"));
        }
        if own.knows(&word.text) {
            return self.put_in(own, &word.text, &word.at);
        }
        let known = own.names();
        let title = misnamed(&word.text, "is nothing that the probe tells", known.iter().copied());
        let help = format!("it tells: {}", known.join(", "));
        self.wrong(Fault::new(word.at.clone(), title).help(help))
    }

    /// What the check's own probe has of that name, as long as all of it stays within bounds.
    fn put_in(&mut self, own: Own<'_>, name: &str, at: &Range<usize>) -> Option<Node> {
        self.put_in = self.put_in.saturating_add(own.size(name));
        if self.put_in > MOST_STEPS {
            // It is said once, and not of every name that follows.
            let known = self.faults.iter().any(|fault| fault.title == too_much(0..0).title);
            return if known { None } else { self.wrong(too_much(at.clone())) };
        }
        own.node(name)
    }

    fn param(&mut self, word: &Word) -> Option<Node> {
        let params = self.names.params;
        if let Some(at) = params.iter().position(|(name, _)| *name == word.text) {
            let of = params.get(at)?.1.clone();
            return Some(Node { op: Op::Param(at), of, on_facts: false });
        }
        let known: Vec<&str> = params.iter().map(|(name, _)| name.as_str()).collect();
        let fault = Fault::new(
            word.at.clone(),
            misnamed(&word.text, "is not a parameter of this check", known.iter().copied()),
        );
        self.wrong(if known.is_empty() {
            fault.help("declare it under `params:`, with a type and a default")
        } else {
            fault.help(format!("its parameters: {}", known.join(", ")))
        })
    }

    fn fact(&mut self, id: u16, kind: &Kind, at: &Range<usize>, word: &Word) -> Option<Node> {
        if kind.tier > self.names.tier {
            let title = format!(
                "`{}` is known for each {}, and this check is about a {}",
                kind.name,
                tier(kind.tier),
                tier(self.names.tier)
            );
            return self.wrong(
                Fault::new(at.clone(), title)
                    .help(format!("make the check one of `on: {}`", kind.name)),
            );
        }
        let Some(slot) = kind.slot(&word.text) else {
            let known = field_names(kind);
            let title = match crate::model::complaint::nearest(&word.text, known.iter().copied()) {
                Some(near) => {
                    format!("`{}` has no field `{}`; did you mean `{near}`?", kind.name, word.text)
                }
                None => format!("`{}` has no field `{}`", kind.name, word.text),
            };
            return self.wrong(
                Fault::new(word.at.clone(), title)
                    .help(format!("its fields: {}", known.join(", "))),
            );
        };
        let of = kind.fields.get(slot)?.of.clone();
        let absent = Why::new(format!("there are no `{}` facts about this", kind.name));
        let op = Op::Fact { kind: id, field: u16::try_from(slot).ok()?, absent };
        Some(Node { op, of, on_facts: true })
    }

    fn index(&mut self, list: &Ast, index: &Ast) -> Option<Node> {
        let node = self.hinted(list, None);
        let index = self.wanted(index, &Type::Int);
        let (node, index) = (node?, index?);
        let Type::List(element) = &node.of else {
            let title = format!("this is {}; only a list has numbered elements", a(&node.of));
            return self.wrong(Fault::new(list.at.clone(), title));
        };
        let of = element.as_ref().clone();
        let missing = Why::new("the list has no element of that number");
        Some(two(node, index, of, |list, index| Op::Index(list, index, missing)))
    }

    fn two(&mut self, sign: Sign, left: &Ast, right: &Ast) -> Option<Node> {
        let order = match sign {
            Sign::And | Sign::Or => {
                let (left, right) =
                    (self.wanted(left, &Type::Bool), self.wanted(right, &Type::Bool));
                let op = if sign == Sign::And { Op::And } else { Op::Or };
                return Some(two(left?, right?, Type::Bool, op));
            }
            Sign::Plus | Sign::Minus => {
                let (left, right) = (self.wanted(left, &Type::Int), self.wanted(right, &Type::Int));
                let op = if sign == Sign::Plus { Op::Plus } else { Op::Minus };
                return Some(folded(two(left?, right?, Type::Int, op)));
            }
            Sign::In => return self.within(left, right),
            Sign::Equal => Order::Equal,
            Sign::Differs => Order::Differs,
            Sign::Less => Order::Less,
            Sign::AtMost => Order::AtMost,
            Sign::More => Order::More,
            Sign::AtLeast => Order::AtLeast,
        };
        let (left_node, right_node) = self.alike(left, right);
        let (left_node, right_node) = (left_node?, right_node?);
        let comparable = match &left_node.of {
            Type::Int | Type::Scale(_) | Type::Moment => true,
            Type::Record(_) => false,
            Type::Bool | Type::Text | Type::List(_) => {
                matches!(order, Order::Equal | Order::Differs)
            }
        };
        if !comparable {
            let title = format!("{} cannot be compared by {}", a(&left_node.of), sign.spelling());
            let fault = Fault::new(left.at.start..right.at.end, title);
            return self.wrong(match left_node.of {
                Type::Record(_) => fault.help("compare its fields"),
                Type::List(_) => fault.help("compare its size: .size()"),
                _ => fault.help("numbers, times and names on a scale have an order"),
            });
        }
        Some(two(left_node, right_node, Type::Bool, |a, b| Op::Compare(order, a, b)))
    }

    /// Types two operands that must be of one type; the one that is sure of its type tells the other.
    fn alike(&mut self, left: &Ast, right: &Ast) -> (Option<Node>, Option<Node>) {
        if self.needs_hint(left) && !self.needs_hint(right) {
            let right = self.hinted(right, None);
            let left = match &right {
                Some(right) => self.wanted(left, &right.of),
                None => None,
            };
            (left, right)
        } else {
            let left = self.hinted(left, None);
            let right = match &left {
                Some(left) => self.wanted(right, &left.of),
                // The left side is wrong already; what is wrong inside the right one is still worth saying.
                None if self.needs_hint(right) => None,
                None => self.hinted(right, None),
            };
            (left, right)
        }
    }

    fn within(&mut self, item: &Ast, list: &Ast) -> Option<Node> {
        let (item_node, list_node) = if self.needs_hint(item) && !self.needs_hint(list) {
            let list_node = self.hinted(list, None)?;
            let list_node = self.is_list(list, list_node)?;
            let Type::List(of) = &list_node.of else { return None };
            (self.wanted(item, of), Some(list_node))
        } else {
            let item_node = self.hinted(item, None)?;
            let of = Type::list(item_node.of.clone());
            let list_node = self.hinted(list, Some(&of))?;
            let list_node = self.is_list(list, list_node)?;
            (Some(item_node), self.agrees(list, list_node, &of))
        };
        let (item_node, list_node) = (item_node?, list_node?);
        Some(two(item_node, list_node, Type::Bool, Op::In))
    }

    fn is_list(&mut self, ast: &Ast, node: Node) -> Option<Node> {
        match &node.of {
            Type::List(_) => Some(node),
            Type::Text => self.wrong(
                Fault::new(ast.at.clone(), "this is text; a list is needed after `in`")
                    .help("to look into a text, write text.contains(\"…\")"),
            ),
            of => {
                let title = format!("this is {}; a list is needed after `in`", a(of));
                self.wrong(Fault::new(ast.at.clone(), title))
            }
        }
    }

    fn choice(
        &mut self,
        condition: &Ast,
        yes: &Ast,
        no: &Ast,
        hint: Option<&Type>,
    ) -> Option<Node> {
        let condition = self.wanted(condition, &Type::Bool);
        let (yes, no) = match hint {
            Some(hint) => (self.wanted(yes, hint), self.wanted(no, hint)),
            None => self.alike(yes, no),
        };
        let (condition, yes, no) = (condition?, yes?, no?);
        let on_facts = condition.on_facts || yes.on_facts || no.on_facts;
        let of = yes.of.clone();
        let op = Op::Choice(Box::new(condition), Box::new(yes), Box::new(no));
        Some(Node { op, of, on_facts })
    }

    /// Whether a tree cannot say its own type: a text may be a name on a scale, and a name that is nothing else too.
    fn needs_hint(&self, ast: &Ast) -> bool {
        match &ast.is {
            Is::Text(_) => true,
            Is::List(items) => items.iter().all(|item| self.needs_hint(item)),
            Is::Name(name) => {
                name != "params"
                    && self.names.vocabulary.id(name).is_none()
                    && !self
                        .names
                        .own
                        .is_some_and(|own| own.called == Called::Bare && own.knows(name))
                    && !self.scope.iter().any(|variable| variable.name == *name)
            }
            Is::Choice(_, yes, no) => self.needs_hint(yes) && self.needs_hint(no),
            _ => false,
        }
    }
}

/// A constant.
pub(super) fn constant(value: Value, of: Type) -> Node {
    Node { op: Op::Const(value), of, on_facts: false }
}

/// A node over one other.
pub(super) fn one(node: Node, of: Type, op: impl FnOnce(Box<Node>) -> Op) -> Node {
    let on_facts = node.on_facts;
    Node { op: op(Box::new(node)), of, on_facts }
}

/// A node over two others.
pub(super) fn two(
    left: Node,
    right: Node,
    of: Type,
    op: impl FnOnce(Box<Node>, Box<Node>) -> Op,
) -> Node {
    let on_facts = left.on_facts || right.on_facts;
    Node { op: op(Box::new(left), Box::new(right)), of, on_facts }
}

/// A sum of constants is a constant.
fn folded(node: Node) -> Node {
    let number = |node: &Node| match node.op {
        Op::Const(Value::Int(number)) => Some(number),
        _ => None,
    };
    let sum = match &node.op {
        Op::Plus(a, b) => number(a).zip(number(b)).map(|(a, b)| a.saturating_add(b)),
        Op::Minus(a, b) => number(a).zip(number(b)).map(|(a, b)| a.saturating_sub(b)),
        _ => None,
    };
    sum.map_or(node, |sum| constant(Value::Int(sum), Type::Int))
}

/// A type with its article, as messages say it.
pub(super) fn a(of: &Type) -> String {
    match of {
        Type::Text | Type::Bool => of.to_string(),
        Type::Record(_) | Type::Int | Type::Moment | Type::Scale(_) | Type::List(_) => {
            format!("a {of}")
        }
    }
}

/// The word for a tier.
pub(crate) fn tier(tier: crate::model::value::Tier) -> &'static str {
    use crate::model::value::Tier;
    match tier {
        Tier::Host => "host",
        Tier::Service => "service",
        Tier::Site => "site",
    }
}

fn field_names(kind: &Kind) -> Vec<&str> {
    names_of(&kind.fields).collect()
}

fn names_of(fields: &[Field]) -> impl Iterator<Item = &str> {
    fields.iter().map(|field| &*field.name)
}

fn prefixed(kind: &str, fields: &[&str]) -> String {
    fields.iter().map(|field| format!("{kind}.{field}")).collect::<Vec<_>>().join(", ")
}
