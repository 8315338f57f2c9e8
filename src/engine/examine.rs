//! Examines the ports of one address: lends the sweep's core a clock, turns and sockets, and writes down what it says.
//!
//! The core decides what is to be asked and what an answer means; here it is decided whether that may be sent now. A packet
//! goes when the permit's turn has come, after it stands in the audit log, and never otherwise.

mod connects;
mod letters;
mod raw;
mod sending;
mod sign;
mod stranger;
mod told;
mod udp;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use postern_sweep::{
    Answer, Event, Probe, Rates, Said, Settings, Sweep, Time, Transmit, Warning, Way,
};
use tokio::time::{Instant, sleep_until};

use super::doors::StepDoors;
use super::gate::{Gate, Later, TOO_SLOW};
use super::settled::{Settled, runs, within_scope};
use super::world::instant;
use crate::model::net::Transport;
use crate::model::plan::Over;
use crate::model::saw::{Cut, PortState, PortsSaw};
use crate::profile::ports::{self, asked_gently};
use crate::talk::Unopened;

use connects::{Came, Connects};
use letters::Letters;
use raw::Raw;

/// What is settled goes into the book so soon: a scan that is killed asks again what was answered within that time.
const SOON: Duration = Duration::from_millis(50);
/// So many packets stand in one row of the audit log at most.
const IN_A_ROW: usize = 256;
/// After something was sent, so long nothing is done: a thousand times a second is often enough.
const TICK: Duration = Duration::from_millis(1);
/// So many ports are tried by connects where no SYN was answered and none of the ports is a usual one.
const SOME: usize = 64;

/// Which way of sending is wished for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// SYNs by themselves where that is permitted, connects otherwise.
    #[default]
    Best,
    /// Connects.
    Connect,
    /// SYNs by themselves, or nothing.
    Syn,
}

/// How ports are examined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Examining {
    /// Which way of sending is wished for.
    pub by: Wish,
    /// The chance that an open port is missed, for each port, that is borne.
    pub miss: f64,
    /// Whether ports are waited for one by one where a host or a firewall limits its answers.
    pub exact: bool,
}

impl Default for Examining {
    fn default() -> Self {
        Self { by: Wish::Best, miss: 1e-6, exact: false }
    }
}

/// Examines those ports of the spot's address.
pub(crate) async fn examine(
    doors: &StepDoors,
    transport: Transport,
    ports: &[u16],
) -> Result<PortsSaw, Unopened> {
    let how = doors.gate.world.examining;
    let address = doors.spot.address;
    let address = address.ok_or_else(|| Unopened::Ours("the spot has no address".into()))?;
    let mut ports = within_scope(doors, address, transport, ports)?;
    ports.retain(|port| !doors.settled.contains_key(port));
    if transport == Transport::Udp {
        let mut run = udp::run(doors, address, &ports, how)?;
        run.finish(&ports).await?;
        return Ok(run.told());
    }
    let Over::Address { by_connect, usual_first, .. } = doors.step.over else {
        return Err(Unopened::Ours("the step is not over addresses".into()));
    };
    let how = Examining { by: if by_connect { Wish::Connect } else { how.by }, ..how };
    if usual_first {
        return stranger::examine(doors, address, &ports, how).await;
    }
    Ok(answered(doors, address, &ports, how, &doors.settled).await?.told())
}

/// Examines those ports in the best way that is answered; of some others it is known what they are.
async fn answered<'a>(
    doors: &'a StepDoors,
    address: IpAddr,
    ports: &[u16],
    how: Examining,
    known: &Settled,
) -> Result<Run<'a>, Unopened> {
    let raw = way(address, how.by)?;
    let mut run = Run::new(doors, (address, ports), how, raw, known)?;
    run.finish(ports).await?;
    // Somebody on the way answers only what a kernel sends, or this machine's own rules let no other packet out.
    if run.raw.is_some()
        && (run.only_connects_answer || run.connects_are_answered(ports, how).await?)
    {
        let settled = std::mem::take(&mut run.settled);
        run = Run::new(doors, (address, ports), how, None, known)?;
        run.settled = settled;
        run.finish(ports).await?;
    }
    Ok(run)
}

/// A raw socket, where one is wished for and permitted. What is on this machine itself is asked by connects: its own kernel
/// answers no packet from beside it in the same way.
fn way(address: IpAddr, wish: Wish) -> Result<Option<Raw>, Unopened> {
    if wish == Wish::Connect || (wish == Wish::Best && address.is_loopback()) {
        return Ok(None);
    }
    match Raw::new(address) {
        Ok(raw) => Ok(Some(raw)),
        Err(_) if wish == Wish::Best => Ok(None),
        Err(wrong) => Err(Unopened::Ours(format!("no raw socket to {address}: {wrong}"))),
    }
}

/// An examination that goes on.
struct Run<'a> {
    doors: &'a StepDoors,
    gate: &'a Arc<Gate>,
    address: IpAddr,
    core: Sweep,
    begun: Instant,
    connects: Connects,
    raw: Option<Raw>,
    /// For UDP.
    letters: Option<Letters>,
    /// What the core wants sent and no turn has come for.
    wanted: VecDeque<Transmit>,
    later: Option<Later>,
    came: Vec<Came>,
    fresh: Settled,
    settled: Settled,
    written: Instant,
    /// Whether anything has answered a SYN by itself, and whether nothing has, but something a connect.
    syns_answer: bool,
    only_connects_answer: bool,
}

impl<'a> Run<'a> {
    fn new(
        doors: &'a StepDoors,
        (address, ports): (IpAddr, &[u16]),
        how: Examining,
        raw: Option<Raw>,
        known: &Settled,
    ) -> Result<Self, Unopened> {
        let gate = &doors.gate;
        let limits = gate.scope.limits();
        let ceiling = f64::from(limits.per_host_per_second.min(limits.per_second));
        let settings = Settings {
            way: if raw.is_some() { Way::Syn } else { Way::Connect },
            seed: seed(address),
            miss: how.miss,
            rates: Rates { start: ceiling.min(1000.0), ceiling },
            in_flight: gate.places(),
            exact: how.exact,
            last: asked_gently(),
            ..Settings::default()
        };
        let core = Sweep::new(ports, settings, Time::ZERO);
        Self::with(doors, address, core, (raw, None), known)
    }

    /// One that sends by those means.
    fn with(
        doors: &'a StepDoors,
        address: IpAddr,
        mut core: Sweep,
        (raw, letters): (Option<Raw>, Option<Letters>),
        known: &Settled,
    ) -> Result<Self, Unopened> {
        for (port, (state, _)) in known {
            told::known(&mut core, *port, *state);
        }
        let connects = Connects::new(address).map_err(|wrong| Unopened::Ours(wrong.to_string()))?;
        Ok(Self {
            doors,
            gate: &doors.gate,
            address,
            core,
            begun: instant(),
            connects,
            raw,
            letters,
            wanted: VecDeque::new(),
            later: None,
            came: Vec::new(),
            fresh: Settled::new(),
            settled: known.clone(),
            written: instant(),
            syns_answer: false,
            only_connects_answer: false,
        })
    }

    /// Whether connects are answered where no SYN by itself was on any port: some of those ports are tried that are usually
    /// open.
    async fn connects_are_answered(&self, ports: &[u16], how: Examining) -> Result<bool, Unopened> {
        // Most strangers are not there: that SYNs are answered somewhere is enough to know there.
        let stranger = matches!(self.doors.step.over, Over::Address { usual_first: true, .. });
        let elsewhere = stranger && self.gate.syns_answer.load(Ordering::Relaxed);
        if elsewhere || !self.core.summary().warnings.contains(&Warning::NoFeedback) {
            return Ok(false);
        }
        let usual = ports::usual();
        let mut some: Vec<u16> =
            ports.iter().copied().filter(|port| usual.binary_search(port).is_ok()).collect();
        if some.is_empty() {
            some = ports.iter().copied().take(SOME).collect();
        }
        let mut trial = Run::new(self.doors, (self.address, &some), how, None, &Settled::new())?;
        trial.finish(&some).await?;
        Ok(!trial.core.summary().warnings.contains(&Warning::NoFeedback))
    }

    /// Goes on until every port is settled. What stands in the way of the rest takes nothing from what was found.
    async fn finish(&mut self, ports: &[u16]) -> Result<(), Unopened> {
        let ended = self.go().await;
        // What is still under way is a canary that nobody needs any more, or will not be heard.
        self.connects.clear();
        self.write()?;
        let why = match ended {
            Err(Unopened::Spent(why) | Unopened::NoRoute(why) | Unopened::Ours(why))
                if !self.settled.is_empty() =>
            {
                why
            }
            other => return other,
        };
        for port in ports {
            let given_up = || (PortState::Inconclusive, Some(Cut::GivenUp { why: why.clone() }));
            self.settled.entry(*port).or_insert_with(given_up);
        }
        Ok(())
    }

    /// What it came to.
    fn told(&self) -> PortsSaw {
        let by = match (&self.raw, &self.letters) {
            (_, Some(_)) => "udp",
            (Some(_), None) => "syn",
            (None, None) => "connect",
        };
        told::whole(&self.settled, by, &self.core.summary())
    }

    fn now(&self) -> Time {
        instant().saturating_duration_since(self.begun)
    }

    async fn go(&mut self) -> Result<(), Unopened> {
        let gate = Arc::clone(self.gate);
        loop {
            if gate.stop.reason().is_some() {
                return Err(Unopened::Stopped);
            }
            if instant() >= self.doors.latest {
                return Err(Unopened::Spent(TOO_SLOW.into()));
            }
            let moved = gate.moved();
            // What is there already is heard before anything is given up for unanswered.
            self.hear()?;
            let sent = self.send()?;
            self.hear()?;
            self.listen_to_the_core();
            if self.only_connects_answer || self.core.is_done() {
                return Ok(());
            }
            if instant() >= self.written + SOON {
                self.write()?;
            }
            if sent >= IN_A_ROW {
                // There may be more to send at once; others shall have their turn all the same.
                tokio::task::yield_now().await;
                continue;
            }
            if sent > 0 {
                // What comes within that time is heard together, and answered together.
                sleep_until(instant() + TICK).await;
                continue;
            }
            let until = self.until();
            let waits_for_others = matches!(self.later, Some(Later::WhenMoved));
            tokio::select! {
                biased;
                () = gate.stop.given() => {}
                () = self.connects.wait() => {}
                () = heard(self.raw.as_ref()) => {}
                () = udp::heard(self.letters.as_ref()) => {}
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
        let soonest = soonest.unwrap_or(now + Duration::from_millis(250)).max(now);
        soonest.min(self.doors.latest.max(now))
    }

    /// Sends what may be sent now; answers how much it was.
    fn send(&mut self) -> Result<usize, Unopened> {
        let payers = self.gate.payers(self.address);
        self.later = None;
        while self.wanted.len() < IN_A_ROW {
            let now = self.now();
            match self.core.poll_transmit(now) {
                None => break,
                Some(Transmit::Drop(probe)) => self.connects.close(probe),
                Some(next) => self.wanted.push_back(next),
            }
        }
        let all = self.wanted.len();
        // Each stretch of packets that go the same way.
        while let Some(first) = self.wanted.front() {
            let connects = self.is_by_connect(*first);
            let alike = |next: &&Transmit| self.is_by_connect(**next) == connects;
            let alike = self.wanted.iter().take_while(alike).count();
            let sent = if connects {
                self.send_connects(&payers, alike)?
            } else {
                self.send_packets(&payers, alike)?
            };
            if sent < alike {
                break;
            }
        }
        Ok(all - self.wanted.len())
    }

    /// Whether the system's own connect is used: to confirm what is open always, and where the core wants it.
    fn is_by_connect(&self, what: Transmit) -> bool {
        let confirms = matches!(what, Transmit::Confirm(_));
        let by_packets = self.raw.is_some() || self.letters.is_some();
        !by_packets || confirms || self.core.asks_by_connect(probe(what).port)
    }

    /// Takes in what was heard.
    fn hear(&mut self) -> Result<(), Unopened> {
        let mut came = std::mem::take(&mut self.came);
        let heard = self.connects.hear(&mut came);
        heard.map_err(|wrong| Unopened::Ours(wrong.to_string()))?;
        let at = self.now();
        for Came { probe, what, said } in came.drain(..) {
            self.only_connects_answer |= self.raw.is_some() && !self.syns_answer && said.is_ok();
            match said {
                Ok(said) => self.answer(probe, said, at),
                Err(why) => self.ours(what.of(probe), why)?,
            }
        }
        self.came = came;
        self.hear_letters(at)?;
        if let Some(raw) = &mut self.raw {
            let (core, any) = (&mut self.core, &mut self.syns_answer);
            let heard = raw.hear(at, |answer, at| {
                *any = true;
                core.handle(&answer, at);
            });
            heard.map_err(|wrong| Unopened::Ours(wrong.to_string()))?;
            if raw.lost() > 0 {
                self.core.stumble(at);
            }
            if self.syns_answer {
                self.gate.syns_answer.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    fn answer(&mut self, probe: Probe, said: Said, at: Time) {
        let answer = Answer { port: probe.port, number: Some(probe.number), said };
        self.core.handle(&answer, at);
    }

    /// Something was wrong with us: never an answer of the peer's.
    fn ours(&mut self, what: Transmit, why: Unopened) -> Result<(), Unopened> {
        if !matches!(why, Unopened::Ours(_) | Unopened::Cut(_)) {
            return Err(why);
        }
        let now = self.now();
        self.core.unsent(what, now);
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
            // Not `append`: that lays both anew, and one of them is long.
            self.settled.extend(std::mem::take(&mut self.fresh));
        }
        Ok(())
    }
}

fn probe(of: Transmit) -> Probe {
    match of {
        Transmit::Probe(probe)
        | Transmit::Canary(probe)
        | Transmit::Confirm(probe)
        | Transmit::Drop(probe) => probe,
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

/// Waits until the raw socket has heard something; for ever where there is none.
async fn heard(raw: Option<&Raw>) {
    match raw {
        Some(raw) => raw.wait().await,
        None => std::future::pending().await,
    }
}
