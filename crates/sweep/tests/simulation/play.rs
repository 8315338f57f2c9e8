//! A sweep over a simulated path, from its first packet to its end, and what holds for each.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use postern_sweep::{
    Event, Rates, Reason, Settings, State, Summary, Sweep, Time, Transmit, Warning, Way,
};

use super::net::{Chance, Net, Path, Port};
use super::udp;

/// Where it stands, without its ports.
pub(super) fn stands(sweep: &Sweep) -> String {
    let all = format!("{sweep:?}");
    let part = |from: &str, most: usize| -> String {
        let at = all.find(from).unwrap_or(0);
        all.chars().skip(at).take(most).collect()
    };
    let parts =
        [part("pulse: ", 200), part("flights: ", 300), part("phase: ", 60), part(" pass: ", 2000)];
    format!("{}, {:?}", parts.join("\n"), sweep.summary())
}

pub(super) struct Came {
    pub(super) states: BTreeMap<u16, (State, Reason)>,
    pub(super) summary: Summary,
    pub(super) took: f64,
    pub(super) trace: u64,
    pub(super) most_in_a_second: usize,
    pub(super) after_ban: Option<(f64, f64)>,
}

pub(super) fn play(path: &Path, seed: u64) -> Came {
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

pub(super) fn plain(chance: &mut Chance) -> Path {
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
pub(super) fn seeds(few: u64) -> u64 {
    if std::env::var_os("POSTERN_FULL").is_some() { few * 60 } else { few }
}

/// Holds what holds for every sweep, and answers how many open ports there were, and were missed.
pub(super) fn holds(path: &Path, seed: u64, came: &Came) -> (usize, usize) {
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

pub(super) fn run(
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
