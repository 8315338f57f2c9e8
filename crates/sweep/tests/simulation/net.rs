//! A path and what stands at its end, without a network: what gets through, when, and what comes back.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::time::Duration;

use postern_sweep::{Answer, Probe, Said, Time, Transmit, Way};

/// Chance, by a seed (Steele, Lea, Flood 2014).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn share(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a share needs no more")]
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        share
    }

    pub(super) fn happens(&mut self, share: f64) -> bool {
        self.share() < share
    }

    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.next() % most.max(1)
    }
}

/// So many a second at most, in bursts of a tenth of that.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    pub(super) rate: f64,
    pub(super) full: f64,
    pub(super) level: f64,
    pub(super) at: f64,
}

impl Bucket {
    pub(super) fn new(rate: f64) -> Self {
        let full = (rate / 10.0).max(1.0);
        Self { rate, full, level: full, at: 0.0 }
    }

    pub(super) fn takes(&mut self, now: f64) -> bool {
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
pub(super) enum Port {
    Open,
    Closed,
    Dropped,
    Rejected,
}

/// A path and what stands at its end.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) ports: BTreeMap<u16, Port>,
    pub(super) lost_there: f64,
    pub(super) lost_back: f64,
    pub(super) delay: f64,
    pub(super) jitter: f64,
    pub(super) resets: Option<Bucket>,
    pub(super) errors: Option<Bucket>,
    /// More SYNs a second than this, and nothing gets through for so long.
    pub(super) ban: Option<(f64, f64)>,
    /// Packets a second, and how many may wait.
    pub(super) narrow: Option<(f64, f64)>,
    /// Somebody answers every handshake.
    pub(super) proxy: bool,
    /// Over UDP, how often a service answers.
    pub(super) replies: Option<Bucket>,
    /// The address is not there.
    pub(super) dead: bool,
    /// How late the driver looks in, at most.
    pub(super) late: f64,
    pub(super) way: Way,
    pub(super) ceiling: f64,
    pub(super) in_flight: usize,
}

pub(super) struct Net {
    pub(super) path: Path,
    pub(super) chance: Chance,
    pub(super) lately: VecDeque<f64>,
    pub(super) banned_until: f64,
    pub(super) free_at: f64,
    pub(super) answers: BinaryHeap<Reverse<(Time, u64)>>,
    pub(super) said: BTreeMap<u64, (Answer, Option<(Probe, u64)>)>,
    pub(super) count: u64,
    /// The sockets that are open, each with a number of its own.
    pub(super) alive: BTreeMap<Probe, u64>,
    pub(super) sockets: u64,
}

impl Net {
    pub(super) fn new(path: Path, seed: u64) -> Self {
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
    pub(super) fn passes(&mut self, now: f64) -> Option<f64> {
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

    pub(super) fn comes(&mut self, at: f64, probe: Probe, said: Said, by_socket: bool) {
        let jitter = self.chance.share() * self.path.jitter;
        let at = Duration::from_secs_f64(at + self.path.delay + jitter);
        self.count += 1;
        self.answers.push(Reverse((at, self.count)));
        let number = Some(probe.number);
        let socket = self.alive.get(&probe).copied().unwrap_or_default();
        let needs = by_socket.then_some((probe, socket));
        self.said.insert(self.count, (Answer { port: probe.port, number, said }, needs));
    }

    pub(super) fn send(&mut self, what: Transmit, now: Time) {
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

    pub(super) fn ask(&mut self, probe: Probe, now: f64) {
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
    pub(super) fn confirm(&mut self, probe: Probe, now: f64) {
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
