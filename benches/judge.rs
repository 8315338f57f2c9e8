//! Judges 500 checks over the facts of 10,000 endpoints, of which 2 % fail and 5 % cannot be settled, and prints how
//! long it took and how much memory the program ever held. The bar: under 2 s and 300 MiB on two cores.
//!
//! `cargo bench --bench judge` prints the figures and fails beyond the bar.

mod yardstick;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use postern::catalogue::{Catalogue, File};
use postern::facts::{Entry, FactBase, Vocabulary};
use postern::judge::{Judgement, judge_all};
use postern::model::complaint::Source;
use postern::model::net::{HostId, Transport};
use postern::model::outcome::Outcome;
use postern::model::plan::Wanted;
use postern::model::severity::Gate;
use postern::model::subject::Subject;
use postern::model::value::{Field, Kind, List, Tier, Type, Value};
use postern::profile::Chosen;
use yardstick::Yardstick;

const CHECKS: usize = 500;
const HOSTS: usize = 1_000;
const SERVICES: usize = 10;
const MOST_TIME: Duration = Duration::from_secs(2);
const MOST_KIB: u64 = 300 * 1024;

#[expect(clippy::disallowed_methods, reason = "a bench is there to ask the clock")]
#[expect(clippy::print_stdout, reason = "a bench is there to tell")]
fn main() {
    let vocabulary = vocabulary();
    let checks = checks(&vocabulary);
    let facts = facts();
    let wanted = wanted(&checks);
    println!("{} checks, {} endpoints, {} pairs", checks.len(), facts.entries.len(), wanted.len());
    let mut here = Yardstick::new();
    let mut best = Duration::MAX;
    for _ in 0..3 {
        here.measure();
        let began = std::time::Instant::now();
        let judgement = judge_all(&checks, &facts, &wanted).expect("every pair has a result");
        let took = began.elapsed();
        best = best.min(took);
        println!("judged in {took:.2?}: {}", shares(&judgement));
    }
    println!("peak memory: {} MiB", peak_memory_kib() / 1024);
    assert!(best < here.bar(MOST_TIME) && peak_memory_kib() < MOST_KIB, "beyond the bar");
}

/// A kind of fact with a list, a number and a text.
fn vocabulary() -> Vocabulary {
    let field = |name: &'static str, of| Field::new(name, of, "Something to be judged.");
    let fields = [
        field("offers", Type::list(Type::Int)),
        field("days", Type::Int),
        field("product", Type::Text),
    ];
    Vocabulary::new(vec![Kind::new("service", Tier::Service, "A service to be judged.", fields)])
}

/// Checks with a parameter, a comprehension over a list and a text to compare; each blames other services.
fn checks(vocabulary: &Vocabulary) -> Vec<Chosen> {
    let file = |number: usize| {
        let text = format!(
            "schema: postern/check/v1\nrevision: 1\n\
             title: {{en: The wanted state is held, zh-Hant: 狀態符合要求}}\n\
             impact: medium\nlikelihood: medium\non: service\n\
             params:\n  least: {{type: int, default: {number}, stricter: higher, means: The least that may be offered.}}\n\
             expect: service.offers.all(v, v != params.least) && service.days > 0 && service.product != \"none\"\n\
             says:\n  fail: {{en: \"{{{{ place }}}} offers {{{{ witness | join(', ') }}}}.\", zh-Hant: \"{{{{ place }}}} 提供 {{{{ witness | join('、') }}}}。\"}}\n\
             why: {{en: It matters., zh-Hant: 這很重要。}}\n\
             fix: [{{text: {{en: Mend it., zh-Hant: 修正。}}}}]\n\
             refs: [RFC 9325]\n\
             tests:\n\
             \x20 - {{name: good, given: {{service: {{offers: [-1], days: 1, product: x}}}}, expect: pass}}\n\
             \x20 - {{name: bad, given: {{service: {{offers: [{number}], days: 1, product: x}}}}, expect: fail}}\n"
        );
        let path = format!("bench/check-{number}.yaml").into();
        File { id: format!("bench/check-{number}"), source: Arc::new(Source { path, text }) }
    };
    let files: Vec<_> = (0..CHECKS).map(file).collect();
    let (catalogue, complaints) = Catalogue::read(&files, vocabulary);
    let mut told = String::new();
    for complaint in complaints.iter().take(3) {
        let _ = writeln!(told, "{} {} {:?}", complaint.title, complaint.label, complaint.help);
    }
    assert!(complaints.is_empty(), "{told}");
    let chosen = |check: &Arc<postern::catalogue::Check>| Chosen {
        params: check.defaults(),
        impact: check.impact,
        likelihood: check.likelihood,
        gate: Gate::Counts,
        check: Arc::clone(check),
    };
    catalogue.checks().iter().map(chosen).collect()
}

/// Of every hundred services five have lists that were seen in part, and the others each offer ten of the 500 things
/// that a check forbids: 2 % of all pairs.
fn facts() -> FactBase {
    let entry = |number: usize| {
        let offers: Vec<_> = (0..10).map(|nth| (number * 7 + nth * 50) % CHECKS).collect();
        let offers = offers.into_iter().map(|one| Value::Int(i64::try_from(one).unwrap_or(0)));
        let unclear = number % 100 < 5;
        let offers = if unclear {
            let unseen = Some(postern::model::outcome::Why::new("the rest was not offered"));
            Value::List(List { items: Arc::new([]), unseen })
        } else {
            Value::list(offers)
        };
        let record = [offers, Value::Int(30), Value::text("nginx")];
        Entry {
            subject: Subject {
                host: host(number / SERVICES),
                address: "192.0.2.1".parse().ok(),
                service: u16::try_from(number % SERVICES + 1)
                    .ok()
                    .map(|port| (Transport::Tcp, port)),
                name: None,
                vantage: "outside".into(),
            },
            parent: None,
            facts: vec![(0, Arc::new(record))],
            evidence: vec![u64::try_from(number).unwrap_or(0)],
        }
    };
    let entries = (0..HOSTS * SERVICES).map(entry).collect();
    FactBase { entries, ..FactBase::default() }
}

fn host(number: usize) -> HostId {
    HostId(format!("host-{number}"))
}

fn wanted(checks: &[Chosen]) -> Vec<Wanted> {
    let of_host = |number| {
        checks.iter().map(move |one| Wanted { host: host(number), check: one.check.id.clone() })
    };
    (0..HOSTS).flat_map(of_host).collect()
}

fn shares(judgement: &Judgement) -> String {
    let all = judgement.cells.len();
    let share = |outcome| {
        let count = judgement.cells.iter().filter(|cell| cell.outcome == outcome).count();
        let thousandths = count * 1000 / all.max(1);
        format!("{} {}.{} %", Outcome::word(outcome), thousandths / 10, thousandths % 10)
    };
    format!("{all} results, {}, {}", share(Outcome::Fail), share(Outcome::Inconclusive))
}

/// The most memory that the program ever held, as Linux counts it; 0 elsewhere.
fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
