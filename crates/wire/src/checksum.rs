//! The Internet checksum (RFC 1071), and the pseudo-headers that TCP, UDP and `ICMPv6` put under it.

use core::net::IpAddr;

/// A sum in the making: the one's complement sum of 16-bit words (RFC 1071 §1).
///
/// ```
/// # use postern_wire::checksum::Checksum;
/// // RFC 1071 §3: the words 0001 f203 f4f5 f6f7 sum up to ddf2.
/// let sum = Checksum::default().bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
/// assert_eq!(sum.finish(), !0xddf2);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Checksum(u32);

impl Checksum {
    /// Adds bytes, two by two. Only the last ones added may be odd in number: a zero is thought behind them.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let (words, odd) = bytes.as_chunks::<2>();
        let sum = words.iter().fold(self, |sum, word| sum.word(u16::from_be_bytes(*word)));
        odd.first().map_or(sum, |last| sum.word(u16::from_be_bytes([*last, 0])))
    }

    /// Adds a 16-bit word.
    #[must_use]
    pub fn word(self, word: u16) -> Self {
        let sum = self.0.wrapping_add(u32::from(word));
        // The carry comes back at the low end, so there is always room for the next word.
        Self((sum & 0xffff).wrapping_add(sum >> 16))
    }

    /// The sum of a pseudo-header: TCP over IPv4 in RFC 9293 §3.1, everything over IPv6 in RFC 8200 §8.1. `length` is that
    /// of the upper protocol's header and data, in bytes. An IPv4 address beside one of IPv6 is taken as mapped (RFC 4291
    /// §2.5.5.2).
    #[must_use]
    pub fn pseudo(source: IpAddr, destination: IpAddr, protocol: u8, length: u16) -> Self {
        let sum = match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                Self::default().bytes(&source.octets()).bytes(&destination.octets())
            }
            (source, destination) => Self::default().bytes(&v6(source)).bytes(&v6(destination)),
        };
        sum.word(u16::from(protocol)).word(length)
    }

    /// What stands in the packet: the complement of the sum. Over a packet that carries its checksum it is 0.
    #[must_use]
    pub fn finish(self) -> u16 {
        // One carry more may have come with the last word.
        let sum = (self.0 & 0xffff).wrapping_add(self.0 >> 16);
        !u16::try_from(sum & 0xffff).unwrap_or_default()
    }
}

fn v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}
