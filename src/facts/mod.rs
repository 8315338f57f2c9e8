//! Facts: what observations mean. Kinds with typed fields, and pure, versioned rows that derive them.

mod base64;
mod certificate;
mod derive;
mod ground;
mod host;
mod http;
mod json;
pub mod kinds;
mod ports;
mod portset;
mod products;
#[cfg(test)]
mod revisions;
mod rows;
#[cfg(test)]
mod sample;
mod seen;
mod service;
mod sweep;
pub(crate) use sweep::cut_in_words;
#[cfg(test)]
mod tests;
mod tls;
mod trust;
mod udp;
mod voice;
mod web;
mod x509;

use std::sync::Arc;

use crate::model::moment::Moment;
use crate::model::net::HostId;
use crate::model::outcome::{Outcome, Why};
use crate::model::subject::Subject;
use crate::model::value::{Kind, Tier, Value};

pub use derive::{derive, derive_host};
pub(crate) use ground::Standpoint;
pub(crate) use json::{object as as_json, written as value_as_json};
pub use rows::{ROWS, Row, needs};
pub(crate) use web::has_password_field;

/// A kind, by its place in the vocabulary.
pub type KindId = u16;

/// Every kind of fact that checks may speak of: those derived here and those that probes yield by themselves.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    // Each check that brings a probe along reads with a vocabulary of its own, so copying one must be cheap.
    kinds: Vec<Arc<Kind>>,
}

impl Vocabulary {
    /// Every kind that the program knows by itself.
    pub fn built_in() -> Self {
        Self::new(kinds::vocabulary())
    }

    /// A vocabulary of those kinds; their names must differ.
    pub fn new(kinds: Vec<Kind>) -> Self {
        Self { kinds: kinds.into_iter().map(Arc::new).collect() }
    }

    /// Adds a kind at the end, and tells its place.
    pub fn add(&mut self, kind: Kind) -> Option<KindId> {
        self.kinds.push(Arc::new(kind));
        KindId::try_from(self.kinds.len() - 1).ok()
    }

    /// Names the probe of a kind.
    pub fn name_probe(&mut self, id: KindId, probe: &str) {
        if let Some(kind) = self.kinds.get_mut(usize::from(id)) {
            Arc::make_mut(kind).probe = probe.to_owned().into();
        }
    }

    /// The kind of that name.
    pub fn id(&self, name: &str) -> Option<KindId> {
        self.kinds
            .iter()
            .position(|kind| kind.name == name)
            .and_then(|at| KindId::try_from(at).ok())
    }

    /// The kind at that place.
    pub fn kind(&self, id: KindId) -> Option<&Kind> {
        self.kinds.get(usize::from(id)).map(AsRef::as_ref)
    }

    /// All kinds, in order.
    pub fn kinds(&self) -> &[Arc<Kind>] {
        &self.kinds
    }

    /// The kinds that a check on `tier` may speak of by their names: its own and those above. A kind that a check brings
    /// along is spoken of by that check only, and otherwise.
    pub fn visible(&self, tier: Tier) -> impl Iterator<Item = &Kind> {
        self.kinds
            .iter()
            .map(AsRef::as_ref)
            .filter(move |kind| kind.tier <= tier && !kind.is_of_one_check())
    }
}

/// Facts about one subject.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What they are about.
    pub subject: Subject,
    /// The entry one tier above, whose facts can be seen from here.
    pub parent: Option<u32>,
    /// The records, by kind; values in the order of the kind's fields.
    pub facts: Vec<(KindId, Arc<[Value]>)>,
    /// The rows of the book that they rest on, by `seq`.
    pub evidence: Vec<u64>,
}

/// Why a host has no subject of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    /// The host.
    pub host: HostId,
    /// The kind.
    pub kind: KindId,
    /// What a check on that kind comes to there: not applicable, inconclusive or not tested.
    pub outcome: Outcome,
    /// Why.
    pub why: Why,
}

/// All facts of a book.
#[derive(Clone, Debug, Default)]
pub struct FactBase {
    /// The facts, hosts before their services before their sites.
    pub entries: Vec<Entry>,
    /// For every host and kind: why there is no entry, where there is none, or why there may be more than there are.
    pub absent: Vec<Absent>,
    /// The time that ages are counted to: when the scan began.
    pub as_of: Option<Moment>,
}

impl FactBase {
    /// The record of a kind as seen from an entry: its own, or that of a subject above it.
    pub fn record<'a>(&'a self, entry: &'a Entry, kind: KindId) -> Option<&'a [Value]> {
        let mut at = Some(entry);
        while let Some(here) = at {
            if let Some((_, record)) = here.facts.iter().find(|(known, _)| *known == kind) {
                return Some(record);
            }
            at = here.parent.and_then(|above| self.entries.get(above as usize));
        }
        None
    }
}
