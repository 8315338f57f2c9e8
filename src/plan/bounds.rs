//! How much is sent at most, and how long that takes at the promised pace.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::net::{HostId, parse_port_ranges};
use crate::model::plan::{Bound, Limits, Over, Plan, Step};
use crate::probe::{Probe, Reach};

/// The worst case of a step whose probe's own worst case occurs that many times.
///
/// It takes no longer than sending everything at the pace for one host, and after that waiting for every answer until
/// the last moment, as many at a time as one host gets. The ports of one address are waited for all together.
pub(super) fn step(probe: &Probe, times: u64, limits: Limits, ports: usize) -> Bound {
    let connections = probe.bound.connections.saturating_mul(times);
    let datagrams = probe.bound.datagrams.saturating_mul(times);
    let sent = connections.saturating_add(datagrams);
    let pace = u64::from(limits.per_host_per_second.min(limits.per_second).max(1));
    let rounds = match probe.over {
        Reach::Address => times / (ports as u64).max(1),
        _ => times.div_ceil(u64::from(limits.per_host_parallel.max(1))),
    };
    let waiting = rounds.saturating_mul(probe.bound.seconds);
    Bound { connections, datagrams, seconds: sent.div_ceil(pace).saturating_add(waiting) }
}

/// The worst case of all steps together: hosts are asked side by side, the steps of one host one after the other, and
/// everything within the pace for all. Hosts at one written address share the pace for one, as does everybody who asks
/// the resolvers; where names will turn out to lead is not known yet.
pub(super) fn total(steps: &[Step], limits: Limits) -> Bound {
    let mut sum = Bound::default();
    let leaders = leaders(steps);
    let mut together: BTreeMap<_, u64> = BTreeMap::new();
    for step in steps {
        sum.connections = sum.connections.saturating_add(step.bound.connections);
        sum.datagrams = sum.datagrams.saturating_add(step.bound.datagrams);
        let seconds = together.entry(leaders.get(&step.host)).or_default();
        *seconds = seconds.saturating_add(step.bound.seconds);
    }
    let sending = sum.connections.saturating_add(sum.datagrams);
    let sending = sending.div_ceil(u64::from(limits.per_second.max(1)));
    let resolving = sum.datagrams.div_ceil(u64::from(limits.per_host_per_second.max(1)));
    let hosts = together.into_values().max().unwrap_or(0);
    sum.seconds = hosts.saturating_add(sending).saturating_add(resolving);
    sum
}

/// For every host the one that stands for all with which it shares an address, directly or through others.
fn leaders(steps: &[Step]) -> BTreeMap<&HostId, &HostId> {
    let mut leaders: BTreeMap<&HostId, &HostId> =
        steps.iter().map(|step| (&step.host, &step.host)).collect();
    let mut first_at: BTreeMap<IpAddr, &HostId> = BTreeMap::new();
    for step in steps {
        let Over::Address { written, .. } = &step.over else { continue };
        for address in written {
            let first = *first_at.entry(address.to_canonical()).or_insert(&step.host);
            let (Some(&to), Some(&from)) = (leaders.get(first), leaders.get(&step.host)) else {
                continue;
            };
            leaders.values_mut().filter(|leader| **leader == from).for_each(|leader| *leader = to);
        }
    }
    leaders
}

/// Seconds that a scan takes when hosts answer as they are declared to: every port is asked once, at the pace, and what
/// is behind a few of them takes little. It promises nothing; the bounds do.
pub fn likely_seconds(plan: &Plan) -> u64 {
    let pace = |rate: u32, sent: u64| sent.div_ceil(u64::from(rate.max(1)));
    let mut by_host: BTreeMap<_, u64> = BTreeMap::new();
    for step in &plan.steps {
        *by_host.entry(&step.host).or_default() += likely_sent(step);
    }
    let slowest = by_host.values().max().copied().unwrap_or(0);
    let all = by_host.values().sum();
    pace(plan.limits.per_second, all).max(pace(plan.limits.per_host_per_second, slowest)) + 1
}

/// Connections and datagrams that a step sends when its host answers as it is declared to.
pub fn likely_sent(step: &Step) -> u64 {
    match &step.over {
        Over::Name { names } => names.len() as u64 * 2,
        Over::Address { written, ports, usual_first, .. } => {
            let ports = parse_port_ranges(ports).map_or(0, |ports| ports.len());
            // At most addresses of a network that is searched there is nobody.
            let ports = if *usual_first { ports.min(LOOKED_AT) } else { ports };
            (written.len().max(1) * ports) as u64
        }
        Over::Service { .. } => LIKELY_OPEN,
        Over::Site { names, .. } => LIKELY_OPEN * names.len().max(1) as u64,
        // Most recipes are for protocols that few hosts speak.
        Over::Door { names, .. } => names.len().max(1) as u64,
        Over::Port { written, ports, .. } => {
            let ports = parse_port_ranges(ports).map_or(0, |ports| ports.len());
            (written.len().max(1) * ports) as u64
        }
    }
}

/// How many ports of an address are asked to see whether there is anybody.
const LOOKED_AT: usize = 20;
/// How many ports of an ordinary host are open.
const LIKELY_OPEN: u64 = 3;
