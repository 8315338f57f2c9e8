//! The rows of the book's journal, and the chain of digests that ties each to all before it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::moment::Moment;
use super::net::{HostId, Transport};
use super::observation::{Observation, Spot, StepId};
use super::plan::Plan;

/// The version of the book's form; a reader refuses a newer one.
pub const BOOK_SCHEMA: &str = "postern/book/v1";

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "row")]
pub enum Row {
    /// The first: everything that a later judge or a resumed scan needs.
    Opened(Box<Opened>),
    /// A scan was started or resumed here.
    Began {
        /// When.
        at: Moment,
        /// Version of the program.
        version: String,
    },
    /// The audit log: a connection (or datagram) is about to be sent.
    Dial(Dial),
    /// The audit log: so many of a sweep are about to be sent, all to one address.
    Dials(Dials),
    /// The audit log: an ICMP echo request is about to be sent.
    Echo(Echo),
    /// The scope refused an address; nothing was sent.
    Refused {
        /// The step that wanted it.
        step: StepId,
        /// What it wanted to reach.
        spot: Spot,
        /// The rule that refused, in words.
        rule: String,
        /// When.
        at: Moment,
    },
    /// Something was seen.
    Saw(Observation),
    /// A step came to its end on a spot: it is not asked again.
    Done {
        /// The step.
        step: StepId,
        /// The spot.
        spot: Spot,
        /// How it ended.
        end: End,
    },
    /// The scan stopped.
    Closed {
        /// When.
        at: Moment,
        /// Whether every step had ended.
        complete: bool,
        /// Why it is incomplete, if it is: `interrupted`, `the window closed`.
        why: Option<String>,
    },
}

/// How a step ended on a spot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "as")]
pub enum End {
    /// It asked, and what it saw is in the book.
    Asked,
    /// Its condition was not met: `the port is closed`.
    NotNeeded {
        /// Which condition.
        why: String,
    },
    /// Not asked: scope, privilege, budget, interruption.
    NotTested {
        /// Why.
        why: String,
    },
    /// Our own error: never a finding.
    Ours {
        /// What went wrong.
        error: String,
    },
}

/// A dial intent, written before the packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dial {
    /// The step that dials; none for the resolver's own questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// To where.
    pub address: IpAddr,
    /// Over what.
    pub transport: Transport,
    /// To which port.
    pub port: u16,
    /// Under which authorisation, by its id (`loopback` for what needs none, `resolver` for the resolvers).
    pub authority: String,
    /// When.
    pub at: Moment,
    /// The plug-in that was started for it, by name: the packet is then its own, and this is its place in the bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
}

/// What a sweep is about to send at once, each packet to a port of its own place in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dials {
    /// The step that sweeps.
    pub step: StepId,
    /// To where.
    pub address: IpAddr,
    /// Over what.
    pub transport: Transport,
    /// To which ports, in the order in which they are sent; one that is asked again stands here again.
    pub ports: Vec<u16>,
    /// Why these, where it is not to find out their state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
    /// Under which authorisation, by its id.
    pub authority: String,
    /// When.
    pub at: Moment,
}

/// An ICMP echo request that is about to be sent: whether anybody is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Echo {
    /// The step that asks.
    pub step: StepId,
    /// To where.
    pub address: IpAddr,
    /// Under which authorisation, by its id.
    pub authority: String,
    /// When.
    pub at: Moment,
}

/// Why a sweep asks a port that has answered already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Again {
    /// By its answers, and by those that stay away, the sweep knows what gets through, and goes no faster.
    Canary,
    /// A whole handshake, to see that somebody is behind it.
    Confirm,
}

/// The head of a book.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// [`BOOK_SCHEMA`].
    pub schema: String,
    /// Version of the program that opened it.
    pub version: String,
    /// When.
    pub at: Moment,
    /// From where: the id of a vantage.
    pub vantage: String,
    /// How we make ourselves known: source addresses, User-Agent, EHLO name.
    pub identity: BTreeMap<String, String>,
    /// The inventory as it was read, as JSON.
    pub inventory: serde_json::Value,
    /// Where the inventory declares each host: the file as it was given, with forward slashes, and the line from 1.
    #[serde(default)]
    pub declared_at: BTreeMap<HostId, (String, u32)>,
    /// The certificate authorities of the operator's own, each as PEM.
    #[serde(default)]
    pub trust: Vec<String>,
    /// The authorisations in force, as JSON, ad-hoc ones included.
    pub authorisations: Vec<serde_json::Value>,
    /// Waivers as they were read, as JSON.
    pub waivers: serde_json::Value,
    /// The profile's name.
    pub profile: String,
    /// The plan.
    pub plan: Plan,
    /// Digests by what they are of: `inventory`, `authorisation`, `profile`, `catalogue`, `plan`. A scan is resumed
    /// only where all are the same.
    pub digests: BTreeMap<String, Digest>,
    /// What the command was given, by option (`inventory`, `profile`, …), so that it can be resumed from the book alone.
    #[serde(default)]
    pub given: BTreeMap<String, Vec<String>>,
    /// The plug-ins that were allowed, as they stand in their file, as JSON.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<serde_json::Value>,
}

/// A line as it stands in the file: `{"seq":3,"body":{…},"chain":"…"}`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Link<'a> {
    /// Its number, from 0.
    pub seq: u64,
    /// The row's exact JSON text.
    #[serde(borrow)]
    pub body: &'a serde_json::value::RawValue,
    /// [`chain`] of the line before and this one.
    pub chain: Digest,
}

/// The digest that ties a line to all before it; `before` is the first line's digest of nothing.
pub fn chain(before: Digest, seq: u64, body: &str) -> Digest {
    Digest::of_parts([before.bytes().as_slice(), &seq.to_be_bytes(), body.as_bytes()])
}
