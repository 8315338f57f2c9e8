//! The plan as a value: steps, their conditions and bounds, and what must be accounted for.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::moment::Moment;
use super::net::{CheckId, HostId, Transport};
use super::observation::StepId;

/// Everything a scan will do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// `postern/plan/v1`
    pub schema: String,
    /// When it was made.
    pub made: Moment,
    /// From where: the id of a vantage.
    pub vantage: String,
    /// The profile's name.
    pub profile: String,
    /// The pace that bounds every step.
    pub limits: Limits,
    /// The resolvers that may be asked, port 53 only; empty when no name needs resolving.
    pub resolvers: Vec<IpAddr>,
    /// The steps; a step's id is its place here.
    pub steps: Vec<Step>,
    /// Every host × check that the review must account for.
    pub wanted: Vec<Wanted>,
    /// What is known beforehand not to be testable.
    pub untested: Vec<Untested>,
    /// The sum of all bounds.
    pub total: Bound,
}

/// A check that is to be judged on a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Wanted {
    /// The host.
    pub host: HostId,
    /// The check.
    pub check: CheckId,
}

/// A step that was left out, with the rule that refused it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untested {
    /// The host.
    pub host: HostId,
    /// The probe that will not run.
    pub probe: String,
    /// Where it would have gone, when only some places are refused.
    pub address: Option<IpAddr>,
    /// The rule, in words.
    pub why: String,
}

/// One probe on one host: everything it does there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its place in the plan.
    pub id: StepId,
    /// On which host.
    pub host: HostId,
    /// Which probe.
    pub probe: String,
    /// On what of the host.
    pub over: Over,
    /// On which of those, depending on earlier answers.
    pub when: When,
    /// How much it does to the peer.
    pub class: Class,
    /// The checks that want it.
    pub asked_by: Vec<CheckId>,
    /// The worst case.
    pub bound: Bound,
}

/// So many ICMP echo requests are sent at most to an address where somebody is looked for, besides what goes to its ports.
pub const ECHOES: u64 = 2;

/// What a step goes over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "each")]
pub enum Over {
    /// Each of these names: one question to the resolver.
    Name {
        /// The names.
        names: Vec<String>,
    },
    /// Each address of the host: those written, and those that its names resolve to within scope.
    Address {
        /// The addresses written in the inventory that the scope permits.
        written: Vec<IpAddr>,
        /// How many more may come from names, at most.
        resolved_at_most: u32,
        /// The ports to ask, as ranges.
        ports: String,
        /// Whether only whole connects may ask: the host is fragile.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_connect: bool,
        /// Whether the others are asked only where one of the usual ports, or the address itself, gives a sign: nobody listed
        /// the host.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        usual_first: bool,
    },
    /// Each open port of each address.
    Service {
        /// How many, at most: more open ports than that are left untested, and said so.
        at_most: u32,
    },
    /// Each open port of each address, with each server name.
    Site {
        /// How many ports, at most.
        at_most: u32,
        /// The server names; an empty list means the address itself.
        names: Vec<String>,
    },
    /// Each of these TCP ports that is found open, at each address, with each server name.
    Door {
        /// The ports, as ranges.
        ports: String,
        /// How many ports of an address, at most.
        at_most: u32,
        /// The server names; an empty list means the address itself.
        names: Vec<String>,
    },
    /// Each of these ports of each address, whether anything was found there or not.
    Port {
        /// TCP or UDP.
        transport: Transport,
        /// The ports, as ranges.
        ports: String,
        /// The addresses written in the inventory that the scope permits.
        written: Vec<IpAddr>,
        /// How many more may come from names, at most.
        resolved_at_most: u32,
    },
}

/// The condition under which a step is carried out on a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// On every one.
    Always,
    /// If the port is open.
    Open,
    /// If the port is open and its service said nothing by itself.
    Silent,
    /// If the port is open, its service said nothing by itself, and where it speaks TLS the handshake succeeded.
    SilentOrTls,
}

/// An upper bound of what a step sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// TCP connections begun (attempts included).
    pub connections: u64,
    /// UDP datagrams, and ICMP echo requests.
    pub datagrams: u64,
    /// Seconds it takes at most at the promised pace.
    pub seconds: u64,
}

/// How much a probe does to a peer, mildest first. An authorisation names the strongest one it allows; a fragile host
/// gets [`Class::Connect`] only.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Opens a connection and closes it; says nothing, hears nothing. DNS questions to the resolvers count here.
    Connect,
    /// Listens to what a peer says by itself.
    Passive,
    /// Asks harmless questions that any client asks.
    ReadOnly,
    /// Anything that a careful administrator would want to know about beforehand.
    Intrusive,
}

/// The pace that was promised: caps on new TCP connections (each SYN counted), UDP datagrams and ICMP echo requests.
///
/// To ask a port for its state costs a firewall a row in a table and a server nothing; a conversation costs the server the
/// work of an answer. So the two are capped apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// In any second, to all hosts together.
    pub per_second: u32,
    /// In any second, to one host with all its addresses, and to one address with all its hosts.
    pub per_host_per_second: u32,
    /// Conversations under way at the same time with one host, and with one address. To ask a port for its state is none: what
    /// opens is closed at once.
    pub per_host_parallel: u32,
    /// Conversations begun in any second with one host, and with one address; as many as packets, where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_host_talks_per_second: Option<u32>,
}

impl Limits {
    /// For what may be weak: whatever stands in front of a host has at most 2,400 half-open connections of ours to remember,
    /// where it forgets them after two minutes.
    pub const POLITE: Self = Self::of(100, 20, 1, 2);
    /// For ordinary servers: at most 9,600 of them.
    pub const NORMAL: Self = Self::of(400, 80, 4, 10);
    /// For what is known to bear it.
    pub const FAST: Self = Self::of(2_500, 500, 16, 50);

    /// That many packets a second, to one host and in all.
    pub fn even(per_second: u32) -> Self {
        Self {
            per_second,
            per_host_per_second: per_second,
            per_host_parallel: per_second.div_ceil(4).clamp(1, 16),
            per_host_talks_per_second: None,
        }
    }

    /// Conversations begun in any second with one host, at most.
    pub fn talks(self) -> u32 {
        let packets = self.per_host_per_second;
        self.per_host_talks_per_second.map_or(packets, |talks| talks.min(packets))
    }

    const fn of(all: u32, host: u32, parallel: u32, talks: u32) -> Self {
        Self {
            per_second: all,
            per_host_per_second: host,
            per_host_parallel: parallel,
            per_host_talks_per_second: Some(talks),
        }
    }
}
