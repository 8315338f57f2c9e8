//! What every part of an expression comes to, for its author: each part is cut out of the tree and compiled by itself.
//!
//! A part inside of `list.all(x, …)` is looked at for every element: it is compiled as the body of `list.map(x, …)`, so
//! that the evaluation that judges has no second path for being watched.

use super::Names;
use super::check::check;
use super::code::Node;
use super::eval::{Env, value};
use super::parse::{Ast, Is, Sign, Word, over, parse};
use crate::catalogue::Lookup;
use crate::model::value::{Type, Value};

/// As many elements of a list are shown: first those that decided.
const ELEMENTS: usize = 20;

/// A part of an expression, and what it came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Traced {
    /// The part as it is written, on one line; of an element, the variable's name.
    pub text: String,
    /// Of an element: which one, with its type.
    pub element: Option<(Value, Type)>,
    /// What it came to; for an element, what the body came to.
    pub came: Value,
    /// The type of that.
    pub of: Type,
    /// Its own parts, in the order of the text.
    pub below: Vec<Self>,
    /// How many elements are not shown.
    pub more: usize,
}

/// Traces an expression that was read before; none if it cannot be read.
pub(crate) fn trace(
    text: &str,
    names: &Names<'_>,
    params: &[Value],
    lookup: Lookup<'_, '_>,
) -> Option<Traced> {
    let ast = parse(text).ok()?;
    let tracer = Tracer { text, names, params, lookup };
    tracer.part(&ast, &mut Vec::new()).into_iter().next()
}

/// A list whose elements are gone through, and the element that is looked at.
struct Binder<'b> {
    list: &'b Ast,
    variable: &'b Ast,
    nth: usize,
}

struct Tracer<'t, 'f, 'a> {
    text: &'t str,
    names: &'t Names<'t>,
    params: &'t [Value],
    lookup: Lookup<'f, 'a>,
}

impl Tracer<'_, '_, '_> {
    /// A part with its own parts. A literal is no part: it says itself what it is. Where a part cannot be typed alone, its
    /// parts stand in its place.
    fn part<'b>(&self, ast: &'b Ast, within: &mut Vec<Binder<'b>>) -> Vec<Traced> {
        let (below, more) = self.below(ast, within);
        let Some((came, of)) = self.value(ast, within) else { return below };
        vec![Traced { text: self.written(ast), element: None, came, of, below, more }]
    }

    fn written(&self, ast: &Ast) -> String {
        let text = self.text.get(ast.at.clone()).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn below<'b>(&self, ast: &'b Ast, within: &mut Vec<Binder<'b>>) -> (Vec<Traced>, usize) {
        let mut parts: Vec<&'b Ast> = Vec::new();
        match &ast.is {
            Is::Two(sign @ (Sign::And | Sign::Or), ..) => clauses(ast, *sign, &mut parts),
            Is::Two(_, left, right) => parts.extend([&**left, &**right]),
            Is::Not(inner) | Is::Minus(inner) => parts.push(inner),
            Is::Field(of, _) if !matches!(of.is, Is::Name(_) | Is::Field(..)) => parts.push(of),
            Is::Index(list, index) => parts.extend([&**list, &**index]),
            Is::List(items) => parts.extend(items),
            Is::Choice(condition, yes, no) => parts.extend([&**condition, &**yes, &**no]),
            Is::Call(Some(on), word, with) => match (word.text.as_str(), with.as_slice()) {
                ("all" | "exists" | "filter" | "map", [variable, body]) => {
                    return self.elements(on, word, (variable, body), within);
                }
                _ => parts.extend(std::iter::once(&**on).chain(with)),
            },
            Is::Call(None, _, with) => parts.extend(with),
            _ => {}
        }
        (parts.into_iter().flat_map(|part| self.part(part, within)).collect(), 0)
    }

    /// The list, and below it every element with what the body comes to for it.
    fn elements<'b>(
        &self,
        list: &'b Ast,
        word: &Word,
        (variable, body): (&'b Ast, &'b Ast),
        within: &mut Vec<Binder<'b>>,
    ) -> (Vec<Traced>, usize) {
        let mut below = self.part(list, within);
        let Some((Value::List(items), Type::List(of))) = self.value(list, within) else {
            return (below, 0);
        };
        let bodies = over(list, "map", variable, body).ok();
        let bodies = bodies.and_then(|bodies| self.value(&bodies, within));
        let (Is::Name(name), Some((Value::List(bodies), _))) = (&variable.is, bodies) else {
            return (below, 0);
        };
        let usual = match word.text.as_str() {
            "all" => Some(Value::Bool(true)),
            "exists" | "filter" => Some(Value::Bool(false)),
            _ => None,
        };
        let mut shown: Vec<usize> = (0..items.items.len()).collect();
        shown.sort_by_key(|nth| usual.as_ref() == bodies.items.get(*nth));
        shown.truncate(ELEMENTS);
        shown.sort_unstable();
        for nth in &shown {
            within.push(Binder { list, variable, nth: *nth });
            let came = self.part(body, within).into_iter().next();
            within.pop();
            let element = items.items.get(*nth).map(|item| (item.clone(), of.as_ref().clone()));
            below.extend(came.map(|came| Traced { text: name.clone(), element, ..came }));
        }
        (below, items.items.len() - shown.len())
    }

    /// What a part comes to, for the elements that are looked at; none for what says itself what it is, or cannot be typed
    /// alone.
    fn value(&self, ast: &Ast, within: &[Binder<'_>]) -> Option<(Value, Type)> {
        if is_literal(ast) {
            return None;
        }
        let mut whole = ast.clone();
        for binder in within.iter().rev() {
            whole = over(binder.list, "map", binder.variable, &whole).ok()?;
        }
        let node = check(&whole, self.names, None).ok()?;
        let (mut came, mut of) = (self.came(&node), node.of.clone());
        for binder in within {
            let (Value::List(items), Type::List(inner)) = (came, of) else { return None };
            came = items.items.get(binder.nth)?.clone();
            of = inner.as_ref().clone();
        }
        Some((came, of))
    }

    fn came(&self, node: &Node) -> Value {
        let lookup = |kind| (self.lookup)(kind);
        value(node, &Env::new(self.params, &lookup), None).keep()
    }
}

/// Whether a part says itself what it is.
fn is_literal(ast: &Ast) -> bool {
    match &ast.is {
        Is::Bool(_) | Is::Int(_) | Is::Text(_) => true,
        Is::Minus(inner) => is_literal(inner),
        Is::List(items) => items.iter().all(is_literal),
        _ => false,
    }
}

/// The clauses of `a && b && c`, or of `a || b || c`.
fn clauses<'b>(ast: &'b Ast, sign: Sign, into: &mut Vec<&'b Ast>) {
    match &ast.is {
        Is::Two(found, left, right) if *found == sign => {
            clauses(left, sign, into);
            clauses(right, sign, into);
        }
        _ => into.push(ast),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Vocabulary;
    use crate::model::outcome::Why;
    use crate::model::value::{Field, Kind, List, Tier};

    /// What a text traces to, a line each, indented by depth.
    fn lines(text: &str, box_of: &[Value; 3]) -> Vec<String> {
        fn write(one: &Traced, depth: usize, into: &mut Vec<String>) {
            let element = one.element.as_ref();
            let element = element.map_or(String::new(), |(value, _)| format!("[{value}]"));
            into.push(format!("{}{}{element} = {}", " ".repeat(depth), one.text, one.came));
            one.below.iter().for_each(|part| write(part, depth + 1, into));
            if one.more > 0 {
                into.push(format!("{}+{}", " ".repeat(depth + 1), one.more));
            }
        }
        let fields = [
            Field::new("weight", Type::Int, ""),
            Field::new("sealed", Type::Bool, ""),
            Field::new("items", Type::list(Type::Text), ""),
        ];
        let vocabulary = Vocabulary::new(vec![Kind::new("box", Tier::Host, "", fields)]);
        let params = [("most".to_owned(), Type::Int)];
        let names = Names {
            vocabulary: &vocabulary,
            tier: Tier::Host,
            params: &params,
            own: None,
            patterns: &std::cell::Cell::new(64),
        };
        let lookup = |_| Some(box_of.as_slice());
        let mut all = Vec::new();
        if let Some(whole) = trace(text, &names, &[Value::Int(3)], &lookup) {
            write(&whole, 0, &mut all);
        }
        all
    }

    fn texts(all: &[&str]) -> Value {
        Value::list(all.iter().map(|text| Value::text(*text)))
    }

    #[test]
    fn every_part_has_its_value_and_what_is_unknown_its_reason() {
        let found = lines(
            "box.weight <= params.most && (box.sealed\n || !(box.weight == 5)) && true",
            &[Value::Int(5), Value::unknown("too dark"), texts(&[])],
        );
        assert_eq!(
            found,
            [
                "box.weight <= params.most && (box.sealed || !(box.weight == 5)) && true = false",
                " box.weight <= params.most = false",
                "  box.weight = 5",
                "  params.most = 3",
                " (box.sealed || !(box.weight == 5)) = unknown (too dark)",
                "  box.sealed = unknown (too dark)",
                "  !(box.weight == 5) = false",
                "   (box.weight == 5) = true",
                "    box.weight = 5",
            ]
        );
    }

    #[test]
    fn elements_are_shown_with_what_the_body_comes_to_inside_of_each_other_too() {
        let given = [Value::Int(1), Value::Bool(true), texts(&["ab", "c"])];
        assert_eq!(
            lines("box.items.all(x, box.items.exists(y, y != x && y.size() == 1))", &given),
            [
                "box.items.all(x, box.items.exists(y, y != x && y.size() == 1)) = false",
                " box.items = ab, c",
                " x[ab] = true",
                "  box.items = ab, c",
                "  y[ab] = false",
                "   y != x = false",
                "    y = ab",
                "    x = ab",
                "   y.size() == 1 = false",
                "    y.size() = 2",
                "     y = ab",
                "  y[c] = true",
                "   y != x = true",
                "    y = c",
                "    x = ab",
                "   y.size() == 1 = true",
                "    y.size() = 1",
                "     y = c",
                " x[c] = false",
                "  box.items = ab, c",
                "  y[ab] = false",
                "   y != x = true",
                "    y = ab",
                "    x = c",
                "   y.size() == 1 = false",
                "    y.size() = 2",
                "     y = ab",
                "  y[c] = false",
                "   y != x = false",
                "    y = c",
                "    x = c",
                "   y.size() == 1 = true",
                "    y.size() = 1",
                "     y = c",
            ]
        );
    }

    #[test]
    fn of_a_long_list_those_are_shown_that_decide() {
        let mut items = vec![Value::text("good"); 20_000];
        items[15_000] = Value::text("bad");
        let items = List { items: items.into(), unseen: Some(Why::new("cut short")) };
        let given = [Value::Int(1), Value::Bool(true), Value::List(items)];
        let found = lines("box.items.all(x, x == \"good\")", &given);
        assert!(found.contains(&" x[bad] = false".to_owned()), "{found:#?}");
        assert_eq!(found.last().map(String::as_str), Some(" +19980"));
        assert_eq!(found.len(), 3 + 2 * ELEMENTS);
    }

    #[test]
    fn the_whole_comes_to_what_it_is_judged_by() {
        for text in
            ["box.items.map(x, x.size())[0] == 2 ? box.sealed : false", "[box.weight, 2] == [1, 2]"]
        {
            let given = || [Value::Int(1), Value::Bool(true), texts(&["ab"])];
            let found = lines(text, &given());
            assert_eq!(found.first().map(String::as_str), Some(format!("{text} = true").as_str()));
        }
    }
}
