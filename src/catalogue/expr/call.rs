//! Calls: which questions can be asked of which type, and what they come to.

use std::ops::Range;

use ipnet::IpNet;
use regex::{Regex, RegexBuilder};

use crate::model::outcome::Why;
use crate::model::value::Type;

use super::check::{Checker, Variable, a, one, two};
use super::code::{Each, Nets, Node, Op, TextTest};
use super::literal::misnamed;
use super::net::network;
use super::parse::{Ast, Is, Word};
use super::{Fault, PATTERNS};

const OF_LISTS: [&str; 5] = ["all", "exists", "filter", "map", "size"];
const OF_TEXTS: [&str; 7] =
    ["startsWith", "endsWith", "contains", "matches", "capture", "lower", "size"];

/// How big a compiled pattern may be, in bytes.
const PATTERN_SIZE: usize = 256 * 1024;

/// The questions that can be asked of a type.
pub(super) fn methods(of: &Type) -> &'static [&'static str] {
    match of {
        Type::List(_) => &OF_LISTS,
        Type::Text => &OF_TEXTS,
        _ => &[],
    }
}

impl Checker<'_, '_> {
    /// Types a call.
    pub(super) fn call(
        &mut self,
        on: Option<&Ast>,
        word: &Word,
        with: &[Ast],
        at: &Range<usize>,
    ) -> Option<Node> {
        let Some(on) = on else { return self.function(word, with, at) };
        let receiver = self.hinted(on, None)?;
        let (name, of) = (word.text.as_str(), receiver.of.clone());
        if !methods(&of).contains(&name) {
            return self.no_such(word, &of);
        }
        match (name, &of) {
            ("size", _) => {
                self.arguments::<0>(word, with, at)?;
                Some(one(receiver, Type::Int, Op::Size))
            }
            ("all", Type::List(of)) => self.each(Each::All, receiver, of, word, with, at),
            ("exists", Type::List(of)) => self.each(Each::Exists, receiver, of, word, with, at),
            ("filter", Type::List(of)) => self.each(Each::Filter, receiver, of, word, with, at),
            ("map", Type::List(of)) => self.each(Each::Map, receiver, of, word, with, at),
            ("lower", _) => {
                self.arguments::<0>(word, with, at)?;
                Some(one(receiver, Type::Text, Op::Lower))
            }
            ("matches", _) => {
                let [pattern] = self.arguments(word, with, at)?;
                let pattern = self.pattern(pattern)?;
                Some(one(receiver, Type::Bool, |text| Op::Matches(text, pattern)))
            }
            ("capture", _) => {
                let [written] = self.arguments(word, with, at)?;
                let pattern = self.pattern(written)?;
                if pattern.captures_len() < 2 {
                    let title = "this pattern has no group to capture";
                    return self.wrong(
                        Fault::new(written.at.clone(), title)
                            .help("put brackets around the part that is wanted"),
                    );
                }
                let none = Why::new(format!("the text has no part like {}", pattern.as_str()));
                Some(one(receiver, Type::Text, |text| Op::Capture(text, pattern, none)))
            }
            _ => {
                let test = match name {
                    "startsWith" => TextTest::StartsWith,
                    "endsWith" => TextTest::EndsWith,
                    _ => TextTest::Contains,
                };
                let [part] = self.arguments(word, with, at)?;
                let part = self.wanted(part, &Type::Text)?;
                Some(two(receiver, part, Type::Bool, |text, part| Op::Text(test, text, part)))
            }
        }
    }

    fn each(
        &mut self,
        each: Each,
        list: Node,
        of: &Type,
        word: &Word,
        with: &[Ast],
        at: &Range<usize>,
    ) -> Option<Node> {
        let [variable, body] = self.arguments(word, with, at)?;
        let Is::Name(name) = &variable.is else {
            return self.wrong(
                Fault::new(variable.at.clone(), "a name for the element should stand here")
                    .help(format!("write .{}(x, … x …)", word.text)),
            );
        };
        if name == "params" || self.names.vocabulary.id(name).is_some() {
            let title = format!("`{name}` already means something else");
            return self.wrong(
                Fault::new(variable.at.clone(), title).help("give the element another name"),
            );
        }
        let on_facts = list.on_facts;
        self.scope.push(Variable { name: name.clone(), of: of.clone(), on_facts });
        let body = match each {
            Each::Map => self.hinted(body, None),
            _ => self.wanted(body, &Type::Bool),
        };
        self.scope.pop();
        let body = body?;
        let result = match each {
            Each::All | Each::Exists => Type::Bool,
            Each::Filter => list.of.clone(),
            Each::Map => Type::list(body.of.clone()),
        };
        Some(two(list, body, result, |list, body| Op::Each(each, list, body)))
    }

    fn function(&mut self, word: &Word, with: &[Ast], at: &Range<usize>) -> Option<Node> {
        if word.text != "in_net" {
            let fault =
                Fault::new(word.at.clone(), misnamed(&word.text, "is not a function", ["in_net"]));
            let method = OF_LISTS.iter().chain(&OF_TEXTS).any(|known| *known == word.text);
            return self.wrong(if method {
                fault.help(format!("it is asked of a value: value.{}(…)", word.text))
            } else {
                fault.help("the only function is in_net(address, \"192.0.2.0/24\")")
            });
        }
        let [address, nets] = self.arguments(word, with, at)?;
        let address = self.wanted(address, &Type::Text);
        let nets = self.networks(nets);
        let (address, nets) = (address?, nets?);
        let asked = matches!(&nets, Nets::Asked(node) if node.on_facts);
        let mut node = one(address, Type::Bool, |address| Op::InNet(address, nets));
        node.on_facts |= asked;
        Some(node)
    }

    fn networks(&mut self, ast: &Ast) -> Option<Nets> {
        let written: &[Ast] = match &ast.is {
            Is::Text(_) => std::slice::from_ref(ast),
            Is::List(items) if items.iter().all(|item| matches!(item.is, Is::Text(_))) => items,
            _ => return self.asked_networks(ast),
        };
        let mut nets = Vec::new();
        for item in written {
            let Is::Text(text) = &item.is else { continue };
            match network(text) {
                Some(net) => nets.push(net),
                None => return self.not_a_network(text, item),
            }
        }
        Some(Nets::Fixed(nets))
    }

    fn asked_networks(&mut self, ast: &Ast) -> Option<Nets> {
        let node = self.hinted(ast, None)?;
        if node.of == Type::Text || node.of == Type::list(Type::Text) {
            return Some(Nets::Asked(Box::new(node)));
        }
        let title = format!("this is {}; a network is needed here", a(&node.of));
        self.wrong(Fault::new(ast.at.clone(), title).help("write it as \"192.0.2.0/24\""))
    }

    fn not_a_network(&mut self, text: &str, item: &Ast) -> Option<Nets> {
        let fault = Fault::new(item.at.clone(), format!("`{text}` is not a network"));
        let loose: Option<IpNet> = text.parse().ok();
        self.wrong(match loose {
            Some(net) => fault.help(format!("its host bits are set; write {}", net.trunc())),
            None => fault.help("write it as 192.0.2.0/24 or 2001:db8::/32"),
        })
    }

    fn pattern(&mut self, ast: &Ast) -> Option<Regex> {
        let Is::Text(text) = &ast.is else {
            return self.wrong(
                Fault::new(ast.at.clone(), "a pattern must be written out")
                    .help("it is compiled when the check is read, so that it cannot fail later"),
            );
        };
        let Some(left) = self.names.patterns.get().checked_sub(1) else {
            let title = format!("a check may have {PATTERNS} patterns, and this is one more");
            let help = "put several into one: a|b|c; or ask with contains and startsWith";
            return self.wrong(Fault::new(ast.at.clone(), title).help(help));
        };
        self.names.patterns.set(left);
        let built = RegexBuilder::new(text)
            .size_limit(PATTERN_SIZE)
            .dfa_size_limit(2 * PATTERN_SIZE)
            .nest_limit(50)
            .build();
        match built {
            Ok(pattern) => Some(pattern),
            Err(regex::Error::CompiledTooBig(_)) => {
                let title = "this pattern is too big when compiled";
                self.wrong(
                    Fault::new(ast.at.clone(), title).help("repeat less: x{1000} is a thousand x"),
                )
            }
            Err(wrong) => {
                let said = wrong.to_string();
                let reason = said.lines().last().unwrap_or("").trim();
                let reason = reason.strip_prefix("error: ").unwrap_or(reason);
                let title = format!("this is not a pattern: {reason}");
                let help = "write it as Rust's regex crate reads it, in raw quotes: r\"\\d+\"";
                self.wrong(Fault::new(ast.at.clone(), title).help(help))
            }
        }
    }

    fn no_such(&mut self, word: &Word, of: &Type) -> Option<Node> {
        let known = methods(of);
        let name = word.text.as_str();
        let near = crate::model::complaint::nearest(name, known.iter().copied());
        let title = format!("{} has no `.{name}()`", a(of));
        let title = match near {
            Some(near) => format!("{title}; did you mean `.{near}()`?"),
            None => title,
        };
        let fault = Fault::new(word.at.clone(), title);
        self.wrong(match (of, name) {
            (Type::List(_), "contains") => fault.help("write element in list"),
            _ if known.is_empty() => fault,
            _ => {
                let known: Vec<String> = known.iter().map(|name| format!(".{name}()")).collect();
                fault.help(format!("it has {}", known.join(", ")))
            }
        })
    }

    fn arguments<'w, const N: usize>(
        &mut self,
        word: &Word,
        with: &'w [Ast],
        at: &Range<usize>,
    ) -> Option<[&'w Ast; N]> {
        let all: Vec<&Ast> = with.iter().collect();
        all.try_into().ok().or_else(|| {
            let wanted = match N {
                0 => "nothing",
                1 => "one thing",
                _ => "two things, with a comma between them,",
            };
            let title = format!("`{}` takes {wanted} in its brackets", word.text);
            self.wrong(Fault::new(word.at.start..at.end, title))
        })
    }
}
