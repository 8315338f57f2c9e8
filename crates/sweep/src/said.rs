//! What goes in and comes out: probes, answers, states with their reasons, warnings, and the summary.

use core::time::Duration;
use std::net::IpAddr;

/// Time since any beginning, the same for everything that one sweep is told.
pub type Time = Duration;

/// How probes are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// SYNs by themselves, through a raw socket. Whoever sends them keeps no state, and answers may come late.
    Syn,
    /// Connects of the kernel, each with a socket of its own, which has to be closed.
    Connect,
    /// UDP datagrams. A port that replies is open, one that keeps silent may be; and refusals are limited in number nearly
    /// everywhere (RFC 1812 section 4.3.2.8), so that none of them is a canary.
    Udp,
}

/// Packets a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// To begin with, before anything is known of the path.
    pub start: f64,
    /// Never more.
    pub ceiling: f64,
}

/// How a sweep goes about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How probes are sent.
    pub way: Way,
    /// Decides the order of the ports.
    pub seed: u64,
    /// The chance that an open port is missed, for each port, that is borne.
    pub miss: f64,
    /// How fast.
    pub rates: Rates,
    /// How many connects are under way at the same time at most; of no account for [`Way::Syn`].
    pub in_flight: usize,
    /// Ports whose owners may bear little: they come after all others, are asked by connects whatever the way, and serve as
    /// canaries only where nobody else answers, and then seldom.
    pub last: Vec<u16>,
    /// Ports that matter more than others: where only a sample is asked slowly, these are asked as well.
    pub matter: Vec<u16>,
    /// Whether every port is waited for where the answers are limited, instead of a sample.
    pub exact: bool,
    /// So long nobody may answer, after somebody had, before the rest is given up.
    pub give_up: Time,
    /// So many times a port is asked at most.
    pub max_tries: u8,
    /// Whose ports they are: with [`Way::Udp`] only the host itself can say that nobody is behind a port.
    pub host: Option<IpAddr>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            way: Way::Connect,
            seed: 0,
            miss: 1e-6,
            rates: Rates { start: 100.0, ceiling: 1000.0 },
            in_flight: 512,
            last: Vec::new(),
            matter: Vec::new(),
            exact: false,
            give_up: Duration::from_secs(90),
            max_tries: 20,
            host: None,
        }
    }
}

/// A packet to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Probe {
    /// To which port.
    pub port: u16,
    /// Which of those to that port, modulo 16: the answer to a SYN can carry it.
    pub number: u8,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transmit {
    /// Ask for a port's state.
    Probe(Probe),
    /// Ask a port whose answer is known: by what becomes of it the pace is kept.
    Canary(Probe),
    /// Connect by a whole handshake, and look whether the other side stays.
    Confirm(Probe),
    /// Close the socket of that attempt, whose time is up.
    Drop(Probe),
}

/// Something that came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// For which port.
    pub port: u16,
    /// In answer to which probe, where that is known.
    pub number: Option<u8>,
    /// What it says.
    pub said: Said,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Said {
    /// A SYN-ACK (RFC 9293 section 3.5), with the window that it shows and the time to live that it arrived with.
    SynAck {
        /// The window, unscaled.
        window: u16,
        /// Time to live or hop limit on arrival.
        ttl: u8,
    },
    /// A reset in answer to a SYN.
    Reset {
        /// Time to live or hop limit on arrival.
        ttl: u8,
    },
    /// An ICMP error (RFC 792, RFC 4443).
    Unreachable {
        /// Its type.
        kind: u8,
        /// Its code.
        code: u8,
        /// Who sent it, where that is known.
        from: Option<IpAddr>,
    },
    /// A connect came to a connection.
    Established,
    /// A connect was refused by a reset.
    Refused,
    /// A connection stayed: the other side shows a window, or spoke.
    Confirmed {
        /// The window that it shows, in bytes, where the system tells.
        window: Option<u32>,
        /// Whether it said something.
        spoke: bool,
    },
    /// A connection was reset as soon as it was there, or refused.
    Denied,
    /// No connection came about in time, or one without a window.
    NotConfirmed,
    /// A datagram came back.
    Replied,
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A port's state is known; a later one corrects an earlier one.
    Settled(Settled),
    /// Something stands in the way.
    Warning(Warning),
}

/// The state of a port.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settled {
    /// Which port.
    pub port: u16,
    /// Its state.
    pub state: State,
    /// How that is known.
    pub reason: Reason,
    /// How often it was asked for it.
    pub tries: u8,
}

/// States of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// A whole handshake was made, and the other side stayed; over UDP, a datagram came back.
    Open,
    /// Refused by a reset; over UDP, by the host itself.
    Closed,
    /// Nothing came back, or an ICMP error did, or somebody answers for others.
    Filtered,
    /// Asked, and what came of it does not settle it.
    Inconclusive,
    /// Nothing came back over UDP, where whoever listens need not answer.
    OpenOrFiltered,
}

/// How a state is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason {
    /// A second handshake stood.
    Confirmed {
        /// Whether the other side spoke by itself.
        spoke: bool,
    },
    /// A datagram came back.
    Replied,
    /// A reset.
    Reset(Resetter),
    /// An ICMP error.
    Unreachable {
        /// Its type.
        kind: u8,
        /// Its code.
        code: u8,
        /// Who sent it.
        from: Option<IpAddr>,
    },
    /// Nothing came back.
    Silence {
        /// The chance that it is open all the same.
        miss: f64,
    },
    /// Handshakes are answered, and nobody is behind them.
    InFront,
    /// Answers are limited in number: ports like this one were asked slowly, and this share of them was refused.
    Estimated {
        /// From 0 to 1.
        refused: f64,
    },
    /// Nothing at all came back from the address, on any port: it may be down, or drop everything.
    NoFeedback,
    /// After some time nobody answered any more.
    Blocked,
    /// Our own machine was short of something.
    Ours,
}

/// Who sent a reset, as its time to live tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resetter {
    /// The host.
    Host,
    /// Somebody in front of it.
    Before,
    /// It is not known.
    Unknown,
}

/// What stands in the way of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// Nothing came back, on any port.
    NoFeedback,
    /// After so many packets a second nobody answered for a while.
    Ban {
        /// Packets a second, before.
        rate: f64,
    },
    /// Nobody answered any more, and the rest was given up.
    GaveUp,
    /// More than so many packets a second do not get through.
    Bottleneck {
        /// Packets a second that do.
        rate: f64,
    },
    /// Resets, or ICMP errors, come so often a second and no oftener.
    RateLimited {
        /// A second.
        rate: f64,
    },
    /// Somebody in front of the host answers handshakes for it.
    SynProxy,
    /// Nearly every port stays open.
    AnswersEverything,
    /// No port replied that can be asked again and again: nobody knows what gets through at this pace.
    Blind {
        /// The share of probes that is thought to be lost, from 0 to 1.
        assumed: f64,
    },
    /// Our own machine was short of something so often.
    OwnTrouble {
        /// How often.
        times: u32,
    },
}

/// What came of a sweep, in numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Ports by state: open, closed, filtered, inconclusive, open or filtered.
    pub states: [u32; 5],
    /// Packets sent, canaries and confirmations among them.
    pub sent: u64,
    /// Canaries sent.
    pub canaries: u64,
    /// How often the port that was asked most was asked.
    pub tries: u8,
    /// The share of probes that stayed unanswered though they should not, there and back, from 0 to 1.
    pub loss: Option<f64>,
    /// The chance that a silent port is open all the same, at most.
    pub miss: f64,
    /// Packets a second: the most, and at the end.
    pub rate: (f64, f64),
    /// The smoothed round-trip time (RFC 6298).
    pub round_trip: Option<Time>,
    /// What stood in the way.
    pub warnings: Vec<Warning>,
}
