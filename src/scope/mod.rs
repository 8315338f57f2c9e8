//! The authorisation, and the only maker of a [`Permit`]: without one, no socket opens.

pub mod authorisation;
mod decide;
mod special;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::model::net::{HostId, Transport};
use crate::model::plan::Class;

pub use authorisation::Authorisation;
pub use decide::{Scope, Setup};

/// How an address came to us: what was written needs less proof than what somebody else chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The user wrote the literal address.
    Written,
    /// A resolver answered it.
    Resolved,
    /// A peer sent us there.
    Redirected,
}

/// What somebody wants to reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The host on whose behalf.
    pub host: HostId,
    /// The pinned address.
    pub address: IpAddr,
    /// How it came to us.
    pub origin: Origin,
    /// TCP or UDP.
    pub transport: Transport,
    /// The port.
    pub port: u16,
    /// How much it will do.
    pub class: Class,
}

/// Leave to reach one address and port, once. Only the scope makes one, it cannot be copied, and the one dialler
/// takes it.
///
/// Nobody else can make one:
///
/// ```compile_fail,E0451
/// use postern::scope::Permit;
///
/// let forged = Permit {
///     to: "192.0.2.1:443".parse().unwrap(),
///     transport: postern::model::net::Transport::Tcp,
///     host: None,
///     authority: "my own".into(),
/// };
/// ```
///
/// nor copy one that was given:
///
/// ```compile_fail,E0599
/// fn twice(once: postern::scope::Permit) -> [postern::scope::Permit; 2] {
///     [once.clone(), once]
/// }
/// ```
#[derive(Debug)]
pub struct Permit {
    to: SocketAddr,
    transport: Transport,
    host: Option<HostId>,
    authority: String,
}

impl Permit {
    /// Where it leads.
    pub fn to(&self) -> SocketAddr {
        self.to
    }

    /// Over what.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// For which host; none for a resolver.
    pub fn host(&self) -> Option<&HostId> {
        self.host.as_ref()
    }

    /// The id of the authorisation that it rests on (`loopback`, `resolver`, or the record's own).
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

/// Leave to reach some ports of one address, each once: as many [`Permit`]s, decided together, since no rule asks for the
/// port.
#[derive(Debug)]
pub struct Permits {
    to: IpAddr,
    ports: Vec<u16>,
    transport: Transport,
    authority: String,
}

impl Permits {
    /// Where they lead.
    pub fn to(&self) -> IpAddr {
        self.to
    }

    /// To which ports, in the order in which they were asked for.
    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// The ports, once: whoever takes them has used the leave.
    pub fn into_ports(self) -> Vec<u16> {
        self.ports
    }

    /// Over what.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The id of the authorisation that they rest on, as [`Permit::authority`].
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

/// Leave to ask one address by an ICMP echo request whether it is there, once (RFC 792, RFC 4443 section 4.1).
#[derive(Debug)]
pub struct EchoPermit {
    to: IpAddr,
    authority: String,
}

impl EchoPermit {
    /// Where it leads.
    pub fn to(&self) -> IpAddr {
        self.to
    }

    /// The id of the authorisation that it rests on, as [`Permit::authority`].
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

/// A refusal: which rule refused, in words.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Refusal {
    /// Such as `192.0.2.9 is excluded by auth-2026-11`.
    pub rule: String,
    /// What kind of rule that is.
    pub cause: Cause,
}

/// Whether a refusal stands, or leave may come yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Whatever the time: nobody gave leave for it, or somebody forbade it.
    Rule,
    /// The leave holds at other times.
    Window,
    /// Somebody has still to sign the leave.
    Signature,
}

impl Refusal {
    /// Whether only the hour or a signature is missing, so that what was refused is to be asked later.
    pub fn may_pass(&self) -> bool {
        self.cause != Cause::Rule
    }
}

impl From<String> for Refusal {
    /// A rule that holds whatever the time.
    fn from(rule: String) -> Self {
        Self { rule, cause: Cause::Rule }
    }
}
