//! Connections of an examination that are under way: each from its SYN to an answer, those that confirm an open port a
//! little longer.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::Duration;

use postern_raw::Watch;
use postern_sweep::{Probe, Said, Transmit};
use socket2::Socket;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

use crate::engine::dial::{Place, came_of};
use crate::engine::gate::Seat;
use crate::engine::world::instant;
use crate::model::saw::Cut;
use crate::talk::Unopened;

/// Whoever is there resets an unwanted connection within so long of its handshake, besides the way there and back.
const HOLD: Duration = Duration::from_millis(30);
/// A proxy that answers for others shows no window before it has asked them; it gets so long.
const HOLD_WITHOUT_WINDOW: Duration = Duration::from_millis(1500);

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum For {
    /// To find out a port's state.
    State,
    /// To see that somebody is behind an open port.
    Proof,
}

impl For {
    /// What was to be sent.
    pub(super) fn of(self, probe: Probe) -> Transmit {
        match self {
            Self::State => Transmit::Probe(probe),
            Self::Proof => Transmit::Confirm(probe),
        }
    }
}

/// The connections to one address.
pub(super) struct Connects {
    address: IpAddr,
    watch: AsyncFd<Watch>,
    open: BTreeMap<u64, Attempt>,
    /// When those that confirm are taken for confirmed.
    ends: BTreeSet<(Instant, u64)>,
    ready: Vec<u64>,
}

/// A connection. Fields are dropped in order: the socket before the seat.
struct Attempt {
    socket: Socket,
    seat: Seat,
    probe: Probe,
    what: For,
    begun: Instant,
    /// Until when it is held, once it is established.
    until: Option<Instant>,
}

/// What came of a connection.
pub(super) struct Came {
    pub(super) probe: Probe,
    pub(super) what: For,
    /// What the peer or the network said, or what is wrong with us.
    pub(super) said: Result<Said, Unopened>,
}

impl Connects {
    pub(super) fn new(address: IpAddr) -> io::Result<Self> {
        Ok(Self {
            address,
            watch: watched(Watch::new()?)?,
            open: BTreeMap::new(),
            ends: BTreeSet::new(),
            ready: Vec::new(),
        })
    }

    /// Closes them all.
    pub(super) fn clear(&mut self) {
        self.ends.clear();
        self.open.clear();
    }

    /// When the next of those that are held is let go.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.ends.first().map(|(at, _)| *at)
    }

    /// Lets a SYN go; answers what came of it where that is known at once.
    pub(super) fn begin(
        &mut self,
        place: Place,
        seat: Seat,
        probe: Probe,
        what: For,
    ) -> Option<Came> {
        let begun = instant();
        let socket = match place.knock() {
            Ok(socket) => socket,
            Err(why) => {
                if matches!(why, Unopened::Cut(_)) {
                    seat.sent();
                }
                return Some(Came { probe, what, said: said(why, what) });
            }
        };
        seat.sent();
        let number = number(probe, what);
        if let Err(wrong) = self.watch.get_ref().connecting(&socket, number) {
            return Some(Came { probe, what, said: Err(Unopened::Ours(wrong.to_string())) });
        }
        self.open.insert(number, Attempt { socket, seat, probe, what, begun, until: None });
        None
    }

    /// Closes the one that asks for a port's state: the kernel repeats nothing any more.
    pub(super) fn close(&mut self, probe: Probe) {
        self.open.remove(&number(probe, For::State));
    }

    /// Hands over what has come of those that something came of. Never waits.
    pub(super) fn hear(&mut self, came: &mut Vec<Came>) -> io::Result<()> {
        let mut ready = std::mem::take(&mut self.ready);
        self.watch.get_mut().ready(|number| ready.push(number))?;
        came.extend(ready.drain(..).filter_map(|number| self.look(number)));
        self.ready = ready;
        let now = instant();
        while let Some((at, number)) = self.ends.first().copied().filter(|(at, _)| *at <= now) {
            self.ends.remove(&(at, number));
            if let Some(attempt) = self.open.remove(&number) {
                came.push(attempt.held());
            }
        }
        Ok(())
    }

    /// Waits until something has come of one of them.
    pub(super) async fn wait(&self) {
        // The readiness is kept: `hear` takes all there is, and epoll tells again what it left.
        if let Ok(mut guard) = self.watch.readable().await {
            guard.clear_ready();
        }
    }

    /// Looks at one of which something came.
    fn look(&mut self, number: u64) -> Option<Came> {
        let attempt = self.open.get_mut(&number)?;
        if attempt.until.is_some() {
            let attempt = self.open.remove(&number)?;
            if let Some(until) = attempt.until {
                self.ends.remove(&(until, number));
            }
            return Some(attempt.spoke());
        }
        let to = SocketAddr::new(self.address, attempt.probe.port);
        match came_of(&attempt.socket, to) {
            Ok(()) if attempt.what == For::Proof => {
                attempt.seat.settled();
                let now = instant();
                let way = now.saturating_duration_since(attempt.begun);
                let hold = if attempt.window() == Some(0) { HOLD_WITHOUT_WINDOW } else { HOLD };
                let until = now + hold + way * 2;
                attempt.until = Some(until);
                self.ends.insert((until, number));
                if self.watch.get_ref().readable(&attempt.socket, number).is_err() {
                    return None;
                }
                None
            }
            Ok(()) => {
                let mut attempt = self.open.remove(&number)?;
                attempt.seat.settled();
                Some(Came { probe: attempt.probe, what: attempt.what, said: Ok(Said::Established) })
            }
            Err(why) => {
                let attempt = self.open.remove(&number)?;
                Some(Came {
                    probe: attempt.probe,
                    what: attempt.what,
                    said: said(why, attempt.what),
                })
            }
        }
    }
}

impl Attempt {
    /// How many bytes the peer would take, where the system tells.
    fn window(&self) -> Option<u32> {
        postern_raw::tcp_info(&self.socket).ok().and_then(|info| info.window)
    }

    /// Nothing came until it was let go: nobody reset it.
    fn held(self) -> Came {
        let window = self.window();
        let said = match window {
            Some(0) => Said::NotConfirmed,
            window => Said::Confirmed { window, spoke: false },
        };
        Came { probe: self.probe, what: self.what, said: Ok(said) }
    }

    /// Something came after the handshake: words, an end, or a reset.
    fn spoke(self) -> Came {
        let mut room = [MaybeUninit::uninit(); 1];
        let window = self.window();
        let said = match self.socket.peek(&mut room) {
            Ok(0) => Said::Confirmed { window, spoke: false },
            Ok(_) => Said::Confirmed { window, spoke: true },
            Err(wrong) if wrong.kind() == io::ErrorKind::WouldBlock => {
                Said::Confirmed { window, spoke: false }
            }
            Err(_) => Said::Denied,
        };
        Came { probe: self.probe, what: self.what, said: Ok(said) }
    }
}

/// Waits for a descriptor by the runtime.
#[expect(
    deprecated,
    reason = "the safe face: a watch and a raw socket keep their one descriptor as long as they live"
)]
pub(super) fn watched<T: AsRawFd>(what: T) -> io::Result<AsyncFd<T>> {
    AsyncFd::with_interest(what, Interest::READABLE)
}

/// What a connect that came to nothing says.
fn said(why: Unopened, what: For) -> Result<Said, Unopened> {
    match (why, what) {
        (Unopened::Cut(Cut::TimedOut), For::Proof) => Ok(Said::NotConfirmed),
        (Unopened::Cut(_), For::Proof) => Ok(Said::Denied),
        (Unopened::Cut(Cut::Refused), For::State) => Ok(Said::Refused),
        // Before it is established a connection is refused; only an established one is reset.
        (Unopened::Cut(Cut::Reset | Cut::Closed), For::State) => Ok(Said::Established),
        (Unopened::Cut(Cut::Unreachable { kind, code, from }), For::State) => {
            Ok(Said::Unreachable { kind, code, from })
        }
        (why, _) => Err(why),
    }
}

/// The number by which a connection is watched.
fn number(probe: Probe, what: For) -> u64 {
    let what = match what {
        For::State => 0,
        For::Proof => 1,
    };
    u64::from(probe.port) << 16 | u64::from(probe.number) << 8 | what
}
