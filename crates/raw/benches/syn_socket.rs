//! What a SYN costs: 65,535 ports over a wire between two namespaces, where nobody answers and where every port is closed
//! and says so. The bar: 5 µs of processor time for each SYN that nobody answers.
//!
//! `cargo bench -p postern-raw` prints the figures and fails beyond the bar. It needs root. Where ports answer, what the
//! target's side of the wire works is counted as well: the system does it before a system call of ours returns.

#![expect(
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "it measures, and prints its figures"
)]

#[path = "../tests/syn_socket/lab.rs"]
#[expect(dead_code, reason = "a bench needs less of it than the tests")]
mod lab;

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use postern_raw::SynSocket;

use lab::{Lab, Side, TARGET, address};

const MOST: Duration = Duration::from_micros(5);
const ROUNDS: u8 = 5;

const DROPPED: &str = "table netdev t { chain inbound {
    type filter hook ingress device \"wire\" priority 0; tcp flags syn drop; }; }";

fn main() {
    let Some(lab) = Lab::build("the bench") else { return };
    for to in TARGET {
        let opening = || SynSocket::open(address(to), [7; 16]).expect("we are root");
        let mut socket = lab.within(Side::Scanner, opening);
        lab.firewall(Side::Target, "");
        // The first round also finds the neighbour's address.
        let closed = best(&mut socket);
        eprintln!("{to}, every port closed: {closed}");
        lab.firewall(Side::Target, DROPPED);
        let dropped = best(&mut socket);
        eprintln!("{to}, every port silent: {dropped}");
        assert!(closed.heard > 0 && dropped.heard == 0 && closed.drops == 0);
        assert!(dropped.used < MOST, "beyond the bar");
    }
}

/// The best of some rounds is what the machine can do when nothing else runs on it, and is what the bar holds.
fn best(socket: &mut SynSocket) -> Round {
    let rounds = (0..ROUNDS).map(|number| round(socket, number));
    rounds.min_by_key(|round| round.used).expect("some rounds")
}

struct Round {
    sent: u32,
    heard: u32,
    /// How often there was no room to send.
    full: u32,
    drops: u64,
    took: Duration,
    /// Processor time for each SYN, ours and the system's.
    used: Duration,
}

impl std::fmt::Display for Round {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { sent, heard, full, took, used, .. } = self;
        let rate = f64::from(*sent) / took.as_secs_f64();
        write!(out, "{rate:.0} SYNs a second, {used:.2?} of processor time each ")?;
        write!(out, "({sent} sent, {heard} heard, {full} times no room)")
    }
}

fn round(socket: &mut SynSocket, number: u8) -> Round {
    let (began, before) = (Instant::now(), processor_time());
    let (mut sent, mut heard, mut full) = (0, 0, 0);
    for port in 1..=u16::MAX {
        socket.queue(port, number);
        if socket.queued() < 64 && port < u16::MAX {
            continue;
        }
        while socket.queued() > 0 {
            match socket.flush() {
                Ok(left) => sent += u32::try_from(left).expect("few"),
                Err(wrong) if wrong.kind() == ErrorKind::WouldBlock => full += 1,
                Err(wrong) => panic!("{wrong}"),
            }
            while socket.receive(&mut |_| heard += 1).expect("it can be read") > 0 {}
        }
    }
    let (took, used) = (began.elapsed(), processor_time().saturating_sub(before) / sent);
    Round { sent, heard, full, drops: socket.drops().expect("it tells"), took, used }
}

/// Processor time of this process so far, its own and the system's for it.
fn processor_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("it is told");
    let duration = |time: TimeVal| {
        let parts = (u64::try_from(time.tv_sec()), u64::try_from(time.tv_usec()));
        let (Ok(seconds), Ok(micros)) = parts else { return Duration::ZERO };
        Duration::from_secs(seconds) + Duration::from_micros(micros)
    };
    duration(usage.user_time()) + duration(usage.system_time())
}
