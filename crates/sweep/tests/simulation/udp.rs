//! Sweeps over UDP: services that answer and such that keep silent, hosts that send an ICMP error a second, losses, bans,
//! and services that answer seldom.

use std::sync::atomic::{AtomicUsize, Ordering};

use std::net::{IpAddr, Ipv4Addr};

use postern_sweep::{Probe, Said};

use super::net::Net;
use super::*;

/// Whose ports they are.
pub(super) const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 10));
/// Who stands in front.
const ROUTER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

/// How fast it begins.
pub(super) fn start(way: Way) -> f64 {
    if way == Way::Udp { 100.0 } else { 1000.0 }
}

impl Net {
    /// A datagram has come to the host.
    pub(super) fn ask_by_udp(&mut self, probe: Probe, there: f64) {
        let path = &mut self.path;
        let (bucket, said) = match path.ports.get(&probe.port) {
            Some(Port::Open) => (&mut path.replies, Said::Replied),
            Some(Port::Closed) => {
                (&mut path.errors, Said::Unreachable { kind: 3, code: 3, from: Some(HOST) })
            }
            Some(Port::Rejected) => {
                (&mut path.errors, Said::Unreachable { kind: 3, code: 13, from: Some(ROUTER) })
            }
            Some(Port::Dropped) | None => return,
        };
        let answers = bucket.as_mut().is_none_or(|bucket| bucket.takes(there));
        if answers && !self.chance.happens(self.path.lost_back) {
            self.comes(there, probe, said, false);
        }
    }
}

/// A path over UDP whose ports are so, with a name server that answers.
fn over_udp(path: &mut Path, chance: &mut Chance) {
    path.way = Way::Udp;
    path.ceiling = [50.0, 1000.0, 5000.0][usize::try_from(chance.below(3)).expect("few")];
    path.ports.insert(53, Port::Open);
}

/// What Linux does: six at once, then one a second.
fn one_a_second() -> Bucket {
    Bucket { rate: 1.0, full: 6.0, level: 6.0, at: 0.0 }
}

fn all(path: &mut Path, ports: std::ops::Range<u16>, state: Port) {
    for port in ports {
        path.ports.entry(port).or_insert(state);
    }
}

/// Every port is what it is, or is told as one that kept silent or stands for others.
fn states_are_right(path: &Path, seed: u64, came: &Came) {
    for (port, truth) in &path.ports {
        let (state, reason) = came.states[port];
        let right = match (truth, reason) {
            (_, Reason::Estimated { .. }) => state != State::Open,
            (Port::Open, _) => reason == Reason::Replied && state == State::Open,
            (Port::Closed, Reason::Unreachable { code: 3, .. }) => state == State::Closed,
            (Port::Rejected, Reason::Unreachable { code: 13, .. }) => state == State::Filtered,
            (_, Reason::Silence { .. }) => state == State::OpenOrFiltered,
            _ => false,
        };
        assert!(right, "seed {seed}: port {port} is {truth:?}, and {state:?}, {reason:?}");
    }
}

fn exact_count(came: &Came, wanted: impl Fn(State, Reason) -> bool) -> usize {
    came.states.values().filter(|(state, reason)| wanted(*state, *reason)).count()
}

#[test]
fn udp_without_limits_is_exact() {
    run(40, 21, over_udp, |path, seed, came| {
        states_are_right(path, seed, came);
        for (port, truth) in &path.ports {
            let (state, reason) = came.states[port];
            match truth {
                Port::Closed => assert_eq!(state, State::Closed, "seed {seed}: port {port}"),
                Port::Rejected => assert_eq!(state, State::Filtered, "seed {seed}: port {port}"),
                Port::Dropped => assert!(
                    matches!(reason, Reason::Silence { miss } if miss <= 1.1e-6),
                    "seed {seed}: port {port}: {reason:?}"
                ),
                Port::Open => {}
            }
        }
        let named = &came.summary.warnings;
        let quiet = named.iter().all(|w| matches!(w, Warning::AnswersEverything));
        assert!(quiet, "seed {seed}: {:?}", came.summary);
    });
}

#[test]
fn udp_over_lossy_paths() {
    let lossy = |path: &mut Path, chance: &mut Chance| {
        over_udp(path, chance);
        path.lost_there = [0.01, 0.05, 0.1][usize::try_from(chance.below(3)).expect("few")];
        path.lost_back = path.lost_there;
    };
    let (slow, all) = (AtomicUsize::new(0), AtomicUsize::new(0));
    run(60, 22, lossy, |path, seed, came| {
        states_are_right(path, seed, came);
        let wrong = came
            .summary
            .warnings
            .iter()
            .any(|w| matches!(w, Warning::Ban { .. } | Warning::GaveUp | Warning::NoFeedback));
        assert!(!wrong, "seed {seed}: {:?}", came.summary);
        all.fetch_add(1, Ordering::Relaxed);
        if came.took > 900.0 {
            // Chance may look like a narrow path for a while.
            eprintln!("slow: seed {seed}, {} s", came.took);
            slow.fetch_add(1, Ordering::Relaxed);
        }
    });
    let (slow, all) = (slow.into_inner(), all.into_inner());
    assert!(slow * 100 <= all, "{slow} of {all} took more than 900 s");
}

/// Nearly everything is closed, and a host says so once a second: neither a loss nor a ban, and the others are told from a
/// sample.
#[test]
fn udp_where_refusals_are_limited() {
    let limited = |path: &mut Path, chance: &mut Chance| {
        over_udp(path, chance);
        path.ports.retain(|_, state| *state == Port::Open);
        all(path, 10_000..11_000, Port::Closed);
        path.errors = Some(one_a_second());
        path.lost_there = [0.0, 0.05][usize::try_from(chance.below(2)).expect("few")];
        path.lost_back = path.lost_there;
    };
    run(20, 23, limited, |path, seed, came| {
        states_are_right(path, seed, came);
        let sampled = exact_count(came, |state, reason| {
            state == State::Closed && matches!(reason, Reason::Estimated { .. })
        });
        assert!(sampled > 600, "seed {seed}: {sampled}, {:?}", came.summary);
        let closed = exact_count(came, |state, _| state == State::Closed);
        assert!(closed >= 990, "seed {seed}: {closed}, {:?}", came.summary);
        let named = came.summary.warnings.iter().any(|w| matches!(w, Warning::RateLimited { .. }));
        assert!(named, "seed {seed}: {:?}", came.summary);
        assert!(!came.summary.warnings.iter().any(|w| matches!(w, Warning::Ban { .. })));
        let loss = came.summary.loss.expect("there is a canary");
        assert!(loss < 0.2, "seed {seed}: {:?}", came.summary);
        let most = if path.lost_there > 0.0 { 11 } else { 7 };
        assert!(came.summary.tries <= most, "seed {seed}: {:?}", came.summary);
        assert!(came.took < 400.0, "seed {seed}: {} s, {:?}", came.took, came.summary);
    });
}

/// A few ports are all asked slowly, so that each is known.
#[test]
fn udp_where_few_ports_are_asked() {
    let few = |path: &mut Path, chance: &mut Chance| {
        over_udp(path, chance);
        path.ports = [(53, Port::Open), (51_820, Port::Dropped)].into();
        all(path, 10_000..10_020, Port::Closed);
        path.errors = Some(one_a_second());
    };
    run(20, 24, few, |path, seed, came| {
        states_are_right(path, seed, came);
        let closed = exact_count(came, |state, reason| {
            state == State::Closed && matches!(reason, Reason::Unreachable { .. })
        });
        assert_eq!(closed, 20, "seed {seed}: {:?}", came.summary);
        assert_eq!(came.states[&51_820].0, State::OpenOrFiltered);
        assert!(came.took < 90.0, "seed {seed}: {} s", came.took);
    });
}

/// Nobody replies: four passes at a slow pace, and it is said that nobody knows what gets through.
#[test]
fn udp_without_a_canary() {
    let blind = |path: &mut Path, chance: &mut Chance| {
        over_udp(path, chance);
        path.ports.retain(|_, state| *state == Port::Dropped);
        all(path, 10_000..10_300, Port::Dropped);
        if chance.happens(0.5) {
            all(path, 20_000..20_100, Port::Closed);
            path.errors = Some(one_a_second());
        }
    };
    run(20, 25, blind, |path, seed, came| {
        let refuses = path.errors.is_some();
        for (port, (state, reason)) in &came.states {
            let right = match reason {
                Reason::NoFeedback => !refuses && *state == State::OpenOrFiltered,
                Reason::Silence { miss } => refuses && *miss <= 1.1e-4,
                Reason::Unreachable { .. } => path.ports[port] == Port::Closed,
                Reason::Estimated { .. } => *state == State::OpenOrFiltered,
                _ => false,
            };
            assert!(right, "seed {seed}: port {port}: {state:?}, {reason:?}");
        }
        let blind = came.summary.warnings.iter().any(|w| matches!(w, Warning::Blind { .. }));
        let unheard = came.summary.warnings.contains(&Warning::NoFeedback);
        assert_eq!((blind, unheard), (refuses, !refuses), "seed {seed}: {:?}", came.summary);
        assert_eq!(came.summary.loss, None);
        assert!(came.most_in_a_second <= 103, "seed {seed}: {}", came.most_in_a_second);
    });
}

/// A time server answers each asker once in some seconds: it is no canary, and its silence no ban.
#[test]
fn udp_services_that_answer_seldom() {
    let seldom = |path: &mut Path, chance: &mut Chance| {
        over_udp(path, chance);
        path.ports = [(123, Port::Open)].into();
        all(path, 10_000..11_000, Port::Dropped);
        path.replies = Some(Bucket { rate: 0.125, full: 1.0, level: 1.0, at: 0.0 });
    };
    run(10, 26, seldom, |path, seed, came| {
        states_are_right(path, seed, came);
        let blind = came.summary.warnings.iter().all(|w| matches!(w, Warning::Blind { .. }));
        assert!(blind, "seed {seed}: {:?}", came.summary);
        assert_eq!(came.summary.warnings.len(), 1, "seed {seed}: {:?}", came.summary);
    });
}

#[test]
fn udp_bans() {
    let bans = |path: &mut Path, chance: &mut Chance| {
        over_udp(path, chance);
        path.ceiling = 5000.0;
        path.late = 0.0;
        path.ban = Some((1000.0, 10.0));
        all(path, 30_000..50_000, Port::Dropped);
    };
    run(4, 27, bans, |path, seed, came| {
        states_are_right(path, seed, came);
        let named = came.summary.warnings.iter().any(|w| matches!(w, Warning::Ban { .. }));
        assert!(named, "seed {seed}: {:?}", came.summary);
        eprintln!("bans over UDP: {:.1} s, {:?}", came.took, came.summary);
        assert!(came.took < 400.0, "seed {seed}: {} s", came.took);
    });
}

#[test]
fn udp_to_the_dead() {
    let dead = |path: &mut Path, chance: &mut Chance| {
        over_udp(path, chance);
        path.dead = true;
    };
    run(10, 28, dead, |path, seed, came| {
        assert!(came.states.values().all(|(state, reason)| {
            (*state, *reason) == (State::OpenOrFiltered, Reason::NoFeedback)
        }));
        assert_eq!(came.summary.warnings, [Warning::NoFeedback], "seed {seed}");
        assert_eq!(came.summary.sent, path.ports.len() as u64 * 4, "seed {seed}");
    });
}
