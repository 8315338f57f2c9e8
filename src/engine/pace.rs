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
    /// A SYN that begins a conversation, which takes a place among those under way at the same time.
    Connection,
    /// A SYN by the system's connect that asks a port for its state; what opens is closed at once.
    Attempt,
    /// A UDP datagram, or a SYN by itself: nobody repeats it.
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

/// The answer to a wish for many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turns {
    /// Send so many now, and tell how it went by this number.
    Go(u64, u32),
    /// None, as that answer says; it is never [`Turn::Go`].
    Wait(Turn),
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
    /// Conversations alone.
    talks: Window,
    /// How many connections of each turn are open.
    open: BTreeMap<u64, u32>,
    opened: u32,
    /// Before that time it gets nothing, so that it never meets a whole second's worth at once.
    soonest: Duration,
}

impl Purse {
    /// So many connections of that turn are no longer open, as far as there were any.
    fn close(&mut self, id: u64, many: u32) {
        let Some(open) = self.open.get_mut(&id) else { return };
        let many = many.min(*open);
        *open -= many;
        self.opened -= many;
        if *open == 0 {
            self.open.remove(&id);
        }
    }
}

/// A packet or connection that has not ended, or several that were let go together.
#[derive(Debug)]
struct Going {
    payers: Payers,
    many: u32,
    asked: Duration,
    sent: Option<Duration>,
}

/// Those that may have sent within the last second.
#[derive(Debug, Default)]
struct Window {
    unanswered: BTreeSet<u64>,
    /// When each of those that were answered ceases to count, and how many packets it stands for.
    until: BTreeMap<(Duration, u64), u32>,
    /// How many packets all of them stand for.
    packets: u32,
}

impl Window {
    /// So many packets are about to be sent.
    fn enter(&mut self, id: u64, many: u32) {
        self.unanswered.insert(id);
        self.packets += many;
    }

    /// None of them was sent.
    fn leave(&mut self, id: u64, many: u32) {
        if self.unanswered.remove(&id) {
            self.packets -= many;
        }
    }

    /// From now on it counts until that time only, for so many of the packets.
    fn settle(&mut self, mark: (Duration, u64), many: u32, of: u32) {
        if self.unanswered.remove(&mark.1) {
            self.packets -= of - many;
            self.until.insert(mark, many);
        }
    }

    /// How many may be sent, at least one; otherwise when to ask again.
    fn room(&mut self, cap: u32, now: Duration) -> Result<u32, Turn> {
        while let Some(first) = self.until.first_entry().filter(|first| first.key().0 <= now) {
            self.packets -= first.remove();
        }
        match cap.max(1).saturating_sub(self.packets) {
            0 => Err(self
                .until
                .first_key_value()
                .map_or(Turn::WaitForOthers, |((until, _), _)| Turn::WaitUntil(*until))),
            room => Ok(room),
        }
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
        match self.poll_many(payers, kind, 1, now) {
            Turns::Go(id, _) => Turn::Go(id),
            Turns::Wait(turn) => turn,
        }
    }

    /// Asks to send up to so many to somebody at once. Connections that were let go together count as unanswered until the
    /// last of them is settled.
    pub fn poll_many(&mut self, payers: &Payers, kind: Kind, most: u32, now: Duration) -> Turns {
        if now < self.still_until {
            return Turns::Wait(Turn::WaitUntil(self.still_until));
        }
        let mut many = most.max(1);
        for payer in payers {
            match self.payer_room(payer, kind, now) {
                Ok(room) => many = many.min(room),
                Err(wait) => return Turns::Wait(wait),
            }
        }
        match self.all.room(self.limits.per_second, now) {
            Ok(room) => many = many.min(room),
            Err(wait) => return Turns::Wait(wait),
        }
        let id = self.next;
        self.next += 1;
        self.all.enter(id, many);
        // Half of an even spacing.
        let gap = SECOND / self.limits.per_host_per_second.max(1) / 2;
        self.each(payers, |purse| {
            purse.soonest = now + gap * many;
            purse.window.enter(id, many);
            if kind == Kind::Connection {
                purse.talks.enter(id, many);
                purse.open.insert(id, many);
                purse.opened += many;
            }
        });
        self.going.insert(id, Going { payers: payers.clone(), many, asked: now, sent: None });
        Turns::Go(id, many)
    }

    /// How many packets one of the payers can pay at once; otherwise when to ask again.
    fn payer_room(&mut self, payer: &Payer, kind: Kind, now: Duration) -> Result<u32, Turn> {
        let Limits { per_host_per_second, per_host_parallel, .. } = self.limits;
        if !self.payers.contains_key(payer) {
            self.payers.insert(payer.clone(), Purse::default());
        }
        let Some(purse) = self.payers.get_mut(payer) else { return Err(Turn::WaitForOthers) };
        let mut places = u32::MAX;
        if kind == Kind::Connection {
            places = per_host_parallel.max(1).saturating_sub(purse.opened);
            if places == 0 {
                return Err(Turn::WaitForOthers);
            }
            places = places.min(purse.talks.room(self.limits.talks(), now)?);
        }
        let room = purse.window.room(per_host_per_second, now)?;
        if now < purse.soonest {
            return Err(Turn::WaitUntil(purse.soonest));
        }
        // As many as go out within two hundredths of a second, so that a burst is none.
        Ok(room.min(places).min((per_host_per_second / 50).max(1)))
    }

    /// The system call that sends it, or the last so far of those let go together, has returned.
    pub fn sent(&mut self, id: u64, now: Duration) {
        if let Some(going) = self.going.get_mut(&id) {
            going.sent = Some(now);
        }
    }

    /// Nothing was sent after all: an error of our own.
    pub fn unsent(&mut self, id: u64) {
        if let Some(Going { payers, many, .. }) = self.going.remove(&id) {
            self.all.leave(id, many);
            self.each(&payers, |purse| {
                purse.window.leave(id, many);
                purse.talks.leave(id, many);
                purse.close(id, many);
            });
        }
    }

    /// Only so many of them were sent, and by nobody who repeats them: they count for a second from now.
    pub fn sent_of(&mut self, id: u64, sent: u32, now: Duration) {
        if sent == 0 {
            return self.unsent(id);
        }
        let Some(Going { payers, many, .. }) = self.going.remove(&id) else { return };
        let (mark, sent) = ((now + SECOND, id), sent.min(many));
        self.all.settle(mark, sent, many);
        self.each(&payers, |purse| purse.window.settle(mark, sent, many));
    }

    /// It was answered, or the socket is closed: the kernel repeats nothing from here on.
    pub fn settled(&mut self, id: u64, now: Duration) {
        let Some(Going { payers, many, asked, sent }) = self.going.remove(&id) else { return };
        let repeated = now >= asked + REPEAT;
        let last = sent.filter(|_| !repeated).unwrap_or(now);
        let mark = (last + SECOND, id);
        self.all.settle(mark, many, many);
        self.each(&payers, |purse| {
            purse.window.settle(mark, many, many);
            purse.talks.settle(mark, many, many);
        });
    }

    /// A connection of that turn is closed: its place among those under way at the same time is free.
    pub fn shut(&mut self, payers: &Payers, id: u64) {
        self.each(payers, |purse| purse.close(id, 1));
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
