//! How fast checks are judged. Run by `cargo test --release --lib speed -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::Instant;

use super::{Catalogue, Check};
use crate::facts::{Entry, FactBase, KindId, Vocabulary};
use crate::model::net::{HostId, Transport};
use crate::model::outcome::Outcome;
use crate::model::subject::Subject;
use crate::model::value::{Level, List, Type, Value};

const CHECKS: usize = 500;
const ENDPOINTS: u32 = 10_000;

#[test]
#[ignore = "a measurement, meaningful in a release build only"]
fn five_million_judgements() {
    let vocabulary = Vocabulary::built_in();
    let (catalogue, _) = Catalogue::read(&Catalogue::built_in_files(), &vocabulary);
    let checks: Vec<&Arc<Check>> = catalogue.checks().iter().cycle().take(CHECKS).collect();
    let params: Vec<Vec<Value>> = checks.iter().map(|check| check.defaults()).collect();
    let facts = FactBase {
        entries: (0..ENDPOINTS).map(|at| entry(&vocabulary, at)).collect(),
        ..FactBase::default()
    };
    let started = Instant::now();
    let mut counts = [0_u32; 5];
    for (check, params) in checks.iter().zip(&params) {
        for entry in &facts.entries {
            let lookup = |kind: KindId| facts.record(entry, kind);
            let verdict = check.judge(params, &lookup);
            if let Some(count) = Outcome::ALL.iter().position(|known| *known == verdict.outcome) {
                counts[count] += 1;
            }
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let each = seconds * 1e9 / f64::from(ENDPOINTS) / CHECKS as f64;
    eprintln!(
        "{seconds:.2} s, {each:.0} ns each; {:?} = {counts:?}",
        Outcome::ALL.map(Outcome::word)
    );
}

fn entry(vocabulary: &Vocabulary, at: u32) -> Entry {
    let of_kind = |kind: &crate::model::value::Kind| -> Arc<[Value]> {
        kind.fields.iter().map(|field| made(&field.of, at)).collect()
    };
    Entry {
        subject: Subject {
            host: HostId(format!("h{at}")),
            address: None,
            service: Some((Transport::Tcp, 443)),
            name: None,
            vantage: "outside".into(),
        },
        parent: None,
        facts: (0..).zip(vocabulary.kinds().iter().map(of_kind)).collect(),
        evidence: Vec::new(),
    }
}

fn made(of: &Type, at: u32) -> Value {
    if at % 20 == 0 {
        return Value::unknown("timed out");
    }
    match of {
        Type::Bool => Value::Bool(at % 50 != 1),
        Type::Int => Value::Int(i64::from(at % 400) + 40),
        Type::Text => Value::text("nginx"),
        Type::Scale(scale) => scale
            .names
            .last()
            .and_then(|name| Level::named(scale, name))
            .map_or(Value::Bool(false), Value::Level),
        Type::Moment => {
            Value::Moment(crate::model::moment::Moment::from_unix_seconds(2_000_000_000))
        }
        Type::List(of) => {
            let items: Vec<Value> =
                (1..=4).map(|more| made(of, at.saturating_mul(20) + more)).collect();
            Value::List(List { items: items.into(), unseen: None })
        }
        Type::Record(fields) => {
            Value::Record(fields.iter().map(|field| made(&field.of, at)).collect())
        }
    }
}
