//! A bounded conversation with one peer, and its transcript.
//!
//! A [`Talk`] works alike over a real socket and over a scripted stream; only the engine makes one over a socket.

mod bounded;
mod conversation;
mod datagrams;
mod program;
pub mod secrets;
mod transcript;

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

pub use bounded::{Account, Bounded, Clock, Terms, Wire, cut_of};
pub use conversation::Talk;
pub use datagrams::{Carrier, Datagram, Datagrams};
pub use program::{Ran, RanOut};
pub use transcript::Transcript;

use crate::model::net::Transport;
use crate::model::saw::{Cut, NamesSaw, PortsSaw};
use crate::plugins::Plugin;

/// A future that a trait object can return.
pub type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where and how a talk is to be opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// To another address than the spot's own, with the name that a peer gave for it: after a redirect, and only if
    /// the scope permits it.
    pub elsewhere: Option<(IpAddr, String)>,
    /// The port.
    pub port: u16,
    /// From this source port, instead of any.
    pub source_port: Option<u16>,
    /// With this time to live (IPv4) or hop limit (IPv6), instead of the system's.
    pub ttl: Option<u8>,
}

impl Opening {
    /// To that port of the spot's own address.
    pub fn to_port(port: u16) -> Self {
        Self { port, ..Self::default() }
    }
}

/// Why there is no talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// Theirs: the network or the peer.
    Cut(Cut),
    /// The scope refused, with the rule in words. Nothing was sent.
    Refused(String),
    /// The step's own bound, of packets or of time, is used up; which, in words.
    Spent(String),
    /// The scan was told to stop.
    Stopped,
    /// From this machine no packet can get there: no route, no address of that family. Nothing was sent.
    NoRoute(String),
    /// Ours: no descriptor, no buffer, no port, or a bug.
    Ours(String),
}

/// What the engine lets a probe do, within the bound that its step declared.
pub trait Doors: Send + Sync {
    /// Opens a conversation.
    fn open(&self, how: Opening) -> Soon<'_, Result<Talk, Unopened>>;

    /// Makes ready to exchange datagrams with that UDP port of the spot's address; what stays unanswered is sent `tries`
    /// times in all. Nothing is sent before something is said.
    ///
    /// # Errors
    /// Why that may not be.
    fn datagrams(&self, port: u16, tries: u32) -> Result<Datagrams<'_>, Unopened>;

    /// Asks the resolvers about a name.
    fn resolve<'a>(&'a self, name: &'a str) -> Soon<'a, Result<NamesSaw, Unopened>>;

    /// Finds the state of every one of those ports of the spot's address.
    fn sweep<'a>(
        &'a self,
        transport: Transport,
        ports: &'a [u16],
    ) -> Soon<'a, Result<PortsSaw, Unopened>>;

    /// Starts a plug-in, says that line to it, and hears what it answers; it must be one that the scan was given.
    fn run<'a>(&'a self, plugin: &'a Plugin, line: &'a str) -> Soon<'a, Result<Ran, Unopened>>;

    /// How long was waited for turns so far: no time of any peer's.
    fn waited(&self) -> Duration;

    /// Where a name that a peer gave us leads, without asking anybody: only names of the spot's own host are known.
    ///
    /// # Errors
    /// In words, why we do not go there.
    fn whereabouts(&self, name: &str) -> Result<IpAddr, String>;
}
