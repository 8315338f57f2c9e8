//! Probes: one question a file. A probe is a row of data and one async function that reads like the conversation.

use crate::model::observation::{Line, Spot};
use crate::model::plan::{Bound, Class, When};
use crate::model::value::Kind;
use crate::talk::{Doors, Soon};

/// A question that can be put to a peer.
#[derive(Debug)]
pub struct Probe {
    /// Its name, after the question: `greeting`.
    pub name: &'static str,
    /// Goes up when the form of what it saw changes.
    pub revision: u16,
    /// What it does, as a sentence.
    pub means: &'static str,
    /// What it sends, in words, for plans that a vendor reads.
    pub sends: &'static str,
    /// What it goes over.
    pub over: Reach,
    /// On which services.
    pub when: When,
    /// How much it does to a peer.
    pub class: Class,
    /// The worst case on one spot.
    pub bound: Bound,
    /// The kind of fact that its observation is by itself, without a row of derivation; its observation is then a JSON
    /// object with the kind's fields.
    pub yields: Option<fn() -> Kind>,
    /// The conversation.
    pub ask: for<'a> fn(&'a Errand<'a>) -> Soon<'a, Result<Brought, String>>,
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
}

/// What a probe is given.
pub struct Errand<'a> {
    /// What it is pointed at.
    pub spot: &'a Spot,
    /// The ports to sweep, for a probe over addresses.
    pub ports: &'a [u16],
    /// How it makes itself known: User-Agent, EHLO name.
    pub agent: &'a str,
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
