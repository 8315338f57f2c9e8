//! What every kind of fact about a host stands on: its addresses, its ports, and what is missing of both.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::portset::PortSet;
use super::seen::{Gap, HostSeen, Sight, Standing};
use super::sweep::{Sweep, cut_in_words, ranges};
use super::voice::{Voice, voices};
use crate::inventory::{DeclaredPort, Exposure, Host, Inventory, Vantage, VantageKind};
use crate::model::moment::Moment;
use crate::model::net::{Transport, port_ranges};
use crate::model::observation::Spot;
use crate::model::plan::Over;
use crate::model::saw::{Answered, NamesSaw};

/// One host with everything that rows derive facts from.
pub(super) struct Ground<'a> {
    /// The host as declared.
    pub(super) host: &'a Host,
    /// The inventory around it.
    pub(super) inventory: &'a Inventory,
    /// From where it was seen.
    pub(super) from: Standpoint<'a>,
    /// What the book holds of it.
    pub(super) seen: &'a HostSeen<'a>,
    /// When the scan began: the time that ages are counted to.
    pub(super) as_of: Moment,
    /// What the resolvers said, name by name.
    pub(super) names: Vec<(NamesSaw, u64)>,
    /// The addresses that count as the host's, in order: those written, and those resolved that the plan goes to.
    pub(super) addresses: Vec<IpAddr>,
    /// Addresses that its names resolve to and that the scope refuses, each with the rule.
    pub(super) refused: BTreeMap<IpAddr, String>,
    /// The ports of each address that was swept, and the rows of the book they rest on.
    pub(super) sweeps: BTreeMap<IpAddr, (Sweep, Vec<u64>)>,
    /// What each port was heard to speak.
    pub(super) voices: BTreeMap<(IpAddr, u16), Voice>,
    /// What is missing of names, addresses and ports, and of which family: whatever stands on a service may be more than
    /// is known.
    pub(super) gaps: Vec<(Option<Family>, Gap)>,
    /// Why a question without an end has none.
    unfinished: &'a str,
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// RFC 791
    V4,
    /// RFC 8200
    V6,
}

impl Family {
    /// That of an address.
    pub(super) fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// The vantage, as far as declared exposure depends on it.
#[derive(Clone, Copy)]
pub(crate) struct Standpoint<'a> {
    /// Its id.
    pub(super) id: &'a str,
    /// What it sees. One that the inventory does not describe sees what any stranger sees.
    pub(super) kind: VantageKind,
    /// The addresses that packets from there carry.
    pub(super) sources: &'a [IpAddr],
}

impl<'a> Standpoint<'a> {
    /// The vantage of that id.
    pub(crate) fn of(inventory: &'a Inventory, id: &'a str) -> Self {
        let known = |vantage: &&Vantage| vantage.id == id;
        match inventory.vantages.iter().find(known) {
            Some(found) => Self { id, kind: found.kind, sources: &found.sources },
            None => Self { id, kind: VantageKind::Internet, sources: &[] },
        }
    }

    /// Whether a declared exposure is meant for somebody standing here: `internet` is for all, and a zone or a network
    /// for those whose source addresses lie in it. None when that cannot be told, since the inventory gives no source
    /// addresses for this vantage.
    pub(crate) fn is_meant(&self, exposure: &Exposure, inventory: &Inventory) -> Option<bool> {
        let stranger = self.kind == VantageKind::Internet;
        let mut unclear = false;
        for from in &exposure.from {
            if from == "internet" {
                return Some(true);
            }
            let networks = networks(from, inventory);
            if networks.iter().any(|net| self.sources.iter().any(|source| net.contains(source))) {
                return Some(true);
            }
            unclear |= self.sources.is_empty() && !stranger;
        }
        if unclear { None } else { Some(false) }
    }
}

/// The networks that an entry of `from:` stands for.
fn networks(from: &str, inventory: &Inventory) -> Vec<IpNet> {
    if let Some(zone) = inventory.zones.iter().find(|zone| zone.id == from) {
        return zone.networks.clone();
    }
    let address = || from.parse::<IpAddr>().ok().map(IpNet::from);
    from.parse::<IpNet>().ok().or_else(address).into_iter().collect()
}

impl<'a> Ground<'a> {
    /// Puts together what is known of a host.
    pub(super) fn new(
        host: &'a Host,
        inventory: &'a Inventory,
        from: Standpoint<'a>,
        seen: &'a HostSeen<'a>,
        as_of: Moment,
        unfinished: &'a str,
    ) -> Self {
        let names = seen.lasts("names");
        let mut names: Vec<_> =
            names.filter_map(|(_, sight)| Some((sight.read::<NamesSaw>()?, sight.seq))).collect();
        names.sort_by_key(|(_, seq)| *seq);
        let mut ground = Self {
            host,
            inventory,
            from,
            seen,
            as_of,
            names,
            addresses: Vec::new(),
            refused: BTreeMap::new(),
            sweeps: BTreeMap::new(),
            voices: voices(seen),
            gaps: Vec::new(),
            unfinished,
        };
        ground.find_addresses();
        ground.find_ports();
        ground
    }

    /// The place on this host.
    pub(super) fn spot(
        &self,
        address: Option<IpAddr>,
        service: Option<(Transport, u16)>,
        name: Option<&str>,
    ) -> Spot {
        Spot { host: self.host.id.clone(), address, service, name: name.map(str::to_owned) }
    }

    /// How a probe's question to a place ended.
    pub(super) fn standing(&self, probe: &str, spot: &Spot) -> Standing {
        self.seen.standing(probe, spot, self.unfinished)
    }

    /// What asking over UDP came to, place by place: whether something answered, with the reason where that is not known,
    /// and the row of the book. Of several questions to one port an answer counts more than a silence.
    pub(super) fn letters(&self) -> BTreeMap<(IpAddr, u16), Letter> {
        let mut letters: BTreeMap<(IpAddr, u16), Letter> = BTreeMap::new();
        for step in &self.seen.steps {
            let Over::Port { transport: Transport::Udp, .. } = &step.over else { continue };
            for (spot, sight) in self.seen.lasts(&step.probe) {
                let (Some(address), Some((Transport::Udp, port))) = (spot.address, spot.service)
                else {
                    continue;
                };
                let letter = letters.entry((address, port)).or_default();
                letter.read(&sight.what.saw, sight.seq);
            }
        }
        letters
    }

    /// The open TCP ports that were found, address by address.
    pub(super) fn doors(&self) -> impl Iterator<Item = (IpAddr, u16)> {
        self.sweeps
            .iter()
            .flat_map(|(address, (sweep, _))| sweep.open().map(|port| (*address, port)))
    }

    /// What is missing below services, as one gap.
    pub(super) fn gap(&self) -> Option<Gap> {
        Gap::together(self.gaps.iter().map(|(_, gap)| gap.clone()).collect())
    }

    /// What is missing below services over one address family.
    pub(super) fn gap_over(&self, family: Family) -> Option<Gap> {
        let touches = |of: &Option<Family>| of.is_none_or(|of| of == family);
        let gaps = self.gaps.iter().filter(|(of, _)| touches(of));
        Gap::together(gaps.map(|(_, gap)| gap.clone()).collect())
    }

    /// The declaration of a port on this host, if there is one.
    pub(super) fn declared(&self, transport: Transport, port: u16) -> Option<&'a Exposure> {
        let wanted = DeclaredPort { transport, port };
        self.host.exposure.iter().find(|exposure| exposure.port == wanted)
    }

    /// Whether the plan goes to the addresses that names resolve to.
    pub(super) fn follows_names(&self) -> bool {
        self.seen.steps.iter().any(|step| {
            step.probe == "tcp" && matches!(step.over, Over::Address { resolved_at_most: 1.., .. })
        })
    }

    /// A place in words: `443/tcp of 192.0.2.1`, with the server name where there is one.
    pub(super) fn words(&self, spot: &Spot) -> String {
        let words = match (spot.service, spot.address) {
            (Some((transport, port)), Some(address)) => format!("{port}/{transport} of {address}"),
            (_, Some(address)) => address.to_string(),
            _ => self.host.id.to_string(),
        };
        if let Some(name) = &spot.name {
            return format!("{words} ({name})");
        }
        words
    }

    /// What a probe over services was not asked, or not to the end, at the places that it goes to, open ports where
    /// nothing was planned: one gap for each address and reason.
    pub(super) fn unasked(&self, probe: &str) -> Vec<Gap> {
        let steps = || self.seen.steps.iter().filter(|step| step.probe == probe);
        let mut names: Vec<Option<&str>> = Vec::new();
        for step in steps() {
            if let Over::Site { names: planned, .. } | Over::Door { names: planned, .. } =
                &step.over
            {
                names.extend(planned.iter().map(|name| Some(name.as_str())));
            }
        }
        if names.is_empty() {
            names.push(None);
        }
        let mut missing: BTreeMap<(IpAddr, Transport, String), Vec<u16>> = BTreeMap::new();
        let mut places: Vec<_> = steps().flat_map(|step| self.places(&step.over)).collect();
        if steps().next().is_none() {
            places = self.places(&Over::Service { at_most: u32::MAX });
        }
        for (address, transport, port) in places {
            for name in &names {
                let spot = self.spot(Some(address), Some((transport, port)), *name);
                if self.seen.last(probe, &spot).is_some() {
                    continue;
                }
                let why = match self.standing(probe, &spot) {
                    Standing::NotNeeded => continue,
                    Standing::Asked => "the book holds no answer".to_owned(),
                    Standing::Open(gap) => gap.why,
                };
                missing.entry((address, transport, why)).or_default().push(port);
            }
        }
        let gap = |((address, transport, why), ports): (_, Vec<u16>)| {
            Gap::not_tested(format!("{}/{transport} of {address}: {why}", port_ranges(&ports)))
        };
        missing.into_iter().map(gap).collect()
    }

    /// The places that a step over services goes to, as far as its host's addresses and open ports are known.
    fn places(&self, over: &Over) -> Vec<(IpAddr, Transport, u16)> {
        let open = |wanted: &dyn Fn(u16) -> bool| {
            let doors = self.doors().filter(|(_, port)| wanted(*port));
            doors.map(|(address, port)| (address, Transport::Tcp, port)).collect()
        };
        let of = |ports: &str| -> BTreeSet<u16> {
            ranges(ports).flat_map(|(first, last)| first..=last).collect()
        };
        match over {
            Over::Name { .. } | Over::Address { .. } => Vec::new(),
            Over::Service { .. } | Over::Site { .. } => open(&|_| true),
            Over::Door { ports, .. } => {
                let ports = of(ports);
                open(&|port| ports.contains(&port))
            }
            Over::Port { transport, ports, .. } => {
                let ports = of(ports);
                let at = |address: &IpAddr| {
                    let address = *address;
                    ports.iter().map(move |port| (address, *transport, *port)).collect::<Vec<_>>()
                };
                self.addresses.iter().flat_map(at).collect()
            }
        }
    }

    fn find_addresses(&mut self) {
        let follows = self.follows_names() || self.host.addresses.is_empty();
        let mut addresses: BTreeSet<IpAddr> = self.host.addresses.iter().copied().collect();
        addresses.extend(self.seen.sights("tcp").filter_map(|(spot, _)| spot.address));
        for (saw, _) in &self.names {
            for (address, rule) in &saw.refused {
                self.refused.insert(*address, rule.clone());
            }
        }
        if follows {
            for (saw, _) in &self.names {
                for answered in [&saw.v4, &saw.v6] {
                    if let Answered::Yes(found) = answered {
                        let wanted =
                            found.iter().filter(|found| !self.refused.contains_key(*found));
                        addresses.extend(wanted);
                    }
                }
            }
            self.find_name_gaps();
        }
        if addresses.is_empty() && self.gaps.is_empty() {
            let why = "it has no address: none of its names resolves to one";
            self.gaps.push((None, Gap::inconclusive(why)));
        }
        self.addresses = addresses.into_iter().collect();
    }

    /// What is missing of the names that lead to addresses.
    fn find_name_gaps(&mut self) {
        for name in &self.host.names {
            let Some((saw, _)) = self.names.iter().find(|(saw, _)| saw.name == *name) else {
                let spot = self.spot(None, None, Some(name));
                if let Standing::Open(gap) = self.standing("names", &spot) {
                    self.gaps.push((None, gap));
                }
                continue;
            };
            let asked = [(&saw.v4, "A", Family::V4), (&saw.v6, "AAAA", Family::V6)];
            for (answered, kind, family) in asked {
                if let Answered::No(why) = answered {
                    let why = format!("DNS gave no {kind} answer for {name}: {why}");
                    self.gaps.push((Some(family), Gap::inconclusive(why)));
                }
            }
        }
        for (address, rule) in &self.refused {
            let why = format!("{address}, which a name of it resolves to, was not tested: {rule}");
            self.gaps.push((Some(Family::of(*address)), Gap::not_tested(why)));
        }
    }

    fn find_ports(&mut self) {
        for address in self.addresses.clone() {
            let spot = self.spot(Some(address), None, None);
            let sights: Vec<Sight<'a>> = self.seen.all("tcp", &spot).to_vec();
            let sweep = Sweep::of(sights.iter().filter_map(Sight::read));
            let family = Some(Family::of(address));
            if let Standing::Open(gap) = self.standing("tcp", &spot) {
                let why = format!("{address}: {}", gap.why);
                self.gaps.push((family, Gap { why, ..gap }));
            } else if let Some(ports) = self.left_out(&sweep) {
                let why = self.refusal("tcp", address);
                let why = why.as_deref().unwrap_or("they were not asked");
                let why = format!("{ports}/tcp of {address}: {why}");
                self.gaps.push((family, Gap::not_tested(why)));
            }
            if let Some((unsettled, reason)) = sweep.unsettled() {
                let reason = reason.map_or("no clear answer".to_owned(), cut_in_words);
                let why = format!("{unsettled}/tcp of {address}: {reason}");
                self.gaps.push((family, Gap::inconclusive(why)));
            }
            if sweep.asked().len() > 0 && !sweep.is_answered() {
                self.gaps.push((family, Gap::inconclusive(silent(address))));
            }
            if !sights.is_empty() {
                self.sweeps.insert(address, (sweep, telling(&sights)));
            }
        }
    }

    /// The rule of the scope that refused a probe at an address or at a port of it.
    pub(super) fn refusal(&self, probe: &str, address: IpAddr) -> Option<String> {
        self.seen.refusal(probe, Some(address))
    }

    /// The ports that the plan asks and of which the book has no state although the sweep came to its end.
    fn left_out(&self, sweep: &Sweep) -> Option<String> {
        let mut planned = PortSet::none();
        for step in self.seen.steps.iter().filter(|step| step.probe == "tcp") {
            if let Over::Address { ports, .. } = &step.over {
                ranges(ports).for_each(|(first, last)| planned.add(first..=last));
            }
        }
        planned.remove(&sweep.asked());
        let ports = planned.iter().collect::<Vec<_>>();
        (!ports.is_empty()).then(|| port_ranges(&ports))
    }
}

/// What came back over UDP from a port.
#[derive(Clone, Debug, Default)]
pub(super) struct Letter {
    /// Whether anything did; none where that is not known.
    pub(super) answered: Option<bool>,
    /// Whether the network said that nothing listens there.
    pub(super) shut: bool,
    /// Why it is not known.
    pub(super) why: Option<String>,
    /// The rows that it rests on.
    pub(super) evidence: Vec<u64>,
}

impl Letter {
    /// Takes in what one recipe saw, by the two fields that the record of every recipe has.
    fn read(&mut self, saw: &serde_json::Value, seq: u64) {
        let answered = saw.get("answered");
        self.shut |= saw.get("ended").and_then(serde_json::Value::as_str) == Some("unreachable");
        match answered.and_then(serde_json::Value::as_bool) {
            Some(true) => self.answered = Some(true),
            Some(false) => self.answered = self.answered.or(Some(false)),
            None => {
                let why = answered.and_then(|answered| answered.get("unknown"));
                self.why = why.and_then(serde_json::Value::as_str).map(str::to_owned);
            }
        }
        self.evidence.push(seq);
    }
}

/// What is said of an address of which every port kept silent.
pub(super) fn silent(address: IpAddr) -> String {
    format!(
        "no port of {address} answered at all, so it cannot be told from a host that is away or that shuts us out"
    )
}

/// The rows that a sweep rests on: those that tell of ports of which no later one tells. A sweep writes down now and then
/// how far it has come, and at its end everything once more; how often is a matter of time, and no evidence.
fn telling(sights: &[Sight<'_>]) -> Vec<u64> {
    let mut told = PortSet::none();
    let mut rows = Vec::new();
    for sight in sights.iter().rev() {
        let before = told.len();
        told.join(&Sweep::of(sight.read()).asked());
        if told.len() > before {
            rows.push(sight.seq);
        }
    }
    rows.reverse();
    rows
}
