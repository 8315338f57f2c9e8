//! One recipe, asked of one port of 127.0.0.1 through the whole engine, and what the book says of it.

use std::sync::Arc;

use postern::catalogue::recipe::Asking;
use postern::engine::journal::{Journal, Progress};
use postern::engine::{Scan, Stop, World, run, wall_clock};
use postern::inventory::Inventory;
use postern::model::chain;
use postern::model::net::{HostId, Transport};
use postern::model::plan::{Limits, Over, Plan, Step, When};
use postern::model::record::{BOOK_SCHEMA, End, Opened, Row};
use postern::probe::recipe;
use postern::scope::{Scope, Setup};
use serde_json::Value;

const PACE: Limits = Limits {
    per_second: 2000,
    per_host_per_second: 2000,
    per_host_parallel: 16,
    per_host_talks_per_second: None,
};

/// What came of it.
pub(crate) struct Seen {
    /// What the book tells that should not be.
    pub(crate) wrong: Vec<String>,
    /// How many bytes of what was heard are kept.
    pub(crate) kept: usize,
}

/// Asks.
pub(crate) async fn ask(asking: &Arc<Asking>, transport: Transport, port: u16) -> Seen {
    let inventory: Inventory = serde_json::from_value(serde_json::json!({
        "schema": "postern/inventory/v1",
        "operator": {"id": "test", "name": {"en": "A test"}},
        "hosts": [{"id": "h1", "addresses": ["127.0.0.1"]}],
    }))
    .expect("an inventory");
    let setup = Setup { inventory: &inventory, authorisations: &[], resolvers: &[], pace: PACE };
    let written = vec!["127.0.0.1".parse().expect("an address")];
    let over = Over::Port { transport, ports: port.to_string(), written, resolved_at_most: 0 };
    let plan = Plan {
        schema: "postern/plan/v1".into(),
        made: wall_clock(),
        vantage: "here".into(),
        profile: "test".into(),
        limits: PACE,
        resolvers: Vec::new(),
        steps: vec![Step {
            id: 0,
            host: HostId("h1".into()),
            probe: asking.name.clone(),
            over,
            when: When::Always,
            class: asking.class,
            asked_by: Vec::new(),
            bound: asking.bound,
        }],
        wanted: Vec::new(),
        untested: Vec::new(),
        total: asking.bound,
    };
    let opened: Opened = serde_json::from_value(serde_json::json!({
        "schema": BOOK_SCHEMA, "version": "0.0.0", "at": plan.made, "vantage": "here", "identity": {},
        "inventory": {}, "authorisations": [], "waivers": [], "profile": "test", "plan": plan, "digests": {},
    }))
    .expect("a head");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("book.jsonl");
    let scan = Scan {
        plan: Arc::new(plan),
        probes: vec![recipe::probe(asking)],
        guide: None,
        scope: Arc::new(Scope::new(&setup)),
        world: World::new("Postern test"),
        already: Progress::default(),
        journal: Journal::create(&path, &opened).expect("a book"),
        stop: Stop::default(),
    };
    let ended = run(scan, &mut |_| {}).await;
    let rows = chain::read(&std::fs::read(&path).expect("a book")).expect("an unbroken book").rows;
    let mut wrong = Vec::new();
    if !ended.complete {
        wrong.push(format!("the scan did not end: {ended:?}"));
    }
    let mut kept = None;
    for (_, row) in rows {
        match row {
            Row::Saw(saw) => kept = Some(texts(&saw.saw)),
            Row::Done { end: End::Asked, .. } => {}
            Row::Done { end, .. } => wrong.push(format!("it was not asked: {end:?}")),
            _ => {}
        }
    }
    if kept.is_none() {
        wrong.push("nothing came of it".into());
    }
    Seen { wrong, kept: kept.unwrap_or(0) }
}

/// How many characters all captures have, at least one byte each; of those in hexadecimal digits half.
fn texts(saw: &Value) -> usize {
    match saw {
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => text.len() / 2,
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.iter().map(texts).sum(),
        Value::Object(fields) => fields.values().map(texts).sum(),
        _ => 0,
    }
}
