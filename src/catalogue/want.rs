//! Where a check's own probe goes: its `when`, on what is known before anything was asked and on what is known later.

use std::sync::Arc;

use super::expr::{Env, Truth};
use super::recipe::{Asking, Recipe};
use super::{Check, Lookup};
use crate::facts::{KindId, Vocabulary};
use crate::model::net::Transport;
use crate::model::outcome::Why;
use crate::model::value::{Kind, Tier, Value};

/// Whether a check's own probe is to be put to something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wants {
    /// It is: its `when` holds, or nothing says that it does not.
    Yes,
    /// It is not, and why.
    No(Why),
}

/// The fields of services that are known of a place before it was asked.
#[derive(Clone, Debug)]
pub(super) struct Service {
    id: KindId,
    size: usize,
    transport: Option<usize>,
    port: Option<usize>,
    hosts: Vec<KindId>,
}

impl Service {
    /// Finds them in a vocabulary.
    pub(super) fn of(vocabulary: &Vocabulary) -> Option<Self> {
        let id = vocabulary.id("service")?;
        let kind = vocabulary.kind(id)?;
        let is_of_host = |(_, kind): &(KindId, &Kind)| kind.tier == Tier::Host;
        let hosts = (0..).zip(vocabulary.kinds()).filter(is_of_host).map(|(id, _)| id).collect();
        let (transport, port) = (kind.slot("transport"), kind.slot("port"));
        Some(Self { id, size: kind.fields.len(), transport, port, hosts })
    }

    /// What is known of a service beforehand.
    fn record(&self, transport: Transport, port: u16) -> Vec<Value> {
        let known = |slot| {
            if self.transport == Some(slot) {
                Value::text(transport.to_string())
            } else if self.port == Some(slot) {
                Value::Int(i64::from(port))
            } else {
                Value::unknown("it is not known before it was asked")
            }
        };
        (0..self.size).map(known).collect()
    }
}

impl Check {
    /// The probe that it brings along.
    pub fn recipe(&self) -> Option<&Arc<Recipe>> {
        self.recipe.as_ref()
    }

    /// The kind of that probe's records, by its place in the vocabulary.
    pub fn probe_kind(&self) -> Option<KindId> {
        self.own
    }

    /// What its own probe puts on the wire, with parameters in the order of [`Check::params`].
    pub fn asking(&self, params: &[Value]) -> Option<Asking> {
        self.recipe.as_ref().map(|recipe| recipe.asking(params))
    }

    /// Whether its own probe may have to be put to a port, as far as that can be told before anything was asked: for the
    /// worst case of a plan. `host` knows the kinds that are about the host; whatever else there is, is not known.
    pub fn may_want(
        &self,
        params: &[Value],
        host: Lookup<'_, '_>,
        transport: Transport,
        port: u16,
    ) -> bool {
        let Some(service) = &self.service else { return true };
        let record = service.record(transport, port);
        let lookup = |kind: KindId| {
            if kind == service.id {
                Some(record.as_slice())
            } else if service.hosts.contains(&kind) {
                host(kind)
            } else {
                None
            }
        };
        !matches!(self.wants(params, &lookup), Wants::No(_))
    }

    /// Whether its own probe is to be put to a place, by what is known of it now.
    pub fn wants<'a>(&'a self, params: &'a [Value], lookup: Lookup<'_, 'a>) -> Wants {
        let Some(when) = &self.when else { return Wants::Yes };
        match when.truth(&Env::new(params, lookup)) {
            Truth::False => Wants::No(self.not_when.clone()),
            Truth::True | Truth::Unknown(_) => Wants::Yes,
        }
    }
}
