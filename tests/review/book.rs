//! Small books made by hand, and the reviews that come of them: one host, a few ports, what each said.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use postern::catalogue::{Catalogue, File};
use postern::facts::{Vocabulary, derive};
use postern::inventory::Inventory;
use postern::inventory::waivers::Waiver;
use postern::judge::judge;
use postern::model::complaint::Source;
use postern::model::digest::Digest;
use postern::model::moment::Moment;
use postern::model::net::{CheckId, HostId, Transport, parse_port_ranges, port_ranges};
use postern::model::observation::{Line, Observation, Spot, Who};
use postern::model::plan::{Bound, Class, Limits, Over, Plan, Step, Wanted, When};
use postern::model::record::{BOOK_SCHEMA, End, Opened, Row};
use postern::profile::Profile;
use postern::review::{Review, ReviewError, ReviewInput};
use serde_json::{Value as Json, json};

/// The checks: one that is critical and stops the gate, a medium one, and a low one.
pub(crate) const CHECKS: [&str; 3] = [UNDECLARED, NO_NEED, VERSION];
/// Critical.
pub(crate) const UNDECLARED: &str = "exposure/undeclared-open";
/// Medium.
pub(crate) const NO_NEED: &str = "exposure/no-stated-need";
/// Low.
pub(crate) const VERSION: &str = "service/version-in-greeting";
/// The ports that are asked of the host.
pub(crate) const PORTS: &str = "1-200";

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let (catalogue, wrong) = Catalogue::read(&Catalogue::built_in_files(), &VOCABULARY);
    assert_eq!(wrong, []);
    catalogue
});
static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(Vocabulary::built_in);

/// A time.
pub(crate) fn at(text: &str) -> Moment {
    text.parse().expect("a time")
}

/// A declared door with everything in order.
pub(crate) fn declared(port: &str, from: &str) -> Json {
    json!({"port": port, "from": [from], "need": {"en": "booking"}, "approved_by": "Chan",
        "review_by": "2027-03-01"})
}

/// A book while it is made.
#[derive(Clone)]
pub(crate) struct Book {
    inventory: Json,
    plan: Plan,
    began: Moment,
    also: Vec<&'static str>,
    vantage: &'static str,
    ports: &'static str,
    sets: &'static str,
    gate: &'static str,
    left_out: Vec<&'static str>,
    /// Its rows so far.
    pub(crate) rows: Vec<Row>,
    /// What is accepted.
    pub(crate) waivers: Vec<Waiver>,
    /// The time of the review.
    pub(crate) now: Moment,
}

impl Book {
    /// The host `web1` with these addresses and doors, and a scan of it that has begun.
    pub(crate) fn of(addresses: &[&str], exposure: &[Json]) -> Self {
        let began = at("2026-11-23T12:00:00Z");
        let inventory = json!({
            "schema": "postern/inventory/v1",
            "operator": {"id": "dhc", "name": {"en": "A centre"}},
            "zones": [{"id": "clinic", "networks": ["198.51.100.0/24"]}],
            "vantages": [
                {"id": "outside", "kind": "internet"},
                {"id": "away", "kind": "internet"},
                {"id": "within", "kind": "inside"},
            ],
            "hosts": [{"id": "web1", "addresses": addresses, "exposure": exposure}],
        });
        let addresses = addresses.iter().map(|address| address.parse().expect("an address"));
        let written = addresses.collect();
        let address = Over::Address {
            written,
            resolved_at_most: 0,
            ports: PORTS.into(),
            by_connect: false,
            usual_first: false,
        };
        let plan = Plan {
            schema: "postern/plan/v1".into(),
            made: began,
            vantage: "outside".into(),
            profile: "small".into(),
            limits: Limits {
                per_second: 10,
                per_host_per_second: 5,
                per_host_parallel: 2,
                per_host_talks_per_second: None,
            },
            resolvers: Vec::new(),
            steps: vec![
                step(0, "tcp", address),
                step(1, "greeting", Over::Service { at_most: 64 }),
            ],
            wanted: CHECKS
                .map(|check| Wanted { host: web1(), check: CheckId(check.into()) })
                .into(),
            untested: Vec::new(),
            total: Bound::default(),
        };
        let rows = vec![Row::Began { at: began, version: "0".into() }];
        let also = Vec::new();
        let (vantage, ports, sets, gate) = ("outside", PORTS, "", UNDECLARED);
        let (waivers, left_out, now) = (Vec::new(), Vec::new(), began.plus_days(1));
        Self {
            inventory,
            plan,
            began,
            also,
            vantage,
            ports,
            sets,
            gate,
            left_out,
            rows,
            waivers,
            now,
        }
    }

    /// Without those of the usual checks.
    pub(crate) fn without(mut self, left_out: &[&'static str]) -> Self {
        self.plan.wanted.retain(|wanted| !left_out.contains(&wanted.check.0.as_str()));
        self.left_out = left_out.to_vec();
        self
    }

    /// Seen from that vantage: `outside`, `away` or `within`.
    pub(crate) fn from(mut self, vantage: &'static str) -> Self {
        self.vantage = vantage;
        self.plan.vantage = vantage.into();
        for row in &mut self.rows {
            if let Row::Saw(saw) = row {
                saw.vantage = vantage.into();
            }
        }
        self
    }

    /// With a profile that asks these ports.
    pub(crate) fn asked(mut self, ports: &'static str) -> Self {
        self.ports = ports;
        for step in &mut self.plan.steps {
            if let Over::Address { ports: planned, .. } = &mut step.over {
                *planned = ports.into();
            }
        }
        self
    }

    /// With these lines under `set:` in the profile.
    pub(crate) fn setting(mut self, sets: &'static str) -> Self {
        self.sets = sets;
        self
    }

    /// With these checks, and what else stands there, in the profile's gate.
    pub(crate) fn gate(mut self, gate: &'static str) -> Self {
        self.gate = gate;
        self
    }

    /// With the inventory changed.
    pub(crate) fn declaring(mut self, change: impl FnOnce(&mut Json)) -> Self {
        change(&mut self.inventory);
        self
    }

    /// With that check too.
    pub(crate) fn asking(mut self, check: &'static str) -> Self {
        self.plan.wanted.push(Wanted { host: web1(), check: CheckId(check.into()) });
        self.also.push(check);
        self
    }

    /// The same scan, that many days later.
    pub(crate) fn days_later(mut self, days: i64) -> Self {
        (self.began, self.now) = (self.began.plus_days(days), self.now.plus_days(days));
        for row in &mut self.rows {
            match row {
                Row::Began { at, .. } | Row::Closed { at, .. } => *at = at.plus_days(days),
                Row::Saw(saw) => saw.at = saw.at.plus_days(days),
                _ => {}
            }
        }
        self
    }

    /// The states of an address's ports, as ranges; a port named twice is what it is last.
    pub(crate) fn swept(mut self, address: &str, states: &[(&str, &str)]) -> Self {
        let how = |state: &str| match state {
            "closed" => json!({"how": "refused"}),
            "filtered" => json!({"how": "timed-out"}),
            "inconclusive" => json!({"how": "reset"}),
            _ => Json::Null,
        };
        let mut by_port = BTreeMap::new();
        for (ports, state) in states {
            let ports = parse_port_ranges(ports).expect("ranges");
            by_port.extend(ports.into_iter().map(|port| (port, *state)));
        }
        let run = |state: &str| {
            let those = by_port.iter().filter(|(_, of)| **of == state).map(|(port, _)| *port);
            let ports = port_ranges(&those.collect::<Vec<_>>());
            json!({"ports": ports, "state": state, "reason": how(state)})
        };
        let kinds: BTreeSet<&str> = by_port.values().copied().collect();
        let states: Vec<_> = kinds.into_iter().map(run).collect();
        let spot = Spot { host: web1(), address: address.parse().ok(), service: None, name: None };
        self.saw(0, "tcp", spot, json!({ "states": states }), Vec::new());
        self
    }

    /// What the service on a port of 192.0.2.1 said by itself, and the conversation.
    pub(crate) fn heard(self, port: u16, said: &str, transcript: &[&str]) -> Self {
        self.heard_at("192.0.2.1", port, said, transcript)
    }

    /// The same at another address.
    pub(crate) fn heard_at(
        mut self,
        address: &str,
        port: u16,
        said: &str,
        transcript: &[&str],
    ) -> Self {
        let address = address.parse().ok();
        let service = Some((Transport::Tcp, port));
        let line = |text: &&str| Line { who: Who::Them, ms: 1, text: (*text).into() };
        let transcript = transcript.iter().map(line).collect();
        let spot = Spot { host: web1(), address, service, name: None };
        self.saw(1, "greeting", spot, json!({ "said": said }), transcript);
        self
    }

    /// One address, the ports in these states and all others closed, and a greeting from each open one.
    pub(crate) fn small(exposure: &[Json], open: &[(u16, &str)]) -> Self {
        let ports: Vec<_> = open.iter().map(|(port, _)| port.to_string()).collect();
        let mut states = vec![(PORTS, "closed")];
        states.extend(ports.iter().map(|port| (port.as_str(), "open")));
        let book = Self::of(&["192.0.2.1"], exposure).swept("192.0.2.1", &states);
        let greet = |book: Self, (port, said): &(u16, &str)| book.heard(*port, said, &[]);
        open.iter().fold(book, greet).ended(None)
    }

    /// The scan came to its end, or was stopped for that reason.
    pub(crate) fn ended(mut self, why: Option<&str>) -> Self {
        let (complete, why) = (why.is_none(), why.map(str::to_owned));
        self.rows.push(Row::Closed { at: self.began, complete, why });
        self
    }

    /// The review of it.
    pub(crate) fn review(&self) -> Review {
        self.compared(None).expect("a review")
    }

    /// The review of it, compared with the last one.
    pub(crate) fn after(&self, last: &Review) -> Review {
        self.compared(Some(last)).expect("a review")
    }

    /// The review of it, or why there is none.
    pub(crate) fn compared(&self, last: Option<&Review>) -> Result<Review, ReviewError> {
        let inventory: Inventory =
            serde_json::from_value(self.inventory.clone()).expect("an inventory");
        let mut checks = [&CHECKS, self.also.as_slice()].concat();
        checks.retain(|check| !self.left_out.contains(check));
        let profile = profile(&checks, self.ports, self.sets, self.gate);
        let opened = self.opened();
        let head = Row::Opened(Box::new(opened.clone()));
        let rows: Vec<_> = (0..).zip([head].into_iter().chain(self.rows.iter().cloned())).collect();
        let facts = derive(&inventory, &self.plan, &rows, &VOCABULARY, &[]);
        let judgement = judge(&profile, &facts, &self.plan.wanted).expect("all is accounted for");
        postern::review::review(ReviewInput {
            judgement: &judgement,
            facts: &facts,
            profile: &profile,
            catalogue_digest: CATALOGUE.digest(),
            frameworks: &[],
            packs: &[],
            inventory: &inventory,
            waivers: &self.waivers,
            authorisations: &[],
            opened: &opened,
            rows: &rows,
            book_digest: Digest::of(b"book"),
            last,
            version: "0",
            now: self.now,
        })
    }

    fn opened(&self) -> Opened {
        Opened {
            schema: BOOK_SCHEMA.into(),
            version: "0".into(),
            at: self.began,
            vantage: self.vantage.into(),
            identity: BTreeMap::default(),
            inventory: self.inventory.clone(),
            declared_at: BTreeMap::default(),
            trust: Vec::new(),
            authorisations: Vec::new(),
            waivers: Json::Null,
            profile: "small".into(),
            plan: self.plan.clone(),
            digests: BTreeMap::default(),
            given: BTreeMap::default(),
            plugins: Vec::new(),
        }
    }

    fn saw(&mut self, step: u32, probe: &str, spot: Spot, saw: Json, transcript: Vec<Line>) {
        self.rows.push(Row::Saw(Observation {
            step,
            probe: probe.into(),
            revision: 1,
            spot: spot.clone(),
            vantage: self.vantage.into(),
            attempt: 1,
            at: self.began,
            took_ms: 1,
            saw,
            transcript,
        }));
        self.rows.push(Row::Done { step, spot, end: End::Asked });
    }
}

fn web1() -> HostId {
    HostId("web1".into())
}

fn step(id: u32, probe: &str, over: Over) -> Step {
    Step {
        id,
        host: web1(),
        probe: probe.into(),
        over,
        when: When::Always,
        class: Class::Passive,
        asked_by: Vec::new(),
        bound: Bound::default(),
    }
}

fn profile(checks: &[&str], ports: &str, sets: &str, gate: &str) -> Profile {
    let text = format!(
        "schema: postern/profile/v1\ntitle: {{en: Small}}\nselect: [{}]\nports: {ports}\n{sets}\
         class: passive\nlimits: {{per-second: 10, per-host-per-second: 5, per-host-parallel: 2}}\n\
         gate: {{checks: [{gate}], coverage: 90, inconclusive: 5, many-medium: 20}}\n\
         due: {{critical: 7, high: 14, medium: 90, low: 180}}\n",
        checks.join(", ")
    );
    let source = Arc::new(Source { path: "small.yaml".into(), text });
    let files = [File { id: "small".into(), source }];
    Profile::read("small", &files, &CATALOGUE).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}
