//! Finds the state of many TCP ports of one address: a pass over all, and a second one over those that kept silent.
//!
//! Each attempt ends within a second and from a socket of its own, so that the kernel repeats no SYN; between the two
//! attempts on a port lies the whole of the first pass, which a short outage does not span.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::sleep_until;

use super::dial::{How, SILENT, dial};
use super::doors::StepDoors;
use super::examine::{examine, examine_by_udp};
use super::pace::Kind;
use super::world::instant;
use crate::model::net::{Transport, port_ranges};
use crate::model::saw::{Cut, PortRun, PortState, PortsSaw};
use crate::scope::Want;
use crate::talk::Unopened;

/// Ports with their states, and how each was told.
pub(crate) type Settled = BTreeMap<u16, (PortState, Option<Cut>)>;

/// Attempts on a port that keeps silent.
const ATTEMPTS: usize = 2;
/// As many connects are under way at the same time; pace and places hold them back further.
const AT_ONCE: usize = 128;
/// What is settled goes into the book so soon: a scan that is killed asks again what was answered within that time, and no
/// more. Each port has a row of its own in the audit log anyway.
const SOON: Duration = Duration::from_millis(20);
/// Not more ports than this are settled without going into the book.
const MANY: usize = 256;

/// Sweeps the ports of the spot's address.
pub(crate) async fn sweep(
    doors: &StepDoors,
    transport: Transport,
    ports: &[u16],
) -> Result<PortsSaw, Unopened> {
    if transport == Transport::Udp {
        let how = doors.gate.world.examining.unwrap_or_default();
        return examine_by_udp(doors, ports, how).await;
    }
    if let Some(how) = doors.gate.world.examining {
        return examine(doors, ports, how).await;
    }
    let address = doors.spot.address;
    let address = address.ok_or_else(|| Unopened::Ours("the spot has no address".into()))?;
    let mut open: Vec<u16> = within_scope(doors, address, transport, ports)?;
    let mut settled = doors.settled.clone();
    open.retain(|port| !settled.contains_key(port));
    for attempt in 1..=ATTEMPTS {
        let last = attempt == ATTEMPTS;
        open = pass(doors, address, &open, last, &mut settled).await?;
    }
    Ok(runs(&settled))
}

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

/// One pass over the ports; answers those that kept silent, unless it is the last.
async fn pass(
    doors: &StepDoors,
    address: IpAddr,
    ports: &[u16],
    last: bool,
    settled: &mut Settled,
) -> Result<Vec<u16>, Unopened> {
    let mut silent = Vec::new();
    let mut fresh = Settled::new();
    let mut saved = instant();
    let ports = ports.to_vec();
    let attempts =
        ports.into_iter().map(|port| async move { (port, attempt(doors, address, port).await) });
    let mut attempts = stream::iter(attempts).buffer_unordered(AT_ONCE);
    let mut end = Ok(());
    loop {
        let (port, came) = tokio::select! {
            next = attempts.next() => match next {
                Some(next) => next,
                None => break,
            },
            // The others may keep silent for long.
            () = sleep_until(saved + SOON), if !fresh.is_empty() => {
                save(doors, &mut fresh, settled)?;
                saved = instant();
                continue;
            }
        };
        let state = match came {
            // Before it is established a connection is refused; only an established one is reset.
            Ok(()) | Err(Unopened::Cut(Cut::Reset)) => (PortState::Open, None),
            Err(Unopened::Cut(Cut::TimedOut)) if !last => {
                silent.push(port);
                continue;
            }
            Err(Unopened::Cut(cut)) => (state_of(&cut), Some(cut)),
            Err(Unopened::Ours(what)) => (
                PortState::Inconclusive,
                Some(Cut::Garbled { what: format!("on our side: {what}") }),
            ),
            // The others end at once too, but for those whose answer is there already.
            Err(Unopened::Stopped) => {
                end = Err(Unopened::Stopped);
                continue;
            }
            Err(other) => {
                end = Err(other);
                break;
            }
        };
        fresh.insert(port, state);
        if fresh.len() >= MANY {
            save(doors, &mut fresh, settled)?;
            saved = instant();
        }
    }
    drop(attempts);
    // After the last pass the whole is written at once.
    if !fresh.is_empty() && (end.is_err() || !silent.is_empty()) {
        save(doors, &mut fresh, settled)?;
    }
    settled.append(&mut fresh);
    end.map(|()| silent)
}

/// Puts what was settled into the book, so that a killed scan does not ask it twice.
fn save(doors: &StepDoors, part: &mut Settled, settled: &mut Settled) -> Result<(), Unopened> {
    (doors.part)(runs(part))?;
    settled.append(part);
    Ok(())
}

/// One attempt on one port: connects, and closes at once.
async fn attempt(doors: &StepDoors, address: IpAddr, port: u16) -> Result<(), Unopened> {
    doors.budget.connection()?;
    let gate = &doors.gate;
    let ticket = doors.turn(address, Kind::Connection).await?;
    let want = doors.want(address, doors.origin, port);
    let permit = gate.scope.permit(&want, gate.now());
    let permit = permit.map_err(|refusal| doors.gate.refused(Some(&want), refusal))?;
    let how = How {
        step: Some(doors.step.id),
        patience: gate.world.budgets.attempt,
        silent_after: Some(SILENT),
        ..How::default()
    };
    dial(gate, permit, ticket, how).await.map(drop)
}

/// What an answer says of a port.
fn state_of(cut: &Cut) -> PortState {
    match cut {
        Cut::Refused => PortState::Closed,
        Cut::TimedOut | Cut::Unreachable { .. } => PortState::Filtered,
        _ => PortState::Inconclusive,
    }
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
