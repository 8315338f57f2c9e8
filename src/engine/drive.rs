//! Drives a plan: hosts side by side, the steps of a host one after the other, each spot caught alone.

mod host;
mod known;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::gate::Gate;
use super::journal::{Journal, Progress};
use super::world::{Ended, Event, Standing, Stop, World, instant};
use crate::model::net::HostId;
use crate::model::plan::{Plan, Step};
use crate::model::record::Row;
use crate::plan::Guide;
use crate::probe::Probe;
use crate::scope::Scope;
use crate::talk::Unopened;

/// What a scan is made of.
pub struct Scan {
    /// What to do.
    pub plan: Arc<Plan>,
    /// The probes that it names.
    pub probes: Vec<Probe>,
    /// Where those of them go that check files write down.
    pub guide: Option<Arc<Guide>>,
    /// What it may do.
    pub scope: Arc<Scope>,
    /// The world.
    pub world: World,
    /// What a resumed book has answered already; nothing for a new scan.
    pub already: Progress,
    /// Where every row goes. The head and the `Began` row stand in it already; [`run`] ends it with `Closed`.
    pub journal: Journal,
    /// The sign to stop.
    pub stop: Stop,
}

/// What all hosts of a scan share.
struct Shared {
    plan: Arc<Plan>,
    probes: Vec<Probe>,
    guide: Option<Arc<Guide>>,
    already: Progress,
    gate: Arc<Gate>,
    end: Instant,
    events: UnboundedSender<Event>,
    standing: Mutex<Meter>,
}

/// How far it has come, and how much of the whole that is.
struct Meter {
    standing: Standing,
    weight_done: u64,
    weight: u64,
    begun: Instant,
}

/// Carries a plan out. Ends when every step has ended on every spot, or soon after the sign to stop.
pub async fn run(scan: Scan, tell: &mut (dyn FnMut(Event) + Send)) -> Ended {
    let Scan { plan, probes, guide, scope, world, already, journal, stop } = scan;
    let gate = Gate::new(scope, world, stop.clone(), journal, &plan, &already);
    let gate = Arc::new(gate);
    let mut hosts: BTreeMap<HostId, Vec<Arc<Step>>> = BTreeMap::new();
    for step in &plan.steps {
        hosts.entry(step.host.clone()).or_default().push(Arc::new(step.clone()));
    }
    let (events, heard) = unbounded_channel();
    let shared = Arc::new(Shared {
        standing: Mutex::new(Meter::new(&plan, hosts.len())),
        end: instant() + alone(&plan) + gate.world.budgets.slack,
        plan,
        probes,
        guide,
        already,
        gate: Arc::clone(&gate),
        events,
    });
    shared.report("");
    let places = Arc::new(Semaphore::new(gate.hosts));
    let mut tasks = JoinSet::new();
    for (id, steps) in hosts {
        let (shared, places) = (Arc::clone(&shared), Arc::clone(&places));
        tasks.spawn(async move {
            let _place = places.acquire().await;
            let ended = host::host(&shared, &steps).await;
            if ended.is_ok() {
                shared.host_done(&id);
            }
            ended
        });
    }
    drop(shared);
    let complete = wait(tasks, heard, tell).await;
    let why = stop.reason().filter(|_| !complete);
    let why = if complete { None } else { why.or_else(|| Some("a step did not end".into())) };
    let closed = Row::Closed { at: gate.now(), complete, why: why.clone() };
    let written = gate.write(&closed).and_then(|()| gate.sync()).is_ok();
    let (connections, datagrams) = gate.sent();
    let why = if written { why } else { stop.reason() };
    Ended { complete: complete && written, why, connections, datagrams }
}

/// How long all steps take at most, one after the other: as long as it takes when all names of all hosts turn out
/// to lead to one address, which gets no more for being so many.
fn alone(plan: &Plan) -> Duration {
    let seconds = plan.steps.iter().map(|step| step.bound.seconds);
    Duration::from_secs(seconds.fold(0, u64::saturating_add))
}

/// Passes events on until every host has ended; answers whether all did to their end.
async fn wait(
    mut tasks: JoinSet<Result<(), Unopened>>,
    mut heard: UnboundedReceiver<Event>,
    tell: &mut (dyn FnMut(Event) + Send),
) -> bool {
    let mut complete = true;
    loop {
        tokio::select! {
            Some(event) = heard.recv() => tell(event),
            ended = tasks.join_next() => match ended {
                None => break,
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(_))) => complete = false,
                // A panic outside any probe: a bug in this room. The other hosts go on.
                Some(Err(wrong)) => {
                    complete = false;
                    tell(Event::Note(format!("our own error: {wrong}")));
                }
            },
        }
    }
    while let Ok(event) = heard.try_recv() {
        tell(event);
    }
    complete
}

impl Shared {
    fn probe(&self, name: &str) -> Option<&Probe> {
        self.probes.iter().find(|probe| probe.name == name)
    }

    /// Tells how far it has come.
    fn report(&self, doing: &str) {
        let mut meter = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let (connections, datagrams) = self.gate.sent();
        meter.standing.connections = connections;
        meter.standing.datagrams = datagrams;
        doing.clone_into(&mut meter.standing.doing);
        meter.standing.left = meter.left();
        let _ = self.events.send(Event::At(meter.standing.clone()));
    }

    fn step_done(&self, step: &Step) {
        let mut meter = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        meter.standing.steps_done += 1;
        meter.weight_done += step.bound.seconds.max(1);
        drop(meter);
        self.report(&format!("{}: {}", step.host, step.probe));
    }

    fn host_done(&self, id: &HostId) {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).standing.hosts_done += 1;
        let _ = self.events.send(Event::HostDone(id.0.clone()));
        self.report("");
    }
}

impl Meter {
    fn new(plan: &Plan, hosts: usize) -> Self {
        let standing = Standing { hosts, steps: plan.steps.len(), ..Standing::default() };
        let weight = plan.steps.iter().map(|step| step.bound.seconds.max(1)).sum();
        Self { standing, weight_done: 0, weight, begun: instant() }
    }

    /// How long the rest takes, when it takes as long as what is done.
    fn left(&self) -> Option<Duration> {
        let done = u32::try_from(self.weight_done).ok().filter(|done| *done > 0)?;
        let rest = u32::try_from(self.weight.saturating_sub(self.weight_done)).ok()?;
        let took = instant().saturating_duration_since(self.begun);
        Some(took.checked_mul(rest)? / done)
    }
}
