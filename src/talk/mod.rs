//! A bounded conversation with one peer, and its transcript.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

use crate::model::saw::{Cut, NamesSaw, PortsSaw};

/// A future that a trait object can return.
pub type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where and how a talk is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// To another address than the spot's own: after a redirect, and only if the scope permits it.
    pub elsewhere: Option<(IpAddr, String)>,
    /// The port.
    pub port: u16,
    /// From this source port, instead of any.
    pub source_port: Option<u16>,
    /// With this time to live (IPv4) or hop limit (IPv6), instead of the system's.
    pub ttl: Option<u8>,
}

/// Why there is no talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// Theirs: the network or the peer.
    Cut(Cut),
    /// The scope refused, with the rule in words. Nothing was sent.
    Refused(String),
    /// The step's own bound is used up.
    Spent,
    /// The scan was told to stop.
    Stopped,
    /// Ours: no descriptor, no buffer, no route.
    Ours(String),
}

/// What the engine lets a probe do, within the bound that its step declared.
pub trait Doors: Send + Sync {
    /// Opens a conversation.
    fn open<'a>(&'a self, how: Opening) -> Soon<'a, Result<Talk, Unopened>>;

    /// Asks the resolvers about a name.
    fn resolve<'a>(&'a self, name: &'a str) -> Soon<'a, Result<NamesSaw, Unopened>>;

    /// Finds the state of every one of those TCP ports of the spot's address.
    fn sweep<'a>(&'a self, ports: &'a [u16]) -> Soon<'a, Result<PortsSaw, Unopened>>;
}

/// A conversation with one peer: an absolute deadline, a limit on what is heard, a transcript.
pub struct Talk {
    _private: (),
}
