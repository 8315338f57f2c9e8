//! Under no schedule does a second hold more than was promised, the kernel's own repetitions included.

use proptest::prelude::*;

use super::*;

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn host(name: u8) -> Payers {
    [Payer::Host(format!("h{name}"))].into()
}

/// Which addresses a host has: one of them is two hosts', and the last is a resolver's and nobody else's.
const OWNED: [(u8, &[u8]); 3] = [(0, &[0, 1]), (1, &[1, 2]), (2, &[3])];
/// How many addresses there are.
const ADDRESSES: u8 = 5;

/// Who pays for a packet to that address: it, and every host that has it.
fn at(address: u8) -> Payers {
    let owners = OWNED.iter().filter(|(_, owned)| owned.contains(&address));
    let owners = owners.map(|(name, _)| Payer::Host(format!("h{name}")));
    owners.chain([Payer::Address([192, 0, 2, address].into())]).collect()
}

/// The most of these moments that lie in one second, `[x, x + 1 s)`.
fn most_in_a_second(times: &[Duration]) -> usize {
    let mut times = times.to_vec();
    times.sort_unstable();
    let window = |(at, start): (usize, &Duration)| {
        times.iter().skip(at).take_while(|time| **time < *start + millis(1000)).count()
    };
    times.iter().enumerate().map(window).max().unwrap_or(0)
}

/// What happens to one connection: to which address, how late the SYN is, how late the call returns, how long it stays
/// unanswered, all in milliseconds, and how much slower than a second the kernel repeats.
type Wish = (u8, u64, u64, u64, u64);

/// When packets left, by address, and from when until when each connection was open.
#[derive(Default)]
struct Wire {
    packets: Vec<(u8, Duration)>,
    open: Vec<(u8, Duration, Duration)>,
}

/// Plays a schedule.
fn play(mut pace: Pace, wishes: &[Wish]) -> Wire {
    let mut wire = Wire::default();
    let mut ends: BTreeSet<(Duration, u64, u8)> = BTreeSet::new();
    let mut now = Duration::ZERO;
    for (to, late, call, unanswered, slow) in wishes {
        let id = loop {
            while let Some((end, id, of)) = ends.first().copied().filter(|(end, ..)| *end <= now) {
                ends.pop_first();
                pace.settled(id, end);
                pace.shut(&at(of), id);
            }
            let next_end = ends.first().map(|(end, ..)| *end);
            now = match pace.poll(&at(*to), Kind::Connection, now) {
                Turn::Go(id) => break id,
                Turn::WaitUntil(then) => next_end.map_or(then, |end| end.min(then)).max(now),
                Turn::WaitForOthers => next_end.expect("somebody ends"),
            };
        };
        let left = now + millis(*late);
        pace.sent(id, left + millis(*call));
        let end = left + millis(call + unanswered);
        let repeats = (0..).map(|n| left + millis(n * (1000 + slow)));
        let sent = repeats.take_while(|at| *at <= left || *at < end);
        wire.packets.extend(sent.map(|at| (*to, at)));
        wire.open.push((*to, left, end));
        ends.insert((end, id, *to));
        // The caller is only as late as its own call.
        now = left + millis(*call);
    }
    wire
}

/// The same with several connections for each turn: how many are wished for, how long the calls take together, how long the
/// first stays unanswered, and each further one longer than the one before, in milliseconds.
fn play_together(mut pace: Pace, wishes: &[(u32, u64, u64, u64)]) -> Wire {
    let mut wire = Wire::default();
    let mut ends: BTreeSet<(Duration, u64, u32)> = BTreeSet::new();
    let mut now = Duration::ZERO;
    for (most, calls, unanswered, apart) in wishes {
        let (id, many) = loop {
            while let Some((end, id, nth)) = ends.first().copied().filter(|(end, ..)| *end <= now) {
                ends.remove(&(end, id, nth));
                if !ends.iter().any(|(_, other, _)| *other == id) {
                    pace.settled(id, end);
                }
                pace.shut(&host(1), id);
            }
            let next_end = ends.first().map(|(end, ..)| *end);
            now = match pace.poll_many(&host(1), Kind::Connection, *most, now) {
                Turns::Go(id, many) => break (id, many),
                Turns::Wait(Turn::WaitUntil(then)) => {
                    next_end.map_or(then, |end| end.min(then)).max(now)
                }
                Turns::Wait(_) => next_end.expect("somebody ends"),
            };
        };
        for nth in 0..many {
            let left = now + millis(*calls) * nth / many;
            pace.sent(id, left);
            let end = left + millis(unanswered + apart * u64::from(nth));
            let repeats = (0..).map(|n| left + millis(n * 1000));
            let sent = repeats.take_while(|at| *at <= left || *at < end);
            wire.packets.extend(sent.map(|at| (1, at)));
            wire.open.push((1, left, end));
            ends.insert((end, id, nth));
        }
        now += millis(*calls);
    }
    wire
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_second_holds_more_than_was_promised(
        per_second in 1_u32..12,
        per_host_per_second in 1_u32..8,
        per_host_parallel in 1_u32..9,
        wishes in prop::collection::vec((0..ADDRESSES, 0_u64..30, 0_u64..20, 0_u64..5000, 0_u64..1500), 1..60),
    ) {
        let limits = Limits { per_second, per_host_per_second, per_host_parallel, per_host_talks_per_second: None };
        let wire = play(Pace::new(limits), &wishes);
        let all: Vec<Duration> = wire.packets.iter().map(|(_, at)| *at).collect();
        prop_assert!(most_in_a_second(&all) <= per_second as usize);
        let single: Vec<[u8; 1]> = (0..ADDRESSES).map(|address| [address]).collect();
        let hosts = OWNED.iter().map(|(_, owned)| *owned);
        for somebody in hosts.chain(single.iter().map(<[u8; 1]>::as_slice)) {
            let to = wire.packets.iter().filter(|(to, _)| somebody.contains(to));
            let to: Vec<Duration> = to.map(|(_, at)| *at).collect();
            prop_assert!(most_in_a_second(&to) <= per_host_per_second as usize, "{:?}", somebody);
            let open: Vec<_> = wire.open.iter().filter(|(to, ..)| somebody.contains(to)).collect();
            for (_, begun, _) in &open {
                let now = open.iter().filter(|(_, from, end)| from <= begun && begun < end).count();
                prop_assert!(now <= per_host_parallel as usize, "{:?}", somebody);
            }
        }
    }

    #[test]
    fn connections_let_go_together_keep_to_the_same_promise(
        per_host_per_second in 20_u32..400,
        per_host_parallel in 1_u32..200,
        talks in 1_u32..400,
        wishes in prop::collection::vec((1_u32..60, 0_u64..20, 0_u64..3000, 0_u64..90), 1..40),
    ) {
        let per_host_talks_per_second = Some(talks);
        let limits = Limits { per_second: 10_000, per_host_per_second, per_host_parallel, per_host_talks_per_second };
        let wire = play_together(Pace::new(limits), &wishes);
        let all: Vec<Duration> = wire.packets.iter().map(|(_, at)| *at).collect();
        prop_assert!(most_in_a_second(&all) <= per_host_per_second.min(talks) as usize);
        for (_, begun, _) in &wire.open {
            let now = wire.open.iter().filter(|(_, from, end)| from <= begun && begun < end).count();
            prop_assert!(now <= per_host_parallel as usize);
        }
    }

    #[test]
    fn who_goes_on_after_another_leaves_its_last_second_alone(
        wishes in prop::collection::vec((0..ADDRESSES, 0_u64..30, 0_u64..20, 0_u64..5000, 0_u64..1500), 1..40),
        killed in 0_u64..3000,
    ) {
        let limits = Limits { per_second: 5, per_host_per_second: 3, per_host_parallel: 2, per_host_talks_per_second: None };
        let killed = millis(killed);
        let before = play(Pace::new(limits), &wishes).packets.into_iter().filter(|(_, at)| *at < killed);
        let after = play(Pace::after_another(limits, Duration::ZERO), &wishes).packets;
        let after = after.into_iter().map(|(to, at)| (to, killed + at));
        let both: Vec<(u8, Duration)> = before.chain(after).collect();
        let all: Vec<Duration> = both.iter().map(|(_, at)| *at).collect();
        prop_assert!(most_in_a_second(&all) <= 5);
        for of in 0..ADDRESSES {
            let to: Vec<Duration> = both.iter().filter(|(to, _)| *to == of).map(|(_, at)| *at).collect();
            prop_assert!(most_in_a_second(&to) <= 3);
        }
    }
}

const LIMITS: Limits = Limits {
    per_second: 3,
    per_host_per_second: 2,
    per_host_parallel: 2,
    per_host_talks_per_second: None,
};

fn go(pace: &mut Pace, to: u8, kind: Kind, at: u64) -> u64 {
    match pace.poll(&host(to), kind, millis(at)) {
        Turn::Go(id) => id,
        wait => panic!("{wait:?} at {at}"),
    }
}

#[test]
fn an_answered_connection_counts_for_a_second_after_its_syn() {
    let mut pace = Pace::new(LIMITS);
    for at in [0, 300] {
        let id = go(&mut pace, 1, Kind::Connection, at);
        pace.sent(id, millis(at + 1));
        pace.settled(id, millis(at + 40));
        pace.shut(&host(1), id);
    }
    let turn = pace.poll(&host(1), Kind::Connection, millis(600));
    assert_eq!(turn, Turn::WaitUntil(millis(1051)));
    go(&mut pace, 2, Kind::Connection, 600);
    assert_eq!(pace.poll(&host(3), Kind::Connection, millis(700)), Turn::WaitUntil(millis(1051)));
    go(&mut pace, 1, Kind::Connection, 1051);
}

#[test]
fn an_unanswered_one_counts_as_long_as_the_kernel_may_repeat_it() {
    let mut pace = Pace::new(LIMITS);
    let ids = [0, 300].map(|at| go(&mut pace, 1, Kind::Connection, at));
    for id in &ids {
        pace.shut(&host(1), *id);
    }
    assert_eq!(pace.poll(&host(1), Kind::Connection, millis(9000)), Turn::WaitForOthers);
    for id in ids {
        pace.settled(id, millis(9000));
    }
    assert_eq!(
        pace.poll(&host(1), Kind::Connection, millis(9000)),
        Turn::WaitUntil(millis(10_050))
    );
}

#[test]
fn places_at_the_same_time_are_for_connections_only() {
    let limits = Limits {
        per_second: 99,
        per_host_per_second: 99,
        per_host_parallel: 1,
        per_host_talks_per_second: None,
    };
    let mut pace = Pace::new(limits);
    let id = go(&mut pace, 1, Kind::Connection, 0);
    pace.settled(id, millis(5));
    assert_eq!(pace.poll(&host(1), Kind::Connection, millis(50)), Turn::WaitForOthers);
    go(&mut pace, 1, Kind::Datagram, 50);
    go(&mut pace, 1, Kind::Attempt, 60);
    go(&mut pace, 2, Kind::Connection, 70);
    pace.shut(&host(1), id);
    go(&mut pace, 1, Kind::Connection, 80);
}

#[test]
fn conversations_are_counted_apart() {
    let limits = Limits {
        per_second: 99,
        per_host_per_second: 99,
        per_host_parallel: 9,
        per_host_talks_per_second: Some(1),
    };
    let mut pace = Pace::new(limits);
    let id = go(&mut pace, 1, Kind::Connection, 0);
    pace.sent(id, millis(1));
    pace.settled(id, millis(2));
    let talk = pace.poll(&host(1), Kind::Connection, millis(50));
    assert_eq!(talk, Turn::WaitUntil(millis(1051)));
    // Those that ask for a state take nothing from them, nor they from those.
    let id = go(&mut pace, 1, Kind::Attempt, 50);
    pace.settled(id, millis(60));
    go(&mut pace, 1, Kind::Connection, 1051);
}

#[test]
fn what_was_never_sent_costs_nothing() {
    let mut pace = Pace::new(LIMITS);
    for at in 0..20 {
        let id = go(&mut pace, 1, Kind::Connection, at * 300);
        pace.unsent(id);
    }
}

#[test]
fn a_host_never_meets_a_seconds_worth_at_once() {
    let limits = Limits {
        per_second: 100,
        per_host_per_second: 10,
        per_host_parallel: 9,
        per_host_talks_per_second: None,
    };
    let mut pace = Pace::new(limits);
    go(&mut pace, 1, Kind::Connection, 0);
    assert_eq!(
        pace.poll(&host(1), Kind::Connection, Duration::ZERO),
        Turn::WaitUntil(Duration::from_micros(52_500))
    );
}

#[test]
fn a_packet_waits_for_everybody_who_pays_for_it() {
    let limits = Limits {
        per_second: 99,
        per_host_per_second: 1,
        per_host_parallel: 9,
        per_host_talks_per_second: None,
    };
    let mut pace = Pace::new(limits);
    let Turn::Go(id) = pace.poll(&at(1), Kind::Connection, Duration::ZERO) else { panic!("free") };
    pace.sent(id, Duration::ZERO);
    pace.settled(id, Duration::ZERO);
    // Of either host, another address; the address itself; and what has nothing to do with any of them.
    for (address, waits) in [(0, true), (2, true), (1, true), (3, false), (4, false)] {
        let turn = pace.poll(&at(address), Kind::Datagram, millis(900));
        assert_eq!(turn == Turn::WaitUntil(millis(1050)), waits, "{address}: {turn:?}");
    }
}

#[test]
fn many_at_once_keep_to_the_same_promise() {
    let limits = Limits {
        per_second: 500,
        per_host_per_second: 300,
        per_host_parallel: 9,
        per_host_talks_per_second: None,
    };
    let mut pace = Pace::new(limits);
    let (mut times, mut now) = (Vec::new(), Duration::ZERO);
    while now < millis(5000) {
        match pace.poll_many(&host(1), Kind::Datagram, 128, now) {
            Turns::Go(id, many) => {
                // Now and then one of them does not leave.
                let sent = if id % 7 == 0 { many - 1 } else { many };
                pace.sent_of(id, sent, now);
                times.extend((0..sent).map(|_| now));
            }
            Turns::Wait(Turn::WaitUntil(then)) => now = then.max(now + millis(1)),
            Turns::Wait(_) => now += millis(1),
        }
    }
    assert!(most_in_a_second(&times) <= 300);
    assert!(times.len() > 1300, "{} in five seconds", times.len());
    // Two payers: the poorer one decides.
    let mut pace = Pace::new(Limits { per_second: 3, ..limits });
    let Turns::Go(_, 3) = pace.poll_many(&host(1), Kind::Datagram, 128, Duration::ZERO) else {
        panic!("three are left in all");
    };
}
