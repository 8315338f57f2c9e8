//! Where recipes go: each to the places where the `when` of some check that wants it may hold.
//!
//! Before a scan only the inventory is known, so that the worst case is told: the ports for which a `when` is not settled
//! to be false, with everything unknown that the scan is to find out. During it, the facts of the host so far decide.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalogue::Check;
use crate::catalogue::recipe::Asking;
use crate::facts::{self, FactBase, KindId, Vocabulary};
use crate::inventory::Inventory;
use crate::model::moment::Moment;
use crate::model::net::{CheckId, HostId, Transport};
use crate::model::observation::Spot;
use crate::model::plan::{Bound, Limits, Plan, Step, Wanted};
use crate::model::record::Row;
use crate::model::subject::Subject;
use crate::model::value::Value;
use crate::probe::{Probe, recipe};

/// A check that wants a recipe asked.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The check.
    pub check: Arc<Check>,
    /// Its parameters.
    pub params: Vec<Value>,
    /// What is to be asked.
    pub asking: Arc<Asking>,
}

/// Knows where recipes go.
#[derive(Debug)]
pub struct Guide {
    inventory: Inventory,
    vocabulary: Vocabulary,
    trust: Vec<Vec<u8>>,
    wishes: BTreeMap<String, Vec<Wish>>,
    /// What the inventory alone says of each host.
    declared: FactBase,
    /// Records of which nothing is known, by kind.
    blank: Vec<Arc<[Value]>>,
}

/// Why something is not known while a scan is planned.
const NOT_YET: &str = "it was not asked yet";

impl Guide {
    /// A guide for those wishes.
    pub fn new(
        inventory: &Inventory,
        vocabulary: &Vocabulary,
        trust: &[Vec<u8>],
        wishes: Vec<Wish>,
    ) -> Self {
        let mut by_probe: BTreeMap<String, Vec<Wish>> = BTreeMap::new();
        for wish in wishes {
            by_probe.entry(wish.asking.name.clone()).or_default().push(wish);
        }
        let check = CheckId(String::new());
        let hosts = inventory.hosts.iter().map(|host| host.id.clone());
        let wanted = hosts.map(|host| Wanted { host, check: check.clone() }).collect();
        let blank = |kind: &crate::model::value::Kind| {
            kind.fields.iter().map(|_| Value::unknown(NOT_YET)).collect()
        };
        let declared = match by_probe.is_empty() {
            true => FactBase::default(),
            false => facts::derive(inventory, &unplanned(wanted), &[], vocabulary, &[]),
        };
        Self {
            declared,
            blank: vocabulary.kinds().iter().map(blank).collect(),
            inventory: inventory.clone(),
            vocabulary: vocabulary.clone(),
            trust: trust.to_vec(),
            wishes: by_probe,
        }
    }

    /// Every recipe as a probe, each once.
    pub fn probes(&self) -> Vec<Probe> {
        let first = self.wishes.values().filter_map(|wishes| wishes.first());
        first.map(|wish| recipe::probe(&wish.asking)).collect()
    }

    /// What a probe asks, if it is a recipe.
    pub(super) fn asking(&self, probe: &str) -> Option<&Asking> {
        self.wishes.get(probe)?.first().map(|wish| &*wish.asking)
    }

    /// Those of the TCP ports of a host to which a recipe may go.
    pub(super) fn ports(&self, probe: &str, host: &HostId, ports: &[u16]) -> Vec<u16> {
        let wishes = self.wishes.get(probe).map_or(&[][..], Vec::as_slice);
        let about = self.entry(&self.declared, host, &|subject| subject.service.is_none());
        let may = |port: &&u16| {
            let service = self.supposed(Transport::Tcp, **port);
            wishes.iter().any(|wish| self.away(wish, &self.declared, about, &service).is_none())
        };
        ports.iter().filter(may).copied().collect()
    }

    /// The facts of a host, from the rows of a scan so far.
    pub fn facts(&self, host: &HostId, plan: &Plan, rows: &[(u64, Row)]) -> FactBase {
        facts::derive_host(host, &self.inventory, plan, rows, &self.vocabulary, &self.trust)
    }

    /// Why a step is not needed at a spot, when the `when` of every check that asked for it is settled to be false there.
    pub fn keeps_away(&self, step: &Step, spot: &Spot, facts: &FactBase) -> Option<String> {
        let wishes = self.wishes.get(&step.probe)?;
        let (transport, port) = spot.service?;
        let at = |subject: &Subject, name: &Option<String>| {
            subject.address == spot.address
                && subject.service == spot.service
                && subject.name == *name
        };
        let own = self.entry(facts, &spot.host, &|subject| at(subject, &spot.name));
        let service = own.or_else(|| self.entry(facts, &spot.host, &|subject| at(subject, &None)));
        let host = || self.entry(facts, &spot.host, &|subject| subject.address.is_none());
        let entry = service.or_else(host);
        let supposed = self.supposed(transport, port);
        let wanted = wishes.iter().filter(|wish| step.asked_by.contains(&wish.check.id));
        let mut reasons = BTreeSet::new();
        for wish in wanted {
            reasons.insert(self.away(wish, facts, entry, &supposed)?);
        }
        Some(reasons.into_iter().collect::<Vec<_>>().join("; "))
    }

    /// Why a wish does not lead to an entry; `supposed` stands in for its service where no facts tell of one.
    fn away(
        &self,
        wish: &Wish,
        facts: &FactBase,
        entry: Option<&facts::Entry>,
        supposed: &[Value],
    ) -> Option<String> {
        let service = self.vocabulary.id("service");
        let lookup = |kind: KindId| {
            let known = entry.and_then(|entry| facts.record(entry, kind));
            let supposed = || (Some(kind) == service).then_some(supposed);
            let blank = || self.blank.get(usize::from(kind)).map(|record| &**record);
            known.or_else(supposed).or_else(blank)
        };
        wish.check.keeps_away(&wish.params, &lookup).map(ToString::to_string)
    }

    fn entry<'f>(
        &self,
        facts: &'f FactBase,
        host: &HostId,
        is: &dyn Fn(&Subject) -> bool,
    ) -> Option<&'f facts::Entry> {
        facts.entries.iter().find(|entry| entry.subject.host == *host && is(&entry.subject))
    }

    /// A service of which only transport and port are known.
    fn supposed(&self, transport: Transport, port: u16) -> Vec<Value> {
        let Some(kind) = self.vocabulary.id("service").and_then(|id| self.vocabulary.kind(id))
        else {
            return Vec::new();
        };
        let value = |field: &crate::model::value::Field| match &*field.name {
            "transport" => Value::text(transport.to_string()),
            "port" => Value::Int(i64::from(port)),
            _ => Value::unknown(NOT_YET),
        };
        kind.fields.iter().map(value).collect()
    }
}

/// A plan by which nothing is asked.
fn unplanned(wanted: Vec<Wanted>) -> Plan {
    Plan {
        schema: String::new(),
        made: Moment::from_unix_seconds(0),
        vantage: String::new(),
        profile: String::new(),
        limits: Limits { per_second: 1, per_host_per_second: 1, per_host_parallel: 1 },
        resolvers: Vec::new(),
        steps: Vec::new(),
        wanted,
        untested: Vec::new(),
        total: Bound::default(),
    }
}
