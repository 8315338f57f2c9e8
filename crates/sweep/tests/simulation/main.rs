//! Sweeps over simulated paths: lossy, slow, narrow, limited, banning, proxied, dead. Against the truth of each nothing is
//! missed beyond the stated chance, nothing is invented, every sweep ends, and each is the same again.

#![expect(clippy::print_stderr, reason = "it says what came of how many")]

mod hard;
mod net;
mod play;
mod udp;

use std::collections::BTreeMap;

use net::{Bucket, Chance, Path, Port};
use play::{Came, holds, plain, play, run, seeds};
use postern_sweep::{Reason, State, Warning, Way};

fn has_open(path: &Path) -> bool {
    path.ports.values().any(|port| *port == Port::Open)
}

fn reasons_are_right(path: &Path, seed: u64, came: &Came) {
    for (port, truth) in &path.ports {
        let (state, reason) = came.states[port];
        let right = match truth {
            Port::Open => matches!(reason, Reason::Confirmed { .. }),
            Port::Closed => state == State::Closed && matches!(reason, Reason::Reset(_)),
            Port::Rejected => matches!(reason, Reason::Unreachable { kind: 3, code: 13, .. }),
            Port::Dropped => match reason {
                Reason::Silence { miss } => miss <= 1.1e-6,
                Reason::NoFeedback => !has_open(path),
                _ => false,
            },
        };
        // With losses a closed port can stay silent to the end, and is then told as silent.
        let lossy = path.lost_there > 0.0 && *truth != Port::Dropped;
        assert!(right || lossy, "seed {seed}: port {port} is {truth:?}, and {state:?}, {reason:?}");
    }
}

#[test]
fn plain_paths() {
    run(
        60,
        1,
        |_, _| {},
        |path, seed, came| {
            reasons_are_right(path, seed, came);
            let quiet = came
                .summary
                .warnings
                .iter()
                .all(|w| matches!(w, Warning::NoFeedback | Warning::AnswersEverything));
            assert!(
                quiet,
                "seed {seed}: {:?} for {:?}",
                came.summary,
                Path { ports: BTreeMap::new(), ..path.clone() }
            );
        },
    );
}

#[test]
fn lossy_paths() {
    let lossy = |path: &mut Path, chance: &mut Chance| {
        path.lost_there = [0.01, 0.05, 0.1][usize::try_from(chance.below(3)).expect("few")];
        path.lost_back = path.lost_there;
    };
    run(60, 2, lossy, |path, seed, came| {
        reasons_are_right(path, seed, came);
        assert!(came.took < 3600.0);
    });
}

#[test]
fn narrow_paths() {
    let narrow = |path: &mut Path, _: &mut Chance| {
        path.ceiling = 100_000.0;
        path.narrow = Some((5_000.0, 200.0));
        path.late = 0.0;
        path.ports.insert(443, Port::Open);
        let dropped = (10_000..30_000).filter(|p| !path.ports.contains_key(p)).collect::<Vec<_>>();
        path.ports.extend(dropped.into_iter().map(|port| (port, Port::Dropped)));
    };
    let unnamed = std::cell::Cell::new(0);
    run(4, 3, narrow, |path, seed, came| {
        let named = came.summary.warnings.iter().any(|w| matches!(w, Warning::Bottleneck { .. }));
        // Connects keep within it by themselves: no more than so many are under way.
        unnamed.set(unnamed.get() + u64::from(!named && path.way == Way::Syn));
        eprintln!("narrow: {:.1} s, {:?}", came.took, came.summary);
        // A few hundred connects at once overrun the queue again and again.
        let most = if path.way == Way::Connect { 250.0 } else { 120.0 };
        assert!(came.took < most, "seed {seed}: {} s", came.took);
    });
    // By few canaries a narrow path and one that loses by itself look alike: then it takes longer.
    assert!(unnamed.get() * 20 <= seeds(4), "{} narrow paths were not named", unnamed.get());
}

#[test]
fn limited_answers() {
    let limited = |path: &mut Path, chance: &mut Chance| {
        path.ceiling = 20_000.0;
        for port in 20_000..26_000 {
            path.ports.insert(port, Port::Closed);
        }
        path.ports.retain(|_, state| matches!(state, Port::Open | Port::Closed));
        path.ports.insert(443, Port::Open);
        if chance.happens(0.5) {
            path.resets = Some(Bucket::new(200.0));
        } else {
            for state in path.ports.values_mut().filter(|state| **state == Port::Closed) {
                *state = Port::Rejected;
            }
            path.errors = Some(Bucket::new(100.0));
        }
    };
    run(8, 4, limited, |path, seed, came| {
        let named = came.summary.warnings.iter().any(|w| matches!(w, Warning::RateLimited { .. }));
        // Whoever has not answered by itself is estimated, and rightly.
        let (mut estimated, mut silent) = (0, 0);
        for (port, truth) in path.ports.iter().filter(|(_, truth)| **truth != Port::Open) {
            match came.states[port].1 {
                Reason::Estimated { refused } if refused > 0.8 => estimated += 1,
                Reason::Reset(_) | Reason::Unreachable { .. } => {}
                reason => {
                    silent += 1;
                    eprintln!("seed {seed}: port {port} is {truth:?}, and {reason:?}");
                }
            }
        }
        assert!(
            silent == 0 && (named || estimated == 0),
            "seed {seed}: {estimated}, {:?}",
            came.summary
        );
        eprintln!("limited: {:.1} s", came.took);
    });
}

#[test]
fn bans() {
    let bans = |path: &mut Path, _: &mut Chance| {
        path.ceiling = 10_000.0;
        path.ban = Some((2000.0, 10.0));
        path.late = 0.0;
        path.ports.insert(443, Port::Open);
        let dropped = (30_000..50_000).filter(|p| !path.ports.contains_key(p)).collect::<Vec<_>>();
        path.ports.extend(dropped.into_iter().map(|port| (port, Port::Dropped)));
    };
    run(6, 5, bans, |path, seed, came| {
        let named = came.summary.warnings.iter().any(|w| matches!(w, Warning::Ban { .. }));
        if !named && path.way == Way::Connect && came.most_in_a_second <= 2000 {
            // A few hundred connects at once are too slow to be punished, where each waits long.
            return;
        }
        assert!(named, "seed {seed}: {:?}", came.summary);
        eprintln!("bans: {:.1} s, {:?}", came.took, came.summary);
        let (most, rate) = came.after_ban.expect("it was told");
        assert!(most <= rate * 0.6 * 1.01 + 2.0, "seed {seed}: {most} after a ban at {rate}");
        assert!(came.took < 300.0, "seed {seed}: {} s", came.took);
    });
}

#[test]
fn proxies() {
    let proxied = |path: &mut Path, _: &mut Chance| {
        path.proxy = true;
        path.ceiling = path.ceiling.max(1000.0);
    };
    run(20, 6, proxied, |path, seed, came| {
        let nobody = path.ports.values().filter(|port| **port != Port::Open).count();
        let named = came.summary.warnings.contains(&Warning::SynProxy);
        let open = path.ports.len() - nobody;
        assert!(named || nobody < 20 || open > nobody, "seed {seed}: {:?}", came.summary);
    });
}

#[test]
fn the_dead() {
    let dead = |path: &mut Path, _: &mut Chance| path.dead = true;
    run(10, 7, dead, |path, seed, came| {
        assert!(came.states.values().all(|(_, reason)| *reason == Reason::NoFeedback));
        assert_eq!(came.summary.warnings, [Warning::NoFeedback], "seed {seed}");
        assert_eq!(came.summary.sent, path.ports.len() as u64 * 3, "seed {seed}");
    });
}

/// It dies in the middle: what was not asked is not told as filtered.
#[test]
fn whoever_falls_silent_for_good() {
    let mut chance = Chance(99);
    let mut path = plain(&mut chance);
    path.ceiling = 1000.0;
    path.late = 0.0;
    path.ports.insert(443, Port::Open);
    path.ports.extend((30_000..36_000).map(|port| (port, Port::Dropped)));
    // A ban that never ends.
    path.ban = Some((500.0, 1e9));
    let came = play(&path, 99);
    assert!(came.summary.warnings.contains(&Warning::GaveUp), "{:?}", came.summary);
    let blocked = came.states.values().filter(|(_, reason)| *reason == Reason::Blocked).count();
    assert!(blocked > 1000, "{:?}", came.summary);
    assert!(came.took < 200.0);
}

/// As many as there are.
#[test]
fn all_ports_of_a_host() {
    let mut chance = Chance(5);
    let mut path = plain(&mut chance);
    path.ceiling = 200_000.0;
    path.delay = 0.000_1;
    path.jitter = 0.0;
    path.late = 0.0;
    for way in [Way::Syn, Way::Connect] {
        for answers in [Port::Closed, Port::Dropped] {
            path.way = way;
            path.ports = (1..=u16::MAX).map(|port| (port, answers)).collect();
            path.ports.extend([22, 443, 65_535].map(|port| (port, Port::Open)));
            let came = play(&path, 5);
            assert_eq!(holds(&path, 5, &came), (3, 0));
            reasons_are_right(&path, 5, &came);
            eprintln!("{way:?} {answers:?}: {:.2} s, {:?}", came.took, came.summary);
        }
    }
}
