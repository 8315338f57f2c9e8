//! The steps for one host.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::inventory::Host;
use crate::model::net::{CheckId, Transport, port_ranges};
use crate::model::plan::{Bound, Class, ECHOES, Over, Step, Untested, When};
use crate::probe::{Ask, Probe, Reach};
use crate::scope::{Origin, Refusal, Want};

use super::bounds;
use super::{ADDRESSES_RESOLVED_AT_MOST, Inputs, PORTS_EXAMINED_AT_MOST};

/// What is planned for one host, and what is not.
pub(super) struct OfHost {
    pub(super) steps: Vec<Step>,
    pub(super) untested: Vec<Untested>,
}

/// The steps for one host, in the order of the probes; their ids are given later.
pub(super) fn steps(inputs: &Inputs<'_>, host: &Host) -> OfHost {
    let here = Here { inputs, host, ports: ports(inputs, host) };
    let places: BTreeMap<&str, Places> =
        inputs.probes.iter().map(|probe| (&*probe.name, here.places(probe))).collect();
    let mut reasons: BTreeMap<&str, BTreeSet<&CheckId>> = BTreeMap::new();
    let mut refused: BTreeSet<&str> = BTreeSet::new();
    for asked in inputs.checks.iter().filter(|asked| asked.is_for(host)) {
        for probe in inputs.probes.iter().filter(|probe| asked.probes.contains(&*probe.name)) {
            let chain = || here.before(probe).into_iter().chain([&*probe.name]);
            refused.extend(chain());
            let open = |name| places.get(name).is_none_or(|places| places.open.is_some());
            if chain().all(open) {
                chain().for_each(|name| {
                    reasons.entry(name).or_default().insert(&asked.check);
                });
            }
        }
    }
    let mut steps = Vec::new();
    for probe in inputs.probes {
        let Some(checks) = reasons.get(&*probe.name) else { continue };
        let Some(open) = places.get(&*probe.name).and_then(|places| places.open.as_deref()) else {
            continue;
        };
        let Some((over, times)) = here.over(probe, open) else { continue };
        steps.push(Step {
            id: 0,
            host: host.id.clone(),
            probe: probe.name.clone().into_owned(),
            over,
            when: probe.when,
            class: probe.class,
            asked_by: checks.iter().map(|check| (*check).clone()).collect(),
            bound: here.bound(probe, times),
        });
    }
    let untested = inputs.probes.iter().filter(|probe| refused.contains(&*probe.name));
    let untested = untested
        .filter_map(|probe| places.get(&*probe.name))
        .flat_map(|places| places.refused.iter().cloned());
    OfHost { steps, untested: untested.collect() }
}

/// The TCP ports to ask of a host: the profile's, and those that are declared where they are wanted, in rising order.
fn ports(inputs: &Inputs<'_>, host: &Host) -> Vec<u16> {
    let declared = host.exposure.iter().filter(|_| inputs.declared).map(|door| door.port);
    let declared = declared.filter(|port| port.transport == Transport::Tcp).map(|port| port.port);
    let all: BTreeSet<u16> = inputs.ports.iter().copied().chain(declared).collect();
    all.into_iter().collect()
}

/// Where a probe may go on a host.
struct Places {
    /// The written addresses that the scope permits, none where names decide; `None` when it may go nowhere.
    open: Option<Vec<IpAddr>>,
    refused: Vec<Untested>,
}

/// One host, while its steps are planned.
struct Here<'a> {
    inputs: &'a Inputs<'a>,
    host: &'a Host,
    ports: Vec<u16>,
}

impl Here<'_> {
    /// The probes whose answers decide where this one goes: their steps come first.
    fn before(&self, probe: &Probe) -> Vec<&'static str> {
        let resolved = probe.over != Reach::Name && self.host.addresses.is_empty();
        let first: &[&str] = match probe.when {
            // By the sweep it is known whether the address answers at all, without which silence says nothing.
            When::Always if probe.over == Reach::Port => &["tcp"],
            When::Always => &[],
            When::Open => &["tcp"],
            When::Silent => &["tcp", "greeting"],
            When::SilentOrTls => &["tcp", "greeting", "tls"],
        };
        resolved.then_some("names").into_iter().chain(first.iter().copied()).collect()
    }

    /// Asks the scope where the probe may go.
    fn places(&self, probe: &Probe) -> Places {
        let mut places = Places { open: Some(Vec::new()), refused: Vec::new() };
        if let Some(why) = self.too_strong(probe) {
            places.refused.push(self.untested(probe, None, why));
            places.open = None;
            return places;
        }
        if probe.over == Reach::Name || self.host.addresses.is_empty() {
            if let Err(refused) = self.resolves() {
                places.refused.push(self.untested(probe, None, refused.rule));
                places.open = None;
            }
            return places;
        }
        let mut open = Vec::new();
        for address in &self.host.addresses {
            match self.allows(probe, *address) {
                Ok(()) => open.push(*address),
                Err(rule) => places.refused.push(self.untested(probe, Some(*address), rule)),
            }
        }
        places.open = (!open.is_empty()).then_some(open);
        places
    }

    /// What the scope says to asking for the host's names; a host without any asks for nothing.
    fn resolves(&self) -> Result<(), Refusal> {
        if self.host.names.is_empty() { Ok(()) } else { (self.inputs.resolves)(&self.host.id) }
    }

    /// What forbids the probe everywhere on this host, whatever the address.
    fn too_strong(&self, probe: &Probe) -> Option<String> {
        if self.host.fragile && probe.class > Class::Connect {
            return Some(format!("{} is fragile: it gets connects and nothing else", self.host.id));
        }
        (probe.class > self.inputs.class)
            .then(|| format!("the profile {} wants no probe as strong", self.inputs.profile))
    }

    /// What the scope says to the probe at an address. Leave is given for addresses, never for some of their ports, so
    /// that asking for one is enough; at the socket every port is asked for again.
    fn allows(&self, probe: &Probe, address: IpAddr) -> Result<(), String> {
        let (transport, ports) = self.goes_to(probe);
        let port = ports.first().copied().ok_or("the profile and the inventory name no port")?;
        let want = Want {
            host: self.host.id.clone(),
            address,
            origin: Origin::Written,
            transport,
            port,
            class: probe.class,
        };
        (self.inputs.allows)(&want).map_err(|refused| refused.rule)
    }

    /// The ports that a probe goes to, as far as they are its own and not found out by others.
    fn goes_to(&self, probe: &Probe) -> (Transport, Vec<u16>) {
        let own = self.inputs.guide.and_then(|guide| guide.asking(&probe.name));
        let own = own.filter(|_| probe.over == Reach::Port);
        own.map_or_else(
            || (Transport::Tcp, self.ports.clone()),
            |asking| {
                let udp = asking.medium.is_datagrams();
                let transport = if udp { Transport::Udp } else { Transport::Tcp };
                (transport, asking.ports.clone())
            },
        )
    }

    /// The ports behind which a recipe may find what it is about, or to which a plug-in goes; none for every other probe.
    fn doors(&self, probe: &Probe) -> Option<Vec<u16>> {
        if let Ask::Plugin(plugin) = &probe.ask {
            return Some(plugin.ports_among(&self.ports));
        }
        let guide = self.inputs.guide?;
        let found = matches!(probe.over, Reach::Service | Reach::Site);
        guide.asking(&probe.name).filter(|_| found)?;
        Some(guide.ports(&probe.name, &self.host.id, Transport::Tcp, &self.ports))
    }

    fn untested(&self, probe: &Probe, address: Option<IpAddr>, why: String) -> Untested {
        Untested {
            host: self.host.id.clone(),
            probe: probe.name.clone().into_owned(),
            address,
            why,
        }
    }

    /// The worst case of a probe's step. Where somebody is looked for, echo requests come with it.
    fn bound(&self, probe: &Probe, times: u64) -> Bound {
        let mut bound = bounds::step(probe, times, self.inputs.limits, self.ports.len());
        if probe.over == Reach::Address && self.host.unlisted {
            bound.datagrams += ECHOES * self.host.addresses.len() as u64;
        }
        bound
    }

    /// What the step goes over, and how many times its probe's bound fits into that at most; none when there is nothing
    /// to go over. The bound of a probe over addresses is for each port.
    fn over(&self, probe: &Probe, written: &[IpAddr]) -> Option<(Over, u64)> {
        let ports = self.ports.len() as u64;
        let resolved_at_most = match (written, self.host.names.as_slice()) {
            ([], [_, ..]) => ADDRESSES_RESOLVED_AT_MOST,
            _ => 0,
        };
        let addresses = written.len() as u64 + u64::from(resolved_at_most);
        let at_most = PORTS_EXAMINED_AT_MOST.min(u32::try_from(ports).unwrap_or(u32::MAX));
        let services = u64::from(at_most) * addresses;
        let names = self.host.names.clone();
        if let Some(ports) = self.doors(probe) {
            let at_most = at_most.min(u32::try_from(ports.len()).unwrap_or(u32::MAX));
            let names = if probe.over == Reach::Site { names } else { Vec::new() };
            let times = u64::from(at_most) * addresses * names.len().max(1) as u64;
            let over = Over::Door { ports: port_ranges(&ports), at_most, names };
            // Without any port it still stands in the plan: that nothing is asked there was decided, not forgotten.
            return Some((over, times));
        }
        let (over, times) = match probe.over {
            Reach::Name => (Over::Name { names: names.clone() }, names.len() as u64),
            Reach::Address => {
                let ranges = port_ranges(&self.ports);
                let written = written.to_vec();
                let over = Over::Address {
                    written,
                    resolved_at_most,
                    ports: ranges,
                    by_connect: self.host.fragile,
                    usual_first: self.host.unlisted,
                };
                (over, ports * addresses)
            }
            Reach::Service => (Over::Service { at_most }, services),
            Reach::Site => {
                let each = names.len().max(1) as u64;
                (Over::Site { at_most, names }, services * each)
            }
            Reach::Port => {
                let (transport, own) = self.goes_to(probe);
                let guide = self.inputs.guide?;
                let own = guide.ports(&probe.name, &self.host.id, transport, &own);
                let (ports, written) = (port_ranges(&own), written.to_vec());
                let over = Over::Port { transport, ports, written, resolved_at_most };
                return Some((over, own.len() as u64 * addresses));
            }
        };
        (times > 0).then_some((over, times))
    }
}
