//! Scans some ports of 127.0.0.1 through the whole engine, with a plan made by hand and a book in a folder of its own.

use std::future::Future;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use postern::engine::journal::{Journal, Progress};
use postern::engine::{Budgets, Ended, Scan, Stop, World, run};
use postern::inventory::Inventory;
use postern::model::chain;
use postern::model::moment::Moment;
use postern::model::net::{HostId, port_ranges};
use postern::model::plan::{Bound, Class, Limits, Over, Plan, Step, When};
use postern::model::record::{Opened, Row};
use postern::model::saw::{PortState, PortsSaw};
use postern::probe::{Ask, Errand, Probe, built_in};
use postern::scope::authorisation::Window;
use postern::scope::{Authorisation, Scope, Setup};
use postern::talk::{Soon, Unopened};
use serde::de::DeserializeOwned;

use super::peers::{Peers, http};

/// Budgets as short as that many milliseconds for a conversation allow.
pub(crate) fn budgets(talk: u64) -> Budgets {
    Budgets {
        connect: Duration::from_secs(1),
        talk: Duration::from_millis(talk),
        step: Duration::from_millis(talk * 3),
        patience: Duration::from_millis(talk / 4),
        ..Budgets::default()
    }
}

/// A scan to be.
pub(crate) struct Rig {
    pub(crate) budgets: Budgets,
    pub(crate) stop: Stop,
    pub(crate) probes: Vec<Probe>,
    pub(crate) pace: u32,
    /// What the plan gives each step.
    pub(crate) seconds: u64,
}

impl Default for Rig {
    fn default() -> Self {
        let (budgets, stop) = (budgets(1200), Stop::default());
        Self { budgets, stop, probes: built_in(), pace: 2000, seconds: 60 }
    }
}

impl Rig {
    /// Scans those ports.
    pub(crate) async fn scan(ports: &[u16]) -> Seen {
        Self::default().run(ports).await
    }

    /// With a `greeting` that panics.
    pub(crate) fn with_broken_greeting(mut self) -> Self {
        for probe in self.probes.iter_mut().filter(|probe| probe.name == "greeting") {
            probe.ask = Ask::BuiltIn(break_down);
        }
        self
    }

    /// Carries the scan out.
    pub(crate) async fn run(self, ports: &[u16]) -> Seen {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("book.jsonl");
        let mut plan = plan(ports, self.pace);
        plan.steps.iter_mut().for_each(|step| step.bound.seconds = self.seconds);
        let journal = Journal::create(&path, &opened(&plan)).expect("a book");
        let ended = self.go(plan, journal, Progress::default()).await;
        Seen::read(folder, path, ended, self.budgets)
    }

    /// Takes up, a day after the window has closed, what was planned within it for a host with that place.
    pub(crate) async fn too_late(host: serde_json::Value, probe: &str, over: Over) -> Seen {
        let inventory: Inventory = serde_json::from_value(serde_json::json!({
            "schema": "postern/inventory/v1",
            "operator": {"id": "test", "name": {"en": "A test"}},
            "hosts": [host],
        }))
        .expect("an inventory");
        let made: Moment = "2026-11-23T12:00:00Z".parse().expect("a time");
        let ids = inventory.hosts.iter().map(|host| host.id.clone()).collect();
        let mut leave = Authorisation::ad_hoc("A. Chan", ids, LIMITS, made).expect("a leave");
        leave.scope.networks = vec!["198.51.100.0/28".parse().expect("a network")];
        leave.windows = vec![Window { from: made.plus_days(-1), to: made.plus_days(1) }];
        let resolvers = ["127.0.0.53".parse().expect("an address")];
        let authorisations = &[leave];
        let setup =
            Setup { inventory: &inventory, authorisations, resolvers: &resolvers, pace: LIMITS };
        let mut plan = plan(&[1], LIMITS.per_host_per_second);
        plan.steps.truncate(1);
        plan.steps[0].probe = probe.into();
        plan.steps[0].over = over;
        plan.steps[0].bound.datagrams = 9;
        (plan.made, plan.resolvers) = (made, resolvers.to_vec());
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("book.jsonl");
        let journal = Journal::create(&path, &opened(&plan)).expect("a book");
        let mut world = World::new("Postern test");
        world.now = Arc::new(move || made.plus_days(2));
        let (scope, budgets) = (Arc::new(Scope::new(&setup)), world.budgets);
        let (already, stop) = (Progress::default(), Stop::default());
        let plan = Arc::new(plan);
        let probes = built_in();
        let guide = None;
        let scan = Scan { plan, probes, guide, scope, world, already, journal, stop };
        let ended = run(scan, &mut |_| {}).await;
        Seen::read(folder, path, ended, budgets)
    }

    async fn go(&self, plan: Plan, journal: Journal, already: Progress) -> Ended {
        let mut world = World::new("Postern test");
        world.budgets = self.budgets;
        let scan = Scan {
            plan: Arc::new(plan),
            probes: self.probes.clone(),
            guide: None,
            scope: Arc::new(scope()),
            world,
            already,
            journal,
            stop: self.stop.clone(),
        };
        run(scan, &mut |_| {}).await
    }
}

fn break_down<'a>(_: &'a Errand<'a>) -> Soon<'a, Result<postern::probe::Brought, Unopened>> {
    Box::pin(async { panic!("broken on purpose") })
}

/// The written loopback address of one host, and nothing else.
fn scope() -> Scope {
    let inventory = serde_json::json!({
        "schema": "postern/inventory/v1",
        "operator": {"id": "test", "name": {"en": "A test"}},
        "hosts": [{"id": "h1", "addresses": ["127.0.0.1"]}],
    });
    let inventory: Inventory = serde_json::from_value(inventory).expect("an inventory");
    let setup = Setup { inventory: &inventory, authorisations: &[], resolvers: &[], pace: LIMITS };
    Scope::new(&setup)
}

const LIMITS: Limits = Limits {
    per_second: 2000,
    per_host_per_second: 2000,
    per_host_parallel: 16,
    per_host_talks_per_second: None,
};

fn plan(ports: &[u16], pace: u32) -> Plan {
    let at_most = 64;
    let step = |id, probe: &str, over, when| Step {
        id,
        host: HostId("h1".into()),
        probe: probe.into(),
        over,
        when,
        class: Class::ReadOnly,
        asked_by: Vec::new(),
        bound: Bound { connections: 10_000, datagrams: 0, seconds: 60 },
    };
    let written = vec!["127.0.0.1".parse().expect("an address")];
    let address = Over::Address {
        written,
        resolved_at_most: 0,
        ports: port_ranges(ports),
        by_connect: false,
        usual_first: false,
    };
    let site = Over::Site { at_most, names: Vec::new() };
    let steps = vec![
        step(0, "tcp", address, When::Always),
        step(1, "greeting", Over::Service { at_most }, When::Open),
        step(2, "tls", site.clone(), When::Silent),
        step(3, "http", site, When::SilentOrTls),
    ];
    Plan {
        schema: "postern/plan/v1".into(),
        made: Moment::from_unix_seconds(0),
        vantage: "here".into(),
        profile: "test".into(),
        limits: Limits { per_host_per_second: pace, ..LIMITS },
        resolvers: Vec::new(),
        steps,
        wanted: Vec::new(),
        untested: Vec::new(),
        total: Bound { connections: 10_000, datagrams: 0, seconds: 240 },
    }
}

fn opened(plan: &Plan) -> Opened {
    let head = serde_json::json!({
        "schema": postern::model::record::BOOK_SCHEMA,
        "version": "0.0.0",
        "at": "2026-11-23T00:00:00Z",
        "vantage": "here",
        "identity": {},
        "inventory": {},
        "authorisations": [],
        "waivers": [],
        "profile": "test",
        "plan": plan,
        "digests": {},
    });
    serde_json::from_value(head).expect("a head")
}

/// What came of a scan.
pub(crate) struct Seen {
    pub(crate) ended: Ended,
    folder: tempfile::TempDir,
    path: PathBuf,
    budgets: Budgets,
    rows: Vec<Row>,
}

impl Seen {
    fn read(folder: tempfile::TempDir, path: PathBuf, ended: Ended, budgets: Budgets) -> Self {
        let bytes = std::fs::read(&path).expect("a book");
        let lines = chain::read(&bytes).expect("an unbroken book");
        let rows = lines.rows.into_iter().map(|(_, row)| row).collect();
        Self { ended, folder, path, budgets, rows }
    }

    /// Every row of the book.
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The book's text.
    pub(crate) fn text(&self) -> String {
        std::fs::read_to_string(&self.path).expect("a book")
    }

    /// What a probe saw on a port.
    pub(crate) fn of<T: DeserializeOwned>(&self, probe: &str, port: u16) -> Option<T> {
        self.rows.iter().find_map(|row| match row {
            Row::Saw(saw)
                if saw.probe == probe && saw.spot.service.is_some_and(|s| s.1 == port) =>
            {
                Some(serde_json::from_value(saw.saw.clone()).expect("the probe's form"))
            }
            _ => None,
        })
    }

    /// What a probe saw last.
    pub(crate) fn last<T: DeserializeOwned>(&self, probe: &str) -> Option<T> {
        self.rows.iter().rev().find_map(|row| match row {
            Row::Saw(saw) if saw.probe == probe => {
                Some(serde_json::from_value(saw.saw.clone()).expect("the probe's form"))
            }
            _ => None,
        })
    }

    /// The state of a port.
    pub(crate) fn state(&self, port: u16) -> Option<PortState> {
        let saw: PortsSaw = self.last("tcp")?;
        let has = |ports: &str| {
            postern::model::net::parse_port_ranges(ports).expect("ranges").contains(&port)
        };
        saw.states.iter().find(|run| has(&run.ports)).map(|run| run.state)
    }

    /// That every step ended within its budget, give or take a second.
    pub(crate) fn is_within_budget(&self) {
        assert!(self.ended.complete, "{:?}", self.ended);
        let most = (self.budgets.step + Duration::from_secs(1)).as_millis();
        for row in &self.rows {
            if let Row::Saw(saw) = row {
                assert!(u128::from(saw.took_ms) <= most, "{} took {} ms", saw.probe, saw.took_ms);
            }
        }
    }

    /// Takes the book up again.
    pub(crate) async fn resume(self) -> Self {
        let resumed = Journal::resume(&self.path).expect("a book");
        let rig = Rig { budgets: self.budgets, ..Rig::default() };
        let begun = Instant::now();
        let ended = rig.go(resumed.opened.plan, resumed.journal, resumed.progress).await;
        assert!(begun.elapsed() < Duration::from_secs(5));
        Self::read(self.folder, self.path, ended, self.budgets)
    }
}

/// The mark of a process that runs one case.
const ALONE: &str = "POSTERN_HOSTILE_ALONE";

/// Runs a case in a process of its own, which has scanned a peer that behaves before. What the process holds at its peak
/// grows by less than that many bytes over that ordinary scan, the peers' own part, who live there too, included.
pub(crate) fn alone<T: Future<Output = ()>>(most: u64, case: T) {
    if std::env::var_os(ALONE).is_none() {
        // `hostile::a_flood_stops_at_the_limit::{{closure}}`
        let name = std::any::type_name::<T>().split("::").nth(1).expect("the name of the test");
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        // Printing where a panic came from takes more memory than everything else.
        command.args([name, "--exact", "--nocapture"]).env(ALONE, "1").env("RUST_BACKTRACE", "0");
        let ended = command.output().expect("it starts");
        let said = [ended.stdout, ended.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(ended.status.success() && said.contains(" 1 passed"), "{said}");
        if let Some(figure) = said.lines().find(|line| line.contains(GREW)) {
            eprintln!("{name}: {figure}");
        }
        return;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut peers = Peers::default();
        let calm = http(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec());
        let port = peers.serve(calm).await;
        Rig::scan(&[port]).await.is_within_budget();
        let before = peak_memory();
        case.await;
        let grew = peak_memory() - before;
        eprintln!("{} KiB {GREW}; at most {}", grew >> 10, most >> 10);
        assert!(grew < most, "memory stays flat: {grew} bytes more than an ordinary scan");
    });
}

/// What the figure is said with.
const GREW: &str = "more than an ordinary scan";

/// The most memory that this process has held so far, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kib = line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok());
    kib.expect("a number") * 1024
}
