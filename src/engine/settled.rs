//! What is settled of the ports of one address, and which of them may be asked.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::doors::StepDoors;
use crate::model::net::{Transport, port_ranges};
use crate::model::saw::{Cut, PortRun, PortState, PortsSaw};
use crate::scope::Want;
use crate::talk::Unopened;

/// Ports with their states, and how each was told.
pub(crate) type Settled = BTreeMap<u16, (PortState, Option<Cut>)>;

/// The ports that the scope permits; for the others the rule goes into the book.
pub(super) fn within_scope(
    doors: &StepDoors,
    address: IpAddr,
    transport: Transport,
    ports: &[u16],
) -> Result<Vec<u16>, Unopened> {
    let mut refused: BTreeMap<String, Vec<u16>> = BTreeMap::new();
    let mut open = Vec::new();
    let now = doors.gate.now();
    for port in ports {
        let want = Want { transport, ..doors.want(address, doors.origin, *port) };
        match doors.gate.scope.allows(&want, now) {
            Ok(()) => open.push(*port),
            Err(refusal) => match doors.gate.refused(Some(&want), refusal) {
                Unopened::Refused(rule) => refused.entry(rule).or_default().push(*port),
                stopped => return Err(stopped),
            },
        }
    }
    for (rule, ports) in &refused {
        let rule = format!("{rule} (ports {})", port_ranges(ports));
        doors.refused(doors.spot.clone(), &rule)?;
        if open.is_empty() {
            return Err(Unopened::Refused(rule));
        }
    }
    Ok(open)
}

/// Ports in the same state for the same reason, together.
pub(crate) fn runs(settled: &Settled) -> PortsSaw {
    let mut alike: Vec<(PortState, Option<Cut>, Vec<u16>)> = Vec::new();
    for (port, (state, reason)) in settled {
        match alike.iter_mut().find(|(s, r, _)| s == state && r == reason) {
            Some((_, _, ports)) => ports.push(*port),
            None => alike.push((*state, reason.clone(), vec![*port])),
        }
    }
    let run = |(state, reason, ports): (_, _, Vec<u16>)| PortRun {
        ports: port_ranges(&ports),
        state,
        reason,
    };
    PortsSaw { states: alike.into_iter().map(run).collect(), swept: None }
}

/// What runs of ports say of each.
pub(crate) fn settled(saw: &PortsSaw) -> Settled {
    let each = saw.states.iter().flat_map(|run| {
        let ports = crate::model::net::parse_port_ranges(&run.ports).unwrap_or_default();
        ports.into_iter().map(|port| (port, (run.state, run.reason.clone())))
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_come_back() {
        let silent = (PortState::Filtered, Some(Cut::TimedOut));
        let by = |code| {
            let from = "192.0.2.1".parse().ok();
            (PortState::Filtered, Some(Cut::Unreachable { kind: 3, code, from }))
        };
        let states: Settled = [
            (22, (PortState::Open, None)),
            (23, silent.clone()),
            (24, silent),
            (25, by(13)),
            (26, by(10)),
            (27, (PortState::Open, None)),
        ]
        .into();
        let saw = runs(&states);
        let ports: Vec<&str> = saw.states.iter().map(|run| run.ports.as_str()).collect();
        assert_eq!(ports, ["22,27", "23-24", "25", "26"]);
        assert_eq!(settled(&saw), states);
    }
}
