//! Where recipes go: each to the places where the `when` of some check that wants it may hold.
//!
//! Before a scan only the inventory is known, so that the worst case is told: the ports for which a `when` is not settled
//! to be false, with everything unknown that the scan is to find out. During it, the facts of the host so far decide.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalogue::recipe::Asking;
use crate::catalogue::{Check, Wants};
use crate::facts::{self, Entry, FactBase, Vocabulary};
use crate::inventory::Inventory;
use crate::model::moment::Moment;
use crate::model::net::{CheckId, HostId, Transport};
use crate::model::observation::Spot;
use crate::model::outcome::Why;
use crate::model::plan::{Bound, Limits, Over, Plan, Step, Wanted};
use crate::model::record::Row;
use crate::model::subject::Subject;
use crate::model::value::{Kind, Tier, Value};
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
}

/// Why a recipe does not go where its condition cannot hold.
const NOT_HERE: &str = "no check that wants it is about this place";
/// Why a recipe of a check about web sites does not go where no site was seen: its result is settled without it, and
/// each request to a service that only waits would cost its full time.
const NO_SITE: &str = "no web site was seen at this place";
/// Why it does not go to an open port that counts as no service.
const NOBODY: &str = "the address accepts connections everywhere, and nobody spoke at this port";

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
        let declared = if by_probe.is_empty() {
            FactBase::default()
        } else {
            facts::derive(inventory, &unplanned(wanted), &[], vocabulary, &[])
        };
        let (inventory, vocabulary) = (inventory.clone(), vocabulary.clone());
        Self { inventory, vocabulary, trust: trust.to_vec(), wishes: by_probe, declared }
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

    /// Those of the ports of a host to which a recipe may go.
    pub(super) fn ports(
        &self,
        probe: &str,
        host: &HostId,
        transport: Transport,
        ports: &[u16],
    ) -> Vec<u16> {
        let wishes = self.wishes.get(probe).map_or(&[][..], Vec::as_slice);
        let host = entry(&self.declared, host, |subject| subject.service.is_none());
        let about = |kind| host.and_then(|host| self.declared.record(host, kind));
        let may = |port: &&u16| {
            wishes.iter().any(|wish| wish.check.may_want(&wish.params, &about, transport, **port))
        };
        ports.iter().filter(may).copied().collect()
    }

    /// The facts of a host, from the rows of a scan so far.
    pub fn facts(&self, host: &HostId, plan: &Plan, rows: &[(u64, Row)]) -> FactBase {
        facts::derive_host(host, &self.inventory, plan, rows, &self.vocabulary, &self.trust)
    }

    /// Why a step is not needed at a spot, when nobody speaks there, or the `when` of every check
    /// that asked for it is settled to be false.
    pub fn keeps_away(&self, step: &Step, spot: &Spot, facts: &FactBase) -> Option<String> {
        let (transport, port) = spot.service?;
        let at = |subject: &Subject, name: Option<&String>| {
            subject.address == spot.address
                && subject.service == spot.service
                && subject.name.as_ref() == name
        };
        let site = entry(facts, &spot.host, |subject| at(subject, spot.name.as_ref()));
        let found = site.or_else(|| entry(facts, &spot.host, |subject| at(subject, None)));
        if found.is_none() && transport == Transport::Tcp && matches!(step.over, Over::Door { .. })
        {
            return Some(NOBODY.to_owned());
        }
        // A plug-in is nobody's wish: its own configuration says where it goes.
        let wishes = self.wishes.get(&step.probe)?;
        let host = entry(facts, &spot.host, |subject| subject.address.is_none());
        let about = |kind| host.and_then(|host| facts.record(host, kind));
        let mut reasons = BTreeSet::new();
        for wish in wishes.iter().filter(|wish| step.asked_by.contains(&wish.check.id)) {
            if found.is_some_and(|entry| self.lacks_subject(&wish.check, entry, facts)) {
                reasons.insert(NO_SITE.to_owned());
                continue;
            }
            let lookup = |kind| found.and_then(|entry| facts.record(entry, kind));
            let wanted = match found {
                Some(_) => wish.check.wants(&wish.params, &lookup),
                None if wish.check.may_want(&wish.params, &about, transport, port) => Wants::Yes,
                None => Wants::No(Why::new(NOT_HERE)),
            };
            match wanted {
                Wants::Yes => return None,
                Wants::No(why) => reasons.insert(why.to_string()),
            };
        }
        Some(reasons.into_iter().collect::<Vec<_>>().join("; "))
    }

    /// Whether a check is about a kind that each site has a record of, and there is none at this place.
    fn lacks_subject(&self, check: &Check, entry: &Entry, facts: &FactBase) -> bool {
        let about_sites = |kind: &Kind| kind.tier == Tier::Site && !kind.is_of_one_check();
        self.vocabulary.kind(check.on).is_some_and(about_sites)
            && facts.record(entry, check.on).is_none()
    }
}

/// The first entry of a host whose subject is such.
fn entry<'f>(
    facts: &'f FactBase,
    host: &HostId,
    is: impl Fn(&Subject) -> bool,
) -> Option<&'f Entry> {
    facts.entries.iter().find(|entry| entry.subject.host == *host && is(&entry.subject))
}

/// A plan by which nothing is asked.
fn unplanned(wanted: Vec<Wanted>) -> Plan {
    Plan {
        schema: String::new(),
        made: Moment::from_unix_seconds(0),
        vantage: String::new(),
        profile: String::new(),
        limits: Limits {
            per_second: 1,
            per_host_per_second: 1,
            per_host_parallel: 1,
            per_host_talks_per_second: None,
        },
        resolvers: Vec::new(),
        steps: Vec::new(),
        wanted,
        untested: Vec::new(),
        total: Bound::default(),
    }
}
