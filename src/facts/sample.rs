//! Small books for tests: hosts, what probes saw of them, and the facts that come of it.

use std::net::IpAddr;

use serde_json::{Value as Json, json};

use super::{Entry, FactBase, Vocabulary, derive};
use crate::inventory::Inventory;
use crate::model::moment::Moment;
use crate::model::net::{CheckId, HostId, Transport};
use crate::model::observation::{Observation, Spot};
use crate::model::outcome::Outcome;
use crate::model::plan::{Bound, Class, Limits, Over, Plan, Step, Untested, Wanted, When};
use crate::model::record::{End, Row};
use crate::model::value::Value;

/// A book while it is made.
pub(super) struct Sample {
    pub(super) inventory: Inventory,
    pub(super) plan: Plan,
    pub(super) rows: Vec<(u64, Row)>,
    pub(super) trust: Vec<Vec<u8>>,
}

/// When all samples were made.
pub(super) fn now() -> Moment {
    "2026-11-23T12:00:00Z".parse().expect("a time")
}

/// A place on the host `web1`, or on `web1`'s address, port and server name.
pub(super) fn spot(address: &str, port: u16, name: &str) -> Spot {
    Spot {
        host: HostId("web1".into()),
        address: address.parse().ok(),
        service: (port > 0).then_some((Transport::Tcp, port)),
        name: (!name.is_empty()).then(|| name.to_owned()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a literal `json!` is handed over as it is")]
impl Sample {
    /// A book over these hosts (as JSON), seen from `outside`, with every probe planned on each.
    pub(super) fn of(hosts: Json) -> Self {
        let inventory = json!({
            "schema": "postern/inventory/v1",
            "operator": {"id": "dhc", "name": {"en": "A centre"}},
            "systems": [{"id": "booking", "purpose": {"en": "booking"}, "personal_data": true}],
            "zones": [{"id": "clinic", "networks": ["198.51.100.0/24"]}],
            "vantages": [
                {"id": "outside", "kind": "internet"},
                {"id": "inside", "kind": "inside", "sources": ["198.51.100.7"]},
                {"id": "somewhere", "kind": "partner"},
            ],
            "hosts": hosts,
        });
        let inventory: Inventory = serde_json::from_value(inventory).expect("an inventory");
        let mut plan = Plan {
            schema: "postern/plan/v1".into(),
            made: now(),
            vantage: "outside".into(),
            profile: "baseline".into(),
            limits: Limits {
                per_second: 10,
                per_host_per_second: 5,
                per_host_parallel: 2,
                per_host_talks_per_second: None,
            },
            resolvers: Vec::new(),
            steps: Vec::new(),
            wanted: Vec::new(),
            untested: Vec::new(),
            total: Bound::default(),
        };
        for host in &inventory.hosts {
            let check = CheckId("a/check".into());
            plan.wanted.push(Wanted { host: host.id.clone(), check: check.clone() });
            let resolved_at_most = if host.addresses.is_empty() { 16 } else { 0 };
            let written = host.addresses.clone();
            let names = host.names.clone();
            let all = [
                ("names", Over::Name { names: names.clone() }),
                (
                    "tcp",
                    Over::Address {
                        written,
                        resolved_at_most,
                        ports: "1-100,443".into(),
                        by_connect: false,
                        usual_first: false,
                    },
                ),
                ("greeting", Over::Service { at_most: 64 }),
                ("tls", Over::Site { at_most: 64, names: names.clone() }),
                ("http", Over::Site { at_most: 64, names }),
            ];
            for (probe, over) in all {
                plan.steps.push(Step {
                    id: u32::try_from(plan.steps.len()).expect("few steps"),
                    host: host.id.clone(),
                    probe: probe.into(),
                    over,
                    when: When::Always,
                    class: Class::Connect,
                    asked_by: vec![check.clone()],
                    bound: Bound::default(),
                });
            }
        }
        Self { inventory, plan, rows: Vec::new(), trust: Vec::new() }
    }

    /// One host with one address, `web1` at 192.0.2.1, with that declared exposure.
    pub(super) fn web1(exposure: Json) -> Self {
        let host = json!({"id": "web1", "role": "web", "system": "booking",
            "names": ["booking.example"], "addresses": ["192.0.2.1"], "exposure": exposure});
        Self::of(json!([host]))
    }

    fn push(&mut self, row: Row) -> u64 {
        let seq = self.rows.len() as u64;
        self.rows.push((seq, row));
        seq
    }

    fn step(&self, host: &HostId, probe: &str) -> u32 {
        let step = self.plan.steps.iter().find(|s| s.host == *host && s.probe == probe);
        step.expect("every probe is planned").id
    }

    /// Something was seen, and the question came to its end. Gives the number of the observation.
    pub(super) fn saw(&mut self, probe: &str, spot: Spot, saw: Json) -> u64 {
        let seq = self.glimpsed(probe, spot.clone(), saw);
        self.done(probe, spot, End::Asked);
        seq
    }

    /// Something was seen, and the question did not come to its end.
    pub(super) fn glimpsed(&mut self, probe: &str, spot: Spot, saw: Json) -> u64 {
        let step = self.step(&spot.host, probe);
        self.push(Row::Saw(Observation {
            step,
            probe: probe.into(),
            revision: 1,
            spot,
            vantage: "outside".into(),
            attempt: 1,
            at: now(),
            took_ms: 1,
            saw,
            transcript: Vec::new(),
        }))
    }

    /// A question came to its end.
    pub(super) fn done(&mut self, probe: &str, spot: Spot, end: End) {
        let step = self.step(&spot.host, probe);
        self.push(Row::Done { step, spot, end });
    }

    /// The scan stopped.
    pub(super) fn closed(&mut self, complete: bool, why: Option<&str>) {
        self.push(Row::Closed { at: now(), complete, why: why.map(str::to_owned) });
    }

    /// The scope refused a place while the scan ran.
    pub(super) fn refused(&mut self, probe: &str, spot: Spot, rule: &str) {
        let step = self.step(&spot.host, probe);
        self.push(Row::Refused { step, spot, rule: rule.into(), at: now() });
    }

    /// The plan leaves a probe out on `web1`.
    pub(super) fn untested(&mut self, probe: &str, address: Option<IpAddr>, why: &str) {
        let host = HostId("web1".into());
        self.plan.steps.retain(|step| step.probe != probe || address.is_some());
        for (id, step) in (0..).zip(&mut self.plan.steps) {
            step.id = id;
        }
        self.plan.untested.push(Untested { host, probe: probe.into(), address, why: why.into() });
    }

    /// Sweeps 192.0.2.1: those ports open, the other planned ones closed.
    pub(super) fn open(&mut self, open: &str) {
        self.swept("192.0.2.1", open);
    }

    /// Sweeps an address of `web1`.
    pub(super) fn swept(&mut self, address: &str, open: &str) {
        let closed = "1-100,443";
        self.saw(
            "tcp",
            spot(address, 0, ""),
            json!({"states": [
                {"ports": closed, "state": "closed", "reason": {"how": "refused"}},
                {"ports": open, "state": "open"},
            ]}),
        );
    }

    /// The facts of it.
    pub(super) fn facts(&self) -> Facts {
        let vocabulary = Vocabulary::built_in();
        let base = derive(&self.inventory, &self.plan, &self.rows, &vocabulary, &self.trust);
        Facts { base, vocabulary }
    }
}

/// Facts, to ask in words.
pub(super) struct Facts {
    pub(super) base: FactBase,
    pub(super) vocabulary: Vocabulary,
}

impl Facts {
    /// The entries that have a fact of that kind.
    pub(super) fn entries(&self, kind: &str) -> Vec<&Entry> {
        let id = self.vocabulary.id(kind).expect("a kind");
        let has = |entry: &&Entry| entry.facts.iter().any(|(known, _)| *known == id);
        self.base.entries.iter().filter(has).collect()
    }

    /// The places of those entries.
    pub(super) fn places(&self, kind: &str) -> Vec<String> {
        self.entries(kind).iter().map(|entry| entry.subject.place()).collect()
    }

    /// A field of the only fact of a kind, as a value.
    pub(super) fn value(&self, path: &str) -> Value {
        let entries = self.entries(path.split('.').next().expect("a kind"));
        assert_eq!(entries.len(), 1, "{path}: {:?}", self.base.absent);
        self.value_at(entries[0], path)
    }

    /// A field as seen from an entry.
    pub(super) fn value_at(&self, entry: &Entry, path: &str) -> Value {
        let mut words = path.split('.');
        let id = self.vocabulary.id(words.next().expect("a kind")).expect("a known kind");
        let kind = self.vocabulary.kind(id).expect("a known kind");
        let slot = words.next().and_then(|field| kind.slot(field)).expect("a known field");
        let mut value = self.base.record(entry, id).expect("a record")[slot].clone();
        let mut of = kind.fields[slot].of.clone();
        for field in words {
            let crate::model::value::Type::Record(fields) = &of else {
                panic!("{path}: no record")
            };
            let slot = fields.iter().position(|known| known.name == field).expect("a known field");
            let Value::Record(values) = &value else { panic!("{path}: {value}") };
            (value, of) = (values[slot].clone(), fields[slot].of.clone());
        }
        value
    }

    /// A field of the only fact of a kind, in words; the reason why a list is partial stands behind it.
    pub(super) fn words(&self, path: &str) -> String {
        in_words(&self.value(path))
    }

    /// Why a kind is missing, or partly missing, on `web1`.
    pub(super) fn absent(&self, kind: &str) -> Option<(Outcome, String)> {
        let id = self.vocabulary.id(kind).expect("a kind");
        let found = self.base.absent.iter().find(|absent| absent.kind == id);
        found.map(|absent| (absent.outcome, absent.why.to_string()))
    }
}

/// A value in words, with the reason why a list is partial behind it.
pub(super) fn in_words(value: &Value) -> String {
    match value {
        Value::List(list) => {
            let more = list.unseen.as_ref().map(|why| format!(" … {why}")).unwrap_or_default();
            format!("{value}{more}")
        }
        value => value.to_string(),
    }
}
