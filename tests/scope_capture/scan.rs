//! The scan: planned, permitted and driven as `postern scan` does it, with its book in the lab's folder.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use postern::engine::journal::{Journal, Progress};
use postern::engine::{Scan, Stop, World};
use postern::inventory::Inventory;
use postern::model::chain;
use postern::model::net::{CheckId, Transport, parse_port_ranges};
use postern::model::observation::Spot;
use postern::model::plan::{Class, Limits};
use postern::model::record::{BOOK_SCHEMA, Opened, Row};
use postern::model::saw::{Cut, PortState, PortsSaw};
use postern::plan::{Asked, Inputs, plan};
use postern::probe::{PROBES, built_in};
use postern::scope::{Authorisation, Scope, Setup};
use serde::de::DeserializeOwned;

/// The promised pace.
pub(crate) const LIMITS: Limits =
    Limits { per_second: 30, per_host_per_second: 12, per_host_parallel: 6 };

/// The ports that are asked.
pub(crate) const PORTS: [u16; 12] = [22, 80, 81, 82, 83, 443, 8080, 8081, 8082, 8083, 9998, 9999];

/// Scans.
pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let window: i64 = std::env::var("POSTERN_WINDOW").expect("a window").parse().expect("seconds");
    runtime.expect("a runtime").block_on(scan(window));
}

async fn scan(window: i64) -> postern::engine::Ended {
    let folder = PathBuf::from(std::env::var_os("POSTERN_LAB").expect("the lab's folder"));
    let inventory: Inventory = json(serde_json::json!({
        "schema": "postern/inventory/v1",
        "operator": {"id": "dhc", "name": {"en": "A centre"}},
        "hosts": [
            {"id": "web", "names": ["web.example", "www.example"]},
            {"id": "silent", "addresses": ["192.0.2.20"]},
            {"id": "excluded", "addresses": ["192.0.2.30"]},
            {"id": "elsewhere", "addresses": ["198.51.100.7"]},
            {"id": "lost", "names": ["gone.example", "broken.example", "mute.example", "v6only.example", "big.example"]},
        ],
    }));
    let mut world = World::new("Postern lab");
    world.budgets.patience = Duration::from_millis(800);
    world.budgets.resolve = Duration::from_secs(4);
    let now = (world.now)();
    let end = now.plus(Duration::from_secs(window.unsigned_abs()));
    let authorisation: Authorisation = json(serde_json::json!({
        "schema": "postern/authorisation/v1",
        "id": "auth-lab",
        "scope": {"networks": ["192.0.2.0/24", "2001:db8::/64"]},
        "exclude": ["192.0.2.30", "192.0.2.53"],
        "windows": [{"from": "2020-01-01T00:00:00Z", "to": end}],
        "limits": LIMITS,
        "class": "read-only",
        "entitled": [{"party": "operator", "name": "The lab", "signed_on": "2026-11-01"}],
    }));
    let resolvers = ["192.0.2.53".parse::<IpAddr>().expect("an address")];
    let setup = Setup {
        inventory: &inventory,
        authorisations: &[authorisation],
        resolvers: &resolvers,
        pace: LIMITS,
    };
    let scope = Scope::new(&setup);
    let asked = Asked {
        check: CheckId("lab/everything".into()),
        probes: PROBES.iter().map(|probe| probe.name.clone().into_owned()).collect(),
    };
    let plan = plan(&Inputs {
        inventory: &inventory,
        profile: "lab",
        checks: &[asked],
        ports: &PORTS,
        class: Class::ReadOnly,
        limits: LIMITS,
        probes: PROBES,
        guide: None,
        allows: &|want| scope.allows(want, now),
        resolves: &|host| scope.resolves(host, now),
        vantage: "outside",
        resolvers: &resolvers,
        now,
    });
    let opened: Opened = json(serde_json::json!({
        "schema": BOOK_SCHEMA, "version": "0.0.0", "at": now, "vantage": "outside", "identity": {},
        "inventory": {}, "authorisations": [], "waivers": [], "profile": "lab", "plan": plan, "digests": {},
    }));
    let journal = Journal::create(&folder.join("book.jsonl"), &opened).expect("a book");
    let scan = Scan {
        plan: Arc::new(plan),
        probes: built_in(),
        guide: None,
        scope: Arc::new(scope),
        world,
        already: Progress::default(),
        journal,
        stop: Stop::default(),
    };
    postern::engine::run(scan, &mut |_| {}).await
}

fn json<T: DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).expect("the form is right")
}

/// The rows of the book.
pub(crate) fn read(folder: &Path) -> Vec<Row> {
    let bytes = std::fs::read(folder.join("book.jsonl")).expect("a book");
    let lines = chain::read(&bytes).expect("an unbroken book");
    lines.rows.into_iter().map(|(_, row)| row).collect()
}

/// What was seen on a spot, in that form.
pub(crate) fn saw<T: DeserializeOwned>(book: &[Row], on: impl Fn(&Spot) -> bool) -> Option<T> {
    book.iter().rev().find_map(|row| match row {
        Row::Saw(saw) if on(&saw.spot) => serde_json::from_value(saw.saw.clone()).ok(),
        _ => None,
    })
}

/// The state of a port, and how it was told.
pub(crate) fn state(book: &[Row], at: IpAddr, port: u16) -> (PortState, Option<Cut>) {
    let on = |spot: &Spot| spot.address == Some(at) && spot.service.is_none();
    let saw: PortsSaw = saw(book, on).unwrap_or_else(|| panic!("{at} was swept"));
    let mut states = BTreeMap::new();
    for run in saw.states {
        for port in parse_port_ranges(&run.ports).expect("ranges") {
            states.insert(port, (run.state, run.reason.clone()));
        }
    }
    let _ = Transport::Tcp;
    states.remove(&port).unwrap_or_else(|| panic!("{at} {port} has a state: {states:?}"))
}
