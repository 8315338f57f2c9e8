//! The doors of one step on one spot: what its probe may open, within its bounds of packets and of time.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::dial::{How, TCP, dial};
use super::gate::{Gate, Ticket};
use super::pace::{Kind, Payer};
use super::sweep::{self, Settled};
use super::world::instant;
use crate::model::net::Transport;
use crate::model::observation::Spot;
use crate::model::plan::{Bound, Step};
use crate::model::record::Row;
use crate::model::saw::{Answered, NamesSaw, PortsSaw};
use crate::scope::{Origin, Want};
use crate::talk::{Doors, Opening, Soon, Talk, Terms, Unopened};

/// What may still be sent. A spot's own is part of its step's.
#[derive(Debug)]
pub(crate) struct Budget {
    connections: AtomicU64,
    datagrams: AtomicU64,
    of: Option<Arc<Self>>,
}

impl Budget {
    /// As much as that bound, and no more than `of` has left.
    pub(crate) fn new(bound: Bound, of: Option<Arc<Self>>) -> Self {
        Self {
            connections: AtomicU64::new(bound.connections),
            datagrams: AtomicU64::new(bound.datagrams),
            of,
        }
    }

    /// Takes one connection.
    ///
    /// # Errors
    /// `Spent`, when there is none left.
    pub(crate) fn connection(&self) -> Result<(), Unopened> {
        take(&self.connections, "connections")?;
        self.of.as_ref().map_or(Ok(()), |of| of.connection())
    }

    /// Takes one datagram.
    ///
    /// # Errors
    /// `Spent`, when there is none left.
    pub(crate) fn datagram(&self) -> Result<(), Unopened> {
        take(&self.datagrams, "datagrams")?;
        self.of.as_ref().map_or(Ok(()), |of| of.datagram())
    }
}

fn take(from: &AtomicU64, what: &str) -> Result<(), Unopened> {
    let less = |left: u64| left.checked_sub(1);
    let taken = from.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    taken
        .map(|_| ())
        .map_err(|_| Unopened::Spent(format!("no {what} are left of the plan's bound")))
}

/// What a host's names lead to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// Every name of the host; with no addresses where it was not resolved.
    pub(crate) known: BTreeMap<String, Vec<IpAddr>>,
}

/// The doors.
pub(crate) struct StepDoors {
    pub(crate) gate: Arc<Gate>,
    pub(crate) step: Arc<Step>,
    pub(crate) spot: Spot,
    /// How the spot's address came to us.
    pub(crate) origin: Origin,
    pub(crate) names: Names,
    pub(crate) resolvers: Vec<IpAddr>,
    pub(crate) budget: Arc<Budget>,
    /// When the probe is to be done; put off by every wait for a turn.
    pub(crate) deadline: Mutex<Instant>,
    /// What an earlier run has settled already.
    pub(crate) settled: Settled,
    /// Ports by which a resolved address is tried against the scope.
    pub(crate) ports: Vec<u16>,
    /// Takes what a sweep has settled since the last time.
    pub(crate) part: Box<dyn Fn(PortsSaw) -> Result<(), Unopened> + Send + Sync>,
}

impl StepDoors {
    /// When the probe is to be done.
    pub(crate) fn deadline(&self) -> Instant {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host, as the pace counts.
    pub(crate) fn payer(&self) -> Payer {
        Payer::Host(self.spot.host.0.clone())
    }

    /// The wish to reach a port of an address.
    pub(crate) fn want(&self, address: IpAddr, origin: Origin, port: u16) -> Want {
        Want {
            host: self.spot.host.clone(),
            address,
            origin,
            transport: TCP,
            port,
            class: self.step.class,
        }
    }

    /// Waits for a turn; the wait is not the peer's, so the deadline is put off by it.
    pub(crate) async fn turn(&self) -> Result<Ticket, Unopened> {
        let begun = instant();
        let ticket = self.gate.turn(&self.payer(), Kind::Connection).await?;
        let mut deadline = self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        *deadline += instant().saturating_duration_since(begun);
        Ok(ticket)
    }

    /// Asks the scope; a refusal goes into the book, once for each place.
    ///
    /// # Errors
    /// `Refused` with the rule.
    fn allowed(&self, want: &Want) -> Result<(), Unopened> {
        self.gate.scope.allows(want, self.gate.now()).map_err(|refusal| {
            let spot = Spot {
                address: Some(want.address),
                service: Some((Transport::Tcp, want.port)),
                ..self.spot.clone()
            };
            match self.refused(spot, &refusal.rule) {
                Ok(()) => Unopened::Refused(refusal.rule),
                Err(stopped) => stopped,
            }
        })
    }

    /// Writes a refusal into the book.
    ///
    /// # Errors
    /// `Stopped`, when the journal fails.
    pub(crate) fn refused(&self, spot: Spot, rule: &str) -> Result<(), Unopened> {
        let (step, at) = (self.step.id, self.gate.now());
        self.gate.write(&Row::Refused { step, spot, rule: rule.to_owned(), at })
    }

    async fn open_one(&self, how: Opening) -> Result<Talk, Unopened> {
        let (address, origin) = match (&how.elsewhere, self.spot.address) {
            (Some((address, _)), home) if Some(*address) != home => (*address, Origin::Redirected),
            (_, Some(home)) => (home, self.origin),
            (_, None) => return Err(Unopened::Ours("the spot has no address".into())),
        };
        let want = self.want(address, origin, how.port);
        self.allowed(&want)?;
        self.in_time()?;
        self.budget.connection()?;
        let ticket = self.turn().await?;
        let permit = self.gate.scope.permit(&want, self.gate.now());
        let permit = permit.map_err(|refusal| Unopened::Refused(refusal.rule))?;
        let budgets = self.gate.world.budgets;
        let deadline = self.deadline().min(instant() + budgets.talk);
        let patience = budgets.connect.min(deadline.saturating_duration_since(instant()));
        let dialling = How {
            step: Some(self.step.id),
            patience,
            silent_after: None,
            source_port: how.source_port,
            ttl: how.ttl,
        };
        let connected = dial(&self.gate, permit, ticket, dialling).await?;
        let terms = Terms { deadline, most: budgets.hear, clock: instant };
        let held = Box::new(connected.ticket);
        Ok(Talk::new(Box::new(connected.stream), terms, Some(held)))
    }

    /// Refuses once the step's time is used up.
    fn in_time(&self) -> Result<(), Unopened> {
        if instant() >= self.deadline() {
            return Err(Unopened::Spent("the step's time is used up".into()));
        }
        Ok(())
    }

    async fn resolve_one(&self, name: &str) -> Result<NamesSaw, Unopened> {
        let budget = &self.budget;
        let mut saw =
            super::resolve::resolve(&self.gate, &self.resolvers, name, self.step.id, budget)
                .await?;
        for address in answered(&saw) {
            if let Err(rule) = self.tried(address) {
                let spot = Spot { address: Some(address), ..self.spot.clone() };
                self.refused(spot, &rule)?;
                saw.refused.push((address, rule));
            }
        }
        Ok(saw)
    }

    /// Whether the scope lets us reach a resolved address, by any of the ports that are to be asked.
    fn tried(&self, address: IpAddr) -> Result<(), String> {
        let now = self.gate.now();
        let mut first = None;
        for port in &self.ports {
            match self.gate.scope.allows(&self.want(address, Origin::Resolved, *port), now) {
                Ok(()) => return Ok(()),
                Err(refusal) => first = first.or(Some(refusal.rule)),
            }
        }
        first.map_or(Ok(()), Err)
    }
}

/// All addresses of an answer.
pub(crate) fn answered(saw: &NamesSaw) -> Vec<IpAddr> {
    let of = |answer: &Answered<Vec<IpAddr>>| match answer {
        Answered::Yes(addresses) => addresses.clone(),
        Answered::No(_) => Vec::new(),
    };
    of(&saw.v4).into_iter().chain(of(&saw.v6)).collect()
}

impl Doors for StepDoors {
    fn open(&self, how: Opening) -> Soon<'_, Result<Talk, Unopened>> {
        Box::pin(self.open_one(how))
    }

    fn resolve<'a>(&'a self, name: &'a str) -> Soon<'a, Result<NamesSaw, Unopened>> {
        Box::pin(self.resolve_one(name))
    }

    fn sweep<'a>(&'a self, ports: &'a [u16]) -> Soon<'a, Result<PortsSaw, Unopened>> {
        Box::pin(sweep::sweep(self, ports))
    }

    fn whereabouts(&self, name: &str) -> Result<IpAddr, String> {
        let stranger = || format!("{name} is no name of {} in the inventory", self.spot.host);
        let addresses = self.names.known.get(name).ok_or_else(stranger)?;
        match self.spot.address {
            Some(home) if addresses.is_empty() || addresses.contains(&home) => Ok(home),
            home => {
                let same =
                    addresses.iter().find(|a| home.is_none_or(|h| h.is_ipv4() == a.is_ipv4()));
                same.or(addresses.first()).copied().ok_or_else(stranger)
            }
        }
    }
}
