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
        let is_of_host = |(_, kind): &(KindId, &Arc<Kind>)| kind.tier == Tier::Host;
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
        self.may_want_at(params, host, service, &service.record(transport, port))
    }

    fn may_want_at(
        &self,
        params: &[Value],
        host: Lookup<'_, '_>,
        service: &Service,
        record: &[Value],
    ) -> bool {
        let lookup = |kind: KindId| {
            if kind == service.id {
                Some(record)
            } else if service.hosts.contains(&kind) {
                host(kind)
            } else {
                None
            }
        };
        !matches!(self.wants(params, &lookup), Wants::No(_))
    }

    /// The ports that it speaks of: those that its own probe names, or on which its `when` may hold. None where they are
    /// more than `few`: then it is about no port in particular.
    pub fn ports(&self, params: &[Value], transport: Transport, few: usize) -> Option<Vec<u16>> {
        let named = self.asking(params).map(|asking| asking.ports).unwrap_or_default();
        let datagrams = self.recipe.as_ref().is_some_and(|recipe| recipe.medium.is_datagrams());
        if !named.is_empty() && datagrams == (transport == Transport::Udp) {
            return Some(named);
        }
        let service = self.service.as_ref()?;
        let mut record = service.record(transport, 0);
        let mut found = Vec::new();
        for port in 1..=u16::MAX {
            if let Some(known) = service.port.and_then(|slot| record.get_mut(slot)) {
                *known = Value::Int(i64::from(port));
            }
            if self.may_want_at(params, &|_| None, service, &record) {
                found.push(port);
            }
            if found.len() > few {
                return None;
            }
        }
        Some(found)
    }

    /// The ports of its parameter `ports`, where it has one: what authors call so by custom.
    pub fn named_ports(&self) -> Option<Vec<u16>> {
        let param = self.params.iter().find(|param| param.name == "ports")?;
        let Value::List(list) = &param.default else { return None };
        let port = |value: &Value| match value {
            Value::Int(port) => u16::try_from(*port).ok(),
            _ => None,
        };
        list.items.iter().map(port).collect()
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
