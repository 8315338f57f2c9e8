//! Probes: one question a file. A probe is a row of data and one async function that reads like the conversation.
//!
//! To add one, write its file with a page as its header and put its word into the list below.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::catalogue::recipe::Asking;
use crate::model::observation::{Line, Spot};
use crate::model::plan::{Bound, Class, When};
use crate::model::value::Kind;
use crate::plugins::Plugin;
use crate::talk::{Clock, Doors, Soon, Unopened};

macro_rules! probes {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        /// Every probe that is built in, in the order of the documentation.
        pub static PROBES: &[&Probe] = &[$(&$module::PROBE),*];
        /// The source of every probe, in the same order: its header is its page.
        static SOURCES: &[&str] = &[$(include_str!(concat!(stringify!($module), ".rs"))),*];
    };
}
probes! { names, tcp, udp, greeting, tls, http }

mod dns;
pub mod plugin;
pub mod recipe;

pub use self::udp::letters;

use self::recipe::Tape;

#[cfg(test)]
mod scripted;

/// Every probe that is built in, as a list that others may be added to.
pub fn built_in() -> Vec<Probe> {
    PROBES.iter().map(|probe| (*probe).clone()).collect()
}

/// The probe of that name.
pub fn named(name: &str) -> Option<&'static Probe> {
    PROBES.iter().copied().find(|probe| probe.name == name)
}

/// Every probe with its page in Markdown, in the order of the documentation.
pub fn pages() -> impl Iterator<Item = (&'static Probe, String)> {
    PROBES.iter().copied().zip(SOURCES.iter().map(|source| page(source)))
}

/// The `//!` header of a source file, as Markdown.
fn page(source: &str) -> String {
    let header = source.lines().map_while(|line| line.strip_prefix("//!"));
    let lines = header.flat_map(|line| [line.strip_prefix(' ').unwrap_or(line), "\n"]);
    lines.collect()
}

/// A question that can be put to a peer.
///
/// Most are built in; those of recipes in check files are made when the checks are read, and those of plug-ins when their
/// file is.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Its name, after the question: `greeting`.
    pub name: Cow<'static, str>,
    /// Goes up when the form of what it saw changes.
    pub revision: u16,
    /// What it does, as a sentence.
    pub means: Cow<'static, str>,
    /// What it sends, in words, for plans that a vendor reads.
    pub sends: Cow<'static, str>,
    /// What it goes over.
    pub over: Reach,
    /// On which services.
    pub when: When,
    /// How much it does to a peer.
    pub class: Class,
    /// The worst case on one spot; for a probe over addresses, on one port of one address, but for the time, which is that of
    /// waiting for all of them. Each opening of a talk
    /// counts as one connection, each question to the resolvers as the datagrams and connections it may take.
    pub bound: Bound,
    /// The kind of fact that its observation is by itself, without a row of derivation; its observation is then a JSON
    /// object with the kind's fields.
    pub yields: Option<fn() -> Kind>,
    /// The conversation.
    pub ask: Ask,
}

/// How a probe holds its conversation.
#[derive(Clone)]
pub enum Ask {
    /// By a function of this room.
    BuiltIn(for<'a> fn(&'a Errand<'a>) -> Soon<'a, Result<Brought, Unopened>>),
    /// As a check file writes it down.
    Recipe(Arc<Asking>),
    /// By a program of the operator's own.
    Plugin(Arc<Plugin>),
    /// The same, and every turn is kept.
    Recorded(Arc<Asking>, Tape),
}

impl Probe {
    /// Holds the conversation.
    pub fn ask<'a>(&'a self, errand: &'a Errand<'a>) -> Soon<'a, Result<Brought, Unopened>> {
        match &self.ask {
            Ask::BuiltIn(ask) => ask(errand),
            Ask::Recipe(asking) => Box::pin(recipe::ask(asking, errand, None)),
            Ask::Recorded(asking, tape) => Box::pin(recipe::ask(asking, errand, Some(tape))),
            Ask::Plugin(plugin) => Box::pin(plugin::ask(plugin, errand)),
        }
    }
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(_) => f.write_str("BuiltIn"),
            Self::Recipe(asking) | Self::Recorded(asking, _) => f.write_str(&asking.name),
            Self::Plugin(plugin) => f.write_str(&plugin.name),
        }
    }
}

/// What a probe goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Each name.
    Name,
    /// Each address.
    Address,
    /// Each service.
    Service,
    /// Each service with each server name.
    Site,
    /// Each of its own ports at each address, found open or not.
    Port,
}

/// What a probe is given.
pub struct Errand<'a> {
    /// What it is pointed at.
    pub spot: &'a Spot,
    /// The ports to sweep, for a probe over addresses.
    pub ports: &'a [u16],
    /// How it makes itself known: User-Agent, EHLO name.
    pub agent: &'a str,
    /// Whether the service encrypts, where an earlier step has shown it.
    pub encrypted: Option<bool>,
    /// Whether anything else answers at the address, so that silence is the port's own.
    pub alive: bool,
    /// A word that no peer can know.
    pub nonce: &'a str,
    /// How long to wait for a peer that may have nothing to say.
    pub patience: Duration,
    /// The clock.
    pub clock: Clock,
    /// The doors it may open.
    pub doors: &'a dyn Doors,
}

/// What a probe brings home.
#[derive(Clone, Debug, Default)]
pub struct Brought {
    /// What it saw, in its own form.
    pub saw: serde_json::Value,
    /// The conversation.
    pub transcript: Vec<Line>,
}

impl Brought {
    /// That form, and that conversation.
    ///
    /// # Errors
    /// When the form cannot be written as JSON, which is a bug of ours.
    pub fn new(saw: &impl Serialize, transcript: Vec<Line>) -> Result<Self, Unopened> {
        let saw = serde_json::to_value(saw).map_err(|wrong| Unopened::Ours(wrong.to_string()))?;
        Ok(Self { saw, transcript })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_probe_has_a_page_and_a_name_of_its_own() {
        let names: BTreeSet<_> = PROBES.iter().map(|probe| &probe.name).collect();
        assert_eq!(names.len(), PROBES.len());
        for (probe, page) in pages() {
            assert!(page.contains("\n# Sends\n"), "{} does not say what it sends", probe.name);
            assert!(page.contains("\n# Yields\n"), "{} does not say what it yields", probe.name);
        }
    }
}
