//! Any text as a condition, on made-up facts: what the fuzz target `expression` runs, and the tests with what it found.

use std::cell::Cell;
use std::sync::{Arc, LazyLock};

use super::{Condition, Env, Expression, Names, PATTERNS, mutations};
use crate::facts::{KindId, Vocabulary};
use crate::model::moment::Moment;
use crate::model::outcome::Why;
use crate::model::value::{Level, List, Tier, Type, Value};

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(Vocabulary::built_in);

/// Texts that conditions are likely to be about.
const TEXTS: [&str; 8] =
    ["", "x", "192.0.2.7", "2001:db8::/32", "nginx/1.18.0", "İß\u{300}", "\0", "+PONG\r\n"];

/// Reads a text as a condition and as an expression, and evaluates what can be read. Up to a zero byte the input is the
/// text; what follows makes up the facts.
///
/// # Panics
/// Where a promise of the language is broken.
#[cfg_attr(test, expect(unreachable_pub, reason = "it is called by the fuzz target, outside"))]
pub fn try_expression(input: &[u8]) {
    let mut halves = input.splitn(2, |byte| *byte == 0);
    let text = String::from_utf8_lossy(halves.next().unwrap_or_default()).into_owned();
    let mut dice = Dice { left: halves.next().unwrap_or_default() };
    let params: Vec<(String, Type)> = vec![
        ("days".into(), Type::Int),
        ("strict".into(), Type::Bool),
        ("word".into(), Type::Text),
        ("ports".into(), Type::list(Type::Int)),
        ("paths".into(), Type::list(Type::Text)),
    ];
    let values: Vec<Value> = params.iter().map(|(_, of)| dice.value(of)).collect();
    let kinds = VOCABULARY.kinds().iter();
    let records: Vec<Vec<Value>> =
        kinds.map(|kind| kind.fields.iter().map(|field| dice.value(&field.of)).collect()).collect();
    let patterns = Cell::new(PATTERNS);
    let names = Names {
        vocabulary: &VOCABULARY,
        tier: Tier::Site,
        params: &params,
        own: None,
        patterns: &patterns,
    };
    match Condition::read(&text, &names) {
        Ok(condition) => {
            let lookup = |kind: KindId| records.get(usize::from(kind)).map(Vec::as_slice);
            let first = condition.truth(&Env::new(&values, &lookup));
            assert_eq!(first, condition.truth(&Env::new(&values, &lookup)), "twice the same");
            let blamed = condition.blame(&Env::new(&values, &lookup));
            let types = condition.may_blame();
            for (value, of) in blamed {
                let _ = value.keep().to_string();
                assert!(types.contains(&of), "a {of} is blamed, and was not foreseen");
            }
            assert!(!condition.looks_at().is_empty(), "it looks at some fact");
            assert!(condition.uses().into_iter().all(|at| at < params.len()));
            for mutation in mutations(&text).iter().take(16) {
                patterns.set(PATTERNS);
                let _ = Condition::read(&mutation.applied(&text), &names).is_ok();
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "what is refused has a reason");
            for fault in faults {
                assert!(text.get(fault.at.clone()).is_some(), "{:?} lies in the text", fault.at);
            }
        }
    }
    patterns.set(PATTERNS);
    if let Ok(expression) = Expression::read(&text, &names, None) {
        let lookup = |kind: KindId| records.get(usize::from(kind)).map(Vec::as_slice);
        let _ = expression.value(&Env::new(&values, &lookup)).keep().to_string();
    }
}

/// Makes up facts from bytes; when they are used up, it makes the plainest ones.
struct Dice<'i> {
    left: &'i [u8],
}

impl Dice<'_> {
    fn roll(&mut self) -> u8 {
        let Some((first, rest)) = self.left.split_first() else { return 0 };
        self.left = rest;
        *first
    }

    fn value(&mut self, of: &Type) -> Value {
        let roll = self.roll();
        if roll == 255 {
            return Value::Unknown(Why::new("made up"));
        }
        match of {
            Type::Bool => Value::Bool(roll % 2 == 1),
            Type::Int => Value::Int(match roll {
                254 => i64::MAX,
                253 => i64::MIN,
                roll => i64::from(roll) - 1,
            }),
            Type::Text if usize::from(roll) < TEXTS.len() => {
                Value::text(TEXTS.get(usize::from(roll)).copied().unwrap_or(""))
            }
            Type::Text => {
                let length = usize::from(roll).min(self.left.len());
                let (text, rest) = self.left.split_at(length);
                self.left = rest;
                Value::text(String::from_utf8_lossy(text).into_owned())
            }
            Type::Scale(scale) => {
                let rank = usize::from(roll) % scale.names.len().max(1);
                let rank = u8::try_from(rank).unwrap_or(0);
                Value::Level(Level { scale, rank })
            }
            Type::Moment => Value::Moment(Moment::from_unix_seconds(i64::from(roll) * 10_000_000)),
            Type::List(of) => {
                let items: Arc<[Value]> = (0..roll % 8).map(|_| self.value(of)).collect();
                let unseen = (roll >= 128).then(|| Why::new("made up in part"));
                Value::List(List { items, unseen })
            }
            Type::Record(fields) => {
                Value::Record(fields.iter().map(|field| self.value(&field.of)).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the fuzz target found once, and what is likely to be found.
    #[test]
    fn what_was_found_stays_mended() {
        for input in [
            &b"http.headers.exists(h, h.name == \"\xff\")\0\x03\x02abcdefgh"[..],
            b"in_net(service.address, params.paths)\0\x04\x05\x06",
            b"tls.versions.map(v, [v, v]).size() - 9223372036854775807 < params.days\0\xfd\xfe",
        ] {
            try_expression(input);
        }
    }
}
