//! ICMP echo (RFC 792, RFC 4443 section 4): the one question that has no port.

use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};

use postern_wire::icmp::{self, Echo, Message};
use postern_wire::ipv4;
use socket2::{Domain, Protocol, Socket, Type};

use super::super::gate::{Gate, Ticket};
use super::connect;
use crate::model::observation::StepId;
use crate::model::record::{self, Row};
use crate::scope::EchoPermit;
use crate::talk::Unopened;

/// The data of a request; the answer brings it back.
const TOKEN: usize = 16;
/// So many packets are heard at once, whoever floods us.
const AT_ONCE: usize = 64;

/// A socket by which one address is asked whether it is there.
pub(crate) struct Echoes {
    socket: Socket,
    to: IpAddr,
    token: [u8; TOKEN],
    asked: u16,
    /// Whether the system hands over the header of IPv4 too.
    with_header: bool,
}

impl Echoes {
    /// Asks where the permit leads. With `token` an answer is known for one to us.
    ///
    /// # Errors
    /// What the system says: without a privilege, or a group that may (`net.ipv4.ping_group_range`), that it is not permitted.
    pub(crate) fn new(permit: &EchoPermit, token: [u8; TOKEN]) -> io::Result<Self> {
        let to = permit.to();
        let (domain, protocol) = match to {
            IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
            IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
        };
        let (socket, raw) = match Socket::new(domain, Type::DGRAM, Some(protocol)) {
            Ok(socket) => (socket, false),
            Err(_) => (Socket::new(domain, Type::RAW, Some(protocol))?, true),
        };
        socket.set_nonblocking(true)?;
        // What others send is not for us.
        connect(&socket, SocketAddr::new(to, 0))?;
        Ok(Self { socket, to, token, asked: 0, with_header: raw && to.is_ipv4() })
    }

    /// Asks once; the intent stands in the audit log.
    ///
    /// # Errors
    /// That there is no way from here, or what our own machine was short of.
    #[expect(clippy::needless_pass_by_value, reason = "a permit is good for one packet")]
    pub(crate) fn ask(
        &mut self,
        gate: &Gate,
        permit: EchoPermit,
        ticket: &mut Ticket,
        step: StepId,
    ) -> Result<(), Unopened> {
        if permit.to() != self.to {
            return Err(Unopened::Ours("the permit leads elsewhere".into()));
        }
        gate.write(&Row::Echo(record::Echo {
            step,
            address: self.to,
            authority: permit.authority().to_owned(),
            at: gate.now(),
        }))?;
        self.asked = self.asked.saturating_add(1);
        let [a, b, ..] = self.token;
        let identifier = u16::from_be_bytes([a, b]);
        let echo = Echo { identifier, sequence: self.asked, data: &self.token };
        let mut packet = [0; icmp::LENGTH + TOKEN];
        // Of ICMPv6 the system makes the checksum itself: it knows from where the packet goes.
        let written = match self.to {
            IpAddr::V4(_) => echo.write_v4(&mut packet),
            IpAddr::V6(to) => echo.write_v6(Ipv6Addr::UNSPECIFIED, to, &mut packet),
        };
        written.ok_or_else(|| Unopened::Ours("the request has no room".into()))?;
        match self.socket.send(&packet) {
            Ok(_) => {
                ticket.sent();
                Ok(())
            }
            Err(wrong) => Err(super::no_way(&wrong, SocketAddr::new(self.to, 0))),
        }
    }

    /// Whether it has answered. Never waits. An error that came back is no answer: it says that nobody was found.
    pub(crate) fn is_answered(&mut self) -> bool {
        let mut room = [0; 512];
        for _ in 0..AT_ONCE {
            match self.socket.read(&mut room) {
                Ok(length) => {
                    let heard = room.get(..length).unwrap_or_default();
                    if answers(heard, self.to, self.with_header, &self.token) {
                        return true;
                    }
                }
                Err(wrong) if wrong.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => {}
            }
        }
        false
    }
}

impl AsRawFd for Echoes {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// Whether that is an answer with our data.
fn answers(heard: &[u8], of: IpAddr, with_header: bool, token: &[u8]) -> bool {
    let message = match (of, with_header) {
        (IpAddr::V4(_), true) => {
            ipv4::Header::read(heard).and_then(|(_, message)| icmp::read_v4(message))
        }
        (IpAddr::V4(_), false) => icmp::read_v4(heard),
        (IpAddr::V6(_), _) => icmp::read_v6(heard),
    };
    matches!(message, Some(Message::EchoReply(Echo { data, .. })) if data == token)
}
