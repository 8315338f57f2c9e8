//! All ports of a host on paths that are hard.

use postern_sweep::{State, Way};

use super::net::{Chance, Path, Port};
use super::play::{plain, play, seeds};

/// All ports of a host at a hundred thousand a second on the paths that are hard: how long it takes there, by the clock of
/// the simulation, is a matter of the algorithm alone.
#[test]
fn all_ports_on_hard_paths() {
    type Alter = fn(&mut Path);
    // What is altered, how many are open, and how many seconds it may take by SYNs and by connects.
    let paths: [(&str, Alter, u16, [f64; 2]); 5] = [
        ("drop", |_| {}, 20, [1.8, 1.8]),
        (
            "1 % lost each way",
            |path| (path.lost_there, path.lost_back) = (0.01, 0.01),
            500,
            [5.0, 5.0],
        ),
        (
            "5 % lost each way",
            |path| (path.lost_there, path.lost_back) = (0.05, 0.05),
            500,
            [13.0, 13.0],
        ),
        ("20,000/s", |path| path.narrow = Some((20_000.0, 500.0)), 20, [19.0, 19.0]),
        ("banned above 2,000/s", |path| path.ban = Some((2000.0, 10.0)), 20, [150.0, 150.0]),
    ];
    for (name, alter, open, most) in paths {
        for (way, most) in [Way::Syn, Way::Connect].into_iter().zip(most) {
            let mut took = Vec::new();
            for seed in 0..seeds(3).min(30) {
                let mut path = plain(&mut Chance(seed));
                path = Path {
                    ports: (1..=u16::MAX).map(|port| (port, Port::Dropped)).collect(),
                    delay: 0.000_1,
                    jitter: 0.0,
                    late: 0.002,
                    way,
                    ceiling: 100_000.0,
                    in_flight: 16_384,
                    ..path
                };
                path.ports.extend([22, 80, 443].map(|port| (port, Port::Open)));
                path.ports.extend((0..open).map(|nth| (1000 + 97 * nth, Port::Open)));
                alter(&mut path);
                let came = play(&path, seed);
                let missed = path.ports.iter().filter(|(port, truth)| {
                    **truth == Port::Open && came.states[*port].0 != State::Open
                });
                let missed = missed.count();
                eprintln!(
                    "{name}, {way:?}: {:.1} s, {missed} missed, {:?}",
                    came.took, came.summary
                );
                assert_eq!(missed, 0, "{name}, {way:?}, seed {seed}");
                took.push(came.took);
            }
            took.sort_by(f64::total_cmp);
            let median = took.get(took.len() / 2).copied().unwrap_or_default();
            assert!(median < most, "{name}, {way:?}: {median} s, of {took:?}");
            // Chance may look like a narrow path for a while: seldom, and nothing is missed by it.
            let slow = took.iter().filter(|took| **took > 2.0 * most).count();
            assert!(slow * 20 <= took.len(), "{name}, {way:?}: {took:?}");
        }
    }
}
