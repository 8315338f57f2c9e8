//! The scan: the files that an operator would write, and what `postern scan` made of them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use postern::engine::wall_clock;
use postern::model::chain;
use postern::model::moment::Moment;
use postern::model::net::parse_port_ranges;
use postern::model::observation::Spot;
use postern::model::plan::Limits;
use postern::model::record::Row;
use postern::model::saw::{Cut, PortState, PortsSaw};
use serde::de::DeserializeOwned;

/// The promised pace.
pub(crate) const LIMITS: Limits = Limits {
    per_second: 30,
    per_host_per_second: 12,
    per_host_parallel: 6,
    per_host_talks_per_second: None,
};

/// The ports that are asked.
pub(crate) const PORTS: [u16; 12] = [22, 80, 81, 82, 83, 443, 8080, 8081, 8082, 8083, 9998, 9999];

/// This machine's resolvers. The second is a host of the inventory as well.
pub(crate) const RESOLVERS: [&str; 2] = ["192.0.2.53", "192.0.2.40"];

/// Names that lead out of scope, silence, an exclusion, and two hosts at one address.
pub(crate) const INVENTORY: &str = "\
schema: postern/inventory/v1
operator: {id: dhc, name: {en: A centre}}
hosts:
  - {id: web, names: [web.example, www.example]}
  - {id: silent, addresses: [192.0.2.20]}
  - {id: excluded, addresses: [192.0.2.30]}
  - {id: twin-a, addresses: [192.0.2.40]}
  - {id: twin-b, addresses: [192.0.2.40, 192.0.2.41]}
  - {id: lost, names: [gone.example, broken.example, mute.example, v6only.example, big.example]}
";

/// What a scan is given.
pub(crate) struct Given<'a> {
    pub(crate) inventory: &'a str,
    /// How long the leave lasts from now on.
    pub(crate) window: Duration,
    pub(crate) limits: Limits,
    /// The network in which everybody may be looked for.
    pub(crate) search: Option<&'a str>,
}

impl Default for Given<'_> {
    fn default() -> Self {
        Self {
            inventory: INVENTORY,
            window: Duration::from_secs(3600),
            limits: LIMITS,
            search: None,
        }
    }
}

impl Given<'_> {
    /// Writes the files, and answers when the leave ends. The profile would go faster than the leave allows.
    pub(crate) fn write(&self, folder: &Path) -> Moment {
        let Limits { per_second, per_host_per_second, per_host_parallel, .. } = self.limits;
        let to = wall_clock().plus(self.window);
        let search = self.search.map_or(String::new(), |network| format!(", search: [{network}]"));
        let authorisation = format!(
            "schema: postern/authorisation/v1
id: auth-lab
scope: {{networks: [192.0.2.0/24, \"2001:db8::/64\"]{search}}}
exclude: [192.0.2.30, 192.0.2.53]
windows: [{{from: 2020-01-01T00:00:00Z, to: {to}}}]
limits: {{per_second: {per_second}, per_host_per_second: {per_host_per_second}, per_host_parallel: {per_host_parallel}}}
class: read-only
entitled: [{{party: operator, name: The lab, signed_on: 2026-01-01}}]
"
        );
        let ports = PORTS.map(|port| port.to_string()).join(",");
        let profile = format!(
            "schema: postern/profile/v1
title: {{en: Lab}}
extends: [baseline]
ports: \"{ports}\"
limits: {{per-second: 500, per-host-per-second: 300, per-host-parallel: 16}}
"
        );
        let resolvers = RESOLVERS.map(|address| format!("nameserver {address}\n")).concat();
        std::fs::create_dir_all(folder.join("profiles")).expect("a folder");
        for (file, text) in [
            ("inventory.yaml", self.inventory),
            ("authorisation.yaml", &authorisation),
            ("profiles/lab.yaml", &profile),
            ("resolv.conf", &resolvers),
        ] {
            std::fs::write(folder.join(file), text).expect("a file");
        }
        to
    }
}

/// Where the book lies in the lab's folder.
pub(crate) const BOOK: &str = "review/book.jsonl";

/// The rows of the book.
pub(crate) fn read(folder: &Path) -> Vec<Row> {
    let bytes = std::fs::read(folder.join(BOOK)).expect("a book");
    let lines = chain::read(&bytes).expect("an unbroken book");
    lines.rows.into_iter().map(|(_, row)| row).collect()
}

/// What was seen on a spot, in that form.
pub(crate) fn saw<T: DeserializeOwned>(book: &[Row], on: impl Fn(&Spot) -> bool) -> Option<T> {
    book.iter().rev().find_map(|row| match row {
        Row::Saw(saw) if on(&saw.spot) => serde_json::from_value(saw.saw.clone()).ok(),
        _ => None,
    })
}

/// The states of ports, and how each was told.
pub(crate) fn states(saw: PortsSaw) -> BTreeMap<u16, (PortState, Option<Cut>)> {
    let mut states = BTreeMap::new();
    for run in saw.states {
        for port in parse_port_ranges(&run.ports).expect("ranges") {
            states.insert(port, (run.state, run.reason.clone()));
        }
    }
    states
}

/// The state of a port in the end, and how it was told.
pub(crate) fn state(book: &[Row], at: IpAddr, port: u16) -> (PortState, Option<Cut>) {
    let on = |spot: &Spot| spot.address == Some(at) && spot.service.is_none();
    let saw: PortsSaw = saw(book, on).unwrap_or_else(|| panic!("{at} was swept"));
    let mut states = states(saw);
    states.remove(&port).unwrap_or_else(|| panic!("{at} {port} has a state: {states:?}"))
}
