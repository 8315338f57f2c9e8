//! The rows of derivation: what each needs, what it yields, and the function between.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::ground::Ground;
use super::portset::PortSet;
use super::seen::{Gap, Standing};
use super::trust::Trust;
use super::{certificate, host, http, json, ports, service, tls, udp};
use crate::model::net::Transport;
use crate::model::observation::Spot;
use crate::model::value::{Field, Kind, Tier, Type, Value};

/// A row of derivation: from the observations of some probes to one kind of fact. `plan()` chains backwards through
/// these, so nothing is sent that no check needs.
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// Goes up when the same observations come to other facts; `revisions.rs` notices when it does not.
    pub revision: u16,
    /// The probes without whose observations it has nothing to say.
    pub needs: &'static [&'static str],
    /// The probes whose observations make it say more, where other checks had them made.
    pub uses: &'static [&'static str],
    /// The kind of fact that it yields.
    pub yields: &'static str,
    /// The derivation.
    pub(super) derive: fn(&Ground<'_>, &Kind, &mut Tools) -> Lot,
}

/// Every row, in reading order.
pub static ROWS: &[Row] =
    &[host::ROW, ports::ROW, udp::ROW, service::ROW, tls::ROW, certificate::ROW, http::ROW];

/// The probes in the order in which each builds on the answers of those before it: addresses come from names, services
/// from open ports, and what a service says by itself decides whether it is spoken to.
const ORDER: &[&str] = &["names", "tcp", "greeting", "tls", "http"];

/// The probes on whose answers facts of a kind rest, all the way down and in the order in which they are put. A kind
/// that no row yields is a probe's own: what that stands on, its probe says.
pub fn needs(kind: &Kind) -> Vec<&str> {
    let Some(row) = yielding(&kind.name) else {
        return vec![&kind.probe];
    };
    let last = ORDER.iter().rposition(|probe| row.needs.contains(probe));
    ORDER.iter().take(last.map_or(0, |last| last + 1)).copied().collect()
}

/// The row that yields a kind.
pub(super) fn yielding(kind: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.yields == kind)
}

/// What rows share while a book is derived.
pub(super) struct Tools {
    /// Who is trusted.
    pub(super) trust: Trust,
    lists: BTreeMap<Vec<u16>, Arc<[Value]>>,
}

impl Tools {
    /// Tools that trust Mozilla's authorities and these, each DER.
    pub(super) fn new(trust: &[Vec<u8>]) -> Self {
        Self { trust: Trust::new(trust), lists: BTreeMap::new() }
    }

    /// A list of port numbers. Hosts that were asked the same ports share one list.
    pub(super) fn numbers(&mut self, ports: &PortSet) -> Arc<[Value]> {
        let numbers: Vec<u16> = ports.iter().collect();
        let list = || numbers.iter().map(|port| Value::Int(i64::from(*port))).collect();
        if let Some(known) = self.lists.get(&numbers) {
            return Arc::clone(known);
        }
        let list: Arc<[Value]> = list();
        self.lists.insert(numbers, Arc::clone(&list));
        list
    }
}

/// Everything of one kind on one host.
#[derive(Default)]
pub(super) struct Lot {
    /// The records.
    pub(super) found: Vec<Found>,
    /// Why there are none, or why there may be more.
    pub(super) gap: Option<Gap>,
}

/// One record and its place.
pub(super) struct Found {
    /// The address; none for the host as a whole.
    pub(super) address: Option<IpAddr>,
    /// The service; none for a host or an address.
    pub(super) service: Option<(Transport, u16)>,
    /// The server name, where one was spoken to.
    pub(super) name: Option<String>,
    /// The values, in the order of the kind's fields.
    pub(super) record: Arc<[Value]>,
    /// The rows of the book that it rests on.
    pub(super) evidence: Vec<u64>,
}

impl Found {
    /// A record at the place that a probe was pointed at.
    pub(super) fn at(spot: &Spot, record: Arc<[Value]>, evidence: Vec<u64>) -> Self {
        let Spot { address, service, name, .. } = spot.clone();
        Self { address, service, name, record, evidence }
    }
}

/// A record while its fields are filled in, by name. What is never filled in is not known.
pub(super) struct Sheet<'k> {
    fields: &'k [Field],
    values: Vec<Value>,
}

/// What fields hold that this version of the program derives nothing for.
pub(super) const NOT_DERIVED: &str = "this version of Postern does not derive it";

impl<'k> Sheet<'k> {
    /// A record of which nothing is known yet.
    pub(super) fn new(kind: &'k Kind) -> Self {
        Self::of(&kind.fields)
    }

    /// A record inside another: of a field, or of the entries of a list in it.
    pub(super) fn inside(kind: &'k Kind, field: &str) -> Self {
        let mut of = kind.fields.iter().find(|known| known.name == field).map(|known| &known.of);
        while let Some(Type::List(inner)) = of {
            of = Some(&**inner);
        }
        match of {
            Some(Type::Record(fields)) => Self::of(fields),
            _ => Self::of(&[]),
        }
    }

    fn of(fields: &'k [Field]) -> Self {
        Self { fields, values: vec![Value::unknown(NOT_DERIVED); fields.len()] }
    }

    /// Fills in a field; one that the record does not have is left out.
    pub(super) fn set(&mut self, field: &str, value: Value) -> &mut Self {
        let slot = self.fields.iter().position(|known| known.name == field);
        if let Some(slot) = slot.and_then(|slot| self.values.get_mut(slot)) {
            *slot = value;
        }
        self
    }

    /// Fills in a text.
    pub(super) fn text(&mut self, field: &str, text: &str) -> &mut Self {
        self.set(field, Value::text(text))
    }

    /// Fills in true or false.
    pub(super) fn flag(&mut self, field: &str, is: bool) -> &mut Self {
        self.set(field, Value::Bool(is))
    }

    /// Fills in a number.
    pub(super) fn number(&mut self, field: &str, number: i64) -> &mut Self {
        self.set(field, Value::Int(number))
    }

    /// Says of a field why it is not known.
    pub(super) fn unknown(&mut self, field: &str, why: &str) -> &mut Self {
        self.set(field, Value::unknown(why))
    }

    /// The finished record.
    pub(super) fn done(self) -> Arc<[Value]> {
        self.values.into()
    }
}

/// A kind that a probe yields by itself: its observation is a JSON object with the kind's fields.
pub(super) fn identity(ground: &Ground<'_>, kind: &Kind) -> Lot {
    let mut lot = Lot::default();
    let mut gaps: Vec<Gap> = ground.gap().into_iter().collect();
    for (spot, sight) in ground.seen.lasts(&kind.probe) {
        match json::record(&sight.what.saw, kind) {
            Some(record) => lot.found.push(Found::at(spot, record, vec![sight.seq])),
            None => gaps.push(unreadable(ground, spot)),
        }
    }
    if kind.tier == Tier::Host {
        if let (true, Standing::Open(gap)) =
            (lot.found.is_empty(), ground.standing(&kind.probe, &ground.spot(None, None, None)))
        {
            gaps.push(gap);
        }
    } else {
        gaps.extend(ground.unasked(&kind.probe));
    }
    lot.gap = Gap::together(gaps);
    if lot.found.is_empty() && lot.gap.is_none() {
        let why = format!("nothing on {} answered the question of {}", ground.host.id, kind.name);
        lot.gap = Some(Gap::not_applicable(why));
    }
    lot
}

/// What a row over sites comes to: its records, and why there may be more, or why there are none.
///
/// `gaps` is what the row itself found missing; `none` is the sentence for a host that was fully seen and has nothing.
pub(super) fn over_sites(
    ground: &Ground<'_>,
    probe: &str,
    found: Vec<Found>,
    gaps: Vec<Gap>,
    none: &str,
) -> Lot {
    let mut all: Vec<Gap> = ground.gap().into_iter().collect();
    all.extend(gaps);
    all.extend(ground.unasked(probe));
    let nothing = || found.is_empty().then(|| Gap::not_applicable(none));
    let gap = Gap::together(all).or_else(nothing);
    Lot { found, gap }
}

/// The gap of an observation that is not in the form that this version reads.
pub(super) fn unreadable(ground: &Ground<'_>, spot: &Spot) -> Gap {
    Gap::not_tested(format!("what the book holds of {} cannot be read", ground.words(spot)))
}
