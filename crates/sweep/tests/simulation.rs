//! Sweeps over simulated paths: lossy, slow, narrow, limited, banning, proxied, dead. Against the truth of each nothing is
//! missed beyond the stated chance, nothing is invented, every sweep ends, and each is the same again.

#![expect(clippy::print_stderr, reason = "it says what came of how many")]

#[path = "simulation/udp.rs"]
mod udp;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use postern_sweep::{
    Answer, Event, Probe, Rates, Reason, Said, Settings, State, Summary, Sweep, Time, Transmit,
    Warning, Way,
};

/// Chance, by a seed (Steele, Lea, Flood 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn share(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a share needs no more")]
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        share
    }

    fn happens(&mut self, share: f64) -> bool {
        self.share() < share
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most.max(1)
    }
}

/// So many a second at most, in bursts of a tenth of that.
#[derive(Clone, Debug)]
struct Bucket {
    rate: f64,
    full: f64,
    level: f64,
    at: f64,
}

impl Bucket {
    fn new(rate: f64) -> Self {
        let full = (rate / 10.0).max(1.0);
        Self { rate, full, level: full, at: 0.0 }
    }

    fn takes(&mut self, now: f64) -> bool {
        self.level = (self.level + (now - self.at) * self.rate).min(self.full);
        self.at = now;
        let takes = self.level >= 1.0;
        if takes {
            self.level -= 1.0;
        }
        takes
    }
}

/// What a port does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Open,
    Closed,
    Dropped,
    Rejected,
}

/// A path and what stands at its end.
#[derive(Clone, Debug)]
struct Path {
    ports: BTreeMap<u16, Port>,
    lost_there: f64,
    lost_back: f64,
    delay: f64,
    jitter: f64,
    resets: Option<Bucket>,
    errors: Option<Bucket>,
    /// More SYNs a second than this, and nothing gets through for so long.
    ban: Option<(f64, f64)>,
    /// Packets a second, and how many may wait.
    narrow: Option<(f64, f64)>,
    /// Somebody answers every handshake.
    proxy: bool,
    /// Over UDP, how often a service answers.
    replies: Option<Bucket>,
    /// The address is not there.
    dead: bool,
    /// How late the driver looks in, at most.
    late: f64,
    way: Way,
    ceiling: f64,
    in_flight: usize,
}

struct Net {
    path: Path,
    chance: Chance,
    lately: VecDeque<f64>,
    banned_until: f64,
    free_at: f64,
    answers: BinaryHeap<Reverse<(Time, u64)>>,
    said: BTreeMap<u64, (Answer, Option<(Probe, u64)>)>,
    count: u64,
    /// The sockets that are open, each with a number of its own.
    alive: BTreeMap<Probe, u64>,
    sockets: u64,
}

impl Net {
    fn new(path: Path, seed: u64) -> Self {
        Self {
            path,
            chance: Chance(seed),
            lately: VecDeque::new(),
            banned_until: -1.0,
            free_at: 0.0,
            answers: BinaryHeap::new(),
            said: BTreeMap::new(),
            count: 0,
            alive: BTreeMap::new(),
            sockets: 0,
        }
    }

    /// Whether a packet gets there, and when.
    fn passes(&mut self, now: f64) -> Option<f64> {
        if let Some((rate, time)) = self.path.ban {
            self.lately.push_back(now);
            while self.lately.front().is_some_and(|at| *at < now - 1.0) {
                self.lately.pop_front();
            }
            #[expect(clippy::cast_precision_loss, reason = "a count of a second")]
            let many = self.lately.len() as f64 > rate;
            if many {
                self.banned_until = now + time;
            }
            if now < self.banned_until {
                return None;
            }
        }
        let mut at = now;
        if let Some((rate, queue)) = self.path.narrow {
            let waits = (self.free_at - now).max(0.0);
            if waits * rate >= queue {
                return None;
            }
            self.free_at = now + waits + 1.0 / rate;
            at = self.free_at;
        }
        let jitter = self.chance.share() * self.path.jitter;
        (!self.chance.happens(self.path.lost_there)).then_some(at + self.path.delay + jitter)
    }

    fn comes(&mut self, at: f64, probe: Probe, said: Said, by_socket: bool) {
        let jitter = self.chance.share() * self.path.jitter;
        let at = Duration::from_secs_f64(at + self.path.delay + jitter);
        self.count += 1;
        self.answers.push(Reverse((at, self.count)));
        let number = Some(probe.number);
        let socket = self.alive.get(&probe).copied().unwrap_or_default();
        let needs = by_socket.then_some((probe, socket));
        self.said.insert(self.count, (Answer { port: probe.port, number, said }, needs));
    }

    fn send(&mut self, what: Transmit, now: Time) {
        let now = now.as_secs_f64();
        match what {
            Transmit::Probe(probe) | Transmit::Canary(probe) => {
                self.sockets += 1;
                self.alive.insert(probe, self.sockets);
                self.ask(probe, now);
            }
            Transmit::Confirm(probe) => self.confirm(probe, now),
            Transmit::Drop(probe) => {
                self.alive.remove(&probe);
            }
        }
    }

    fn ask(&mut self, probe: Probe, now: f64) {
        let Some(there) = self.passes(now).filter(|_| !self.path.dead) else { return };
        if self.path.way == Way::Udp {
            return self.ask_by_udp(probe, there);
        }
        let by_connect = self.path.way == Way::Connect;
        let port = self.path.ports.get(&probe.port).copied().unwrap_or(Port::Dropped);
        let open = port == Port::Open || self.path.proxy;
        let said = match port {
            _ if open && by_connect => Said::Established,
            _ if open => Said::SynAck { window: if self.path.proxy { 0 } else { 64_240 }, ttl: 63 },
            Port::Dropped | Port::Open => return,
            Port::Closed | Port::Rejected => {
                let bucket = if port == Port::Closed {
                    &mut self.path.resets
                } else {
                    &mut self.path.errors
                };
                if bucket.as_mut().is_some_and(|bucket| !bucket.takes(there)) {
                    return;
                }
                match port {
                    Port::Rejected => Said::Unreachable { kind: 3, code: 13, from: None },
                    _ if by_connect => Said::Refused,
                    _ => Said::Reset { ttl: 63 },
                }
            }
        };
        if !self.chance.happens(self.path.lost_back) {
            self.comes(there, probe, said, by_connect);
        } else if open && !self.chance.happens(self.path.lost_back) {
            // A server repeats its SYN-ACK after a second.
            self.comes(there + 1.0, probe, said, by_connect);
        }
    }

    /// A handshake of the kernel, which repeats its SYN once within the patience of whoever confirms.
    fn confirm(&mut self, probe: Probe, now: f64) {
        for (nth, at) in [now, now + 1.0].into_iter().enumerate() {
            let there = self.passes(at).filter(|_| !self.path.dead);
            let back = !self.chance.happens(self.path.lost_back);
            let Some(there) = there.filter(|_| back) else { continue };
            let said = match self.path.ports.get(&probe.port) {
                Some(Port::Open) => Said::Confirmed { window: Some(64_240), spoke: nth == 1 },
                _ if self.path.proxy => Said::Denied,
                Some(Port::Closed) => Said::Denied,
                _ => break,
            };
            return self.comes(there + 2.0 * self.path.delay, probe, said, false);
        }
        self.comes(now + 1.5, probe, Said::NotConfirmed, false);
    }
}

/// Where it stands, without its ports.
fn stands(sweep: &Sweep) -> String {
    let all = format!("{sweep:?}");
    let part = |from: &str, most: usize| -> String {
        let at = all.find(from).unwrap_or(0);
        all.chars().skip(at).take(most).collect()
    };
    let parts =
        [part("pulse: ", 200), part("flights: ", 300), part("phase: ", 60), part(" pass: ", 2000)];
    format!("{}, {:?}", parts.join("\n"), sweep.summary())
}

struct Came {
    states: BTreeMap<u16, (State, Reason)>,
    summary: Summary,
    took: f64,
    trace: u64,
    most_in_a_second: usize,
    after_ban: Option<(f64, f64)>,
}

fn play(path: &Path, seed: u64) -> Came {
    let ports: Vec<u16> = path.ports.keys().copied().collect();
    let settings = Settings {
        way: path.way,
        seed,
        rates: Rates { start: path.ceiling.min(udp::start(path.way)), ceiling: path.ceiling },
        in_flight: path.in_flight,
        host: Some(udp::HOST),
        ..Settings::default()
    };
    let mut sweep = Sweep::new(&ports, settings, Time::ZERO);
    let mut net = Net::new(path.clone(), seed ^ 0xabcd);
    let mut states = BTreeMap::new();
    let mut trace = DefaultHasher::new();
    let mut sent: Vec<Time> = Vec::new();
    let mut banned_at = None;
    let mut now = Time::ZERO;
    let mut idle = 0;
    while !sweep.is_done() {
        while let Some(Reverse((at, number))) = net.answers.peek().copied().filter(|r| r.0.0 <= now)
        {
            let _ = at;
            net.answers.pop();
            let (answer, needs) = net.said.remove(&number).expect("it was said");
            // What comes for a socket that was closed is heard by nobody.
            let open = |(probe, socket)| net.alive.get(&probe) == Some(&socket);
            if needs.is_none_or(open) {
                if let Some((probe, _)) = needs {
                    net.alive.remove(&probe);
                }
                sweep.handle(&answer, now);
            }
        }
        let mut any = false;
        while let Some(what) = sweep.poll_transmit(now) {
            any = true;
            (what, now).hash(&mut trace);
            net.send(what, now);
            if !matches!(what, Transmit::Drop(_)) {
                sweep.sent(what, now);
                sent.push(now);
            }
        }
        while let Some(event) = sweep.poll_event() {
            match event {
                Event::Settled(one) => {
                    states.insert(one.port, (one.state, one.reason));
                }
                Event::Warning(Warning::Ban { rate }) => banned_at = Some((sent.len(), rate)),
                Event::Warning(_) => {}
            }
        }
        idle = if any { 0 } else { idle + 1 };
        assert!(
            idle < 100_000,
            "seed {seed}: it turns round and round at {now:?}: {}",
            stands(&sweep)
        );
        let answer = net.answers.peek().map(|answer| answer.0.0);
        let timer = sweep.poll_timeout();
        let Some(soonest) = answer.into_iter().chain(timer).min() else {
            assert!(sweep.is_done(), "seed {seed}: nothing is waited for at {now:?}");
            break;
        };
        let late = net.chance.share() * path.late;
        now = soonest.max(now) + Duration::from_secs_f64(late) + Duration::from_micros(1);
        assert!(
            now < Duration::from_secs(7200),
            "seed {seed}: it does not end: {}",
            stands(&sweep)
        );
    }
    let second = Duration::from_secs(1);
    let mut most = 0;
    let mut first = 0;
    for (last, at) in sent.iter().enumerate() {
        while sent[first] + second <= *at {
            first += 1;
        }
        most = most.max(last - first + 1);
    }
    let after_ban = banned_at.map(|(from, rate)| {
        let later = &sent[from..];
        let mut most = 0;
        let mut first = 0;
        for (last, at) in later.iter().enumerate() {
            while later[first] + second <= *at {
                first += 1;
            }
            most = most.max(last - first + 1);
        }
        #[expect(clippy::cast_precision_loss, reason = "a count of a second")]
        let most = most as f64;
        (most, rate)
    });
    Came {
        states,
        summary: sweep.summary(),
        took: now.as_secs_f64(),
        trace: trace.finish(),
        most_in_a_second: most,
        after_ban,
    }
}

fn plain(chance: &mut Chance) -> Path {
    let count = 40 + chance.below(2000);
    let open = chance.below(40.min(count));
    let silent = chance.happens(0.6);
    let rejects = chance.happens(0.2);
    let mut ports = BTreeMap::new();
    while (ports.len() as u64) < count {
        let port = u16::try_from(1 + chance.below(65_535)).expect("a port");
        let state = match ports.len() as u64 {
            nth if nth < open => Port::Open,
            _ if rejects => Port::Rejected,
            _ if silent && !chance.happens(0.02) => Port::Dropped,
            _ => Port::Closed,
        };
        ports.entry(port).or_insert(state);
    }
    Path {
        ports,
        lost_there: 0.0,
        lost_back: 0.0,
        delay: [0.0001, 0.002, 0.02, 0.15][usize::try_from(chance.below(4)).expect("few")],
        jitter: [0.0, 0.001, 0.02][usize::try_from(chance.below(3)).expect("few")],
        resets: None,
        errors: None,
        ban: None,
        narrow: None,
        proxy: false,
        replies: None,
        dead: false,
        late: [0.0, 0.001, 0.05][usize::try_from(chance.below(3)).expect("few")],
        way: if chance.happens(0.5) { Way::Syn } else { Way::Connect },
        ceiling: [50.0, 1000.0, 20_000.0, 100_000.0]
            [usize::try_from(chance.below(4)).expect("few")],
        in_flight: 512,
    }
}

/// How many seeds, of each kind of path.
fn seeds(few: u64) -> u64 {
    if std::env::var_os("POSTERN_FULL").is_some() { few * 60 } else { few }
}

/// Holds what holds for every sweep, and answers how many open ports there were, and were missed.
fn holds(path: &Path, seed: u64, came: &Came) -> (usize, usize) {
    let again = play(path, seed);
    assert_eq!(again.trace, came.trace, "seed {seed}: another course");
    assert_eq!(came.states.len(), path.ports.len(), "seed {seed}: each port has its state");
    #[expect(clippy::cast_precision_loss, reason = "a count of a second")]
    let most = came.most_in_a_second as f64;
    assert!(
        most <= path.ceiling * 1.01 + 2.0,
        "seed {seed}: {most} in a second of {}",
        path.ceiling
    );
    let (mut open, mut missed) = (0, 0);
    for (port, truth) in &path.ports {
        let (state, reason) = came.states[port];
        if *truth == Port::Open {
            open += 1;
            missed += usize::from(state != State::Open && !path.dead);
            assert!(
                state != State::Closed || matches!(reason, Reason::Estimated { .. }),
                "seed {seed}: port {port} is open, and {reason:?}"
            );
        } else {
            assert!(state != State::Open, "seed {seed}: port {port} is {truth:?}, not open");
        }
    }
    (open, missed)
}

fn run(
    few: u64,
    kind: u64,
    alter: impl Fn(&mut Path, &mut Chance),
    look: impl Fn(&Path, u64, &Came),
) {
    let (mut all, mut missed) = (0, 0);
    for nth in 0..seeds(few) {
        let seed = kind << 32 | nth;
        let mut dice = Chance(seed);
        let mut path = plain(&mut dice);
        alter(&mut path, &mut dice);
        let came = play(&path, seed);
        let (o, m) = holds(&path, seed, &came);
        if m > 0 {
            eprintln!("seed {seed}: {m} of {o} missed: {:?}", came.summary);
        }
        all += o;
        missed += m;
        look(&path, seed, &came);
    }
    eprintln!("{all} open ports, {missed} missed");
    // One in a million is borne for each: that one of some ten thousand is missed is less likely than one in a hundred.
    assert!(missed * 100_000 <= all, "{missed} of {all} open ports were missed");
}

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
        assert!(came.took < 200.0, "seed {seed}: {} s", came.took);
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
            [20.0, 20.0],
        ),
        ("20,000/s", |path| path.narrow = Some((20_000.0, 500.0)), 20, [30.0, 30.0]),
        ("banned above 2,000/s", |path| path.ban = Some((2000.0, 10.0)), 20, [150.0, 150.0]),
    ];
    for (name, alter, open, most) in paths {
        for (way, most) in [Way::Syn, Way::Connect].into_iter().zip(most) {
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
                assert!(came.took < most, "{name}, {way:?}, seed {seed}: {} s", came.took);
            }
        }
    }
}
