//! Text into tokens, each with the bytes it came from.

use std::ops::Range;

use super::Fault;

/// A word of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// `tls`, `all`, `true`
    Name(String),
    /// `443`
    Int(i64),
    /// `"a text"`
    Text(String),
    /// `&&`, `(`, `.`
    Sign(&'static str),
    /// After the last.
    End,
}

/// The signs, longer ones before their beginnings.
const SIGNS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "?", ":", ".", ",", "(", ")", "[",
    "]",
];

/// Cuts a text into tokens.
pub(super) fn lex(text: &str) -> Result<Vec<(Token, Range<usize>)>, Fault> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip(char::is_whitespace);
        let start = lexer.at;
        let token = lexer.next()?;
        let last = token == Token::End;
        tokens.push((token, start..lexer.at));
        if last {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, skipped: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|c| !skipped(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or("")
    }

    fn next(&mut self) -> Result<Token, Fault> {
        let Some(c) = self.peek() else { return Ok(Token::End) };
        let raw = c == 'r' && self.rest().chars().nth(1).is_some_and(|c| c == '"' || c == '\'');
        match c {
            _ if raw => {
                self.at += 1;
                self.quoted(Escapes::Kept)
            }
            '"' | '\'' => self.quoted(Escapes::Read),
            '0'..='9' => self.number(),
            c if c.is_alphabetic() || c == '_' => {
                Ok(Token::Name(self.skip(|c| c.is_alphanumeric() || c == '_').to_owned()))
            }
            _ => self.sign(c),
        }
    }

    fn sign(&mut self, c: char) -> Result<Token, Fault> {
        if let Some(sign) = SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
            self.at += sign.len();
            return Ok(Token::Sign(sign));
        }
        let fault =
            Fault::new(self.at..self.at + c.len_utf8(), format!("`{c}` means nothing here"));
        Err(match c {
            '=' => fault.help("write == to compare"),
            '&' => fault.help("write && for and"),
            '|' => fault.help("write || for or"),
            '“' | '”' | '‘' | '’' => fault.help("put texts in straight quotes: \"…\""),
            _ => fault
                .help("texts stand in double quotes; everything else is names, numbers and signs"),
        })
    }

    fn number(&mut self) -> Result<Token, Fault> {
        let start = self.at;
        let digits = self.skip(|c| c.is_alphanumeric() || c == '_');
        digits.parse().map(Token::Int).map_err(|_| {
            Fault::new(start..self.at, format!("`{digits}` is not a whole number"))
                .help("numbers have up to 18 digits and nothing else; their unit is the fact's")
        })
    }

    fn quoted(&mut self, escapes: Escapes) -> Result<Token, Fault> {
        let start = self.at;
        let mut chars = self.rest().char_indices();
        let quote = chars.next().map_or('"', |(_, quote)| quote);
        let mut text = String::new();
        while let Some((at, c)) = chars.next() {
            let place = start + at;
            match c {
                c if c == quote => {
                    self.at = place + c.len_utf8();
                    return Ok(Token::Text(text));
                }
                '\\' if escapes == Escapes::Read => match chars.next().map(|(_, c)| c) {
                    Some('n') => text.push('\n'),
                    Some('r') => text.push('\r'),
                    Some('t') => text.push('\t'),
                    Some(c @ ('\\' | '"' | '\'')) => text.push(c),
                    other => {
                        let end = place + 1 + other.map_or(0, char::len_utf8);
                        let title = format!(
                            "`\\{}` is not an escape",
                            other.map(String::from).unwrap_or_default()
                        );
                        return Err(Fault::new(place..end, title).help(
                            "write \\\\ for a backslash, or put an r before the quotes: r\"\\d+\"",
                        ));
                    }
                },
                c => text.push(c),
            }
        }
        Err(Fault::new(start..self.text.len(), "this text has no closing quote")
            .help(format!("close it with {quote}")))
    }
}

/// What a backslash in a text means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    /// `\n` is a line feed.
    Read,
    /// Itself.
    Kept,
}
