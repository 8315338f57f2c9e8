//! Tokens into a tree, by precedence climbing (V. R. Pratt, "Top down operator precedence", 1973).

use std::ops::Range;

use super::Fault;
use super::lex::{Token, lex};

/// How deep a tree may be: enough for any condition that a person can read, and far from what a stack can hold.
const DEEPEST: u16 = 64;

/// A node of the tree.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ast {
    /// The bytes of the text that it came from.
    pub(super) at: Range<usize>,
    /// What it is.
    pub(super) is: Is,
    depth: u16,
}

/// What a node of the tree can be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Is {
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Ast>),
    Name(String),
    /// `of.name`
    Field(Box<Ast>, Word),
    /// `of[index]`
    Index(Box<Ast>, Box<Ast>),
    /// `on.name(with)` or `name(with)`
    Call(Option<Box<Ast>>, Word, Vec<Ast>),
    Not(Box<Ast>),
    Minus(Box<Ast>),
    Two(Sign, Box<Ast>, Box<Ast>),
    /// `condition ? yes : no`
    Choice(Box<Ast>, Box<Ast>, Box<Ast>),
}

/// A name with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) at: Range<usize>,
}

/// A sign between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Or,
    And,
    Equal,
    Differs,
    Less,
    AtMost,
    More,
    AtLeast,
    In,
    Plus,
    Minus,
}

impl Sign {
    /// Every sign with its spelling and how tightly it binds.
    const ALL: [(Self, &'static str, u8); 11] = [
        (Self::Or, "||", 1),
        (Self::And, "&&", 2),
        (Self::Equal, "==", 3),
        (Self::Differs, "!=", 3),
        (Self::Less, "<", 3),
        (Self::AtMost, "<=", 3),
        (Self::More, ">", 3),
        (Self::AtLeast, ">=", 3),
        (Self::In, "in", 3),
        (Self::Plus, "+", 4),
        (Self::Minus, "-", 4),
    ];

    /// How it is written.
    pub(super) fn spelling(self) -> &'static str {
        Self::ALL.iter().find(|(sign, ..)| *sign == self).map_or("", |(_, spelling, _)| spelling)
    }
}

const COMPARING: u8 = 3;

/// Reads an expression.
pub(super) fn parse(text: &str) -> Result<Ast, Fault> {
    let mut parser = Parser { tokens: lex(text)?, at: 0, depth: 0 };
    if parser.peek() == &Token::End {
        return Err(Fault::new(0..text.len(), "a condition is missing here"));
    }
    let ast = parser.choice()?;
    if parser.peek() != &Token::End {
        return Err(parser.unexpected("the condition should end here"));
    }
    Ok(ast)
}

struct Parser {
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    depth: u16,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    fn place(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(0..0, |(_, at)| at.clone())
    }

    fn take(&mut self) -> (Token, Range<usize>) {
        let taken = (self.peek().clone(), self.place());
        if taken.0 != Token::End {
            self.at += 1;
        }
        taken
    }

    fn eat(&mut self, sign: &str) -> bool {
        let there = matches!(self.peek(), Token::Sign(found) if *found == sign);
        if there {
            self.at += 1;
        }
        there
    }

    fn want(&mut self, sign: &str, why: &str) -> Result<Range<usize>, Fault> {
        let place = self.place();
        if self.eat(sign) { Ok(place) } else { Err(self.unexpected(why)) }
    }

    fn unexpected(&self, wanted: &str) -> Fault {
        let fault = Fault::new(self.place(), format!("{}; {wanted}", shown(self.peek())));
        match self.peek() {
            Token::Name(word) if word == "and" => fault.help("write && for and"),
            Token::Name(word) if word == "or" => fault.help("write || for or"),
            Token::Name(word) if word == "not" => fault.help("write ! for not"),
            Token::Name(word) if word == "is" => fault.help("write == to compare"),
            _ => fault,
        }
    }

    /// Goes one level down; refuses when that is too deep.
    fn deeper<T>(&mut self, go: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(too_deep(self.place()));
        }
        let result = go(self);
        self.depth -= 1;
        result
    }

    fn choice(&mut self) -> Result<Ast, Fault> {
        self.deeper(|parser| {
            let condition = parser.binary(0)?;
            if !parser.eat("?") {
                return Ok(condition);
            }
            let yes = parser.choice()?;
            parser.want(":", "the other half of `… ? … : …` should follow here, after a colon")?;
            let no = parser.choice()?;
            let at = condition.at.start..no.at.end;
            let depth = condition.depth.max(yes.depth).max(no.depth);
            make(at, depth, Is::Choice(Box::new(condition), Box::new(yes), Box::new(no)))
        })
    }

    fn binary(&mut self, weakest: u8) -> Result<Ast, Fault> {
        let mut left = self.unary()?;
        let mut compared = false;
        while let Some((sign, binding)) = self.sign().filter(|(_, binding)| *binding > weakest) {
            if compared && binding == COMPARING {
                return Err(Fault::new(self.place(), "comparisons cannot be chained")
                    .help("write a < b && b < c"));
            }
            compared = binding == COMPARING;
            self.take();
            let right = self.deeper(|parser| parser.binary(binding))?;
            let at = left.at.start..right.at.end;
            let depth = left.depth.max(right.depth);
            left = make(at, depth, Is::Two(sign, Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn sign(&self) -> Option<(Sign, u8)> {
        let spelling = match self.peek() {
            Token::Sign(spelling) => spelling,
            Token::Name(word) if word == "in" => "in",
            _ => return None,
        };
        let found = Sign::ALL.iter().find(|(_, known, _)| *known == spelling);
        found.map(|(sign, _, binding)| (*sign, *binding))
    }

    fn unary(&mut self) -> Result<Ast, Fault> {
        let start = self.place().start;
        let make_one: fn(Box<Ast>) -> Is = if self.eat("!") {
            Is::Not
        } else if self.eat("-") {
            Is::Minus
        } else {
            return self.postfix();
        };
        let inner = self.deeper(Self::unary)?;
        make(start..inner.at.end, inner.depth, make_one(Box::new(inner)))
    }

    fn postfix(&mut self) -> Result<Ast, Fault> {
        let mut ast = self.primary()?;
        loop {
            let (start, depth) = (ast.at.start, ast.depth);
            if self.eat(".") {
                ast = self.after_dot(ast)?;
            } else if self.eat("[") {
                let index = self.choice()?;
                let end = self.want("]", "the index should be closed by ]")?.end;
                let deeper = depth.max(index.depth);
                ast = make(start..end, deeper, Is::Index(Box::new(ast), Box::new(index)))?;
            } else {
                return Ok(ast);
            }
        }
    }

    fn after_dot(&mut self, of: Ast) -> Result<Ast, Fault> {
        let (start, depth) = (of.at.start, of.depth);
        let place = self.place();
        match (self.peek().clone(), of.is) {
            // `TLSv1.2` is one name, though it looks like a field.
            (Token::Int(number), Is::Name(name)) => {
                self.take();
                make(start..place.end, depth, Is::Name(format!("{name}.{number}")))
            }
            (Token::Name(name), is) => {
                self.take();
                let of = Box::new(Ast { at: of.at, is, depth });
                let word = Word { text: name, at: place.clone() };
                if !self.eat("(") {
                    return make(start..place.end, depth, Is::Field(of, word));
                }
                let (with, end, deepest) = self.until(")")?;
                make(start..end, depth.max(deepest), Is::Call(Some(of), word, with))
            }
            _ => Err(self.unexpected("the name of a field should follow the dot")),
        }
    }

    /// Expressions with commas between them, up to a closing sign.
    fn until(&mut self, close: &str) -> Result<(Vec<Ast>, usize, u16), Fault> {
        let (mut all, mut deepest) = (Vec::new(), 0);
        loop {
            let place = self.place();
            if self.eat(close) {
                return Ok((all, place.end, deepest));
            }
            if !all.is_empty() {
                self.want(",", &format!("a comma or {close} should stand here"))?;
            }
            let one = self.choice()?;
            deepest = deepest.max(one.depth);
            all.push(one);
        }
    }

    fn primary(&mut self) -> Result<Ast, Fault> {
        let start = self.place();
        let leaf = |is| make(start.clone(), 0, is);
        match self.peek().clone() {
            Token::Int(number) => {
                self.take();
                leaf(Is::Int(number))
            }
            Token::Text(text) => {
                self.take();
                leaf(Is::Text(text))
            }
            Token::Name(word) if !matches!(word.as_str(), "in" | "and" | "or" | "not") => {
                self.take();
                match word.as_str() {
                    "true" | "false" => leaf(Is::Bool(word == "true")),
                    _ if self.eat("(") => {
                        let (with, end, deepest) = self.until(")")?;
                        let word = Word { text: word, at: start.clone() };
                        make(start.start..end, deepest, Is::Call(None, word, with))
                    }
                    _ => leaf(Is::Name(word)),
                }
            }
            Token::Sign("(") => {
                self.take();
                let inner = self.choice()?;
                let end = self.want(")", "the bracket should be closed by )")?.end;
                Ok(Ast { at: start.start..end, ..inner })
            }
            Token::Sign("[") => {
                self.take();
                let (items, end, deepest) = self.until("]")?;
                make(start.start..end, deepest, Is::List(items))
            }
            _ => Err(self.unexpected("a fact, a parameter or a value should stand here")),
        }
    }
}

/// `list.word(variable, body)`, of parts that were read before.
pub(super) fn over(list: &Ast, word: &str, variable: &Ast, body: &Ast) -> Result<Ast, Fault> {
    let word = Word { text: word.to_owned(), at: body.at.clone() };
    let depth = list.depth.max(body.depth);
    let is = Is::Call(Some(Box::new(list.clone())), word, vec![variable.clone(), body.clone()]);
    make(body.at.clone(), depth, is)
}

fn make(at: Range<usize>, below: u16, is: Is) -> Result<Ast, Fault> {
    if below >= DEEPEST {
        return Err(too_deep(at));
    }
    Ok(Ast { at, is, depth: below + 1 })
}

fn too_deep(at: Range<usize>) -> Fault {
    Fault::new(at, "this condition is nested too deeply").help("split it into several checks")
}

fn shown(token: &Token) -> String {
    match token {
        Token::Name(name) => format!("`{name}` was not expected here"),
        Token::Int(number) => format!("`{number}` was not expected here"),
        Token::Text(_) => "a text was not expected here".into(),
        Token::Sign(sign) => format!("`{sign}` was not expected here"),
        Token::End => "the condition stops too early".into(),
    }
}
