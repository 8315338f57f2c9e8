//! Under no schedule does a second hold more than was promised, the kernel's own repetitions included.

use proptest::prelude::*;

use super::*;

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn host(name: u8) -> Payer {
    Payer::Host(format!("h{name}"))
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

/// What happens to one connection: to whom, how late the SYN is, how late the call returns, how long it stays
/// unanswered, all in milliseconds, and how much slower than a second the kernel repeats.
type Wish = (u8, u64, u64, u64, u64);

/// Plays a schedule and answers when packets left, by host.
fn play(limits: Limits, wishes: &[Wish]) -> Vec<(u8, Duration)> {
    let mut pace = Pace::new(limits);
    let mut wire = Vec::new();
    let mut ends: BTreeSet<(Duration, u64, u8)> = BTreeSet::new();
    let mut now = Duration::ZERO;
    for (to, late, call, unanswered, slow) in wishes {
        let id = loop {
            while let Some((end, id, of)) = ends.first().copied().filter(|(end, ..)| *end <= now) {
                ends.pop_first();
                pace.settled(id, end);
                pace.shut(&host(of), id);
            }
            let next_end = ends.first().map(|(end, ..)| *end);
            now = match pace.poll(&host(*to), Kind::Connection, now) {
                Turn::Go(id) => break id,
                Turn::WaitUntil(then) => next_end.map_or(then, |end| end.min(then)).max(now),
                Turn::WaitForOthers => next_end.expect("somebody ends"),
            };
        };
        let left = now + millis(*late);
        pace.sent(id, left + millis(*call));
        let end = left + millis(call + unanswered);
        let repeats = (0..).map(|n| left + millis(n * (1000 + slow)));
        wire.extend(repeats.take_while(|at| *at <= left || *at < end).map(|at| (*to, at)));
        ends.insert((end, id, *to));
        // The caller is only as late as its own call.
        now = left + millis(*call);
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
        wishes in prop::collection::vec((0_u8..3, 0_u64..30, 0_u64..20, 0_u64..5000, 0_u64..1500), 1..60),
    ) {
        let limits = Limits { per_second, per_host_per_second, per_host_parallel };
        let wire = play(limits, &wishes);
        let all: Vec<Duration> = wire.iter().map(|(_, at)| *at).collect();
        prop_assert!(most_in_a_second(&all) <= per_second as usize);
        for of in 0..3 {
            let to: Vec<Duration> = wire.iter().filter(|(to, _)| *to == of).map(|(_, at)| *at).collect();
            prop_assert!(most_in_a_second(&to) <= per_host_per_second as usize);
        }
    }
}

const LIMITS: Limits = Limits { per_second: 3, per_host_per_second: 2, per_host_parallel: 2 };

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
    let limits = Limits { per_second: 99, per_host_per_second: 99, per_host_parallel: 1 };
    let mut pace = Pace::new(limits);
    let id = go(&mut pace, 1, Kind::Connection, 0);
    pace.settled(id, millis(5));
    assert_eq!(pace.poll(&host(1), Kind::Connection, millis(50)), Turn::WaitForOthers);
    go(&mut pace, 1, Kind::Datagram, 50);
    go(&mut pace, 2, Kind::Connection, 50);
    pace.shut(&host(1), id);
    go(&mut pace, 1, Kind::Connection, 60);
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
    let limits = Limits { per_second: 100, per_host_per_second: 10, per_host_parallel: 9 };
    let mut pace = Pace::new(limits);
    go(&mut pace, 1, Kind::Connection, 0);
    assert_eq!(
        pace.poll(&host(1), Kind::Connection, Duration::ZERO),
        Turn::WaitUntil(Duration::from_micros(52_500))
    );
}
