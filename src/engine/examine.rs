//! Examines the TCP ports of one address: lends the sweep's core a clock, turns and sockets, and writes down what it says.
//!
//! The core decides what is to be asked and what an answer means; here it is decided whether that may be sent now. A packet
//! goes when the permit's turn has come, after it stands in the audit log, and never otherwise.

mod connects;
mod told;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use postern_sweep::{Answer, Event, Probe, Rates, Said, Settings, Sweep, Time, Transmit, Way};
use tokio::time::{Instant, sleep_until};

use super::dial::announce_many;
use super::doors::StepDoors;
use super::gate::{Gate, Later};
use super::pace::Payers;
use super::sweep::{Settled, runs, within_scope};
use super::world::instant;
use crate::model::record::Again;
use crate::model::saw::PortsSaw;
use crate::talk::Unopened;

use connects::{Came, Connects, For};

/// What is settled goes into the book so soon: a scan that is killed asks again what was answered within that time.
const SOON: Duration = Duration::from_millis(50);
/// So many packets stand in one row of the audit log at most.
const IN_A_ROW: usize = 128;
/// Fewer attempts at a time than this are no examination.
const IN_FLIGHT_AT_LEAST: usize = 1;

/// How ports are examined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Examining {
    /// The chance that an open port is missed, for each port, that is borne.
    pub miss: f64,
    /// Whether ports are waited for one by one where a host or a firewall limits its answers.
    pub exact: bool,
}

impl Default for Examining {
    fn default() -> Self {
        Self { miss: 1e-6, exact: false }
    }
}

/// Examines those ports of the spot's address.
pub(crate) async fn examine(
    doors: &StepDoors,
    ports: &[u16],
    how: Examining,
) -> Result<PortsSaw, Unopened> {
    let address = doors.spot.address;
    let address = address.ok_or_else(|| Unopened::Ours("the spot has no address".into()))?;
    let mut open = within_scope(doors, address, ports)?;
    open.retain(|port| !doors.settled.contains_key(port));
    let mut run = Run::new(doors, address, &open, how)?;
    run.to_the_end().await?;
    run.write()?;
    Ok(told::whole(&run.settled, &run.core.summary()))
}

/// An examination that goes on.
struct Run<'a> {
    doors: &'a StepDoors,
    gate: &'a Arc<Gate>,
    address: IpAddr,
    core: Sweep,
    begun: Instant,
    connects: Connects,
    /// What the core wants sent and no turn has come for.
    wanted: VecDeque<Transmit>,
    later: Option<Later>,
    came: Vec<Came>,
    fresh: Settled,
    settled: Settled,
    written: Instant,
}

impl<'a> Run<'a> {
    fn new(
        doors: &'a StepDoors,
        address: IpAddr,
        ports: &[u16],
        how: Examining,
    ) -> Result<Self, Unopened> {
        let gate = &doors.gate;
        let limits = gate.scope.limits();
        let ceiling = f64::from(limits.per_host_per_second.min(limits.per_second));
        let places = usize::try_from(limits.per_host_parallel).unwrap_or(usize::MAX);
        let settings = Settings {
            way: Way::Connect,
            seed: seed(address),
            miss: how.miss,
            rates: Rates { start: ceiling.min(1000.0), ceiling },
            in_flight: places.min(gate.places()).max(IN_FLIGHT_AT_LEAST),
            exact: how.exact,
            ..Settings::default()
        };
        let mut core = Sweep::new(ports, settings, Time::ZERO);
        for (port, (state, _)) in &doors.settled {
            told::known(&mut core, *port, *state);
        }
        let connects = Connects::new(address).map_err(|wrong| Unopened::Ours(wrong.to_string()))?;
        Ok(Self {
            doors,
            gate,
            address,
            core,
            begun: instant(),
            connects,
            wanted: VecDeque::new(),
            later: None,
            came: Vec::new(),
            fresh: Settled::new(),
            settled: doors.settled.clone(),
            written: instant(),
        })
    }

    fn now(&self) -> Time {
        instant().saturating_duration_since(self.begun)
    }

    async fn to_the_end(&mut self) -> Result<(), Unopened> {
        let gate = Arc::clone(self.gate);
        loop {
            if gate.stop.reason().is_some() {
                self.write()?;
                return Err(Unopened::Stopped);
            }
            let moved = gate.moved();
            let sent = self.send()?;
            self.hear()?;
            self.listen_to_the_core();
            if self.core.is_done() && self.connects.len() == 0 {
                return Ok(());
            }
            if instant() >= self.written + SOON {
                self.write()?;
            }
            if sent {
                // There may be more to send at once; others shall have their turn all the same.
                tokio::task::yield_now().await;
                continue;
            }
            let until = self.until();
            let waits_for_others = matches!(self.later, Some(Later::WhenMoved));
            tokio::select! {
                biased;
                () = gate.stop.given() => {}
                () = self.connects.wait() => {}
                () = moved, if waits_for_others => {}
                () = sleep_until(until) => {}
            }
        }
    }

    /// When there is something to do, if nothing is heard before.
    fn until(&mut self) -> Instant {
        let now = instant();
        let core = self.core.poll_timeout().map(|at| self.begun + at);
        let turn = self.later.and_then(|later| match later {
            Later::At(at) => Some(at),
            Later::WhenMoved => None,
        });
        let write = (!self.fresh.is_empty()).then_some(self.written + SOON);
        let ends = self.connects.next_end();
        // While something waits for its turn, the core has nothing to say on when to send.
        let core = core.filter(|at| self.wanted.is_empty() || *at > now);
        let soonest = [core, turn, write, ends].into_iter().flatten().min();
        soonest.unwrap_or(now + Duration::from_millis(250)).max(now)
    }

    /// Sends what may be sent now; answers whether anything was.
    fn send(&mut self) -> Result<bool, Unopened> {
        let payers = self.gate.payers(self.address);
        let mut ready = Vec::new();
        self.later = None;
        while ready.len() < IN_A_ROW {
            let now = self.now();
            let next = self.wanted.pop_front().or_else(|| self.core.poll_transmit(now));
            let Some(next) = next else { break };
            if let Transmit::Drop(probe) = next {
                self.connects.close(probe);
                continue;
            }
            match self.gate.turn_now(&payers) {
                Ok(ticket) => ready.push((next, ticket)),
                Err(later) => {
                    self.wanted.push_front(next);
                    self.later = Some(later);
                    break;
                }
            }
        }
        let any = !ready.is_empty();
        let mut ready = ready.into_iter().peekable();
        // A row of the audit log for each stretch of packets of the same purpose.
        while let Some((next, ticket)) = ready.next() {
            let purpose = again(&next);
            let mut row = vec![(next, ticket)];
            while let Some(one) = ready.next_if(|(next, _)| again(next) == purpose) {
                row.push(one);
            }
            self.send_row(row, purpose)?;
        }
        Ok(any)
    }

    fn send_row(
        &mut self,
        row: Vec<(Transmit, super::gate::Ticket)>,
        purpose: Option<Again>,
    ) -> Result<(), Unopened> {
        let now = self.gate.now();
        let mut permits = Vec::with_capacity(row.len());
        for (next, _) in &row {
            self.doors.budget.connection()?;
            let want = self.doors.want(self.address, self.doors.origin, probe(next).port);
            let permit = self.gate.scope.permit(&want, now);
            permits.push(permit.map_err(|refusal| self.gate.refused(Some(&want), refusal))?);
        }
        let announced = announce_many(self.gate, permits, self.doors.step.id, purpose)?;
        for (place, (next, ticket)) in announced.places().zip(row) {
            let (probe, what) = (probe(&next), purpose_of(&next));
            match self.connects.begin(place, ticket, probe, what) {
                Some(Came { said: Err(why), .. }) => self.ours(probe, why)?,
                came => {
                    let now = self.now();
                    self.core.sent(probe, now);
                    self.came.extend(came);
                }
            }
        }
        Ok(())
    }

    /// Takes in what was heard.
    fn hear(&mut self) -> Result<(), Unopened> {
        let mut came = std::mem::take(&mut self.came);
        let heard = self.connects.hear(&mut came);
        heard.map_err(|wrong| Unopened::Ours(wrong.to_string()))?;
        let at = self.now();
        for Came { probe, said } in came.drain(..) {
            match said {
                Ok(said) => self.answer(probe, said, at),
                Err(why) => self.ours(probe, why)?,
            }
        }
        self.came = came;
        Ok(())
    }

    fn answer(&mut self, probe: Probe, said: Said, at: Time) {
        let answer = Answer { port: probe.port, number: Some(probe.number), said, at };
        self.core.handle(&answer, at);
    }

    /// Something was wrong with us: never an answer of the peer's.
    fn ours(&mut self, probe: Probe, why: Unopened) -> Result<(), Unopened> {
        let trouble = match why {
            Unopened::Ours(why) => why,
            Unopened::Cut(_) => "the attempt ended without an answer".to_owned(),
            other => return Err(other),
        };
        let now = self.now();
        self.core.unsent(probe, told::trouble(&trouble), now);
        Ok(())
    }

    fn listen_to_the_core(&mut self) {
        while let Some(event) = self.core.poll_event() {
            match event {
                Event::Settled(one) => {
                    self.fresh.insert(one.port, told::state(&one));
                }
                Event::Warning(_) => {}
            }
        }
    }

    /// Puts what was settled into the book, so that a killed scan does not ask it twice.
    fn write(&mut self) -> Result<(), Unopened> {
        self.written = instant();
        if !self.fresh.is_empty() {
            (self.doors.part)(runs(&self.fresh))?;
            self.settled.append(&mut self.fresh);
        }
        Ok(())
    }
}

fn probe(of: &Transmit) -> Probe {
    match of {
        Transmit::Probe(probe)
        | Transmit::Canary(probe)
        | Transmit::Confirm(probe)
        | Transmit::Drop(probe) => *probe,
    }
}

fn purpose_of(what: &Transmit) -> For {
    if matches!(what, Transmit::Confirm(_)) { For::Proof } else { For::State }
}

fn again(what: &Transmit) -> Option<Again> {
    match what {
        Transmit::Canary(_) => Some(Again::Canary),
        Transmit::Confirm(_) => Some(Again::Confirm),
        Transmit::Probe(_) | Transmit::Drop(_) => None,
    }
}

/// The order of the ports is another for each address, and the same for each scan of it.
fn seed(address: IpAddr) -> u64 {
    let bits = match address {
        IpAddr::V4(four) => u128::from(four.to_bits()),
        IpAddr::V6(six) => six.to_bits(),
    };
    let low = u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0);
    let high = u64::try_from(bits >> 64).unwrap_or(0);
    low ^ high.rotate_left(32)
}
