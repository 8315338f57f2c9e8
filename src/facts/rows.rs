//! The rows of derivation: what each needs, what it yields, and the function between.

use std::net::IpAddr;
use std::sync::Arc;

use super::ground::Ground;
use super::seen::{Gap, Standing};
use super::trust::Trust;
use super::{certificate, host, http, json, service, tls};
use crate::model::net::Transport;
use crate::model::observation::Spot;
use crate::model::value::{Kind, Tier, Value};

/// A row of derivation: from the observations of some probes to one kind of fact. `plan()` chains backwards through
/// these, so nothing is sent that no check needs.
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// Goes up when the same observations come to other facts.
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
pub static ROWS: &[Row] = &[host::ROW, service::ROW, tls::ROW, certificate::ROW, http::ROW];

/// The probes in the order in which each builds on the answers of those before it: addresses come from names, services
/// from open ports, and what a service says by itself decides whether it is spoken to.
const ORDER: &[&str] = &["names", "tcp", "greeting", "tls", "http"];

/// The probes on whose answers facts of a kind rest, all the way down and in the order in which they are put. A kind
/// that no row yields is a probe's own, of the same name, and rests on names and ports.
pub fn needs(kind: &'static str) -> Vec<&'static str> {
    let Some(row) = yielding(kind) else {
        return vec!["names", "tcp", kind];
    };
    let last = ORDER.iter().rposition(|probe| row.needs.contains(probe)).unwrap_or(0);
    ORDER.iter().take(last + 1).copied().collect()
}

/// The row that yields a kind.
pub(super) fn yielding(kind: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.yields == kind)
}

/// What rows share while a book is derived.
pub(super) struct Tools {
    /// Who is trusted.
    pub(super) trust: Trust,
}

impl Tools {
    /// Tools that trust Mozilla's authorities and these, each DER.
    pub(super) fn new(trust: &[Vec<u8>]) -> Self {
        Self { trust: Trust::new(trust) }
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
    kind: &'k Kind,
    values: Vec<Value>,
}

/// What fields hold that this version of the program derives nothing for.
pub(super) const NOT_DERIVED: &str = "this version of Postern does not derive it";

impl<'k> Sheet<'k> {
    /// A record of which nothing is known yet.
    pub(super) fn new(kind: &'k Kind) -> Self {
        Self { kind, values: vec![Value::unknown(NOT_DERIVED); kind.fields.len()] }
    }

    /// Fills in a field; one that the kind does not have is left out.
    pub(super) fn set(&mut self, field: &str, value: Value) -> &mut Self {
        let slot = self.kind.slot(field).and_then(|slot| self.values.get_mut(slot));
        if let Some(slot) = slot {
            *slot = value;
        }
        self
    }

    /// The finished record.
    pub(super) fn done(self) -> Arc<[Value]> {
        self.values.into()
    }
}

/// A kind that a probe yields by itself: its observation is a JSON object with the kind's fields. The probe bears the
/// kind's name.
pub(super) fn identity(ground: &Ground<'_>, kind: &Kind) -> Lot {
    let mut lot = Lot::default();
    let mut gaps = ground.gaps.clone();
    for (spot, sight) in ground.seen.lasts(kind.name) {
        match json::record(&sight.what.saw, kind) {
            Some(record) => lot.found.push(Found::at(spot, record, vec![sight.seq])),
            None => gaps.push(unreadable(ground, spot)),
        }
    }
    if kind.tier == Tier::Host {
        if let (true, Standing::Open(gap)) =
            (lot.found.is_empty(), ground.standing(kind.name, &ground.spot(None, None, None)))
        {
            gaps.push(gap);
        }
    } else {
        gaps.extend(ground.unasked(kind.name));
    }
    lot.gap = Gap::together(gaps);
    if lot.found.is_empty() && lot.gap.is_none() {
        let why = format!("nothing on {} answered the question of {}", ground.host.id, kind.name);
        lot.gap = Some(Gap::not_applicable(why));
    }
    lot
}

/// The gap of an observation that is not in the form that this version reads.
pub(super) fn unreadable(ground: &Ground<'_>, spot: &Spot) -> Gap {
    Gap::not_tested(format!("what the book holds of {} cannot be read", ground.words(spot)))
}
