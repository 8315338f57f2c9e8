//! Datagrams to a host's own ports: each has its permit, its turn, its row in the audit log and its place in the bound,
//! as a connection has.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::dial::{letter_box, post, verdict};
use super::doors::StepDoors;
use super::gate::Ticket;
use super::pace::Kind;
use super::world::instant;
use crate::model::net::Transport;
use crate::model::saw::Cut;
use crate::scope::Want;
use crate::talk::{Carrier, Datagram, Datagrams, Soon, Terms, Unopened};

/// Makes ready to exchange datagrams with a port of the spot's address.
///
/// # Errors
/// `Refused` with the scope's rule; `Spent` when the step's time is used up.
pub(super) fn open(doors: &StepDoors, port: u16, tries: u32) -> Result<Datagrams<'_>, Unopened> {
    let Some(address) = doors.spot.address else {
        return Err(Unopened::Ours("the spot has no address".into()));
    };
    let want = Want { transport: Transport::Udp, ..doors.want(address, doors.origin, port) };
    doors.allowed(&want)?;
    doors.in_time()?;
    let deadline = doors.allowance.end().min(instant() + doors.talk);
    let terms = Terms { deadline, most: doors.hear, clock: instant };
    let to = SocketAddr::new(address.to_canonical(), port);
    let carrier = Post { doors, want, to, socket: None, held: None };
    Ok(Datagrams::new(Box::new(carrier), port, tries, terms))
}

/// A socket for one port of one peer.
struct Post<'a> {
    doors: &'a StepDoors,
    want: Want,
    to: SocketAddr,
    socket: Option<UdpSocket>,
    /// The ticket of the last datagram, for its place among the descriptors.
    held: Option<Ticket>,
}

impl Post<'_> {
    async fn send_one(&mut self, bytes: &[u8]) -> Result<Duration, Unopened> {
        let doors = self.doors;
        doors.in_time()?;
        doors.budget.datagram()?;
        // Given back before another is waited for: whoever holds one place and waits for a second could wait for ever.
        self.held = None;
        let begun = instant();
        let mut ticket = doors.turn(self.to.ip(), Kind::Datagram).await?;
        let waited = instant().saturating_duration_since(begun);
        let permit = doors.gate.scope.permit(&self.want, doors.gate.now());
        let permit = permit.map_err(|refusal| doors.gate.refused(Some(&self.want), refusal))?;
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => letter_box(self.to)?,
        };
        let socket = self.socket.insert(socket);
        post(&doors.gate, permit, &mut ticket, (socket, Some(doors.step.id)), bytes).await?;
        self.held = Some(ticket);
        Ok(waited)
    }

    async fn hear_one(&self, most: usize, until: Instant) -> Result<Datagram, Cut> {
        let Some(socket) = &self.socket else { return Err(Cut::TimedOut) };
        // One byte more tells a datagram that is longer from one that just fits.
        let mut into = vec![0; most.saturating_add(1)];
        while instant() < until {
            if let Some(came) = self.next(socket, &mut into, most) {
                return came;
            }
            let more = socket.ready(Interest::READABLE | Interest::ERROR);
            if timeout_at(until, more).await.is_err() {
                break;
            }
        }
        Err(Cut::TimedOut)
    }

    /// What is there already: a datagram of the peer's, or what the network told. None when that is nothing of the
    /// kind.
    fn next(
        &self,
        socket: &UdpSocket,
        into: &mut [u8],
        most: usize,
    ) -> Option<Result<Datagram, Cut>> {
        match socket.try_recv_from(into) {
            Ok((length, from)) if from.ip().to_canonical() == self.to.ip() => {
                let bytes = into.get(..length.min(most)).unwrap_or_default().to_vec();
                Some(Ok(Datagram { bytes, whole: length <= most, from: from.port() }))
            }
            // A stranger's: whoever it is, he was not asked.
            Ok(_) => None,
            Err(wrong) if wrong.kind() == std::io::ErrorKind::WouldBlock => {
                let icmp = socket.try_io(Interest::ERROR, || {
                    let found = postern_raw::take_icmp_error(socket)?;
                    found.ok_or_else(|| std::io::ErrorKind::WouldBlock.into())
                });
                icmp.ok().map(|icmp| {
                    let postern_raw::IcmpError { kind, code, from } = icmp;
                    Err(Cut::Unreachable { kind, code, from })
                })
            }
            Err(wrong) => match verdict(&wrong, socket, self.to) {
                Unopened::Cut(cut) => Some(Err(cut)),
                _ => Some(Err(Cut::Reset)),
            },
        }
    }
}

impl Carrier for Post<'_> {
    fn send<'a>(&'a mut self, bytes: &'a [u8]) -> Soon<'a, Result<Duration, Unopened>> {
        Box::pin(self.send_one(bytes))
    }

    fn hear(&mut self, most: usize, until: Instant) -> Soon<'_, Result<Datagram, Cut>> {
        Box::pin(self.hear_one(most, until))
    }
}
