//! The gate that every packet passes: its turn by the pace, a place among the descriptors, the row in the audit log.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::futures::Notified;
use tokio::sync::{Mutex as Queue, Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use super::journal::{Journal, Progress};
use super::pace::{Kind, Pace, Payer, Payers, Turn, Turns};
use super::world::{Stop, World, instant};
use crate::model::moment::Moment;
use crate::model::net::HostId;
use crate::model::plan::{Over, Plan};
use crate::model::record::{Dial, Row};
use crate::scope::{Origin, Refusal, Scope, Want};
use crate::talk::Unopened;

/// Descriptors kept for everything that is no socket of the scan's.
const SPARE: u64 = 64;
/// Hosts that are examined at the same time, where there are descriptors enough.
const HOSTS_AT_ONCE: u64 = 64;
/// Descriptors that the examination of one host takes besides its connections, those for signs of somebody among them.
const OF_A_HOST: u64 = 8;
/// Why something is not tested when only our own pace kept us from it.
pub(crate) const TOO_SLOW: &str = "the time that the plan gives the scan is used up";

/// What all tasks of a scan share.
pub(crate) struct Gate {
    pub(crate) scope: Arc<Scope>,
    pub(crate) world: World,
    pub(crate) stop: Stop,
    /// When the plan was made: what the scope allowed then was promised.
    made: Moment,
    journal: Journal,
    begun: Instant,
    pace: Mutex<Pace>,
    moved: Notify,
    /// Those who wait for their turn with one payer stand in a row, so that none is passed over for ever.
    queues: Mutex<BTreeMap<Payer, Arc<Queue<()>>>>,
    /// The hosts that are known to be at an address.
    owners: Mutex<BTreeMap<IpAddr, BTreeSet<HostId>>>,
    sockets: Arc<Semaphore>,
    places: usize,
    /// How many hosts are examined at the same time.
    pub(crate) hosts: usize,
    connections: AtomicU64,
    datagrams: AtomicU64,
    /// Whether anybody has answered a SYN by itself.
    pub(crate) syns_answer: AtomicBool,
}

impl Gate {
    pub(crate) fn new(
        scope: Arc<Scope>,
        world: World,
        stop: Stop,
        journal: Journal,
        plan: &Plan,
        already: &Progress,
    ) -> Self {
        let descriptors = postern_raw::raise_descriptor_limit().unwrap_or(256);
        let hosts = (descriptors / 16).clamp(4, HOSTS_AT_ONCE);
        let sockets = descriptors.saturating_sub(SPARE + hosts * OF_A_HOST).clamp(8, 16_384);
        let pace = if already.has_dialled() {
            Pace::after_another(plan.limits, Duration::ZERO)
        } else {
            Pace::new(plan.limits)
        };
        let gate = Self {
            scope,
            world,
            stop,
            made: plan.made,
            journal,
            begun: instant(),
            pace: Mutex::new(pace),
            moved: Notify::new(),
            queues: Mutex::default(),
            owners: Mutex::default(),
            sockets: Arc::new(Semaphore::new(usize::try_from(sockets).unwrap_or(8))),
            places: usize::try_from(sockets).unwrap_or(8),
            hosts: usize::try_from(hosts).unwrap_or(4),
            connections: AtomicU64::new(0),
            datagrams: AtomicU64::new(0),
            syns_answer: AtomicBool::new(false),
        };
        for step in &plan.steps {
            if let Over::Address { written, .. } = &step.over {
                gate.belong(&step.host, written);
            }
        }
        gate
    }

    /// Those addresses are that host's: what goes to them counts as sent to it, whoever it is meant for.
    pub(crate) fn belong(&self, host: &HostId, addresses: &[IpAddr]) {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        for address in addresses {
            owners.entry(address.to_canonical()).or_default().insert(host.clone());
        }
    }

    /// Who pays for a packet to that address: it, and every host that is known to be there.
    pub(crate) fn payers(&self, to: IpAddr) -> Payers {
        let to = to.to_canonical();
        let owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        let hosts = owners.get(&to).into_iter().flatten().map(|host| Payer::Host(host.0.clone()));
        hosts.chain([Payer::Address(to)]).collect()
    }

    /// The time of day.
    pub(crate) fn now(&self) -> Moment {
        (self.world.now)()
    }

    /// TCP connections begun and UDP datagrams and echo requests sent so far.
    pub(crate) fn sent(&self) -> (u64, u64) {
        (self.connections.load(Ordering::Relaxed), self.datagrams.load(Ordering::Relaxed))
    }

    /// Writes a row. A scan must not go on without its journal: when it cannot be written, everything stops.
    ///
    /// # Errors
    /// `Stopped`, then.
    pub(crate) fn write(&self, row: &Row) -> Result<(), Unopened> {
        self.journal.append(row).map(|_| ()).map_err(|wrong| self.broken(&wrong))
    }

    /// Waits until every row is on the disk.
    ///
    /// # Errors
    /// `Stopped`, when one cannot be brought there.
    pub(crate) fn sync(&self) -> Result<(), Unopened> {
        self.journal.sync().map_err(|wrong| self.broken(&wrong))
    }

    fn broken(&self, wrong: &io::Error) -> Unopened {
        self.stop.now(format!("the journal cannot be written: {wrong}"));
        Unopened::Stopped
    }

    /// Writes the intent to dial: after the turn has come, before the packet.
    pub(crate) fn write_intent(&self, dial: Dial) -> Result<(), Unopened> {
        self.write(&Row::Dial(dial))
    }

    /// What a refusal means. When only the hour or a signature is missing, the scan ends, and what it has not asked is to
    /// be asked when there is leave again. An address that a name or a peer led to may rest on leave that did not hold
    /// when the plan was made either: that one alone is refused then.
    pub(crate) fn refused(&self, want: Option<&Want>, refusal: Refusal) -> Unopened {
        let promised = |want: &Want| {
            want.origin == Origin::Written || self.scope.allows(want, self.made).is_ok()
        };
        if refusal.may_pass() && want.is_none_or(promised) {
            self.stop.now(format!("the window closed: {}", refusal.rule));
            return Unopened::Stopped;
        }
        Unopened::Refused(refusal.rule)
    }

    /// Waits for the turn to send something to an address, until the scan's time is used up at the latest. The wait is
    /// ours: whoever waits lets no clock of a peer's run meanwhile.
    ///
    /// # Errors
    /// `Stopped`, when the scan is to stop; `Spent`, when no turn came in time.
    pub(crate) async fn turn(
        self: &Arc<Self>,
        to: IpAddr,
        kind: Kind,
        latest: Instant,
    ) -> Result<Ticket, Unopened> {
        tokio::select! {
            biased;
            () = self.stop.given() => Err(Unopened::Stopped),
            ticket = self.wait(to, kind) => ticket,
            () = sleep_until(latest) => Err(Unopened::Spent(TOO_SLOW.into())),
        }
    }

    async fn wait(self: &Arc<Self>, to: IpAddr, kind: Kind) -> Result<Ticket, Unopened> {
        // In the order of the payers: nobody waits for a row whose first waits for one that he is the first of.
        let mut first_in_rows = Vec::new();
        for payer in self.payers(to) {
            let row = {
                let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(queues.entry(payer).or_default())
            };
            first_in_rows.push(row.lock_owned().await);
        }
        let socket = Arc::clone(&self.sockets).acquire_owned().await;
        let socket = socket.map_err(|closed| Unopened::Ours(closed.to_string()))?;
        loop {
            let moved = self.moved.notified();
            // Meanwhile the address may have turned out to be another host's too.
            let payers = self.payers(to);
            let turn = self.pace(|pace, now| pace.poll(&payers, kind, now));
            match turn {
                Turn::Go(id) => {
                    let gate = Arc::clone(self);
                    return Ok(Ticket { gate, payers, id, kind, at: At::Granted, _socket: socket });
                }
                Turn::WaitUntil(then) => tokio::select! {
                    () = sleep_until(self.begun + then) => {}
                    () = moved => {}
                },
                Turn::WaitForOthers => moved.await,
            }
        }
    }

    /// Turns to connect to an address, up to so many, if there are any now: a sweep waits for answers and turns at the same
    /// time, and stands in no row.
    ///
    /// # Errors
    /// When to ask again.
    pub(crate) fn seats_now(
        self: &Arc<Self>,
        payers: &Payers,
        most: usize,
    ) -> Result<Vec<Seat>, Later> {
        let free = self.sockets.available_permits().min(most);
        let wish = u32::try_from(free).unwrap_or(u32::MAX);
        let Ok(mut sockets) = Arc::clone(&self.sockets).try_acquire_many_owned(wish) else {
            return Err(Later::WhenMoved);
        };
        if wish == 0 {
            return Err(Later::WhenMoved);
        }
        let turns = self.pace(|pace, now| pace.poll_many(payers, Kind::Attempt, wish, now));
        let (id, many) = match turns {
            Turns::Go(id, many) => (id, many),
            Turns::Wait(wait) => return Err(self.later(wait)),
        };
        let party = Party { gate: Arc::clone(self), id, any: AtomicBool::new(false) };
        let table = Arc::new(Table { party: Arc::new(party) });
        let seat = |_| Seat {
            party: Arc::clone(&table.party),
            table: Some(Arc::clone(&table)),
            _socket: sockets.split(1),
        };
        Ok((0..many).map(seat).collect())
    }

    /// How many sockets of the scan's may be open at the same time.
    pub(crate) fn places(&self) -> usize {
        self.places
    }

    /// Turns for packets that nobody repeats, up to so many: a number by which [`Gate::left`] tells how many were sent,
    /// and how many may be.
    ///
    /// # Errors
    /// When to ask again.
    pub(crate) fn turns_now(&self, payers: &Payers, most: u32) -> Result<(u64, u32), Later> {
        match self.pace(|pace, now| pace.poll_many(payers, Kind::Datagram, most, now)) {
            Turns::Go(id, many) => Ok((id, many)),
            Turns::Wait(wait) => Err(self.later(wait)),
        }
    }

    /// So many packets have left of those that turns were given for.
    pub(crate) fn left(&self, id: u64, sent: u32) {
        self.pace(|pace, now| pace.sent_of(id, sent, now));
        self.connections.fetch_add(u64::from(sent), Ordering::Relaxed);
        self.moved.notify_waiters();
    }

    /// The same, of datagrams.
    pub(crate) fn posted(&self, id: u64, sent: u32) {
        self.pace(|pace, now| pace.sent_of(id, sent, now));
        self.datagrams.fetch_add(u64::from(sent), Ordering::Relaxed);
        self.moved.notify_waiters();
    }

    /// A place for a socket by which many datagrams go, if there is one.
    pub(crate) fn place_now(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.sockets).try_acquire_owned().ok()
    }

    /// Waits until a turn or a place may have become free.
    pub(crate) fn moved(&self) -> Notified<'_> {
        self.moved.notified()
    }

    fn later(&self, turn: Turn) -> Later {
        match turn {
            Turn::WaitUntil(then) => Later::At(self.begun + then),
            _ => Later::WhenMoved,
        }
    }

    fn pace<T>(&self, change: impl FnOnce(&mut Pace, Duration) -> T) -> T {
        let now = instant().saturating_duration_since(self.begun);
        change(&mut self.pace.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}

/// When to ask for a turn again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Later {
    /// At that time.
    At(Instant),
    /// When somebody else has ended: [`Gate::moved`].
    WhenMoved,
}

/// How far what a ticket was given for has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Granted,
    Sent,
    Settled,
}

/// A turn that has come. Dropping it gives back what it holds: drop it after the socket.
pub(crate) struct Ticket {
    gate: Arc<Gate>,
    payers: Payers,
    id: u64,
    kind: Kind,
    at: At,
    _socket: OwnedSemaphorePermit,
}

impl Ticket {
    /// The packet has left.
    pub(crate) fn sent(&mut self) {
        self.gate.pace(|pace, now| pace.sent(self.id, now));
        let count = match self.kind {
            Kind::Connection | Kind::Attempt => &self.gate.connections,
            Kind::Datagram => &self.gate.datagrams,
        };
        count.fetch_add(1, Ordering::Relaxed);
        self.at = At::Sent;
        if self.kind == Kind::Datagram {
            self.settled();
        }
    }

    /// It was answered: nothing is repeated.
    pub(crate) fn settled(&mut self) {
        if self.at == At::Sent {
            self.gate.pace(|pace, now| pace.settled(self.id, now));
            self.at = At::Settled;
            self.gate.moved.notify_waiters();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        match self.at {
            At::Granted => self.gate.pace(|pace, _| pace.unsent(self.id)),
            At::Sent | At::Settled => self.settled(),
        }
        self.gate.pace(|pace, _| pace.shut(&self.payers, self.id));
        self.gate.moved.notify_waiters();
    }
}

/// Connections to one address whose turns have come together.
struct Party {
    gate: Arc<Gate>,
    id: u64,
    /// Whether any of them was sent.
    any: AtomicBool,
}

/// Held by those of a party that may still be repeated by the kernel.
struct Table {
    party: Arc<Party>,
}

impl Drop for Table {
    fn drop(&mut self) {
        let Party { gate, id, any } = &*self.party;
        gate.pace(|pace, now| {
            if any.load(Ordering::Relaxed) {
                pace.settled(*id, now);
            } else {
                pace.unsent(*id);
            }
        });
        gate.moved.notify_waiters();
    }
}

/// A turn for one connection of several. Dropping it gives back what it holds: drop it after the socket.
pub(crate) struct Seat {
    party: Arc<Party>,
    table: Option<Arc<Table>>,
    _socket: Option<OwnedSemaphorePermit>,
}

impl Seat {
    /// The packet has left.
    pub(crate) fn sent(&self) {
        let Party { gate, id, any } = &*self.party;
        gate.pace(|pace, now| pace.sent(*id, now));
        gate.connections.fetch_add(1, Ordering::Relaxed);
        any.store(true, Ordering::Relaxed);
    }

    /// It was answered: nothing is repeated.
    pub(crate) fn settled(&mut self) {
        self.table = None;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.table = None;
        self.party.gate.moved.notify_waiters();
    }
}

/// Whether an error is one of our own machine's that passes.
pub(crate) fn passes(wrong: &io::Error) -> bool {
    // EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN, EADDRNOTAVAIL (no free port), EADDRINUSE, as Linux numbers them.
    matches!(wrong.raw_os_error(), Some(24 | 23 | 12 | 105 | 11 | 99 | 98))
}
