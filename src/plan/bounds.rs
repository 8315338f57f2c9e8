//! How much is sent at most, and how long that takes at the promised pace.

use std::collections::BTreeMap;

use crate::model::net::parse_port_ranges;
use crate::model::plan::{Bound, Limits, Over, Plan, Step};
use crate::probe::Probe;

/// The worst case of a step whose probe's own worst case occurs that many times.
///
/// It takes no longer than sending everything at the pace for one host, and after that waiting for every answer until
/// the last moment, as many at a time as one host gets.
pub(super) fn step(probe: &Probe, times: u64, limits: Limits) -> Bound {
    let connections = probe.bound.connections.saturating_mul(times);
    let datagrams = probe.bound.datagrams.saturating_mul(times);
    let sent = connections.saturating_add(datagrams);
    let pace = u64::from(limits.per_host_per_second.min(limits.per_second).max(1));
    let rounds = times.div_ceil(u64::from(limits.per_host_parallel.max(1)));
    let waiting = rounds.saturating_mul(probe.bound.seconds);
    Bound { connections, datagrams, seconds: sent.div_ceil(pace).saturating_add(waiting) }
}

/// The worst case of all steps together: hosts are asked side by side, the steps of one host one after the other, and
/// everything within the pace for all.
pub(super) fn total(steps: &[Step], limits: Limits) -> Bound {
    let mut sum = Bound::default();
    let mut by_host: BTreeMap<_, u64> = BTreeMap::new();
    for step in steps {
        sum.connections = sum.connections.saturating_add(step.bound.connections);
        sum.datagrams = sum.datagrams.saturating_add(step.bound.datagrams);
        let seconds = by_host.entry(&step.host).or_default();
        *seconds = seconds.saturating_add(step.bound.seconds);
    }
    let sending = sum.connections.saturating_add(sum.datagrams);
    let sending = sending.div_ceil(u64::from(limits.per_second.max(1)));
    sum.seconds = by_host.into_values().max().unwrap_or(0).saturating_add(sending);
    sum
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
        Over::Address { written, ports, .. } => {
            let ports = parse_port_ranges(ports).map_or(0, |ports| ports.len());
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

/// How many ports of an ordinary host are open.
const LIKELY_OPEN: u64 = 3;
