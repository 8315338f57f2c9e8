//! Declared against observed: a row for each service that is meant to be open, or was found so.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{ExposureCell, ExposureRow, Finding, ReviewInput, services};
use crate::facts::Standpoint;
use crate::inventory::{DeclaredPort, Exposure, Host};
use crate::model::net::{HostId, Transport, parse_port_ranges, port_ranges};
use crate::model::record::Row;
use crate::model::saw::{PortRun, PortState, PortsSaw};

/// Undeclared open ports of one host beyond this many stand in one row: a host that answers on everything is one
/// thing to know, not 65,535.
const ROWS: usize = 64;

/// What was seen of one host's ports: by port, then address.
type Seen = BTreeMap<u16, BTreeMap<IpAddr, PortState>>;

/// The matrix, in the order of hosts, then ports.
pub(super) fn matrix(input: &ReviewInput<'_>, findings: &[Finding]) -> Vec<ExposureRow> {
    let judged: BTreeSet<&HostId> = input.judgement.hosts.iter().collect();
    let mut seen = seen(input);
    let services = services::spoken(input.rows);
    let mut rows = Vec::new();
    for host in input.inventory.hosts.iter().filter(|host| judged.contains(&host.id)) {
        let seen = seen.remove(&host.id).unwrap_or_default();
        for mut row in of_host(host, &seen, input) {
            if row.service.is_empty() {
                let port = row.port.split('/').next().and_then(|port| port.parse().ok());
                let spoken = port.and_then(|port| services.get(&(host.id.clone(), port)));
                spoken.copied().unwrap_or_default().clone_into(&mut row.service);
            }
            row.findings = about(&row, findings);
            rows.push(row);
        }
    }
    rows
}

/// The state, at every address, of each port that was declared or is open at one of them, from what the `tcp` probe saw;
/// the last answer counts.
fn seen(input: &ReviewInput<'_>) -> BTreeMap<HostId, Seen> {
    let sweeps: Vec<Sweep<'_>> = input.rows.iter().filter_map(|(_, row)| Sweep::of(row)).collect();
    let mut told: BTreeMap<&HostId, BTreeSet<u16>> = BTreeMap::new();
    for host in &input.inventory.hosts {
        let declared = host.exposure.iter().map(|exposure| exposure.port.port);
        told.entry(&host.id).or_default().extend(declared);
    }
    for Sweep { host, runs, .. } in &sweeps {
        let open = runs.iter().filter(|run| run.state == PortState::Open);
        told.entry(host).or_default().extend(open.flat_map(ports));
    }
    let answers =
        |sweep: &&Sweep<'_>| sweep.runs.iter().any(|run| run.state.is_answer(run.reason.as_ref()));
    let answered: BTreeSet<(&HostId, IpAddr)> =
        sweeps.iter().filter(answers).map(|sweep| (sweep.host, sweep.address)).collect();
    let mut by_host: BTreeMap<HostId, Seen> = BTreeMap::new();
    for Sweep { host, address, runs } in sweeps {
        let of_host = by_host.entry(host.clone()).or_default();
        let is_told = |port: &u16| told.get(host).is_some_and(|ports| ports.contains(port));
        // Where nobody answers at all, silence does not say that a port is shut.
        let away = !answered.contains(&(host, address));
        for run in &runs {
            let state = if away { PortState::Inconclusive } else { run.state };
            for port in ports(run).into_iter().filter(is_told) {
                of_host.entry(port).or_default().insert(address, state);
            }
        }
    }
    by_host
}

/// What the `tcp` probe saw at one address.
struct Sweep<'a> {
    host: &'a HostId,
    address: IpAddr,
    runs: Vec<PortRun>,
}

impl<'a> Sweep<'a> {
    fn of(row: &'a Row) -> Option<Self> {
        let Row::Saw(saw) = row else { return None };
        let address = saw.spot.address.filter(|_| saw.probe == "tcp")?;
        let PortsSaw { states, .. } = serde_json::from_value(saw.saw.clone()).ok()?;
        Some(Self { host: &saw.spot.host, address, runs: states })
    }
}

fn ports(run: &PortRun) -> Vec<u16> {
    parse_port_ranges(&run.ports).unwrap_or_default()
}

fn of_host(host: &Host, seen: &Seen, input: &ReviewInput<'_>) -> Vec<ExposureRow> {
    let mut declared: BTreeMap<DeclaredPort, Vec<&Exposure>> = BTreeMap::new();
    for exposure in &host.exposure {
        declared.entry(exposure.port).or_default().push(exposure);
    }
    let is_declared =
        |port| declared.contains_key(&DeclaredPort { transport: Transport::Tcp, port });
    let open =
        |states: &BTreeMap<IpAddr, PortState>| states.values().any(|s| *s == PortState::Open);
    let extra: Vec<u16> = seen
        .iter()
        .filter(|(port, states)| !is_declared(**port) && open(states))
        .map(|(port, _)| *port)
        .collect();

    let mut rows = BTreeMap::new();
    for (port, exposures) in &declared {
        let none = BTreeMap::new();
        let asked = port.transport == Transport::Tcp;
        let states = seen.get(&port.port).filter(|_| asked).unwrap_or(&none);
        rows.insert(*port, declared_row(host, *port, exposures, states, input));
    }
    if extra.len() > ROWS {
        let row = undeclared_row(host, &port_ranges(&extra), &BTreeMap::new());
        let mut rows: Vec<_> = rows.into_values().collect();
        rows.push(row);
        return rows;
    }
    for port in extra {
        let states = seen.get(&port).cloned().unwrap_or_default();
        let row = undeclared_row(host, &port.to_string(), &states);
        rows.insert(DeclaredPort { transport: Transport::Tcp, port }, row);
    }
    rows.into_values().collect()
}

fn declared_row(
    host: &Host,
    port: DeclaredPort,
    exposures: &[&Exposure],
    states: &BTreeMap<IpAddr, PortState>,
    input: &ReviewInput<'_>,
) -> ExposureRow {
    let from = Standpoint::of(input.inventory, &input.opened.vantage);
    let meant: Vec<_> =
        exposures.iter().map(|exposure| from.is_meant(exposure, input.inventory)).collect();
    let first = |of: fn(&Exposure) -> Option<&str>| exposures.iter().find_map(|one| of(one));
    let zones: BTreeSet<&String> = exposures.iter().flat_map(|exposure| &exposure.from).collect();
    ExposureRow {
        host: host.id.clone(),
        port: String::from(port),
        service: first(|one| one.service.as_deref()).unwrap_or_default().to_owned(),
        declared_from: zones.into_iter().cloned().collect(),
        need: exposures.iter().find_map(|one| one.need.clone()),
        approved_by: first(|one| one.approved_by.as_deref()).map(str::to_owned),
        observed: observed(states),
        cell: if meant.contains(&Some(true)) {
            cell_for_us(states)
        } else if meant.contains(&None) {
            ExposureCell::NotSettled
        } else {
            cell_for_others(states)
        },
        findings: Vec::new(),
    }
}

fn undeclared_row(host: &Host, ports: &str, states: &BTreeMap<IpAddr, PortState>) -> ExposureRow {
    ExposureRow {
        host: host.id.clone(),
        port: format!("{ports}/tcp"),
        service: String::new(),
        declared_from: Vec::new(),
        need: None,
        approved_by: None,
        observed: observed(states),
        cell: ExposureCell::Undeclared,
        findings: Vec::new(),
    }
}

fn observed(states: &BTreeMap<IpAddr, PortState>) -> Vec<(IpAddr, String)> {
    let word = |state| match state {
        PortState::Open => "open",
        PortState::Closed => "closed",
        PortState::Filtered => "filtered",
        PortState::Inconclusive => "inconclusive",
        PortState::OpenOrFiltered => "open|filtered",
    };
    states.iter().map(|(address, state)| (*address, word(*state).to_owned())).collect()
}

/// Meant to be open here. One open address is enough: whether the others should be, the inventory does not say.
fn cell_for_us(states: &BTreeMap<IpAddr, PortState>) -> ExposureCell {
    let any = |state| states.values().any(|known| *known == state);
    if any(PortState::Open) {
        ExposureCell::AsDeclared
    } else if states.is_empty() || is_unsettled(states) {
        ExposureCell::NotSettled
    } else if any(PortState::Filtered) {
        ExposureCell::DeclaredButFiltered
    } else {
        ExposureCell::DeclaredButClosed
    }
}

/// Meant for somebody else. One open address is too many.
fn cell_for_others(states: &BTreeMap<IpAddr, PortState>) -> ExposureCell {
    let any = |state| states.values().any(|known| *known == state);
    if any(PortState::Open) {
        ExposureCell::Undeclared
    } else if states.is_empty() || is_unsettled(states) {
        ExposureCell::NotSettled
    } else {
        ExposureCell::ShutAsDeclared
    }
}

fn is_unsettled(states: &BTreeMap<IpAddr, PortState>) -> bool {
    let unsettled =
        |state: &PortState| matches!(state, PortState::Inconclusive | PortState::OpenOrFiltered);
    states.values().any(unsettled)
}

/// The findings about a row's service.
fn about(row: &ExposureRow, findings: &[Finding]) -> Vec<String> {
    let is_about = |finding: &&Finding| {
        finding.places.iter().any(|place| {
            let service =
                place.subject.service.map(|(transport, port)| format!("{port}/{transport}"));
            place.subject.host == row.host && service.as_ref() == Some(&row.port)
        })
    };
    findings.iter().filter(is_about).map(|finding| finding.fingerprint.clone()).collect()
}
