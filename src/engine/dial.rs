//! The one dialler. It takes a permit by value, writes the intent into the audit log, and only then lets a packet go.

mod echo;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{sleep, timeout_at};

pub(crate) use echo::Echoes;

use super::gate::{Gate, Ticket, passes};
use super::world::instant;
use crate::model::net::Transport;
use crate::model::observation::StepId;
use crate::model::record::{Again, Dial, Dials, Row};
use crate::model::saw::Cut;
use crate::scope::{Permit, Permits};
use crate::talk::Unopened;

/// How to dial.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How {
    /// For which step.
    pub(crate) step: Option<StepId>,
    /// How long an answer may take.
    pub(crate) patience: Duration,
    /// From this port.
    pub(crate) source_port: Option<u16>,
    /// With this time to live or hop limit.
    pub(crate) ttl: Option<u8>,
}

/// A connection, with its ticket. Fields are dropped in order: the socket before the ticket.
pub(crate) struct Connected {
    pub(crate) stream: TcpStream,
    pub(crate) ticket: Ticket,
}

/// So many errors of earlier datagrams may be in the way of one.
const OLD_ERRORS: u32 = 3;
/// Waits between attempts when our own machine is short of something.
const BACK_OFF: [u64; 6] = [20, 50, 100, 250, 500, 1000];

/// Connects by TCP to where the permit leads.
///
/// # Errors
/// What the peer or the network did ([`Unopened::Cut`]), that there is no way from here, that the scan is to stop, or
/// what our own machine was short of; the last is never said of a peer.
pub(crate) async fn dial(
    gate: &Arc<Gate>,
    permit: Permit,
    mut ticket: Ticket,
    how: How,
) -> Result<Connected, Unopened> {
    write_intent(gate, &permit, how.step)?;
    let to = permit.to();
    let mut waits = BACK_OFF.iter();
    let stream = loop {
        match begin(to, how) {
            Ok(stream) => break stream,
            Err(Begun::Theirs(wrong, socket)) => {
                ticket.sent();
                return Err(verdict(&wrong, &socket, to));
            }
            Err(Begun::Ours(wrong)) if passes(&wrong) => match waits.next() {
                Some(wait) => sleep(Duration::from_millis(*wait)).await,
                None => return Err(Unopened::Ours(format!("{wrong} (to {to})"))),
            },
            Err(Begun::Ours(wrong)) => return Err(no_way(&wrong, to)),
        }
        if gate.stop.reason().is_some() {
            return Err(Unopened::Stopped);
        }
    };
    ticket.sent();
    let result = tokio::select! {
        biased;
        result = answer(&stream, to, how) => result,
        () = gate.stop.given() => Err(Unopened::Stopped),
    };
    match result {
        Ok(()) => {
            ticket.settled();
            Ok(Connected { stream, ticket })
        }
        Err(why) => {
            // The socket first, then the ticket: until it is closed the kernel may repeat the SYN.
            drop(stream);
            drop(ticket);
            Err(why)
        }
    }
}

/// Opens a socket for datagrams to where the permit leads and nowhere else; the intent stands in the audit log.
///
/// # Errors
/// What our own machine was short of.
pub(crate) fn datagrams(
    gate: &Arc<Gate>,
    permit: &Permit,
    local: SocketAddr,
    step: Option<StepId>,
) -> Result<UdpSocket, Unopened> {
    let to = permit.to();
    let open = || -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::for_address(to), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        socket.bind(&SockAddr::from(local))?;
        connect(&socket, to)?;
        UdpSocket::from_std(socket.into())
    };
    let socket = open().map_err(|wrong| no_way(&wrong, to))?;
    write_intent(gate, permit, step)?;
    Ok(socket)
}

/// Makes a socket for datagrams to that address's family; it is bound to no peer, and only [`post`] sends by it.
///
/// # Errors
/// What our own machine was short of.
pub(crate) fn letter_box(to: SocketAddr) -> Result<UdpSocket, Unopened> {
    let open = || UdpSocket::from_std(letter_socket(to)?.into());
    open().map_err(|wrong| no_way(&wrong, to))
}

/// The same, for whoever waits for many at once.
pub(crate) fn letter_socket(to: SocketAddr) -> io::Result<Socket> {
    let any: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = Socket::new(Domain::for_address(to), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if to.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    let _ = postern_raw::keep_errors(&socket, to);
    socket.bind(&SockAddr::from(SocketAddr::new(any, 0)))?;
    Ok(socket)
}

/// Sends one datagram to where the permit leads.
///
/// The socket stays free of a peer because some protocols answer from another port (RFC 1350 section 4); whoever listens
/// takes answers of that address only.
///
/// # Errors
/// What the network told of an earlier datagram ([`Unopened::Cut`]), that there is no way from here, or what our own
/// machine was short of.
pub(crate) async fn post(
    gate: &Gate,
    permit: Permit,
    ticket: &mut Ticket,
    by: (&UdpSocket, Option<StepId>),
    bytes: &[u8],
) -> Result<(), Unopened> {
    let (socket, step) = by;
    let to = permit.to();
    write_intent(gate, &permit, step)?;
    match leave(socket, bytes, to).await {
        Ok(_) => {
            ticket.sent();
            Ok(())
        }
        Err(wrong) => Err(verdict(&wrong, socket, to)),
    }
}

#[expect(clippy::disallowed_methods, reason = "the one door; the address is a permit's")]
async fn leave(socket: &UdpSocket, bytes: &[u8], to: SocketAddr) -> io::Result<usize> {
    socket.send_to(bytes, to).await
}

#[expect(clippy::disallowed_methods, reason = "the one door; the address is a permit's")]
fn leave_at_once(socket: &Socket, bytes: &[u8], to: SocketAddr) -> io::Result<usize> {
    socket.send_to(bytes, &SockAddr::from(to))
}

fn write_intent(gate: &Gate, permit: &Permit, step: Option<StepId>) -> Result<(), Unopened> {
    gate.write_intent(intent(gate, permit, step))
}

fn intent(gate: &Gate, permit: &Permit, step: Option<StepId>) -> Dial {
    Dial {
        step,
        address: permit.to().ip(),
        transport: permit.transport(),
        port: permit.to().port(),
        authority: permit.authority().to_owned(),
        at: gate.now(),
        plugin: None,
    }
}

/// Writes into the audit log that a plug-in may send a packet to where the permit leads: it sends it by itself.
///
/// # Errors
/// `Stopped`, when the journal fails.
#[expect(clippy::needless_pass_by_value, reason = "a permit is good for one packet")]
pub(super) fn announce(
    gate: &Gate,
    permit: Permit,
    step: StepId,
    plugin: &str,
) -> Result<(), Unopened> {
    let plugin = Some(plugin.to_owned());
    gate.write_intent(Dial { plugin, ..intent(gate, &permit, Some(step)) })
}

/// Writes into the audit log that a packet is about to go to each place where the permits lead, and hands over these places
/// in their order.
///
/// # Errors
/// `Stopped`, when the journal fails.
pub(crate) fn announce_many(
    gate: &Gate,
    permits: Permits,
    step: StepId,
    again: Option<Again>,
) -> Result<impl Iterator<Item = Place>, Unopened> {
    if !permits.ports().is_empty() {
        gate.write(&Row::Dials(Dials {
            step,
            address: permits.to(),
            transport: permits.transport(),
            ports: permits.ports().to_vec(),
            again,
            authority: permits.authority().to_owned(),
            at: gate.now(),
        }))?;
    }
    let to = permits.to();
    Ok(permits.into_ports().into_iter().map(move |port| Place(SocketAddr::new(to, port))))
}

/// A place to which one packet may go: it stands in the audit log.
#[derive(Debug)]
pub(crate) struct Place(SocketAddr);

impl Place {
    /// The port.
    pub(crate) fn port(&self) -> u16 {
        self.0.port()
    }

    /// Lets a datagram go by a socket of [`letter_socket`]'s making.
    ///
    /// # Errors
    /// What our own machine was short of, or that there is no way from here.
    pub(crate) fn post(self, socket: &Socket, bytes: &[u8]) -> io::Result<()> {
        // What the network told of an earlier datagram is told in place of sending this one; the queue keeps it.
        let mut tries = 0;
        loop {
            match leave_at_once(socket, bytes, self.0) {
                Ok(_) => return Ok(()),
                Err(wrong) if passes(&wrong) || tries == OLD_ERRORS => return Err(wrong),
                Err(_) => tries += 1,
            }
        }
    }

    /// Lets the SYN go, and answers at once.
    ///
    /// # Errors
    /// The answer, where it has come already; or what our own machine was short of.
    pub(crate) fn knock(self) -> Result<Socket, Unopened> {
        match begin_connect(self.0, How::default()) {
            Ok(socket) => Ok(socket),
            Err(Begun::Theirs(wrong, socket)) => Err(verdict(&wrong, &socket, self.0)),
            Err(Begun::Ours(wrong)) if passes(&wrong) => Err(Unopened::Ours(wrong.to_string())),
            Err(Begun::Ours(wrong)) => Err(no_way(&wrong, self.0)),
        }
    }
}

/// What has come of a SYN, once its socket says that something has: a connection, or why there is none.
///
/// # Errors
/// Why there is none.
pub(crate) fn came_of(socket: &Socket, to: SocketAddr) -> Result<(), Unopened> {
    let own = || socket.local_addr().ok().and_then(|own| own.as_socket());
    match socket.take_error() {
        Ok(Some(wrong)) | Err(wrong) => Err(verdict(&wrong, socket, to)),
        // On one machine a socket can meet itself, when the system gives it the very port it asks for.
        Ok(None) if own() == Some(to) => Err(Unopened::Cut(Cut::Refused)),
        Ok(None) => match socket.peer_addr() {
            Ok(_) => Ok(()),
            Err(wrong) => Err(verdict(&wrong, socket, to)),
        },
    }
}

/// Why a connect ended before it began.
enum Begun {
    /// A packet left, and came back as an error at once, as on loopback.
    Theirs(io::Error, Socket),
    /// Nothing left.
    Ours(io::Error),
}

/// Makes the socket and lets the SYN go.
fn begin(to: SocketAddr, how: How) -> Result<TcpStream, Begun> {
    let socket = begin_connect(to, how)?;
    socket.set_tcp_nodelay(true).map_err(Begun::Ours)?;
    TcpStream::from_std(socket.into()).map_err(Begun::Ours)
}

fn begin_connect(to: SocketAddr, how: How) -> Result<Socket, Begun> {
    let make = || -> io::Result<Socket> {
        // Of tens of thousands a second each call to the system counts.
        let kind = Type::STREAM.nonblocking();
        let socket = Socket::new(Domain::for_address(to), kind, Some(Protocol::TCP))?;
        // Where the system has no error queue, an ICMP error is told as far as its number goes.
        let _ = postern_raw::keep_errors(&socket, to);
        if let Some(ttl) = how.ttl {
            match to {
                SocketAddr::V4(_) => socket.set_ttl_v4(u32::from(ttl))?,
                SocketAddr::V6(_) => socket.set_unicast_hops_v6(u32::from(ttl))?,
            }
        }
        if let Some(port) = how.source_port {
            socket.set_reuse_address(true)?;
            let any: IpAddr = match to {
                SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            };
            socket.bind(&SockAddr::from(SocketAddr::new(any, port)))?;
        }
        Ok(socket)
    };
    let socket = make().map_err(Begun::Ours)?;
    match connect(&socket, to) {
        Ok(()) => {}
        // EINPROGRESS
        Err(wrong) if wrong.raw_os_error() == Some(115) => {}
        Err(wrong) if wrong.kind() == io::ErrorKind::ConnectionRefused => {
            return Err(Begun::Theirs(wrong, socket));
        }
        Err(wrong) => return Err(Begun::Ours(wrong)),
    }
    Ok(socket)
}

#[expect(clippy::disallowed_methods, reason = "the one door")]
fn connect(socket: &Socket, to: SocketAddr) -> io::Result<()> {
    socket.connect(&SockAddr::from(to))
}

/// Waits for what comes of a SYN.
async fn answer(stream: &TcpStream, to: SocketAddr, how: How) -> Result<(), Unopened> {
    match timeout_at(instant() + how.patience, stream.writable()).await {
        Err(_) => Err(verdict(&io::ErrorKind::TimedOut.into(), stream, to)),
        Ok(Err(wrong)) => Err(Unopened::Ours(wrong.to_string())),
        Ok(Ok(())) => match stream.take_error() {
            Ok(Some(wrong)) | Err(wrong) => Err(verdict(&wrong, stream, to)),
            // On one machine a socket can meet itself, when the system gives it the very port it asks for.
            Ok(None) if stream.local_addr().ok() == Some(to) => Err(Unopened::Cut(Cut::Refused)),
            Ok(None) => match stream.peer_addr() {
                Ok(_) => Ok(()),
                Err(wrong) => Err(verdict(&wrong, stream, to)),
            },
        },
    }
}

/// What an error after the SYN says: the error queue knows whether it was an ICMP error, and whose.
pub(super) fn verdict(
    wrong: &io::Error,
    socket: &impl std::os::fd::AsRawFd,
    to: SocketAddr,
) -> Unopened {
    if let Ok(Some(icmp)) = postern_raw::take_icmp_error(socket) {
        let postern_raw::IcmpError { kind, code, from } = icmp;
        return Unopened::Cut(Cut::Unreachable { kind, code, from });
    }
    match wrong.kind() {
        io::ErrorKind::TimedOut => Unopened::Cut(Cut::TimedOut),
        io::ErrorKind::ConnectionRefused => Unopened::Cut(Cut::Refused),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::NotConnected => Unopened::Cut(Cut::Reset),
        io::ErrorKind::HostUnreachable => {
            let (kind, code) = if to.is_ipv4() { (3, 1) } else { (1, 3) };
            Unopened::Cut(Cut::Unreachable { kind, code, from: None })
        }
        _ if passes(wrong) => Unopened::Ours(format!("{wrong} (to {to})")),
        _ => no_way(wrong, to),
    }
}

/// An error of our own machine's before anything left.
pub(super) fn no_way(wrong: &io::Error, to: SocketAddr) -> Unopened {
    use io::ErrorKind as Kind;
    let family = if to.is_ipv4() { "IPv4" } else { "IPv6" };
    match wrong.kind() {
        Kind::NetworkUnreachable | Kind::HostUnreachable => {
            Unopened::NoRoute(format!("this machine has no {family} route to {}", to.ip()))
        }
        Kind::AddrNotAvailable => Unopened::NoRoute(format!(
            "this machine has no {family} address that reaches {}",
            to.ip()
        )),
        Kind::Unsupported => Unopened::NoRoute(format!("this machine speaks no {family}")),
        Kind::PermissionDenied => {
            Unopened::NoRoute(format!("this machine's own rules forbid it to reach {to}"))
        }
        // EAFNOSUPPORT
        _ if wrong.raw_os_error() == Some(97) => {
            Unopened::NoRoute(format!("this machine speaks no {family}"))
        }
        _ => Unopened::Ours(format!("{wrong} (to {to})")),
    }
}

/// What a wish needs: the transport is TCP everywhere but for the resolvers.
pub(crate) const TCP: Transport = Transport::Tcp;
