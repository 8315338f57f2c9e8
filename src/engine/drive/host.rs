//! One host: its steps one after the other, the spots of a step a few at a time.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::time::{sleep, sleep_until};

use super::Shared;
use super::known::{Known, Next};
use crate::engine::allowance::Allowance;
use crate::engine::doors::{Budget, StepDoors};
use crate::engine::gate::TOO_SLOW;
use crate::engine::settled::{self, Settled};
use crate::engine::world::{Budgets, Event, instant};
use crate::facts::FactBase;
use crate::model::digest::Digest;
use crate::model::moment::Moment;
use crate::model::net::{Transport, parse_port_ranges};
use crate::model::observation::{Observation, Spot};
use crate::model::plan::{Bound, ECHOES, Over, Step};
use crate::model::record::{End, Row};
use crate::model::saw::PortsSaw;
use crate::plan::Guide;
use crate::probe::{Ask, Brought, Errand, Probe, Reach};
use crate::scope::{Origin, Want};
use crate::talk::Unopened;

/// A probe that hangs beyond its deadline all the same is let go after so much more.
const GRACE: Duration = Duration::from_millis(500);
/// After the sign to stop a sweep gets so long to hand in what it knows.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// So often it is looked whether the window of the authorisation has closed.
const LOOK: Duration = Duration::from_millis(250);

/// Carries out the steps of a host.
///
/// # Errors
/// `Stopped`, when the scan was stopped before the last had ended.
pub(super) async fn host(shared: &Arc<Shared>, steps: &[Arc<Step>]) -> Result<(), Unopened> {
    let mut known = Known::of(steps);
    let ports = ports_of(steps);
    let told = Told::default();
    let mut facts = None;
    for step in steps {
        shared.report(&format!("{}: {}", step.host, step.probe));
        let budget = Arc::new(Budget::new(step.bound, None));
        let mut next = known.spots(step);
        if let (Some(guide), Over::Door { .. } | Over::Port { .. }) = (&shared.guide, &step.over) {
            // Recipes come last, and none of them decides where another goes.
            let facts = facts.get_or_insert_with(|| {
                let rows = told.lock().unwrap_or_else(PoisonError::into_inner);
                guide.facts(&step.host, &shared.plan, &rows)
            });
            next = next.into_iter().map(|next| sent_away(guide, step, facts, next)).collect();
        }
        let at_once = usize::try_from(shared.plan.limits.per_host_parallel).unwrap_or(1);
        let asked: Vec<_> = {
            let (known, budget, ports) = (&known, &budget, &ports);
            let here = Here { shared, step, known, budget, ports, told: &told };
            let all = next.into_iter().map(|next| here.settle(next));
            stream::iter(all).buffered(at_once.clamp(1, 16)).collect().await
        };
        let mut stopped = None;
        for came in asked {
            match came {
                Ok(Some((spot, saw))) => known.learn(&step.probe, &spot, &saw),
                Ok(None) => {}
                Err(why) => stopped = Some(why),
            }
        }
        shared.gate.belong(&step.host, &known.addresses_so_far());
        if let Some(why) = stopped {
            return Err(why);
        }
        shared.step_done(step);
    }
    Ok(())
}

/// The ports that the host's sweep asks: by them resolved addresses are tried against the scope.
fn ports_of(steps: &[Arc<Step>]) -> Vec<u16> {
    let of = |step: &Arc<Step>| match &step.over {
        Over::Address { ports, .. } => parse_port_ranges(ports).unwrap_or_default(),
        _ => Vec::new(),
    };
    let ports: Vec<u16> = steps.iter().flat_map(of).collect();
    if ports.is_empty() { vec![443] } else { ports }
}

/// Where a step stands.
struct Here<'a> {
    shared: &'a Arc<Shared>,
    step: &'a Arc<Step>,
    known: &'a Known,
    budget: &'a Arc<Budget>,
    ports: &'a [u16],
    told: &'a Told,
}

/// The rows of a host so far, where recipes want to know what they come to.
type Told = Mutex<Vec<(u64, Row)>>;

type Learnt = Option<(Spot, serde_json::Value)>;

impl Here<'_> {
    /// Brings the step to its end on a spot, and answers what was learnt there.
    async fn settle(&self, next: Next) -> Result<Learnt, Unopened> {
        let (step, already) = (self.step.id, &self.shared.already);
        let spot = match next {
            Next::Ask(spot) => spot,
            Next::Leave(spot, end) => {
                match already.ended(step, &spot) {
                    None => self.done(&spot, end)?,
                    Some(end) => self.tell_again(&spot, end),
                }
                return Ok(None);
            }
        };
        let last = already.seen(step, &spot).last();
        let learnt = last.map(|seen| (spot.clone(), seen.saw.clone()));
        if let Some(end) = already.ended(step, &spot) {
            self.tell_again(&spot, end);
            return Ok(learnt);
        }
        // Killed between the answer and the end. Only a sweep writes answers of which there are more to come.
        if learnt.is_some() && !matches!(self.step.over, Over::Address { .. }) {
            self.tell_again(&spot, &End::Asked);
            self.done(&spot, End::Asked)?;
            return Ok(learnt);
        }
        let Some(probe) = self.shared.probe(&self.step.probe) else {
            let error = format!("there is no probe `{}`", self.step.probe);
            self.done(&spot, End::Ours { error })?;
            return Ok(None);
        };
        if instant() >= self.shared.end {
            self.done(&spot, End::NotTested { why: TOO_SLOW.into() })?;
            return Ok(None);
        }
        self.ask(probe, spot).await
    }

    /// Sends the probe, and writes down what it brings home.
    async fn ask(&self, probe: &Probe, spot: Spot) -> Result<Learnt, Unopened> {
        let at = self.shared.gate.now();
        let (ended, took) = self.send(probe, &spot, at).await;
        let took = u32::try_from(took.as_millis()).unwrap_or(u32::MAX);
        let end = match ended {
            Ok(brought) => {
                let saw = self.observation(probe, &spot, at, took, brought);
                let learnt = saw.saw.clone();
                let row = Row::Saw(saw);
                self.shared.gate.write(&row)?;
                self.tell(row);
                self.done(&spot, End::Asked)?;
                return Ok(Some((spot, learnt)));
            }
            Err(Unopened::Stopped) => return Err(Unopened::Stopped),
            Err(Unopened::Refused(why) | Unopened::Spent(why) | Unopened::NoRoute(why)) => {
                End::NotTested { why }
            }
            Err(Unopened::Ours(error)) => End::Ours { error },
            Err(Unopened::Cut(cut)) => End::Ours { error: format!("a cut nobody took: {cut:?}") },
        };
        self.done(&spot, end)?;
        Ok(None)
    }

    /// Runs the probe: caught alone, within its time, and only as long as the scan goes on. Answers also how long it took;
    /// what it waited for its turns is no time of the peer's. A sweep waits for some ports and hears of others at once.
    async fn send(
        &self,
        probe: &Probe,
        spot: &Spot,
        at: Moment,
    ) -> (Result<Brought, Unopened>, Duration) {
        let begun = instant();
        let ports = match &self.step.over {
            Over::Address { ports, .. } => parse_port_ranges(ports),
            _ => Ok(Vec::new()),
        };
        let ports = match ports {
            Ok(ports) => ports,
            Err(wrong) => return (Err(Unopened::Ours(wrong)), Duration::ZERO),
        };
        let doors = self.doors(probe, spot, at, ports.len());
        let world = &self.shared.gate.world;
        let errand = Errand {
            spot,
            ports: &ports,
            agent: &world.agent,
            encrypted: self.known.encrypted(spot),
            alive: self.known.is_alive(spot.address),
            nonce: &word_for(&self.step.probe, spot),
            patience: world.budgets.patience,
            clock: instant,
            doors: &doors,
        };
        let asked = AssertUnwindSafe(probe.ask(&errand)).catch_unwind();
        let ended = tokio::select! {
            biased;
            came = asked => came.unwrap_or_else(|panic| Err(Unopened::Ours(panic_words(&*panic)))),
            () = self.out_of_time(probe, &doors) => {
                Err(Unopened::Spent("the step's time is used up".into()))
            }
            () = self.out_of_window(probe, spot) => Err(Unopened::Stopped),
            () = async { self.shared.gate.stop.given().await; sleep(LAST_WORDS).await } => {
                Err(Unopened::Stopped)
            }
        };
        let took = match probe.over {
            Reach::Address => begun.elapsed(),
            _ => doors.allowance.used(),
        };
        (ended, took)
    }

    fn doors(&self, probe: &Probe, spot: &Spot, at: Moment, ports: usize) -> StepDoors {
        let terms = Granted::of(probe, self.shared.gate.world.budgets);
        let times = if probe.over == Reach::Address { ports as u64 } else { 1 };
        let looks = matches!(self.step.over, Over::Address { usual_first: true, .. });
        let echoes = if looks { ECHOES } else { 0 };
        let bound = Bound {
            connections: probe.bound.connections.saturating_mul(times),
            datagrams: probe.bound.datagrams.saturating_mul(times).saturating_add(echoes),
            seconds: probe.bound.seconds,
        };
        let part = {
            let (gate, step) = (Arc::clone(&self.shared.gate), Arc::clone(self.step));
            let (vantage, spot) = (self.shared.plan.vantage.clone(), spot.clone());
            let (name, revision) = (probe.name.clone().into_owned(), probe.revision);
            let events = self.shared.events.clone();
            move |part: PortsSaw| {
                if let Some(address) = spot.address {
                    let (host, saw) = (spot.host.0.clone(), part.clone());
                    let _ = events.send(Event::Ports { host, address, saw });
                }
                let saw = serde_json::to_value(&part).map_err(|e| Unopened::Ours(e.to_string()))?;
                gate.write(&Row::Saw(Observation {
                    step: step.id,
                    probe: name.clone(),
                    revision,
                    spot: spot.clone(),
                    vantage: vantage.clone(),
                    attempt: 1,
                    at,
                    took_ms: 0,
                    saw,
                    transcript: Vec::new(),
                }))
            }
        };
        StepDoors {
            gate: Arc::clone(&self.shared.gate),
            step: Arc::clone(self.step),
            spot: spot.clone(),
            origin: self.known.origin(spot.address),
            names: self.known.names.clone(),
            addresses: self.known.addresses_so_far(),
            resolvers: self.shared.plan.resolvers.clone(),
            budget: Arc::new(Budget::new(bound, Some(Arc::clone(self.budget)))),
            allowance: Arc::new(Allowance::new(terms.step)),
            latest: self.shared.end,
            talk: terms.talk,
            hear: terms.hear,
            waited: AtomicU64::new(0),
            settled: self.settled_before(spot),
            ports: self.ports.to_vec(),
            part: Box::new(part),
        }
    }

    /// What an earlier run has settled on the spot without coming to the end.
    fn settled_before(&self, spot: &Spot) -> Settled {
        let seen = self.shared.already.seen(self.step.id, spot);
        let parts = seen.iter().filter_map(|saw| serde_json::from_value(saw.saw.clone()).ok());
        parts.flat_map(|part| settled::settled(&part)).collect()
    }

    /// Ends some time after the probe should have. A sweep has no deadline of its own: pace and bound end it.
    async fn out_of_time(&self, probe: &Probe, doors: &StepDoors) {
        match probe.over {
            Reach::Address => sleep_until(self.shared.end).await,
            _ => doors.allowance.used_up().await,
        }
        sleep(GRACE).await;
    }

    /// Ends when the authorisation's window closes over the spot, and gives the sign to stop. Meanwhile it tells how far
    /// the scan has come.
    async fn out_of_window(&self, probe: &Probe, spot: &Spot) {
        loop {
            sleep(LOOK).await;
            self.shared.report(&format!("{}: {}", self.step.host, self.step.probe));
            if self.window_closed(probe, spot).is_err() {
                return;
            }
        }
    }

    /// Whether the leave for the spot still holds.
    ///
    /// # Errors
    /// `Stopped`, and the sign to stop is given, if not.
    fn window_closed(&self, probe: &Probe, spot: &Spot) -> Result<(), Unopened> {
        let gate = &self.shared.gate;
        let port = spot.service.map(|(_, port)| port).or(self.ports.first().copied());
        let want = spot.address.zip(port);
        let transport = spot.service.map_or(Transport::Tcp, |(transport, _)| transport);
        let want = want.map(|to| Want { transport, ..self.want(probe, to.0, to.1, spot) });
        let leave = match &want {
            Some(want) => gate.scope.allows(want, gate.now()),
            None => gate.scope.resolves(&spot.host, gate.now()),
        };
        match leave.map_err(|refusal| gate.refused(want.as_ref(), refusal)) {
            Err(Unopened::Stopped) => Err(Unopened::Stopped),
            _ => Ok(()),
        }
    }

    fn want(&self, probe: &Probe, address: std::net::IpAddr, port: u16, spot: &Spot) -> Want {
        let origin: Origin = self.known.origin(Some(address));
        Want {
            host: spot.host.clone(),
            address,
            origin,
            transport: crate::engine::dial::TCP,
            port,
            class: probe.class,
        }
    }

    fn observation(
        &self,
        probe: &Probe,
        spot: &Spot,
        at: Moment,
        took_ms: u32,
        brought: Brought,
    ) -> Observation {
        Observation {
            step: self.step.id,
            probe: probe.name.clone().into_owned(),
            revision: probe.revision,
            spot: spot.clone(),
            vantage: self.shared.plan.vantage.clone(),
            attempt: 1,
            at,
            took_ms,
            saw: brought.saw,
            transcript: brought.transcript,
        }
    }

    fn done(&self, spot: &Spot, end: End) -> Result<(), Unopened> {
        let row = Row::Done { step: self.step.id, spot: spot.clone(), end };
        self.shared.gate.write(&row)?;
        self.tell(row);
        Ok(())
    }

    /// Keeps a row for those recipes that want to know what it comes to.
    fn tell(&self, row: Row) {
        if self.shared.guide.is_some() {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            let seq = told.len() as u64;
            told.push((seq, row));
        }
    }

    /// Keeps the rows of an earlier run.
    fn tell_again(&self, spot: &Spot, end: &End) {
        let step = self.step.id;
        for saw in self.shared.already.seen(step, spot) {
            self.tell(Row::Saw(saw.clone()));
        }
        self.tell(Row::Done { step, spot: spot.clone(), end: end.clone() });
    }
}

/// A word that no server knows: the same for the same question, so that a scan that was killed and resumed comes to the
/// same evidence as one that was left alone.
fn word_for(probe: &str, spot: &Spot) -> String {
    let spot = serde_json::to_vec(spot).unwrap_or_default();
    let digest = Digest::of_parts([probe.as_bytes(), spot.as_slice()]).to_string();
    digest.get(..16).unwrap_or(&digest).to_owned()
}

/// What a probe is granted on one spot: the world's budgets, or for a recipe or a plug-in its own caps, which stand in the plan.
struct Granted {
    step: Duration,
    talk: Duration,
    hear: usize,
}

/// A recipe ends by itself when its time is up, and brings home what it has; a moment later it is let go.
const A_MOMENT: Duration = Duration::from_secs(1);
/// A plug-in is ended when its time is up; whatever it leaves is seen to in as much more.
const LET_GO: Duration = Duration::from_secs(3);
/// What may come besides what a recipe wants to hear: TLS handshakes, heads of answers, and bodies, which count apart.
const AROUND: usize = 512 * 1024;

impl Granted {
    fn of(probe: &Probe, budgets: Budgets) -> Self {
        match &probe.ask {
            Ask::BuiltIn(_) => Self { step: budgets.step, talk: budgets.talk, hear: budgets.hear },
            Ask::Recipe(asking) | Ask::Recorded(asking, _) => {
                let time = asking.caps.time + A_MOMENT;
                Self { step: time, talk: time, hear: asking.caps.bytes.saturating_add(AROUND) }
            }
            Ask::Plugin(plugin) => {
                let time = Duration::from_secs(plugin.bound.seconds.into()) + LET_GO;
                Self { step: time, talk: time, hear: budgets.hear }
            }
        }
    }
}

/// Leaves a spot out where no check that wants the step has anything to ask.
fn sent_away(guide: &Guide, step: &Step, facts: &FactBase, next: Next) -> Next {
    match next {
        Next::Ask(spot) => match guide.keeps_away(step, &spot, facts) {
            Some(why) => Next::Leave(spot, End::NotNeeded { why }),
            None => Next::Ask(spot),
        },
        leave @ Next::Leave(..) => leave,
    }
}

/// What a panic said.
fn panic_words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panic: {}", text.unwrap_or_else(|| "without words".into()))
}
