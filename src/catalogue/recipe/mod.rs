//! Recipes: probes that a check file writes down. A recipe is compiled when the file is read, and then asked or rehearsed
//! by one and the same interpreter, which touches no socket: see [`Run`].

mod asking;
mod compose;
mod deeds;
mod ending;
mod hear;
mod http;
mod read;
mod record;
mod rehearse;
mod run;
mod script;
mod shape;
mod steps;
#[cfg(test)]
mod tests;
mod took;
mod written;

use std::sync::Arc;
use std::time::Duration;

use crate::model::plan::Class;
use crate::model::value::{Kind, Tier, Type, Value};

use super::expr::Expression;

pub use self::asking::Asking;
pub use self::ending::Ending;
pub use self::hear::{Enough, Hear, QUIET, Until};
pub use self::http::{Fetch, Method, Page};
pub(super) use self::read::{Around, read, uses};
pub(super) use self::rehearse::Script;
pub use self::run::{Run, Turn};
pub use self::shape::*;
pub use self::took::Took;

/// What stands in a path for the text of a list.
pub(super) const EACH: &str = "{{ each }}";
/// What stands in a path for a word that no server can know.
pub(super) const NONCE: &str = "{{ nonce }}";
/// The place of `answered` in the records of every recipe's kind.
pub(super) const ANSWERED: usize = 0;
/// The place of `ended`.
pub(super) const ENDED: usize = 1;
/// The place of the first capture.
pub(super) const CAPTURES: usize = 2;

/// A probe that a check file writes down, compiled.
#[derive(Debug)]
pub struct Recipe {
    /// What it speaks.
    pub medium: Medium,
    /// How much it does to a peer.
    pub class: Class,
    /// How much of it there is at most, at one place.
    pub caps: Caps,
    /// How often a datagram is sent before silence counts.
    pub tries: u32,
    /// The ports that it goes to at every address, over UDP and for DNS; otherwise the check's `when` decides.
    pub(super) ports: Ports,
    /// The kind of its record: `answered`, `ended`, and a field for each capture. Its probe is given a name when the
    /// parameters are filled in.
    pub(super) kind: Kind,
    /// What is done, in order.
    pub(super) steps: Vec<Step>,
    /// What is concluded from the captures, by name.
    pub(super) facts: Vec<(String, Expression)>,
    /// The names of conclusions that are wrong: a check of which there are any is never made.
    pub(super) broken: Vec<String>,
}

/// What a recipe speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// Bytes over TCP.
    Tcp,
    /// Bytes inside TLS.
    Tls,
    /// Datagrams.
    Udp,
    /// DNS questions, each in one datagram.
    Dns,
    /// DNS questions over TCP.
    DnsTcp,
    /// HTTP, inside TLS where the service speaks it.
    Http,
}

impl Medium {
    /// Where its results sit: HTTP is spoken to each server name, everything else to each service.
    pub fn tier(self) -> Tier {
        if self == Self::Http { Tier::Site } else { Tier::Service }
    }

    /// Whether it goes to ports that its check names, instead of to services that were found.
    pub fn has_ports(self) -> bool {
        matches!(self, Self::Udp | Self::Dns | Self::DnsTcp)
    }

    /// Whether it goes over UDP, so that nothing is connected before it speaks.
    pub fn is_datagrams(self) -> bool {
        matches!(self, Self::Udp | Self::Dns)
    }
}

/// How much a recipe does at one place, at most. Every one has a default and a bound that no file can lift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Connections; over HTTP each request and each redirect counts as one.
    pub connections: u32,
    /// Bytes that are heard in all.
    pub bytes: usize,
    /// How long all of it takes.
    pub time: Duration,
}

/// The ports of a recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ports {
    /// Those on which the check's `when` may hold.
    Found,
    /// Written out.
    Fixed(Vec<u16>),
    /// A parameter, by its place.
    Param(usize),
}

/// A step.
#[derive(Debug)]
pub(super) struct Step {
    /// Under which condition over the captures so far.
    pub(super) when: Option<Expression>,
    pub(super) act: Act,
}

/// What a step does. A capture is named by its place in the record.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Sends these bytes.
    Send(Arc<[u8]>),
    /// Sends back what was heard.
    Echo(usize),
    /// Sends bytes with what was heard in them.
    Compose(compose::Message),
    /// Reads.
    Read(Read),
    /// Hangs up and goes on over a new connection.
    Reconnect,
    /// Asks for a page, or for one for each text of a parameter.
    Fetch { into: usize, fetch: Fetch, each: Option<usize> },
    /// Puts a question.
    Ask { into: usize, question: Question },
}

/// What a reading step wants.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) into: usize,
    pub(super) hear: Hear,
    pub(super) form: Form,
    /// Whether less than what is wanted is kept as well.
    pub(super) optional: bool,
}

/// How bytes become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As UTF-8; what is not becomes U+FFFD.
    Text,
    /// As hexadecimal digits: `0aff`.
    Hex,
}

/// A DNS question (RFC 1035 section 4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name.
    pub name: String,
    /// The type: `TXT`.
    pub of: String,
    /// The class: `IN` or `CH`.
    pub class: String,
    /// Whether recursion is desired.
    pub recurse: bool,
}

/// What a DNS server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsAnswer {
    /// The response code: `NOERROR`, `REFUSED`.
    pub rcode: String,
    /// The answers, each as its data reads in a zone file.
    pub answers: Vec<String>,
    /// Whether it speaks for the zone.
    pub authoritative: bool,
    /// Whether it offers recursion.
    pub recursion_available: bool,
    /// Whether it was cut short.
    pub truncated: bool,
    /// How many bytes the answer had.
    pub bytes: usize,
}

impl Recipe {
    /// The kind of its records: what `on: probe` and `probe.…` stand for.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The names and types of what it concludes, in the order of the file.
    pub fn facts(&self) -> impl Iterator<Item = (&str, &Type)> {
        self.facts.iter().map(|(name, fact)| (name.as_str(), fact.of()))
    }

    /// The names of what it concludes, with the expressions as they are written, each on one line.
    pub fn conclusions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.facts.iter().map(|(name, fact)| (name.as_str(), fact.text()))
    }

    /// What goes on the wire with these parameters of its check.
    pub fn asking(self: &Arc<Self>, params: &[Value]) -> Asking {
        Asking::of(self, params)
    }
}
