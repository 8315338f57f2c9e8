//! The promised pace: in no second, wherever it begins, do more packets leave than were promised.
//!
//! Pure: time is an argument, counted from any beginning, and nothing waits here.
//!
//! A TCP connection puts at most one SYN into any second: the kernel repeats an unanswered one after a second at the
//! earliest, and each further one a second or more after the one before (RFC 6298 section 2; Linux keeps to it also with
//! `tcp_syn_linear_timeouts`). So it is enough that at every moment in which a new one is let go, the others that *may*
//! have sent within the last second are fewer than the cap. A connection may have sent within the last second
//! - while it is unanswered, however long that lasts;
//! - and for a second after its last possible SYN: the one that `connect` sent, where it was answered or given up before
//!   the kernel could repeat it; otherwise the moment in which it was.
//!
//! What is stamped as sent is the moment *after* the system call, and the second is a little longer than a second, so
//! that neither a late timer nor a clock that ticks coarsely squeezes two seconds' worth into one.
//!
//! The caps for one host hold for everybody to whom a packet goes: for its address, and for each host that is known to
//! be there. So a host with several addresses gets no more for having them, and neither does an address for standing
//! for several hosts, or for being a resolver's as well. A packet is paid for by all of them, each out of a purse of its
//! own, and goes when none is empty: what was said above holds for each purse by itself.
//!
//! A scan that was killed may have sent up to the moment in which it ended, also by the kernel's hand. One that takes up
//! its book cannot have begun before, since the book was locked until then; so it keeps still for its first second. The
//! times in the book are not asked: a wall clock may have been put right meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use crate::model::plan::Limits;

/// The promised second, and a margin for coarse clocks and packets that wait in a queue of ours.
const SECOND: Duration = Duration::from_millis(1050);
/// The kernel repeats no SYN before so long.
const REPEAT: Duration = Duration::from_millis(990);

/// Somebody to whom packets go: the caps for one host hold for each. Hosts come first in the order, so that whoever
/// stands in the rows of several waits in the longer one without holding up the shorter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Payer {
    /// A host of the inventory, by its id, with all its addresses.
    Host(String),
    /// An address, with all the hosts behind it; a resolver's too.
    Address(IpAddr),
}

/// All who pay for one packet.
pub type Payers = BTreeSet<Payer>;

/// What is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A SYN; its connection takes a place among those open at the same time.
    Connection,
    /// A UDP datagram.
    Datagram,
}

/// The answer to a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Send it now, and tell how it went by this number.
    Go(u64),
    /// Not before that time.
    WaitUntil(Duration),
    /// Not before something else has ended.
    WaitForOthers,
}

/// The pace keeper.
#[derive(Debug)]
pub struct Pace {
    limits: Limits,
    all: Window,
    payers: BTreeMap<Payer, Purse>,
    going: BTreeMap<u64, Going>,
    next: u64,
    /// Nothing is let go before.
    still_until: Duration,
}

/// What went to one payer.
#[derive(Debug, Default)]
struct Purse {
    window: Window,
    open: BTreeSet<u64>,
    last: Option<Duration>,
}

/// A packet or connection that has not ended.
#[derive(Debug)]
struct Going {
    payers: Payers,
    asked: Duration,
    sent: Option<Duration>,
}

/// Those that may have sent within the last second.
#[derive(Debug, Default)]
struct Window {
    unanswered: BTreeSet<u64>,
    /// When each of those that were answered ceases to count.
    until: BTreeSet<(Duration, u64)>,
}

impl Window {
    /// From now on it counts until that time only.
    fn settle(&mut self, mark: (Duration, u64)) {
        self.unanswered.remove(&mark.1);
        self.until.insert(mark);
    }

    /// None when another one may be sent; otherwise when to ask again.
    fn full(&mut self, cap: u32, now: Duration) -> Option<Turn> {
        while self.until.first().is_some_and(|(until, _)| *until <= now) {
            self.until.pop_first();
        }
        let cap = usize::try_from(cap.max(1)).unwrap_or(usize::MAX);
        if self.unanswered.len() + self.until.len() < cap {
            return None;
        }
        Some(self.until.first().map_or(Turn::WaitForOthers, |(until, _)| Turn::WaitUntil(*until)))
    }
}

impl Pace {
    /// A keeper of those limits. A limit of 0 is taken as 1.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            all: Window::default(),
            payers: BTreeMap::new(),
            going: BTreeMap::new(),
            next: 0,
            still_until: Duration::ZERO,
        }
    }

    /// A keeper of those limits after somebody whose packets it did not see, but who sends no more from now on.
    pub fn after_another(limits: Limits, now: Duration) -> Self {
        Self { still_until: now + SECOND, ..Self::new(limits) }
    }

    /// Asks to send something to somebody.
    pub fn poll(&mut self, payers: &Payers, kind: Kind, now: Duration) -> Turn {
        if now < self.still_until {
            return Turn::WaitUntil(self.still_until);
        }
        let waits = payers.iter().find_map(|payer| self.payer_waits(payer, kind, now));
        if let Some(wait) = waits.or_else(|| self.all.full(self.limits.per_second, now)) {
            return wait;
        }
        let id = self.next;
        self.next += 1;
        self.all.unanswered.insert(id);
        self.each(payers, |purse| {
            purse.last = Some(now);
            purse.window.unanswered.insert(id);
            if kind == Kind::Connection {
                purse.open.insert(id);
            }
        });
        self.going.insert(id, Going { payers: payers.clone(), asked: now, sent: None });
        Turn::Go(id)
    }

    /// None when one of the payers can pay at once; otherwise when to ask again.
    fn payer_waits(&mut self, payer: &Payer, kind: Kind, now: Duration) -> Option<Turn> {
        let Limits { per_host_per_second, per_host_parallel, .. } = self.limits;
        let purse = self.payers.entry(payer.clone()).or_default();
        let parallel = usize::try_from(per_host_parallel.max(1)).unwrap_or(usize::MAX);
        if kind == Kind::Connection && purse.open.len() >= parallel {
            return Some(Turn::WaitForOthers);
        }
        if let Some(wait) = purse.window.full(per_host_per_second, now) {
            return Some(wait);
        }
        // Half of an even spacing: a host never meets a whole second's worth at once.
        let gap = SECOND / per_host_per_second.max(1) / 2;
        let soonest = purse.last.map_or(Duration::ZERO, |last| last + gap);
        (now < soonest).then_some(Turn::WaitUntil(soonest))
    }

    /// The system call that sends it has returned.
    pub fn sent(&mut self, id: u64, now: Duration) {
        if let Some(going) = self.going.get_mut(&id) {
            going.sent = Some(now);
        }
    }

    /// Nothing was sent after all: an error of our own.
    pub fn unsent(&mut self, id: u64) {
        if let Some(Going { payers, .. }) = self.going.remove(&id) {
            self.all.unanswered.remove(&id);
            self.each(&payers, |purse| {
                purse.window.unanswered.remove(&id);
                purse.open.remove(&id);
            });
        }
    }

    /// It was answered, or the socket is closed: the kernel repeats nothing from here on.
    pub fn settled(&mut self, id: u64, now: Duration) {
        let Some(Going { payers, asked, sent }) = self.going.remove(&id) else { return };
        let repeated = now >= asked + REPEAT;
        let last = sent.filter(|_| !repeated).unwrap_or(now);
        let mark = (last + SECOND, id);
        self.all.settle(mark);
        self.each(&payers, |purse| purse.window.settle(mark));
    }

    /// The connection is closed, or so long unanswered that nothing is open at the other end: its place among those
    /// open at the same time is free.
    pub fn shut(&mut self, payers: &Payers, id: u64) {
        self.each(payers, |purse| {
            purse.open.remove(&id);
        });
    }

    /// Changes the purse of each of them.
    fn each(&mut self, payers: &Payers, change: impl Fn(&mut Purse)) {
        for payer in payers {
            if let Some(purse) = self.payers.get_mut(payer) {
                change(purse);
            }
        }
    }
}

#[cfg(test)]
mod tests;
