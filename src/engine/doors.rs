//! The doors of one step on one spot: what its probe may open, within its bounds of packets and of time.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::allowance::Allowance;
use super::dial::{How, TCP, dial};
use super::examine::examine;
use super::gate::{Gate, Ticket};
use super::pace::Kind;
use super::post;
use super::programs;
use super::resolve::{Question, resolve};
use super::settled::Settled;
use super::world::instant;
use crate::model::net::Transport;
use crate::model::observation::Spot;
use crate::model::plan::{Bound, Step};
use crate::model::record::Row;
use crate::model::saw::{Answered, NamesSaw, PortsSaw};
use crate::plugins::Plugin;
use crate::scope::{Origin, Want};
use crate::talk::{Datagrams, Doors, Opening, Ran, Soon, Talk, Terms, Unopened};

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
    /// The host's addresses, as far as they are known.
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) resolvers: Vec<IpAddr>,
    pub(crate) budget: Arc<Budget>,
    /// How long the probe may take; no wait for a turn counts.
    pub(crate) allowance: Arc<Allowance>,
    /// When the scan's own time is used up.
    pub(crate) latest: Instant,
    /// How long one conversation may take.
    pub(crate) talk: Duration,
    /// How many bytes are heard in one conversation.
    pub(crate) hear: usize,
    /// How long the probe has waited for turns, in milliseconds.
    pub(crate) waited: AtomicU64,
    /// What an earlier run has settled already.
    pub(crate) settled: Settled,
    /// Ports by which a resolved address is tried against the scope.
    pub(crate) ports: Vec<u16>,
    /// Takes what a sweep has settled since the last time.
    pub(crate) part: Box<dyn Fn(PortsSaw) -> Result<(), Unopened> + Send + Sync>,
}

impl StepDoors {
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

    /// Waits for a turn to send something to that address; the wait is not the peer's, so the probe's time stands still.
    pub(crate) async fn turn(&self, to: IpAddr, kind: Kind) -> Result<Ticket, Unopened> {
        let begun = instant();
        let _waits = self.allowance.wait();
        let ticket = self.gate.turn(to, kind, self.latest).await?;
        let waited = instant().saturating_duration_since(begun);
        let millis = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        self.waited.fetch_add(millis, Ordering::Relaxed);
        Ok(ticket)
    }

    /// Asks the scope; a refusal goes into the book, once for each place.
    ///
    /// # Errors
    /// `Refused` with the rule.
    pub(super) fn allowed(&self, want: &Want) -> Result<(), Unopened> {
        self.gate.scope.allows(want, self.gate.now()).map_err(|refusal| {
            let spot = Spot {
                address: Some(want.address),
                service: Some((want.transport, want.port)),
                ..self.spot.clone()
            };
            match self.refused(spot, &refusal.rule) {
                Ok(()) => self.gate.refused(Some(want), refusal),
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
        self.at_home(address, how.port)?;
        let want = self.want(address, origin, how.port);
        self.allowed(&want)?;
        self.in_time()?;
        self.budget.connection()?;
        let ticket = self.turn(address, Kind::Connection).await?;
        let permit = self.gate.scope.permit(&want, self.gate.now());
        let permit = permit.map_err(|refusal| self.gate.refused(Some(&want), refusal))?;
        let budgets = self.gate.world.budgets;
        let deadline = self.allowance.end().min(instant() + self.talk);
        let patience = budgets.connect.min(deadline.saturating_duration_since(instant()));
        let dialling =
            How { step: Some(self.step.id), patience, source_port: how.source_port, ttl: how.ttl };
        let connected = dial(&self.gate, permit, ticket, dialling).await?;
        let terms = Terms { deadline, most: self.hear, clock: instant };
        let held = Box::new(connected.ticket);
        Ok(Talk::new(Box::new(connected.stream), terms, Some(held)))
    }

    /// Refuses what a peer sends us to beside its own host; that goes into the book.
    ///
    /// # Errors
    /// `Refused` with the rule.
    fn at_home(&self, address: IpAddr, port: u16) -> Result<(), Unopened> {
        let Some(rule) = strays(&self.spot, &self.addresses, &self.ports, (address, port)) else {
            return Ok(());
        };
        let service = Some((Transport::Tcp, port));
        let spot = Spot { address: Some(address), service, ..self.spot.clone() };
        self.refused(spot, &rule)?;
        Err(Unopened::Refused(rule))
    }

    /// Refuses once the step's time is used up.
    pub(super) fn in_time(&self) -> Result<(), Unopened> {
        if instant() >= self.allowance.end() {
            return Err(Unopened::Spent("the step's time is used up".into()));
        }
        Ok(())
    }

    async fn resolve_one(&self, name: &str) -> Result<NamesSaw, Unopened> {
        let question = Question {
            gate: &self.gate,
            resolvers: &self.resolvers,
            host: &self.spot.host,
            step: self.step.id,
            budget: &self.budget,
            allowance: &self.allowance,
            latest: self.latest,
        };
        let mut saw = resolve(question, name).await?;
        for address in answered(&saw) {
            if let Some(rule) = self.tried(address)? {
                let spot = Spot { address: Some(address), ..self.spot.clone() };
                self.refused(spot, &rule)?;
                saw.refused.push((address, rule));
            }
        }
        Ok(saw)
    }

    /// The rule by which the scope does not let us reach a resolved address by any of the ports that are to be asked.
    ///
    /// # Errors
    /// `Stopped`, when it is only too late.
    fn tried(&self, address: IpAddr) -> Result<Option<String>, Unopened> {
        let now = self.gate.now();
        let mut first = None;
        for port in &self.ports {
            let want = self.want(address, Origin::Resolved, *port);
            let Err(refusal) = self.gate.scope.allows(&want, now) else { return Ok(None) };
            match self.gate.refused(Some(&want), refusal) {
                Unopened::Refused(rule) => first = first.or(Some(rule)),
                stopped => return Err(stopped),
            }
        }
        Ok(first)
    }
}

/// Why a place is none of the spot's own host: an address that is not known to be the host's, or a port that the plan
/// does not ask and that is no web's. Leave for a network is no leave for a peer to choose whom in it we ask.
fn strays(spot: &Spot, addresses: &[IpAddr], ports: &[u16], to: (IpAddr, u16)) -> Option<String> {
    let (address, port) = (to.0.to_canonical(), to.1);
    let own = spot.address.iter().chain(addresses).any(|own| own.to_canonical() == address);
    if !own {
        return Some(format!("{address} is no known address of {}", spot.host));
    }
    let asked = spot.service.is_some_and(|(_, own)| own == port) || ports.contains(&port);
    let web = matches!(port, 80 | 443);
    (!asked && !web).then(|| format!("port {port} of {} is none that the plan asks", spot.host))
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

    fn datagrams(&self, port: u16, tries: u32) -> Result<Datagrams<'_>, Unopened> {
        post::open(self, port, tries)
    }

    fn run<'a>(&'a self, plugin: &'a Plugin, line: &'a str) -> Soon<'a, Result<Ran, Unopened>> {
        Box::pin(programs::run(self, plugin, line))
    }

    fn waited(&self) -> Duration {
        Duration::from_millis(self.waited.load(Ordering::Relaxed))
    }

    fn resolve<'a>(&'a self, name: &'a str) -> Soon<'a, Result<NamesSaw, Unopened>> {
        Box::pin(self.resolve_one(name))
    }

    fn sweep<'a>(
        &'a self,
        transport: Transport,
        ports: &'a [u16],
    ) -> Soon<'a, Result<PortsSaw, Unopened>> {
        Box::pin(examine(self, transport, ports))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::net::HostId;

    #[test]
    fn a_peer_sends_us_to_its_own_host_and_ports_only() {
        let ip = |text: &str| -> IpAddr { text.parse().expect("an address") };
        let spot = Spot {
            host: HostId("web1".into()),
            address: Some(ip("192.0.2.10")),
            service: Some((Transport::Tcp, 8080)),
            name: None,
        };
        let own = [ip("192.0.2.10"), ip("2001:db8::10")];
        let goes = |to: &str, port| strays(&spot, &own, &[22, 8443], (ip(to), port));
        for (to, port) in [
            ("192.0.2.10", 8080),
            ("192.0.2.10", 443),
            ("2001:db8::10", 80),
            ("::ffff:192.0.2.10", 8443),
        ] {
            assert_eq!(goes(to, port), None, "{to} {port}");
        }
        let refused = |words: &str| Some(words.to_owned());
        assert_eq!(goes("192.0.2.20", 80), refused("192.0.2.20 is no known address of web1"));
        let printer = refused("port 9100 of web1 is none that the plan asks");
        assert_eq!(goes("192.0.2.10", 9100), printer);
    }
}
