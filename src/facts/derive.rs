//! From a book to its facts: every row of derivation on every host, put together into entries. Pure and total.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::ground::{Ground, Standpoint};
use super::rows::{self, Found, Lot, Tools};
use super::seen::{Gap, Seen};
use super::{Absent, Entry, FactBase, KindId, Vocabulary};
use crate::inventory::{Host, Inventory};
use crate::model::net::{HostId, Transport};
use crate::model::plan::Plan;
use crate::model::record::Row;
use crate::model::subject::Subject;
use crate::model::value::Value;

/// Derives every fact of a book: for each host that the plan wants, what is known of it and of its services and sites,
/// and for each kind of which there is nothing, or may be more, why.
///
/// `rows` are the rows of the book with their numbers, in its order; `trust` are authorities that are trusted besides
/// Mozilla's, each DER. The same arguments give the same facts, whatever the book holds, and nothing in it makes this
/// fail: what cannot be read is not known, with that reason.
pub fn derive(
    inventory: &Inventory,
    plan: &Plan,
    rows: &[(u64, Row)],
    vocabulary: &Vocabulary,
    trust: &[Vec<u8>],
) -> FactBase {
    let seen = Seen::gather(plan, rows);
    let as_of = seen.opened.map(|opened| opened.at);
    let from = Standpoint::of(inventory, &plan.vantage);
    let mut tools = Tools::new(trust);
    let mut base = FactBase { as_of, ..FactBase::default() };
    for host in &inventory.hosts {
        let Some(of_host) = seen.hosts.get(&host.id) else { continue };
        let as_of = as_of.unwrap_or(plan.made);
        let ground = Ground::new(host, inventory, from, of_host, as_of, &seen.unfinished);
        one_host(&ground, vocabulary, &mut tools, &mut base);
    }
    strangers(inventory, &seen, vocabulary, &mut base);
    base
}

/// The facts of one host, from the rows of a book so far: what decides where a scan goes on.
pub fn derive_host(
    id: &HostId,
    inventory: &Inventory,
    plan: &Plan,
    rows: &[(u64, Row)],
    vocabulary: &Vocabulary,
    trust: &[Vec<u8>],
) -> FactBase {
    let seen = Seen::gather(plan, rows);
    let as_of = seen.opened.map_or(plan.made, |opened| opened.at);
    let from = Standpoint::of(inventory, &plan.vantage);
    let mut tools = Tools::new(trust);
    let mut base = FactBase { as_of: Some(as_of), ..FactBase::default() };
    let host = inventory.hosts.iter().find(|host| host.id == *id);
    if let Some((host, of_host)) = host.zip(seen.hosts.get(id)) {
        let ground = Ground::new(host, inventory, from, of_host, as_of, &seen.unfinished);
        one_host(&ground, vocabulary, &mut tools, &mut base);
    }
    base
}

/// Every kind on one host.
fn one_host(ground: &Ground<'_>, vocabulary: &Vocabulary, tools: &mut Tools, base: &mut FactBase) {
    let mut draft = Draft::default();
    for (id, kind) in (0..).zip(vocabulary.kinds()) {
        let lot = match rows::yielding(&kind.name) {
            Some(row) => (row.derive)(ground, kind, tools),
            None => rows::identity(ground, kind),
        };
        draft.take(id, lot, ground.host);
    }
    draft.finish(ground, base);
}

/// Hosts that the plan speaks of and the inventory does not: they are accounted for all the same.
fn strangers(inventory: &Inventory, seen: &Seen<'_>, vocabulary: &Vocabulary, base: &mut FactBase) {
    let known: BTreeSet<&HostId> = inventory.hosts.iter().map(|host| &host.id).collect();
    for host in seen.hosts.keys().filter(|host| !known.contains(*host)) {
        let gap = Gap::not_tested("the inventory has no such host");
        for (id, _) in (0..).zip(vocabulary.kinds()) {
            base.absent.push(absent((*host).clone(), id, &gap));
        }
    }
}

fn absent(host: HostId, kind: KindId, gap: &Gap) -> Absent {
    Absent { host, kind, outcome: gap.outcome, why: gap.reason() }
}

/// A place on a host. Its order puts the host first, and every place after those that hold it.
type Place = (Option<IpAddr>, Option<(Transport, u16)>, Option<String>);

/// The entries of one host while its facts come in.
#[derive(Default)]
struct Draft {
    places: BTreeMap<Place, Gathered>,
    absent: Vec<Absent>,
}

/// What was found of one subject.
#[derive(Default)]
struct Gathered {
    facts: Vec<(KindId, Arc<[Value]>)>,
    evidence: BTreeSet<u64>,
}

impl Draft {
    fn take(&mut self, kind: KindId, lot: Lot, host: &Host) {
        for Found { address, service, name, record, evidence } in lot.found {
            let gathered = self.places.entry((address, service, name)).or_default();
            gathered.facts.push((kind, record));
            gathered.evidence.extend(evidence);
        }
        if let Some(gap) = lot.gap {
            self.absent.push(absent(host.id.clone(), kind, &gap));
        }
    }

    /// Turns places into entries that know the one above them.
    fn finish(mut self, ground: &Ground<'_>, base: &mut FactBase) {
        self.places.entry((None, None, None)).or_default();
        let services: Vec<Place> =
            self.places.keys().map(|place| (place.0, place.1, None)).collect();
        for place in services.into_iter().filter(|place| place.1.is_some()) {
            self.places.entry(place).or_default();
        }
        let mut indices: BTreeMap<Place, u32> = BTreeMap::new();
        for (place, gathered) in self.places {
            let index = u32::try_from(base.entries.len()).unwrap_or(u32::MAX);
            let parent = above(&place).find_map(|above| indices.get(&above).copied());
            let (address, service, name) = place.clone();
            let subject = Subject {
                host: ground.host.id.clone(),
                address,
                service,
                name,
                vantage: ground.from.id.to_owned(),
            };
            base.entries.push(Entry {
                subject,
                parent,
                facts: gathered.facts,
                evidence: gathered.evidence.into_iter().collect(),
            });
            indices.insert(place, index);
        }
        base.absent.append(&mut self.absent);
    }
}

/// The wider places that hold a place, narrowest first.
fn above((address, service, name): &Place) -> impl Iterator<Item = Place> {
    let service_of = name.is_some().then_some((*address, *service, None));
    let address_of = service.is_some().then_some((*address, None, None));
    let host_of = (address.is_some() || name.is_some()).then_some((None, None, None));
    [service_of, address_of, host_of].into_iter().flatten()
}
