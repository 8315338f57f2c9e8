//! ICMP (RFC 792) and `ICMPv6` (RFC 4443): errors, with what they quote, and echo.

use core::net::{IpAddr, Ipv6Addr};

use crate::checksum::Checksum;
use crate::tcp::Start;
use crate::{ICMPV6, Room, ipv4, ipv6, take};

/// The length of the header that errors and echo share, in bytes.
pub const LENGTH: usize = 8;

/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     Type      |     Code      |          Checksum             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                     by type and code                          |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   the packet that was refused, or the data of an echo         |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// What became of a packet.
    Error(Error),
    /// Somebody asks whether we are there.
    EchoRequest(Echo<'a>),
    /// Somebody whom we asked is.
    EchoReply(Echo<'a>),
    /// Anything else.
    Other {
        /// Its type.
        kind: u8,
        /// Its code.
        code: u8,
    },
}

/// An error, and the packet that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// Its type: 3 is "destination unreachable" in ICMP, 1 in `ICMPv6`.
    pub kind: u8,
    /// Its code: for type 3, 13 is "administratively prohibited".
    pub code: u8,
    /// The four bytes behind the checksum: a pointer, an MTU, or nothing.
    pub rest: u32,
    /// Who had sent the packet.
    pub source: IpAddr,
    /// For whom it was.
    pub destination: IpAddr,
    /// The protocol of the packet: [`crate::TCP`], [`crate::UDP`].
    pub protocol: u8,
    /// How that began: its ports, and the sequence number of TCP.
    pub start: Start,
}

/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           Identifier          |        Sequence Number        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     Data ...
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo<'a> {
    /// Tells whose echo it is.
    pub identifier: u16,
    /// Tells which it is.
    pub sequence: u16,
    /// What comes back as it was sent.
    pub data: &'a [u8],
}

/// Takes an ICMP message apart: what stands behind the header of IPv4.
#[must_use]
pub fn read_v4(message: &[u8]) -> Option<Message<'_>> {
    let (kind, code, rest, data) = head(message)?;
    Some(match kind {
        // Destination unreachable, source quench, redirect, time exceeded, parameter problem.
        3 | 4 | 5 | 11 | 12 => {
            let (quoted, start) = ipv4::Header::read(data)?;
            if quoted.is_later_fragment() {
                return None;
            }
            Message::Error(Error {
                kind,
                code,
                rest: u32::from_be_bytes(rest),
                source: quoted.source.into(),
                destination: quoted.destination.into(),
                protocol: quoted.protocol,
                start: Start::read(start)?,
            })
        }
        8 => Message::EchoRequest(Echo::read(rest, data)),
        0 => Message::EchoReply(Echo::read(rest, data)),
        kind => Message::Other { kind, code },
    })
}

/// Takes an `ICMPv6` message apart: what the headers of IPv6 lead to.
#[must_use]
pub fn read_v6(message: &[u8]) -> Option<Message<'_>> {
    let (kind, code, rest, data) = head(message)?;
    Some(match kind {
        // All errors have the high bit clear (RFC 4443 §2.1).
        0..128 => {
            let (quoted, upper) = ipv6::Header::read(data)?;
            Message::Error(Error {
                kind,
                code,
                rest: u32::from_be_bytes(rest),
                source: quoted.source.into(),
                destination: quoted.destination.into(),
                protocol: upper.protocol,
                start: Start::read(upper.payload)?,
            })
        }
        128 => Message::EchoRequest(Echo::read(rest, data)),
        129 => Message::EchoReply(Echo::read(rest, data)),
        kind => Message::Other { kind, code },
    })
}

/// Type, code, the four bytes behind the checksum, and what follows.
fn head(message: &[u8]) -> Option<(u8, u8, [u8; 4], &[u8])> {
    let mut input = message;
    let [kind, code] = take(&mut input)?;
    let _checksum: [u8; 2] = take(&mut input)?;
    let rest = take(&mut input)?;
    Some((kind, code, rest, input))
}

impl<'a> Echo<'a> {
    fn read([a, b, c, d]: [u8; 4], data: &'a [u8]) -> Self {
        let (identifier, sequence) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        Self { identifier, sequence, data }
    }

    /// Writes an echo request of ICMP (RFC 792), with its checksum.
    pub fn write_v4(&self, out: &mut [u8]) -> Option<usize> {
        self.write(8, Checksum::default(), out)
    }

    /// Writes an echo request of `ICMPv6` (RFC 4443 §4.1), with its checksum for these addresses.
    pub fn write_v6(&self, from: Ipv6Addr, to: Ipv6Addr, out: &mut [u8]) -> Option<usize> {
        let length = u16::try_from(LENGTH.checked_add(self.data.len())?).ok()?;
        self.write(128, Checksum::pseudo(from.into(), to.into(), ICMPV6, length), out)
    }

    fn write(&self, kind: u8, sum: Checksum, out: &mut [u8]) -> Option<usize> {
        let length = LENGTH.checked_add(self.data.len())?;
        let message = out.get_mut(..length)?;
        let mut room = Room(&mut *message);
        room.put([kind, 0, 0, 0])?;
        room.put(self.identifier.to_be_bytes())?;
        room.put(self.sequence.to_be_bytes())?;
        room.0.copy_from_slice(self.data);
        let sum = sum.bytes(message).finish();
        message.get_mut(2..4)?.copy_from_slice(&sum.to_be_bytes());
        Some(length)
    }
}
