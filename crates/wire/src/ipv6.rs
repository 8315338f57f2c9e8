//! The header of IPv6 and those that may stand between it and the upper protocol (RFC 8200 §3 and §4).

use core::net::Ipv6Addr;

use crate::{Room, take};

/// The length of the header, in bytes.
pub const LENGTH: usize = 40;

/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |Version| Traffic Class |           Flow Label                  |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |         Payload Length        |  Next Header  |   Hop Limit   |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// +                         Source Address                        +
/// |                             (16 bytes)                        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// +                      Destination Address                      +
/// |                             (16 bytes)                        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Traffic class (8 bits) and flow label (20 bits).
    pub flow: u32,
    /// What follows the header, in bytes, as the sender says.
    pub payload_length: u16,
    /// What follows the header: an extension header, or the upper protocol.
    pub next_header: u8,
    /// Routers left to pass.
    pub hop_limit: u8,
    /// Where it comes from.
    pub source: Ipv6Addr,
    /// Where it goes.
    pub destination: Ipv6Addr,
}

/// What the extension headers lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upper<'a> {
    /// What it is: [`crate::TCP`], [`crate::ICMPV6`], or a header that cannot be passed over, like that of ESP.
    pub protocol: u8,
    /// As much of it as there is.
    pub payload: &'a [u8],
}

impl Header {
    /// Takes the header and all extension headers off a packet. `None` as well for a later fragment: it begins in the
    /// middle of what it carries.
    #[must_use]
    pub fn read(packet: &[u8]) -> Option<(Self, Upper<'_>)> {
        let mut input = packet;
        let first = u32::from_be_bytes(take(&mut input)?);
        let header = Self {
            flow: first & 0x0fff_ffff,
            payload_length: u16::from_be_bytes(take(&mut input)?),
            next_header: u8::from_be_bytes(take(&mut input)?),
            hop_limit: u8::from_be_bytes(take(&mut input)?),
            source: Ipv6Addr::from(take::<16>(&mut input)?),
            destination: Ipv6Addr::from(take::<16>(&mut input)?),
        };
        if first >> 28 != 6 {
            return None;
        }
        let end = input.len().min(usize::from(header.payload_length));
        Some((header, upper(header.next_header, input.get(..end)?)?))
    }

    /// Writes the header.
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        let mut room = Room(out);
        room.put((0x6000_0000 | self.flow & 0x0fff_ffff).to_be_bytes())?;
        room.put(self.payload_length.to_be_bytes())?;
        room.put([self.next_header, self.hop_limit])?;
        room.put(self.source.octets())?;
        room.put(self.destination.octets())?;
        Some(LENGTH)
    }
}

/// Follows the chain of extension headers (RFC 8200 §4.1). Each takes 8 bytes at least, so it ends.
fn upper(mut protocol: u8, mut payload: &[u8]) -> Option<Upper<'_>> {
    loop {
        let length = match protocol {
            // Hop-by-hop options, routing, destination options; mobility (RFC 6275), HIP (RFC 7401), shim6 (RFC 5533):
            // in units of 8 bytes, the first not counted.
            0 | 43 | 60 | 135 | 139 | 140 => {
                usize::from(*payload.get(1)?).checked_add(1)?.checked_mul(8)?
            }
            // Fragment.
            44 => {
                let offset = u16::from_be_bytes([*payload.get(2)?, *payload.get(3)?]);
                if offset & 0xfff8 != 0 {
                    return None;
                }
                8
            }
            // The authentication header counts in units of 4 bytes, the first two not counted (RFC 4302 §2.2).
            51 => usize::from(*payload.get(1)?).checked_add(2)?.checked_mul(4)?,
            _ => return Some(Upper { protocol, payload }),
        };
        protocol = *payload.first()?;
        payload = payload.get(length..)?;
    }
}
