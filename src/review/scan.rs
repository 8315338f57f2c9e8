//! What the book says of the scan itself: when, from where, how much was sent, what was refused.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{RefusedLine, ReviewInput, Scan, SweepLine};
use crate::inventory::VantageKind;
use crate::model::net::{HostId, Transport, port_ranges};
use crate::model::reason::Reason;
use crate::model::record::{End, Row};
use crate::model::saw::{NamesSaw, PortsSaw, Swept};

pub(super) fn scan(input: &ReviewInput<'_>) -> Scan {
    let ReviewInput { opened, rows, .. } = *input;
    let vantage = input.inventory.vantages.iter().find(|known| known.id == opened.vantage);
    let began = rows.iter().find_map(|(_, row)| match row {
        Row::Began { at, .. } => Some(*at),
        _ => None,
    });
    let sent = |over: Transport| {
        let packets = rows.iter().map(|(_, row)| match row {
            Row::Dial(dial) if dial.transport == over => 1,
            Row::Dials(dials) if dials.transport == over => dials.ports.len() as u64,
            Row::Echo(_) if over == Transport::Udp => 1,
            _ => 0,
        });
        packets.sum()
    };
    let (complete, why) = ending(rows);
    let no_sign = unanswered(rows);
    let incomplete_because = why.map(|why| Reason::all(&why)).unwrap_or_default();
    Scan {
        began: began.unwrap_or(opened.at),
        ended: rows.iter().rev().find_map(|(_, row)| time(row)).unwrap_or(opened.at),
        vantage: opened.vantage.clone(),
        vantage_kind: vantage.map_or(VantageKind::Internet, |vantage| vantage.kind),
        sources: sources(
            vantage.map_or(&[], |vantage| vantage.sources.as_slice()),
            &opened.authorisations,
        ),
        identity: opened.identity.clone(),
        complete,
        incomplete_because,
        own_errors: rows.iter().filter(|(_, row)| is_ours(row)).count() as u64,
        connections: sent(Transport::Tcp),
        datagrams: sent(Transport::Udp),
        resolvers: opened.plan.resolvers.clone(),
        book_digest: input.book_digest.to_string(),
        pace: (opened.plan.limits.per_second, opened.plan.limits.per_host_per_second),
        ports: port_ranges(&input.profile.ports),
        sweeps: sweeps(rows),
        searched: input.inventory.search.clone(),
        no_sign: no_sign.values().map(|(address, _)| *address).collect(),
        no_echo: !no_sign.is_empty() && no_sign.values().all(|(_, echoes)| *echoes > 0),
    }
}

/// The hosts that stand for addresses that nobody listed and that gave no sign.
pub(crate) fn without_a_sign(rows: &[(u64, Row)]) -> BTreeSet<HostId> {
    unanswered(rows).into_keys().collect()
}

/// The same with their addresses, and how many echo requests each was sent.
fn unanswered(rows: &[(u64, Row)]) -> BTreeMap<HostId, (IpAddr, u8)> {
    let silent = rows.iter().filter_map(|(_, row)| match row {
        Row::Saw(saw) if saw.probe == "tcp" => {
            let ports: PortsSaw = serde_json::from_value(saw.saw.clone()).ok()?;
            let swept = ports.swept.filter(|swept| swept.no_sign)?;
            Some((saw.spot.host.clone(), (saw.spot.address?, swept.echoes)))
        }
        _ => None,
    });
    silent.collect()
}

/// How the ports of each address were examined, in the order of the hosts and addresses.
fn sweeps(rows: &[(u64, Row)]) -> Vec<SweepLine> {
    let swept = rows.iter().filter_map(|(_, row)| match row {
        Row::Saw(saw) if matches!(saw.probe.as_str(), "tcp" | "udp") => {
            let ports: PortsSaw = serde_json::from_value(saw.saw.clone()).ok()?;
            let swept = ports.swept.filter(|swept| !swept.no_sign)?;
            Some((saw.spot.host.clone(), saw.spot.address?, swept))
        }
        _ => None,
    });
    let line = |(host, address, swept): (HostId, IpAddr, Swept)| SweepLine {
        host,
        address,
        by: swept.by,
        sent: swept.sent,
        tries: swept.tries,
        missed_one_in: one_in(swept.miss),
        warnings: swept.warnings.iter().map(|warning| Reason::one(warning)).collect(),
    };
    let mut lines: Vec<SweepLine> = swept.map(line).collect();
    lines.sort_by(|a, b| (&a.host, a.address, &a.by).cmp(&(&b.host, b.address, &b.by)));
    lines
}

/// A chance as one in so many, rounded to what is more likely; none for none.
fn one_in(chance: f64) -> Option<u64> {
    let many = (1.0 / chance).floor().clamp(1.0, 1e15);
    (chance > 0.0).then(|| format!("{many:.0}").parse().unwrap_or(1))
}

/// The addresses by which the vendor can recognise us, each once: the vantage's, and those that the authorisations name.
fn sources(vantage: &[IpAddr], authorisations: &[serde_json::Value]) -> Vec<IpAddr> {
    let lists = authorisations.iter().filter_map(|leave| leave.get("sources")?.as_array());
    let named = lists.flatten().filter_map(|address| address.as_str()?.parse().ok());
    let all: BTreeSet<IpAddr> = vantage.iter().copied().chain(named).collect();
    all.into_iter().collect()
}

/// A step that an error of our own ended.
fn is_ours(row: &Row) -> bool {
    matches!(row, Row::Done { end: End::Ours { .. }, .. })
}

/// Whether the scan came to its end, and why not. What was begun again after its last end has not ended.
fn ending(rows: &[(u64, Row)]) -> (bool, Option<String>) {
    let last = rows.iter().rev().find_map(|(_, row)| match row {
        Row::Closed { complete, why, .. } => Some((*complete, why.clone())),
        Row::Began { .. } => Some((false, Some("the scan was cut off".into()))),
        _ => None,
    });
    last.unwrap_or((false, Some("the scan was never begun".into())))
}

fn time(row: &Row) -> Option<crate::model::moment::Moment> {
    match row {
        Row::Opened(opened) => Some(opened.at),
        Row::Began { at, .. } | Row::Refused { at, .. } | Row::Closed { at, .. } => Some(*at),
        Row::Dial(dial) => Some(dial.at),
        Row::Dials(dials) => Some(dials.at),
        Row::Echo(echo) => Some(echo.at),
        Row::Saw(saw) => Some(saw.at),
        Row::Done { .. } => None,
    }
}

/// The addresses that were examined, by host.
pub(super) fn addresses(rows: &[(u64, Row)]) -> BTreeMap<HostId, BTreeSet<IpAddr>> {
    let mut by_host: BTreeMap<HostId, BTreeSet<IpAddr>> = BTreeMap::new();
    for (_, row) in rows {
        if let Row::Saw(saw) = row
            && let Some(address) = saw.spot.address
        {
            by_host.entry(saw.spot.host.clone()).or_default().insert(address);
        }
    }
    by_host
}

/// What the scope refused: beforehand, when a name was resolved, and at the socket; each once.
pub(super) fn refused(input: &ReviewInput<'_>) -> Vec<RefusedLine> {
    let mut lines = BTreeSet::new();
    for untested in &input.opened.plan.untested {
        lines.insert((untested.host.clone(), untested.address, untested.why.clone()));
    }
    for (_, row) in input.rows {
        match row {
            Row::Refused { spot, rule, .. } => {
                lines.insert((spot.host.clone(), spot.address, rule.clone()));
            }
            Row::Saw(saw) if saw.probe == "names" => {
                let Ok(names) = serde_json::from_value::<NamesSaw>(saw.saw.clone()) else {
                    continue;
                };
                for (address, rule) in names.refused {
                    lines.insert((saw.spot.host.clone(), Some(address), rule));
                }
            }
            _ => {}
        }
    }
    let line = |(host, address, rule): (_, _, String)| {
        let rule = Reason::all(&rule);
        RefusedLine { host, address, rule }
    };
    lines.into_iter().map(line).collect()
}
