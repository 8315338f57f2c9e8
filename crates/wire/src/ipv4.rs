//! The header of IPv4 (RFC 791 §3.1).

use core::net::Ipv4Addr;

use crate::checksum::Checksum;
use crate::{Room, take};

/// The length of a header without options, in bytes.
pub const LENGTH: usize = 20;

/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |Version|  IHL  |Type of Service|          Total Length         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |         Identification        |Flags|      Fragment Offset    |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  Time to Live |    Protocol   |         Header Checksum       |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                       Source Address                          |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                    Destination Address                        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                    Options                    |    Padding    |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
/// Options are passed over when read, and never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type of service; today DSCP and ECN (RFC 2474, RFC 3168).
    pub service: u8,
    /// Header and data, in bytes, as the sender says.
    pub total_length: u16,
    /// Tells the fragments of one datagram from those of others.
    pub identification: u16,
    /// Three flags, and the offset in units of 8 bytes.
    pub fragment: u16,
    /// Routers left to pass.
    pub ttl: u8,
    /// What comes next: [`crate::TCP`] and the like.
    pub protocol: u8,
    /// Where it comes from.
    pub source: Ipv4Addr,
    /// Where it goes.
    pub destination: Ipv4Addr,
}

/// "Don't fragment" in [`Header::fragment`].
pub const DONT_FRAGMENT: u16 = 0x4000;

impl Header {
    /// Takes the header off a packet, and answers it with as much of the data as there is: what stands behind the total
    /// length is padding, and a packet quoted in an ICMP error is cut. Whether the checksum holds is [`intact`].
    #[must_use]
    pub fn read(packet: &[u8]) -> Option<(Self, &[u8])> {
        let mut input = packet;
        let [first, service] = take(&mut input)?;
        let length = usize::from(first & 0x0f).checked_mul(4)?;
        let total_length = u16::from_be_bytes(take(&mut input)?);
        let header = Self {
            service,
            total_length,
            identification: u16::from_be_bytes(take(&mut input)?),
            fragment: u16::from_be_bytes(take(&mut input)?),
            ttl: u8::from_be_bytes(take(&mut input)?),
            protocol: u8::from_be_bytes(take(&mut input)?),
            source: {
                let _checksum: [u8; 2] = take(&mut input)?;
                Ipv4Addr::from(take::<4>(&mut input)?)
            },
            destination: Ipv4Addr::from(take::<4>(&mut input)?),
        };
        if first >> 4 != 4 || length < LENGTH || usize::from(total_length) < length {
            return None;
        }
        let end = packet.len().min(usize::from(total_length));
        Some((header, packet.get(length..end)?))
    }

    /// Writes the header, with its checksum.
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        let header = out.get_mut(..LENGTH)?;
        let mut room = Room(&mut *header);
        room.put([0x45, self.service])?;
        room.put(self.total_length.to_be_bytes())?;
        room.put(self.identification.to_be_bytes())?;
        room.put(self.fragment.to_be_bytes())?;
        room.put([self.ttl, self.protocol, 0, 0])?;
        room.put(self.source.octets())?;
        room.put(self.destination.octets())?;
        let sum = Checksum::default().bytes(header).finish();
        header.get_mut(10..12)?.copy_from_slice(&sum.to_be_bytes());
        Some(LENGTH)
    }

    /// Whether this is a later fragment, which begins in the middle of what it carries.
    #[must_use]
    pub fn is_later_fragment(&self) -> bool {
        self.fragment & 0x1fff != 0
    }
}

/// Whether the header's checksum holds.
#[must_use]
pub fn intact(packet: &[u8]) -> bool {
    let length = packet.first().map_or(0, |first| usize::from(first & 0x0f).wrapping_mul(4));
    packet.get(..length).is_some_and(|header| Checksum::default().bytes(header).finish() == 0)
}
