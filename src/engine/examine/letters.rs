//! Datagrams of an examination: a few sockets for all ports of one address, so that many can be asked with few descriptors.
//!
//! Which try an answer is for is told by the socket that it comes to, and which port by where it comes from, or by the system,
//! which keeps to whom the datagram went that an ICMP error answers (ip(7), `IP_RECVERR`).

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};

use postern_raw::{IcmpError, Watch};
use postern_sweep::{Answer, Probe, Said};
use socket2::Socket;
use tokio::io::unix::AsyncFd;
use tokio::sync::OwnedSemaphorePermit;

use super::connects::watched;
use crate::engine::dial::{Place, letter_socket};
use crate::engine::gate::Gate;
use crate::probe::letters;

/// As many hosts may be asked side by side, with a little to spare.
const SHARES: usize = 20;
/// There are so many numbers.
const NUMBERS: usize = 16;
/// So much is taken from a socket before others have their turn.
const AT_ONCE: usize = 1024;
/// So much may lie unread.
const ROOM: usize = 1 << 20;
/// A service of its own begins here, among the numbers of the boxes.
const OWN: u64 = 1 << 16;

/// The sockets to one address.
pub(super) struct Letters {
    address: IpAddr,
    watch: AsyncFd<Watch>,
    boxes: BTreeMap<u64, LetterBox>,
    /// How many there may be, besides those of services that answer from elsewhere.
    many: u64,
    /// The last number sent to each port by each of them.
    last: HashMap<(u64, u16), u8>,
    ready: Vec<u64>,
    drops: u64,
}

/// A socket, with its place among the descriptors: the socket is dropped first.
struct LetterBox {
    socket: Socket,
    port: u16,
    _place: OwnedSemaphorePermit,
}

impl Letters {
    pub(super) fn new(address: IpAddr, places: usize) -> io::Result<Self> {
        Ok(Self {
            address,
            watch: watched(Watch::new()?)?,
            boxes: BTreeMap::new(),
            many: (places / SHARES).clamp(1, NUMBERS) as u64,
            last: HashMap::new(),
            ready: Vec::new(),
            drops: 0,
        })
    }

    /// Lets a datagram go.
    ///
    /// # Errors
    /// What our own machine was short of, or that there is no way from here.
    pub(super) fn send(&mut self, gate: &Gate, place: Place, probe: Probe) -> io::Result<()> {
        let (bytes, elsewhere) = letters::to(probe.port);
        let number = if elsewhere {
            OWN | u64::from(probe.port)
        } else {
            u64::from(probe.number) % self.many
        };
        if !self.boxes.contains_key(&number) {
            let one = self.open(gate, number)?;
            self.boxes.insert(number, one);
        }
        let Some(one) = self.boxes.get(&number) else { return Err(io::ErrorKind::NotFound.into()) };
        place.post(&one.socket, bytes)?;
        self.last.insert((number, probe.port), probe.number);
        Ok(())
    }

    fn open(&self, gate: &Gate, number: u64) -> io::Result<LetterBox> {
        // EMFILE: as if the system had none left.
        let place = gate.place_now().ok_or_else(|| io::Error::from_raw_os_error(24))?;
        let socket = letter_socket(SocketAddr::new(self.address, 0))?;
        // A smaller one loses no more than what is told as lost.
        let _ = socket.set_recv_buffer_size(ROOM);
        self.watch.get_ref().listening(&socket, number)?;
        let own = socket.local_addr()?.as_socket();
        Ok(LetterBox { socket, port: own.map_or(0, |own| own.port()), _place: place })
    }

    /// Hands over what was heard, and answers whether anything was. Never waits.
    pub(super) fn hear(&mut self, mut each: impl FnMut(Answer)) -> io::Result<bool> {
        let mut ready = std::mem::take(&mut self.ready);
        self.watch.get_mut().ready(|number| ready.push(number))?;
        let any = !ready.is_empty();
        for number in ready.drain(..) {
            self.replies(number, &mut each);
            self.errors(number, &mut each)?;
        }
        self.ready = ready;
        Ok(any)
    }

    fn replies(&self, number: u64, each: &mut impl FnMut(Answer)) {
        let Some(one) = self.boxes.get(&number) else { return };
        let mut room = [MaybeUninit::uninit(); 64];
        for _ in 0..AT_ONCE {
            match one.socket.recv_from(&mut room) {
                Ok((_, from)) => {
                    let from = from.as_socket().filter(|from| self.is_there(from.ip()));
                    if let Some(from) = from {
                        each(self.reply(number, from.port()));
                    }
                }
                Err(wrong) if wrong.kind() == io::ErrorKind::WouldBlock => return,
                // What the network told: the queue has it in full.
                Err(_) => {}
            }
        }
    }

    fn reply(&self, number: u64, from: u16) -> Answer {
        if number >= OWN {
            let port = u16::try_from(number - OWN).unwrap_or(from);
            return self.answer(number, port, Said::Replied);
        }
        if self.boxes.values().any(|own| own.port == from) {
            // On one machine our own socket may hold the very port: but for it, nobody would be there.
            let (kind, code) = if self.address.is_ipv4() { (3, 3) } else { (1, 4) };
            let from_it = Some(self.address);
            return self.answer(number, from, Said::Unreachable { kind, code, from: from_it });
        }
        self.answer(number, from, Said::Replied)
    }

    fn errors(&self, number: u64, each: &mut impl FnMut(Answer)) -> io::Result<()> {
        let Some(one) = self.boxes.get(&number) else { return Ok(()) };
        for _ in 0..AT_ONCE {
            let Some((to, error)) = postern_raw::take_icmp_error_of(&one.socket)? else { break };
            let IcmpError { kind, code, from } = error;
            // That it was too big says nothing of the port (RFC 1191, RFC 8201).
            let too_big = matches!((kind, code), (3, 4) | (2, _));
            if self.is_there(to.ip()) && !too_big {
                let from = from.map(|from| from.to_canonical());
                each(self.answer(number, to.port(), Said::Unreachable { kind, code, from }));
            }
        }
        Ok(())
    }

    fn answer(&self, number: u64, port: u16, said: Said) -> Answer {
        Answer { port, number: self.last.get(&(number, port)).copied(), said }
    }

    fn is_there(&self, from: IpAddr) -> bool {
        from.to_canonical() == self.address.to_canonical()
    }

    /// How many answers were lost on this machine since the last time.
    pub(super) fn lost(&mut self) -> u64 {
        let of = |one: &LetterBox| postern_raw::drops(&one.socket).unwrap_or(0);
        let drops = self.boxes.values().map(of).sum();
        let before = std::mem::replace(&mut self.drops, drops);
        drops.saturating_sub(before)
    }

    /// Waits until something was heard.
    pub(super) async fn wait(&self) {
        // The readiness is kept: `hear` takes all there is, and epoll tells again what it left.
        if let Ok(mut guard) = self.watch.readable().await {
            guard.clear_ready();
        }
    }
}
