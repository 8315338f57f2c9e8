//! Raw SYNs to one address, and what comes back for them.
//!
//! Two raw sockets (raw(7), ipv6(7)) do it, both connected to the peer, so that nothing can be sent elsewhere: one sends
//! whole packets and hears nothing, one hears TCP segments, and in its error queue the ICMP errors that quote TCP segments
//! to that peer. Routes, neighbours, VPNs and fragments are the system's business. The connections stay half-open until the
//! SYN-ACK has come: nobody has that port open here, so the system resets it by itself.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::{Duration, Instant, SystemTime};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{MsgFlags, MultiHeaders, recvmmsg, sendmmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, Socket, Type};

use crate::cookie::{Cookie, NUMBERS};
use crate::ends::{Addresses, BLOCK, Beside, Ends, LONGEST};
use crate::{IcmpError, filter, keep_errors, options};

/// How many packets go through one system call.
const BATCH: usize = 64;
/// The longest header of IPv4 and the longest one of TCP.
const HEARD: usize = 120;
/// What the receive buffer is asked to hold, in bytes: some 65,000 resets, each with its book-keeping. It costs nothing
/// until it fills.
const BUFFER: usize = 32 << 20;
/// `IPPROTO_RAW`: packets are handed over with their IP header, and none are heard.
const WHOLE: i32 = 255;

/// Sends SYNs to one address and hears the answers. It needs `CAP_NET_RAW`.
///
/// As a descriptor it is readable when there is something to [`receive`](Self::receive); it can be watched, with poll(2) or
/// epoll(7), and nothing else.
pub struct SynSocket {
    ends: Ends,
    /// Holds the source port, and never listens: the system gives it to nobody else.
    _reserved: Socket,
    out: Socket,
    into: Socket,
    ready: Epoll,
    queue: Vec<Syn>,
    /// A bit for each port that acknowledged a SYN.
    acknowledged: Box<[u64; 1024]>,
    buffers: Box<[[u8; HEARD]; BATCH]>,
    /// When there was nothing to read: what is read later came later.
    empty: Instant,
}

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The port that was probed.
    pub port: u16,
    /// Which SYN to that port it is about; none where the answer leaves that open.
    pub number: Option<u8>,
    /// What came.
    pub what: What,
    /// How long it lay here before it was read: the answer came that long ago.
    pub waited: Duration,
}

/// An answer to a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The port accepts connections (RFC 9293 §3.5); with a window of 0 it may be a SYN proxy that speaks for it.
    SynAck {
        /// How much it can take, in bytes, not scaled.
        window: u16,
        /// What was left of TTL or hop limit.
        ttl: u8,
    },
    /// The port acknowledges an earlier SYN, whose SYN-ACK we have not seen or not yet (RFC 9293 §3.10.7.4, RFC 5961 §4.2).
    /// It accepts connections just as well; of the round-trip time this tells nothing.
    ChallengeAck {
        /// How much it can take, in bytes; it may be scaled.
        window: u16,
        /// What was left of TTL or hop limit.
        ttl: u8,
    },
    /// Nothing listens there, or somebody on the way says so.
    Reset {
        /// What was left of TTL or hop limit.
        ttl: u8,
    },
    /// An ICMP error about our SYN. Where it comes from our own address, the next router or the host did not answer in our
    /// own network (RFC 1122 §3.2.2.1).
    Unreachable(IcmpError),
}

/// A SYN that is to be sent.
struct Syn {
    port: u16,
    number: u8,
    packet: [u8; LONGEST],
}

impl SynSocket {
    /// Opens the sockets, without sending anything. `secret` is what forgers must not know: random, and new for each run.
    ///
    /// # Errors
    /// `PermissionDenied` without `CAP_NET_RAW`; `NetworkUnreachable` and the like where no way leads there. A link-local
    /// address of IPv6 is refused, because it means nothing without its interface.
    pub fn open(to: IpAddr, secret: [u8; 16]) -> io::Result<Self> {
        let remote = to.to_canonical();
        let peer = SocketAddr::new(remote, 0);
        let domain = Domain::for_address(peer);
        let out = Socket::new(domain, Type::RAW.nonblocking(), Some(Protocol::from(WHOLE)))?;
        let local = local_address(remote)?;
        let addresses = Addresses::new(local, remote).ok_or(io::ErrorKind::AddrNotAvailable)?;
        let reserved = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        reserved.bind(&SocketAddr::new(local, 0).into())?;
        let bound = reserved.local_addr()?.as_socket();
        let port = bound.ok_or(io::ErrorKind::AddrNotAvailable)?.port();

        let into = Socket::new(domain, Type::RAW.nonblocking(), Some(Protocol::TCP))?;
        into.attach_filter(&filter::answers_to(port & !BLOCK, remote.is_ipv4()))?;
        if setsockopt(&into, sockopt::RcvBufForce, &BUFFER).is_err() {
            into.set_recv_buffer_size(BUFFER)?;
        }
        // Packets wait here while the next router is looked for. A smaller buffer is told as a want of room.
        let _ = setsockopt(&out, sockopt::SndBuf, &BUFFER);
        setsockopt(&into, sockopt::ReceiveTimestampns, &true)?;
        if remote.is_ipv6() {
            into.set_recv_hoplimit_v6(true)?;
        }
        for socket in [&into, &out] {
            // For what goes out, this is what makes the system tell of a full queue (ip(7), `ENOBUFS`).
            keep_errors(socket, peer)?;
            socket.bind(&SocketAddr::new(local, 0).into())?;
            connect(socket, peer)?;
        }
        let ready = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        ready.add(&into, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLERR, 0))?;
        Ok(Self {
            ends: Ends { addresses, port, cookie: Cookie::new(secret, local, remote) },
            _reserved: reserved,
            out,
            into,
            ready,
            queue: Vec::with_capacity(BATCH),
            acknowledged: Box::new([0; 1024]),
            buffers: Box::new([[0; HEARD]; BATCH]),
            empty: now(),
        })
    }

    /// The address that it sends from, as the routing table chose it.
    #[must_use]
    pub fn local(&self) -> IpAddr {
        self.ends.addresses.local()
    }

    /// The address that it sends to.
    #[must_use]
    pub fn remote(&self) -> IpAddr {
        self.ends.addresses.remote()
    }

    /// The port that SYNs are sent from, so that routers on the way that remember connections see one for each port. Only
    /// SYNs to a port that acknowledged one before come from its 15 neighbours as well: the server still holds the last
    /// connection half-open, and would not answer another SYN for it.
    #[must_use]
    pub fn source_port(&self) -> u16 {
        self.ends.port
    }

    /// Makes a SYN ready to be sent. Its `number`, modulo 16, comes back with the answer.
    pub fn queue(&mut self, port: u16, number: u8) {
        let known = bit(port);
        let acknowledged = self.acknowledged.get(known.0).is_some_and(|bits| bits & known.1 != 0);
        let number = number % NUMBERS;
        let from = if acknowledged { self.ends.port ^ u16::from(number) } else { self.ends.port };
        let mut packet = [0; LONGEST];
        let written = self.ends.write_syn(from, port, number, &mut packet);
        debug_assert!(written.is_some(), "a SYN has a fixed length");
        self.queue.push(Syn { port, number, packet });
    }

    /// How many SYNs are ready and not sent.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Sends what is queued, in its order, and answers how many left. When that is fewer, the others stay in the queue, and
    /// the next call says what was wrong.
    ///
    /// # Errors
    /// What the system says, when none left: `WouldBlock` and `ENOBUFS` when it has no room, which passes;
    /// `PermissionDenied` when a firewall of this machine forbids it; `HostUnreachable` when the way was lost.
    pub fn flush(&mut self) -> io::Result<usize> {
        let length = self.ends.addresses.length();
        let mut headers = MultiHeaders::<()>::preallocate(BATCH, None);
        let mut left = 0;
        let mut trouble = None;
        for batch in self.queue.chunks(BATCH) {
            let slices: Vec<_> =
                batch.iter().map(|syn| [io::IoSlice::new(syn.packet.split_at(length).0)]).collect();
            let fd = self.out.as_raw_fd();
            let flags = MsgFlags::MSG_DONTWAIT;
            match sendmmsg(fd, &mut headers, &slices, [None; BATCH], [], flags) {
                Ok(sent) => {
                    let sent = sent.count();
                    left += sent;
                    if sent < batch.len() {
                        break;
                    }
                }
                Err(wrong) => {
                    trouble = Some(wrong);
                    break;
                }
            }
        }
        self.queue.drain(..left);
        match trouble {
            Some(wrong) if left == 0 => Err(wrong.into()),
            _ => Ok(left),
        }
    }

    /// Takes back what is queued, as port and number, in its order.
    pub fn take_back(&mut self) -> impl Iterator<Item = (u16, u8)> + '_ {
        self.queue.drain(..).map(|syn| (syn.port, syn.number))
    }

    /// Reads a batch of what has come, without waiting, and hands on what proves to be an answer to a SYN of ours. Answers
    /// how many packets were read, others' included; 0 when there are none left.
    ///
    /// # Errors
    /// What the system says, when the sockets cannot be read.
    pub fn receive(&mut self, each: &mut dyn FnMut(Heard)) -> io::Result<usize> {
        let began = now();
        let mut count = 0;
        for queue in [MsgFlags::MSG_ERRQUEUE, MsgFlags::empty()] {
            // An ICMP error is told twice: in the error queue, and as the error of some next call.
            let mut tries = BATCH;
            count += loop {
                match self.read(queue, each) {
                    Ok(read) => break read,
                    Err(Errno::EAGAIN) => break 0,
                    Err(wrong) if tries == 0 => return Err(wrong.into()),
                    Err(_) => tries -= 1,
                }
            };
        }
        if count == 0 {
            self.empty = began;
        }
        Ok(count)
    }

    /// How many TCP segments this machine threw away since, because they came faster than they were read. Each may have been
    /// an answer, so to whoever counts losses these are some. ICMP errors that found no room are not counted.
    ///
    /// # Errors
    /// What the system says, when it will not tell.
    pub fn drops(&self) -> io::Result<u64> {
        options::drops(&self.into)
    }

    fn read(&mut self, queue: MsgFlags, each: &mut dyn FnMut(Heard)) -> nix::Result<usize> {
        let space = nix::cmsg_space!(TimeSpec, [u8; 128]);
        let mut headers = MultiHeaders::<()>::preallocate(BATCH, Some(space));
        let mut slices: Vec<_> =
            self.buffers.iter_mut().map(|buffer| [io::IoSliceMut::new(buffer)]).collect();
        let fd = self.into.as_raw_fd();
        let flags = queue | MsgFlags::MSG_DONTWAIT;
        let read = recvmmsg(fd, &mut headers, slices.iter_mut(), flags, None)?;
        let (now, longest) = (since_1970(), self.empty.elapsed());
        let mut count = 0;
        for message in read {
            count += 1;
            let bytes = message.iovs().next().unwrap_or_default();
            let mut beside = Beside::default();
            for control in message.cmsgs().into_iter().flatten() {
                beside.note(&control);
            }
            let Some((port, number, what)) = self.ends.hear(bytes, &beside) else { continue };
            if matches!(what, What::SynAck { .. } | What::ChallengeAck { .. }) {
                let (word, mask) = bit(port);
                if let Some(bits) = self.acknowledged.get_mut(word) {
                    *bits |= mask;
                }
            }
            // Whoever sets the system's clock meanwhile does no harm.
            let waited = beside.came.map_or(Duration::ZERO, |came| now.saturating_sub(came));
            let waited = waited.min(longest);
            each(Heard { port, number, what, waited });
        }
        Ok(count)
    }
}

impl AsFd for SynSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.0.as_fd()
    }
}

impl AsRawFd for SynSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.ready.0.as_raw_fd()
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a packet lay here is told, not when")]
fn now() -> Instant {
    Instant::now()
}

/// The clock of the system's time stamps.
#[expect(clippy::disallowed_methods, reason = "how long a packet lay here is told, not when")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// The word and the bit of a port.
fn bit(port: u16) -> (usize, u64) {
    (usize::from(port >> 6), 1 << (port & 63))
}

/// The address that packets to that one leave from: a UDP socket is connected without a packet (udp(7)).
fn local_address(remote: IpAddr) -> io::Result<IpAddr> {
    const DISCARD: u16 = 9;
    let peer = SocketAddr::new(remote, DISCARD);
    let socket = Socket::new(Domain::for_address(peer), Type::DGRAM, Some(Protocol::UDP))?;
    connect(&socket, peer)?;
    let local = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
    Ok(local.ip())
}

/// Of a raw socket or one of UDP, this sends nothing: it says where alone it may send to and hear from.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever opens a socket of this crate to a peer holds the permit for it"
)]
fn connect(socket: &Socket, peer: SocketAddr) -> io::Result<()> {
    socket.connect(&peer.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loopback also shows us what we send ourselves, which is no answer.
    #[test]
    fn loopback_answers_whoever_has_the_capability() {
        for to in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            let to: IpAddr = to.parse().expect("an address");
            let mut socket = match SynSocket::open(to, [3; 16]) {
                Ok(socket) => socket,
                Err(wrong) => {
                    assert_eq!(wrong.kind(), io::ErrorKind::PermissionDenied, "{wrong}");
                    continue;
                }
            };
            assert_eq!(socket.local(), to.to_canonical());
            // Nobody listens at our own source port.
            let port = socket.source_port();
            socket.queue(port, 18);
            assert_eq!((socket.flush().expect("it leaves"), socket.queued()), (1, 0));
            let mut heard = Vec::new();
            for _ in 0..100 {
                while socket.receive(&mut |one| heard.push(one)).expect("it is read") > 0 {}
                if !heard.is_empty() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            let heard: Vec<_> = heard.iter().map(|one| (one.port, one.number)).collect();
            assert_eq!(heard, [(port, Some(2))], "{to}: once, and by its number modulo 16");
            assert_eq!(socket.drops().expect("it tells"), 0);
        }
    }
}
