//! Small wrongs done to a condition on purpose: whatever no test of its check notices might as well stand there.
//!
//! The operators are those of mutation testing that fit conditions (R. A. DeMillo, R. J. Lipton, F. G. Sayward, "Hints on
//! test data selection", 1978): negation, a clause dropped, a bound shifted, `all` and `exists` swapped, a list emptied.

use std::ops::Range;

use super::parse::{Ast, Is, Sign, parse};

/// A change of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mutation {
    /// The bytes that are replaced.
    pub(crate) at: Range<usize>,
    /// By what.
    pub(crate) with: String,
    /// What that is, in a few words.
    pub(crate) what: String,
}

impl Mutation {
    /// The changed text.
    pub(crate) fn applied(&self, text: &str) -> String {
        let before = text.get(..self.at.start).unwrap_or_default();
        let after = text.get(self.at.end..).unwrap_or_default();
        format!("{before}{}{after}", self.with)
    }
}

/// Every such change of an expression that can be read; none of one that cannot.
pub(crate) fn mutations(text: &str) -> Vec<Mutation> {
    let Ok(ast) = parse(text) else { return Vec::new() };
    let mut work = Work { text, found: Vec::new() };
    work.note(&(0..text.len()), format!("!({text})"), "negated");
    work.walk(&ast);
    work.found
}

struct Work<'t> {
    text: &'t str,
    found: Vec<Mutation>,
}

impl<'t> Work<'t> {
    fn note(&mut self, at: &Range<usize>, with: impl Into<String>, what: impl Into<String>) {
        self.found.push(Mutation { at: at.clone(), with: with.into(), what: what.into() });
    }

    fn of(&self, ast: &Ast) -> &'t str {
        self.text.get(ast.at.clone()).unwrap_or_default()
    }

    fn walk(&mut self, ast: &Ast) {
        match &ast.is {
            Is::Two(sign @ (Sign::And | Sign::Or), left, right) => {
                self.note(
                    &ast.at,
                    self.of(left),
                    format!("without the clause `{}`", self.of(right)),
                );
                self.note(
                    &ast.at,
                    self.of(right),
                    format!("without the clause `{}`", self.of(left)),
                );
                let other = if *sign == Sign::And { "||" } else { "&&" };
                let with = format!("({} {other} {})", self.of(left), self.of(right));
                self.note(&ast.at, with, format!("`{other}` for `{}`", sign.spelling()));
            }
            Is::Two(sign, left, right) => {
                if let Some(other) = shifted(*sign) {
                    let with = format!("{} {other} {}", self.of(left), self.of(right));
                    self.note(&ast.at, with, format!("`{other}` for `{}`", sign.spelling()));
                    for side in [left, right] {
                        self.bound(side);
                    }
                }
            }
            Is::Call(_, word, _) => {
                let other = match word.text.as_str() {
                    "all" => Some("exists"),
                    "exists" => Some("all"),
                    _ => None,
                };
                if let Some(other) = other {
                    self.note(&word.at, other, format!("`{other}` for `{}`", word.text));
                }
            }
            Is::List(items) if !items.is_empty() => self.note(&ast.at, "[]", "an empty list"),
            Is::Not(inner) => self.note(&ast.at, self.of(inner), "without the `!`"),
            Is::Choice(_, yes, no) => {
                self.note(&ast.at, format!("({})", self.of(yes)), "always the first choice");
                self.note(&ast.at, format!("({})", self.of(no)), "always the second choice");
            }
            _ => {}
        }
        for below in ast.below() {
            self.walk(below);
        }
    }

    /// A number beside a comparison, one more and one less.
    fn bound(&mut self, ast: &Ast) {
        if let Is::Int(number) = ast.is {
            for other in [number.saturating_add(1), number.saturating_sub(1)] {
                // Signs are no part of a number, and a minus in brackets is one everywhere.
                self.note(&ast.at, format!("({other})"), format!("{other} for {number}"));
            }
        }
    }
}

/// The sign that takes or leaves what stands just at the bound; of an equality, its opposite.
fn shifted(sign: Sign) -> Option<&'static str> {
    Some(match sign {
        Sign::Less => "<=",
        Sign::AtMost => "<",
        Sign::More => ">=",
        Sign::AtLeast => ">",
        Sign::Equal => "!=",
        Sign::Differs => "==",
        Sign::Or | Sign::And | Sign::In | Sign::Plus | Sign::Minus => return None,
    })
}

impl Ast {
    /// The trees right below this one, in the order of the text.
    fn below(&self) -> Vec<&Self> {
        match &self.is {
            Is::Bool(_) | Is::Int(_) | Is::Text(_) | Is::Name(_) => Vec::new(),
            Is::List(items) => items.iter().collect(),
            Is::Field(of, _) | Is::Not(of) | Is::Minus(of) => vec![of],
            Is::Index(of, index) => vec![of, index],
            Is::Call(on, _, with) => on.as_deref().into_iter().chain(with).collect(),
            Is::Two(_, left, right) => vec![left, right],
            Is::Choice(condition, yes, no) => vec![condition, yes, no],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_wrong_is_done() {
        let text = "a.b > 3 && (c.all(x, x in [1, 2]) || !d.e)";
        let done: Vec<String> =
            mutations(text).iter().map(|mutation| mutation.applied(text)).collect();
        for wanted in [
            "!(a.b > 3 && (c.all(x, x in [1, 2]) || !d.e))",
            "a.b > 3",
            "(c.all(x, x in [1, 2]) || !d.e)",
            "(a.b > 3 || (c.all(x, x in [1, 2]) || !d.e))",
            "a.b >= 3 && (c.all(x, x in [1, 2]) || !d.e)",
            "a.b > (4) && (c.all(x, x in [1, 2]) || !d.e)",
            "a.b > (2) && (c.all(x, x in [1, 2]) || !d.e)",
            "a.b > 3 && c.all(x, x in [1, 2])",
            "a.b > 3 && !d.e",
            "a.b > 3 && (c.exists(x, x in [1, 2]) || !d.e)",
            "a.b > 3 && (c.all(x, x in []) || !d.e)",
            "a.b > 3 && (c.all(x, x in [1, 2]) || d.e)",
        ] {
            assert!(done.iter().any(|one| one == wanted), "{wanted} is not among {done:#?}");
        }
        assert!(mutations("a &&").is_empty());
        for one in &done {
            assert!(parse(one).is_ok(), "{one} cannot be read");
        }
    }
}
