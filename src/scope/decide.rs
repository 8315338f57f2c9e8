//! The rules: decided on the pinned address, at the moment of dialling. Every refusal names its rule.

mod covers;
mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use ipnet::{IpNet, Ipv4Net};

use super::authorisation::{AD_HOC, Authorisation};
use super::{Cause, EchoPermit, Origin, Permit, Permits, Refusal, Want, special};
use crate::inventory::Inventory;
use crate::model::moment::Moment;
use crate::model::net::HostId;
use crate::model::plan::{Class, Limits};

/// What a scope is made of.
#[derive(Clone, Debug)]
pub struct Setup<'a> {
    /// The hosts, with the addresses written for them.
    pub inventory: &'a Inventory,
    /// Every leave that was given, an ad-hoc one included.
    pub authorisations: &'a [Authorisation],
    /// The resolvers that are configured.
    pub resolvers: &'a [IpAddr],
    /// The pace that the profile and the command line want; authorisations can only lower it.
    pub pace: Limits,
}

/// What a scan may reach, when, how fast and how far.
#[derive(Clone, Debug)]
pub struct Scope {
    hosts: BTreeMap<HostId, Host>,
    authorities: Vec<Authority>,
    resolvers: BTreeSet<IpAddr>,
    limits: Limits,
}

#[derive(Clone, Debug)]
struct Host {
    written: BTreeSet<IpAddr>,
    fragile: bool,
    unlisted: bool,
}

/// An authorisation, laid out for asking.
#[derive(Clone, Debug)]
struct Authority {
    record: Authorisation,
    hosts: BTreeSet<HostId>,
    networks: Vec<IpNet>,
    search: Vec<IpNet>,
    /// The addresses written for the hosts that it lists.
    written: BTreeSet<IpAddr>,
    excluded: Vec<IpNet>,
    excluded_hosts: BTreeSet<HostId>,
}

/// How far a wish came with an authorisation before it was refused, furthest last: the nearest miss is what is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    Host,
    Address,
    Class,
    Window,
}

impl Scope {
    /// The scope of a scan.
    pub fn new(setup: &Setup<'_>) -> Self {
        let host = |host: &crate::inventory::Host| {
            let written = host.addresses.iter().map(IpAddr::to_canonical).collect();
            (host.id.clone(), Host { written, fragile: host.fragile, unlisted: host.unlisted })
        };
        let hosts: BTreeMap<_, _> = setup.inventory.hosts.iter().map(host).collect();
        let authorities = setup.authorisations.iter().map(|one| Authority::new(one, &hosts));
        let limits = setup.authorisations.iter().map(|one| one.limits).fold(setup.pace, lower);
        Self {
            authorities: authorities.collect(),
            resolvers: setup.resolvers.iter().map(IpAddr::to_canonical).collect(),
            hosts,
            limits,
        }
    }

    /// Leave for one connection, or the rule that refuses it.
    ///
    /// # Errors
    /// The rule that refuses.
    pub fn permit(&self, want: &Want, now: Moment) -> Result<Permit, Refusal> {
        let address = want.address.to_canonical();
        let authority = self.decide(want, address, now)?;
        Ok(Permit {
            to: SocketAddr::new(address, want.port),
            transport: want.transport,
            host: Some(want.host.clone()),
            authority,
        })
    }

    /// Leave for one packet to each of those ports, instead of the one that is wanted, or the rule that refuses it.
    ///
    /// # Errors
    /// The rule that refuses, and then for all of them.
    pub fn permits(&self, want: &Want, ports: Vec<u16>, now: Moment) -> Result<Permits, Refusal> {
        let to = want.address.to_canonical();
        if ports.contains(&0) {
            return Err(no_port_0());
        }
        let authority = self.decide_whatever_port(want, to, now)?;
        Ok(Permits { to, ports, transport: want.transport, authority })
    }

    /// Leave for one echo request to the address that is wanted, whatever the port, or the rule that refuses it. It is no
    /// connect: who allows connects only, and who is fragile, gets none.
    ///
    /// # Errors
    /// The rule that refuses.
    pub fn echo(&self, want: &Want, now: Moment) -> Result<EchoPermit, Refusal> {
        let to = want.address.to_canonical();
        let want = Want { class: want.class.max(Class::Passive), ..want.clone() };
        let authority = self.decide_whatever_port(&want, to, now)?;
        Ok(EchoPermit { to, authority })
    }

    /// Whether [`Scope::permit`] would give leave at that time.
    ///
    /// # Errors
    /// The rule that refuses.
    pub fn allows(&self, want: &Want, now: Moment) -> Result<(), Refusal> {
        self.decide(want, want.address.to_canonical(), now).map(drop)
    }

    /// The pace: for each cap the lowest of what was wanted and what every authorisation allows.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The resolvers that may be asked.
    pub fn resolvers(&self) -> impl Iterator<Item = IpAddr> {
        self.resolvers.iter().copied()
    }

    /// The next time, from `now` on, at which some authorisation's window is open; none when all have closed.
    pub fn next_opening(&self, now: Moment) -> Option<Moment> {
        let windows = self.authorities.iter().flat_map(|one| &one.record.windows);
        windows.filter(|window| window.to > now).map(|window| window.from.max(now)).min()
    }

    fn decide(&self, want: &Want, address: IpAddr, now: Moment) -> Result<String, Refusal> {
        if want.port == 0 {
            return Err(no_port_0());
        }
        self.decide_whatever_port(want, address, now)
    }

    fn decide_whatever_port(
        &self,
        want: &Want,
        address: IpAddr,
        now: Moment,
    ) -> Result<String, Refusal> {
        let host = self
            .hosts
            .get(&want.host)
            .ok_or_else(|| format!("{} is no host of the inventory", want.host))?;
        if let Some(by) = self.authorities.iter().find(|one| one.excludes(&want.host, address)) {
            return Err(format!("{address} is excluded by {}", by.record.id).into());
        }
        if want.class > Class::Connect
            && let Some(fragile) = self.fragile(want, host, address)
        {
            return Err(format!("{fragile} is fragile: it gets connects and nothing else").into());
        }
        let literal = want.origin == Origin::Written && host.written.contains(&address);
        if address.is_loopback() {
            let rule = || {
                format!("{address} is loopback, which is reached only where its address is written")
            };
            return if literal { Ok("loopback".into()) } else { Err(rule().into()) };
        }
        if let Some(what) = special::why(address)
            && !literal
        {
            return Err(format!(
                "{address} is {what}; it is reached only where its address is written"
            )
            .into());
        }
        self.authorised(want, host, address, now)
    }

    /// The host that makes a wish too strong: the one on whose behalf, or another that has the address.
    fn fragile<'a>(&'a self, want: &'a Want, host: &Host, address: IpAddr) -> Option<&'a HostId> {
        if host.fragile {
            return Some(&want.host);
        }
        let has = |(_, host): &(&HostId, &Host)| host.fragile && host.written.contains(&address);
        self.hosts.iter().find(has).map(|(id, _)| id)
    }

    fn authorised(
        &self,
        want: &Want,
        host: &Host,
        address: IpAddr,
        now: Moment,
    ) -> Result<String, Refusal> {
        let mut nearest: Option<(Reached, Refusal)> = None;
        for one in &self.authorities {
            match one.gives_leave(want, host, address, now) {
                Ok(()) => return Ok(one.record.id.clone()),
                Err(miss) if nearest.as_ref().is_none_or(|best| miss.0 > best.0) => {
                    nearest = Some(miss);
                }
                Err(_) => {}
            }
        }
        let none = || format!("no authorisation covers {address}").into();
        Err(nearest.map_or_else(none, |(_, refusal)| refusal))
    }
}

impl Authority {
    fn new(record: &Authorisation, hosts: &BTreeMap<HostId, Host>) -> Self {
        let listed: BTreeSet<HostId> = record.scope.hosts.iter().cloned().collect();
        let written_for =
            |id: &HostId| hosts.get(id).map(|host| host.written.clone()).unwrap_or_default();
        let mut excluded = Vec::new();
        let mut excluded_hosts = BTreeSet::new();
        for text in &record.exclude {
            if let Some(network) = place(text) {
                excluded.push(network);
            } else {
                let id = HostId(text.clone());
                excluded.extend(written_for(&id).into_iter().map(IpNet::from));
                excluded_hosts.insert(id);
            }
        }
        Self {
            written: listed.iter().flat_map(written_for).collect(),
            networks: record.scope.networks.iter().copied().map(plain).collect(),
            search: record.scope.search.iter().copied().map(plain).collect(),
            hosts: listed,
            excluded,
            excluded_hosts,
            record: record.clone(),
        }
    }

    fn excludes(&self, host: &HostId, address: IpAddr) -> bool {
        self.excluded_hosts.contains(host)
            || self.excluded.iter().any(|network| network.contains(&address))
    }

    fn gives_leave(
        &self,
        want: &Want,
        host: &Host,
        address: IpAddr,
        now: Moment,
    ) -> Result<(), (Reached, Refusal)> {
        let id = self.name();
        if host.unlisted {
            if !self.search.iter().any(|network| network.contains(&address)) {
                let rule = format!(
                    "{id} does not let every address of a network with {address} be searched"
                );
                return Err((Reached::Host, rule.into()));
            }
            return self.lasts(want, now);
        }
        if !self.hosts.is_empty() && !self.hosts.contains(&want.host) {
            let rule = format!("{} is not among the hosts of {id}", want.host);
            return Err((Reached::Host, rule.into()));
        }
        let within = self.networks.iter().any(|network| network.contains(&address));
        if !within && !self.written.contains(&address) {
            let how = match want.origin {
                Origin::Written => "",
                Origin::Resolved => ", to which a name leads,",
                Origin::Redirected => ", to which a peer sends us,",
            };
            let rule = match (self.networks.is_empty(), self.hosts.is_empty()) {
                (true, _) => "is written for none of its hosts, and it lists no networks",
                (false, true) => "lies in none of its networks",
                (false, false) => {
                    "is written for none of its hosts and lies in none of its networks"
                }
            };
            return Err((
                Reached::Address,
                format!("{id} does not cover {address}{how} for {}: it {rule}", want.host).into(),
            ));
        }
        self.lasts(want, now)
    }

    /// Whether the leave is for probes as strong, and holds now.
    fn lasts(&self, want: &Want, now: Moment) -> Result<(), (Reached, Refusal)> {
        let id = self.name();
        // Before the time is asked for: what the leave will never allow does not wait for another hour.
        if want.class > self.record.class {
            let (allowed, wanted) = (word(self.record.class), word(want.class));
            let rule = format!("{id} allows {allowed} probes at most, and this one is {wanted}");
            return Err((Reached::Class, rule.into()));
        }
        self.holds(now).map_err(|refusal| (Reached::Window, refusal))
    }

    fn name(&self) -> &str {
        if self.record.id == AD_HOC {
            "the leave typed as --authorised-by"
        } else {
            &self.record.id
        }
    }
}

fn no_port_0() -> Refusal {
    "there is no port 0".to_owned().into()
}

/// The word for a class, as files spell it.
fn word(class: Class) -> &'static str {
    match class {
        Class::Connect => "connect",
        Class::Passive => "passive",
        Class::ReadOnly => "read-only",
        Class::Intrusive => "intrusive",
    }
}

/// An excluded address or network; an IPv4 one that is written as IPv6 counts as IPv4.
fn place(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let address = || text.parse().ok().map(|address: IpAddr| IpNet::from(address.to_canonical()));
    text.parse().ok().map(plain).or_else(address)
}

fn plain(network: IpNet) -> IpNet {
    if let IpNet::V6(six) = network
        && let Some(address) = six.addr().to_ipv4_mapped()
        && let Some(long) = six.prefix_len().checked_sub(96)
        && let Ok(four) = Ipv4Net::new(address, long)
    {
        return IpNet::V4(four);
    }
    network
}

fn lower(one: Limits, other: Limits) -> Limits {
    Limits {
        per_second: one.per_second.min(other.per_second),
        per_host_per_second: one.per_host_per_second.min(other.per_host_per_second),
        per_host_parallel: one.per_host_parallel.min(other.per_host_parallel),
        per_host_talks_per_second: [one, other]
            .into_iter()
            .filter_map(|limits| limits.per_host_talks_per_second)
            .min(),
    }
}
