//! What a book says of ports, whichever way it is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::facts::cut_in_words;
use crate::model::net::{HostId, parse_port_ranges};
use crate::model::record::{End, Row};
use crate::model::saw::{Cut, PortRun, PortState, PortsSaw};

/// What is known of the ports of some addresses.
pub(super) struct Found {
    /// `tcp` or `udp`: the probe, and the protocol.
    pub(super) probe: &'static str,
    /// The last that was seen of each address.
    pub(super) last: BTreeMap<IpAddr, PortsSaw>,
    /// The hosts that have it.
    pub(super) hosts: BTreeMap<IpAddr, BTreeSet<HostId>>,
    /// What was not examined, each with why.
    pub(super) not_asked: Vec<(String, String)>,
}

impl Found {
    /// What those rows say.
    pub(super) fn of(probe: &'static str, rows: &[(u64, Row)]) -> Self {
        let mut found =
            Self { probe, last: BTreeMap::new(), hosts: BTreeMap::new(), not_asked: Vec::new() };
        for (_, row) in rows {
            match row {
                Row::Saw(saw) if saw.probe == probe => {
                    if let (Some(address), Ok(ports)) =
                        (saw.spot.address, serde_json::from_value(saw.saw.clone()))
                    {
                        found.last.insert(address, ports);
                        found.hosts.entry(address).or_default().insert(saw.spot.host.clone());
                    }
                }
                Row::Done {
                    spot, end: End::NotTested { why } | End::Ours { error: why }, ..
                } => {
                    let place = spot.address.map_or(spot.host.to_string(), |one| one.to_string());
                    found.not_asked.push((place, why.clone()));
                }
                _ => {}
            }
        }
        found
    }

    /// Whether every port is settled.
    pub(super) fn is_whole(&self) -> bool {
        let unsettled = |saw: &PortsSaw| {
            saw.swept.is_none() || saw.states.iter().any(|run| run.state == PortState::Inconclusive)
        };
        self.not_asked.is_empty() && !self.last.is_empty() && !self.last.values().any(unsettled)
    }
}

/// A word for how a state is known.
pub(super) fn word(probe: &str, run: &PortRun) -> String {
    match &run.reason {
        None if probe == "udp" => "reply".into(),
        None => "handshake".into(),
        Some(Cut::Refused) => "reset".into(),
        Some(Cut::RefusedBefore) => "reset-in-front".into(),
        Some(Cut::AnsweredBefore) => "answered-in-front".into(),
        Some(Cut::Sampled) => "sampled".into(),
        Some(Cut::TimedOut) => "no-answer".into(),
        Some(Cut::Unreachable { kind, code, .. }) => format!("icmp-{kind}-{code}"),
        Some(cut) => cut_in_words(cut),
    }
}

/// How many ports there are of each state.
pub(super) fn counts(probe: &str, saw: &PortsSaw) -> Vec<(&'static str, usize)> {
    let count = |state| {
        let of = saw.states.iter().filter(|run| run.state == state);
        of.map(|run| parse_port_ranges(&run.ports).map_or(0, |ports| ports.len())).sum()
    };
    let mut counts = vec![
        ("open", count(PortState::Open)),
        ("closed", count(PortState::Closed)),
        ("filtered", count(PortState::Filtered)),
        ("inconclusive", count(PortState::Inconclusive)),
    ];
    if probe == "udp" {
        counts.push(("open|filtered", count(PortState::OpenOrFiltered)));
    }
    counts
}
