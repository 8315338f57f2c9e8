//! Ports behind which something may be that bears little: they come last, by connects that are closed again, and are left in
//! peace while others answer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use postern_sweep::{Answer, Event, Rates, Said, Settings, State, Sweep, Time, Transmit, Way};

const LAST: [u16; 4] = [11_112, 104, 502, 20_000];
const TRIP: Duration = Duration::from_millis(10);

/// What was sent to a path without losses, where those ports are open and all others drop what comes.
#[derive(Default)]
struct Came {
    sent: Vec<(Time, Transmit)>,
    states: BTreeMap<u16, State>,
    /// Connects that nobody has closed.
    left: BTreeSet<(u16, u8)>,
    warnings: usize,
}

fn play(way: Way, open: &[u16]) -> Came {
    let ports: Vec<u16> = (1..=3000).chain(LAST).collect();
    let settings = Settings {
        way,
        last: LAST.to_vec(),
        rates: Rates { start: 1000.0, ceiling: 1000.0 },
        ..Settings::default()
    };
    let mut sweep = Sweep::new(&ports, settings, Time::ZERO);
    let (mut now, mut came) = (Time::ZERO, Came::default());
    let mut answers: BTreeMap<(Time, usize), Answer> = BTreeMap::new();
    let mut turns = 0;
    while !sweep.is_done() {
        turns += 1;
        assert!(turns < 200_000, "it does not end, or looks in without need");
        while let Some(what) = sweep.poll_transmit(now) {
            let nth = came.sent.len();
            let mut answer = |probe: postern_sweep::Probe, said| {
                let answer = Answer { port: probe.port, number: Some(probe.number), said };
                answers.insert((now + TRIP, nth), answer);
            };
            match what {
                Transmit::Drop(probe) => {
                    let known = came.left.remove(&(probe.port, probe.number));
                    assert!(known, "{probe:?} was no connect, or is closed already");
                }
                Transmit::Confirm(probe) => {
                    answer(probe, Said::Confirmed { window: Some(9), spoke: false });
                }
                Transmit::Probe(probe) | Transmit::Canary(probe) => {
                    let connects = sweep.asks_by_connect(probe.port);
                    assert_eq!(connects, way == Way::Connect || LAST.contains(&probe.port));
                    match (open.contains(&probe.port), connects) {
                        (true, true) => answer(probe, Said::Established),
                        (true, false) => answer(probe, Said::SynAck { window: 9, ttl: 64 }),
                        (false, true) => assert!(came.left.insert((probe.port, probe.number))),
                        (false, false) => {}
                    }
                }
            }
            sweep.sent(what, now);
            came.sent.push((now, what));
        }
        while let Some(event) = sweep.poll_event() {
            match event {
                Event::Settled(one) => {
                    came.states.insert(one.port, one.state);
                }
                Event::Warning(_) => came.warnings += 1,
            }
        }
        let next = [answers.keys().next().map(|(at, _)| *at), sweep.poll_timeout()];
        let Some(next) = next.into_iter().flatten().min() else { continue };
        now = next.max(now);
        while let Some(first) = answers.first_entry().filter(|first| first.key().0 <= now) {
            sweep.handle(&first.remove(), now);
        }
    }
    came
}

fn canaries(came: &Came) -> Vec<(Time, u16)> {
    let canary = |(at, what): &(Time, Transmit)| match what {
        Transmit::Canary(probe) => Some((*at, probe.port)),
        _ => None,
    };
    came.sent.iter().filter_map(canary).collect()
}

#[test]
fn they_come_last_and_are_never_canaries_while_others_answer() {
    for way in [Way::Syn, Way::Connect] {
        let open = [80, 104, 11_112];
        let came = play(way, &open);
        let found: Vec<u16> =
            came.states.iter().filter(|(_, s)| **s == State::Open).map(|(p, _)| *p).collect();
        assert_eq!(found, open, "{way:?}");
        assert_eq!(came.left, BTreeSet::new(), "{way:?}: connects stay open");
        assert!(canaries(&came).iter().all(|(_, port)| *port == 80), "{way:?}");
        let mut first = BTreeSet::new();
        let probes = came.sent.iter().filter_map(|(_, what)| match what {
            Transmit::Probe(probe) if first.insert(probe.port) => Some(probe.port),
            _ => None,
        });
        let order: Vec<u16> = probes.collect();
        let end: BTreeSet<u16> = order.iter().rev().take(LAST.len()).copied().collect();
        assert_eq!(end, BTreeSet::from(LAST), "{way:?}");
    }
}

#[test]
fn where_nobody_else_answers_they_are_asked_once_a_second_at_most() {
    for way in [Way::Syn, Way::Connect] {
        let came = play(way, &[104]);
        assert_eq!(came.states.get(&104), Some(&State::Open), "{way:?}");
        assert_eq!(came.warnings, 0, "{way:?}: somebody answered, and nothing was lost");
        assert_eq!(came.states.len(), 3002, "{way:?}");
        assert_eq!(came.left, BTreeSet::new(), "{way:?}: connects stay open");
        let canaries = canaries(&came);
        assert!(canaries.iter().all(|(_, port)| *port == 104), "{way:?}");
        let apart = |two: &[(Time, u16)]| two[1].0 >= two[0].0 + Duration::from_secs(1);
        assert!(!canaries.is_empty() && canaries.windows(2).all(apart), "{way:?}: {canaries:?}");
    }
}
