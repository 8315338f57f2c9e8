//! What is known of a host so far, and on which spots the next step goes from there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::engine::doors::{Names, answered};
use crate::engine::settled;
use crate::model::net::{HostId, Transport, parse_port_ranges};
use crate::model::observation::Spot;
use crate::model::plan::{Over, Step, When};
use crate::model::record::End;
use crate::model::saw::{Answered, GreetingSaw, NamesSaw, PortState, PortsSaw, TlsSaw};
use crate::scope::Origin;

/// What is known of a host.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Its names, with what they resolved to.
    pub(super) names: Names,
    /// Addresses that the scope refused, with the rule.
    refused: BTreeMap<IpAddr, String>,
    /// Why names led nowhere.
    nowhere: Vec<String>,
    /// Its addresses, and how each came to us.
    origins: BTreeMap<IpAddr, Origin>,
    /// Open ports.
    open: BTreeMap<IpAddr, Vec<u16>>,
    /// Addresses of which some port answered.
    alive: BTreeSet<IpAddr>,
    /// Services that spoke by themselves.
    spoke: BTreeSet<(IpAddr, u16)>,
    /// What TLS showed, by service.
    tls: BTreeMap<(IpAddr, u16), Tls>,
}

/// What handshakes with a service showed, whatever the name.
#[derive(Clone, Copy, Debug, Default)]
struct Tls {
    speaks: Option<bool>,
    agreed: bool,
}

/// A spot with what is to be done there.
#[derive(Debug)]
pub(super) enum Next {
    /// Ask.
    Ask(Spot),
    /// Do not, and write so.
    Leave(Spot, End),
}

impl Known {
    /// A host with the names that its steps speak of.
    pub(super) fn of(steps: &[std::sync::Arc<Step>]) -> Self {
        let mut known = Self::default();
        for step in steps {
            if let Over::Name { names } | Over::Site { names, .. } | Over::Door { names, .. } =
                &step.over
            {
                for name in names {
                    known.names.known.entry(name.to_ascii_lowercase()).or_default();
                }
            }
        }
        known
    }

    /// How the address came to us.
    pub(super) fn origin(&self, address: Option<IpAddr>) -> Origin {
        address.and_then(|address| self.origins.get(&address)).copied().unwrap_or(Origin::Resolved)
    }

    /// The host's addresses that the scope has not refused.
    pub(super) fn addresses_so_far(&self) -> Vec<IpAddr> {
        self.origins.keys().copied().collect()
    }

    /// Whether some TCP port of the address answered.
    pub(super) fn is_alive(&self, address: Option<IpAddr>) -> bool {
        address.is_some_and(|address| self.alive.contains(&address))
    }

    /// Whether the service encrypts, as far as is known.
    pub(super) fn encrypted(&self, spot: &Spot) -> Option<bool> {
        let at = (spot.address?, spot.service?.1);
        self.tls.get(&at).and_then(|tls| if tls.agreed { Some(true) } else { tls.speaks })
    }

    /// Learns from what a probe saw.
    pub(super) fn learn(&mut self, probe: &str, spot: &Spot, saw: &serde_json::Value) {
        match probe {
            "names" => {
                if let Ok(saw) = serde_json::from_value(saw.clone()) {
                    self.learn_names(&saw);
                }
            }
            "tcp" => self.learn_ports(spot, saw),
            "greeting" => {
                let spoke = serde_json::from_value::<GreetingSaw>(saw.clone());
                if spoke.is_ok_and(|saw| saw.said.is_some()) {
                    self.spoke.extend(spot.address.zip(spot.service.map(|(_, port)| port)));
                }
            }
            "tls" => self.learn_tls(spot, saw),
            _ => {}
        }
    }

    fn learn_names(&mut self, saw: &NamesSaw) {
        let refused: BTreeMap<IpAddr, String> = saw.refused.iter().cloned().collect();
        let mut addresses = answered(saw);
        addresses.retain(|address| !refused.contains_key(address));
        for address in &addresses {
            self.origins.entry(*address).or_insert(Origin::Resolved);
        }
        if addresses.is_empty() {
            let why = match (&saw.v4, &saw.v6) {
                _ if !refused.is_empty() => "every address is refused".to_owned(),
                (Answered::No(why), _) | (_, Answered::No(why)) => why.clone(),
                _ => "it has no address".to_owned(),
            };
            self.nowhere.push(format!("{}: {why}", saw.name));
        }
        self.refused.extend(refused);
        self.names.known.insert(saw.name.to_ascii_lowercase(), addresses);
    }

    fn learn_ports(&mut self, spot: &Spot, saw: &serde_json::Value) {
        let Some(address) = spot.address else { return };
        let Ok(saw) = serde_json::from_value::<PortsSaw>(saw.clone()) else { return };
        let open = self.open.entry(address).or_default();
        if saw.states.iter().any(|run| run.state.is_answer(run.reason.as_ref())) {
            self.alive.insert(address);
        }
        let states = settled::settled(&saw).into_iter();
        open.extend(
            states.filter(|(_, (state, _))| *state == PortState::Open).map(|(port, _)| port),
        );
        open.sort_unstable();
        open.dedup();
    }

    fn learn_tls(&mut self, spot: &Spot, saw: &serde_json::Value) {
        let Some(at) = spot.address.zip(spot.service.map(|(_, port)| port)) else { return };
        let Ok(saw) = serde_json::from_value::<TlsSaw>(saw.clone()) else { return };
        let tls = self.tls.entry(at).or_default();
        tls.agreed |= saw.tried.iter().any(|tried| tried.agreed.is_some());
        tls.speaks = match (tls.speaks, saw.speaks) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (before, now) => now.or(before),
        };
    }

    /// The spots of a step, in order.
    pub(super) fn spots(&mut self, step: &Step) -> Vec<Next> {
        let spot =
            |address, service, name| Spot { host: step.host.clone(), address, service, name };
        match &step.over {
            Over::Name { names } => {
                names.iter().map(|name| Next::Ask(spot(None, None, Some(name.clone())))).collect()
            }
            Over::Address { written, resolved_at_most, .. } => {
                self.addresses(&step.host, written, *resolved_at_most)
            }
            Over::Service { at_most } => self.services(step, *at_most, &[], &|_| true),
            Over::Site { at_most, names } => self.services(step, *at_most, names, &|_| true),
            Over::Door { ports, at_most, names } => {
                let ports: BTreeSet<u16> =
                    parse_port_ranges(ports).unwrap_or_default().into_iter().collect();
                self.services(step, *at_most, names, &|port| ports.contains(&port))
            }
            Over::Port { transport, ports, written, resolved_at_most } => {
                let ports = parse_port_ranges(ports).unwrap_or_default();
                let addresses = self.addresses(&step.host, written, *resolved_at_most);
                each_port(addresses, *transport, &ports)
            }
        }
    }

    fn addresses(&mut self, host: &HostId, written: &[IpAddr], resolved_at_most: u32) -> Vec<Next> {
        let spot = |address| Spot { host: host.clone(), address, service: None, name: None };
        let untested = |why: &str| End::NotTested { why: why.to_owned() };
        for address in written {
            self.origins.insert(*address, Origin::Written);
        }
        let mut next: Vec<Next> =
            written.iter().map(|address| Next::Ask(spot(Some(*address)))).collect();
        if resolved_at_most == 0 {
            return next;
        }
        let resolved = self.origins.iter().filter(|(_, origin)| **origin == Origin::Resolved);
        for (at, (address, _)) in (0..).zip(resolved) {
            next.push(if at < resolved_at_most {
                Next::Ask(spot(Some(*address)))
            } else {
                let why = format!("more than {resolved_at_most} addresses");
                Next::Leave(spot(Some(*address)), untested(&why))
            });
        }
        for (address, rule) in &self.refused {
            next.push(Next::Leave(spot(Some(*address)), untested(rule)));
        }
        if next.is_empty() {
            let why = format!("no address is known ({})", self.nowhere.join("; "));
            next.push(Next::Leave(spot(None), untested(&why)));
        }
        next
    }

    /// Every open port of every address that is `wanted`, with every name; none of `names` means the address itself.
    fn services(
        &self,
        step: &Step,
        at_most: u32,
        names: &[String],
        wanted: &dyn Fn(u16) -> bool,
    ) -> Vec<Next> {
        let host = &step.host;
        let mut next = Vec::new();
        for (address, open) in &self.open {
            let ports: Vec<u16> = open.iter().copied().filter(|port| wanted(*port)).collect();
            let here =
                Spot { host: host.clone(), address: Some(*address), service: None, name: None };
            if ports.is_empty() {
                let none = if open.is_empty() {
                    "no port is open"
                } else {
                    "no port is open that it is about"
                };
                let why = none.to_owned();
                next.push(Next::Leave(here.clone(), End::NotNeeded { why }));
            }
            for (at, port) in (0..).zip(&ports) {
                let here = Spot { service: Some((Transport::Tcp, *port)), ..here.clone() };
                if at >= at_most {
                    let why = format!("more than {at_most} ports of the address are open");
                    next.push(Next::Leave(here, End::NotTested { why }));
                    continue;
                }
                let with = |name: &String| Spot { name: Some(name.clone()), ..here.clone() };
                let bare = names.is_empty().then_some(here.clone());
                let spots = names.iter().map(with).chain(bare);
                next.extend(spots.map(|spot| self.service(step, *address, *port, spot)));
            }
        }
        if next.is_empty() {
            let here = Spot { host: host.clone(), address: None, service: None, name: None };
            let why = "no address was asked for its ports".to_owned();
            next.push(Next::Leave(here, End::NotTested { why }));
        }
        next
    }

    /// What to do at one service: whether the step's condition holds, and the name leads here.
    fn service(&self, step: &Step, address: IpAddr, port: u16, spot: Spot) -> Next {
        let resolved = spot.name.as_ref().and_then(|name| {
            self.names.known.get(&name.to_ascii_lowercase()).filter(|all| !all.is_empty())
        });
        let written = self.origins.get(&address) == Some(&Origin::Written);
        if !written && resolved.is_some_and(|all| !all.contains(&address)) {
            let why = "the name does not resolve to this address".to_owned();
            return Next::Leave(spot, End::NotNeeded { why });
        }
        let spoke = self.spoke.contains(&(address, port));
        let tls = self.tls.get(&(address, port)).copied().unwrap_or_default();
        let why = match step.when {
            When::Silent | When::SilentOrTls if spoke => "the service speaks by itself",
            When::SilentOrTls if tls.speaks == Some(true) && !tls.agreed => {
                "no TLS handshake succeeded"
            }
            _ => return Next::Ask(spot),
        };
        Next::Leave(spot, End::NotNeeded { why: why.to_owned() })
    }
}

/// Every one of those ports at every address that is asked.
fn each_port(addresses: Vec<Next>, transport: Transport, ports: &[u16]) -> Vec<Next> {
    let mut next = Vec::new();
    for address in addresses {
        match address {
            Next::Ask(here) => {
                let at = |port: &u16| Spot { service: Some((transport, *port)), ..here.clone() };
                next.extend(ports.iter().map(|port| Next::Ask(at(port))));
            }
            leave @ Next::Leave(..) => next.push(leave),
        }
    }
    next
}
