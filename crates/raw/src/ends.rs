//! The two ends of all connections of a raw socket: what a SYN between them looks like, and what an answer to one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use nix::sys::socket::ControlMessageOwned;
use postern_wire::tcp::flags::{ACK, RST, SYN};
use postern_wire::{TCP, ipv4, ipv6, tcp};

use crate::cookie::{Cookie, NUMBERS};
use crate::{IcmpError, What, icmp_error};

/// The longest SYN: IPv6, TCP, options.
pub(crate) const LONGEST: usize = ipv6::LENGTH + tcp::SYN_LENGTH;
/// Source ports come from a block of 16, one for each number.
pub(crate) const BLOCK: u16 = NUMBERS as u16 - 1;
/// The TTL and hop limit that is recommended (IANA, "IP Parameters").
const HOPS: u8 = 64;
/// The window of a SYN, in bytes: 44 segments, as a common client offers.
const WINDOW: u16 = 64_240;

/// An address of ours and one of a peer's.
pub(crate) struct Ends {
    pub(crate) addresses: Addresses,
    /// The source port of a SYN to a port of which nothing is known.
    pub(crate) port: u16,
    pub(crate) cookie: Cookie,
}

/// Two addresses of one family.
#[derive(Clone, Copy)]
pub(crate) enum Addresses {
    V4 { local: Ipv4Addr, remote: Ipv4Addr },
    V6 { local: Ipv6Addr, remote: Ipv6Addr },
}

/// What the system says beside a packet.
#[derive(Default)]
pub(crate) struct Beside {
    /// When it came, since 1970.
    pub(crate) came: Option<Duration>,
    /// Its hop limit, where the IP header is not to be had.
    hops: u8,
    error: Option<IcmpError>,
}

impl Addresses {
    pub(crate) fn new(local: IpAddr, remote: IpAddr) -> Option<Self> {
        match (local, remote) {
            (IpAddr::V4(local), IpAddr::V4(remote)) => Some(Self::V4 { local, remote }),
            (IpAddr::V6(local), IpAddr::V6(remote)) => Some(Self::V6 { local, remote }),
            _ => None,
        }
    }

    pub(crate) fn local(self) -> IpAddr {
        match self {
            Self::V4 { local, .. } => local.into(),
            Self::V6 { local, .. } => local.into(),
        }
    }

    pub(crate) fn remote(self) -> IpAddr {
        match self {
            Self::V4 { remote, .. } => remote.into(),
            Self::V6 { remote, .. } => remote.into(),
        }
    }

    /// The length of a SYN, with its IP header, in bytes.
    pub(crate) fn length(self) -> usize {
        let header = match self {
            Self::V4 { .. } => ipv4::LENGTH,
            Self::V6 { .. } => ipv6::LENGTH,
        };
        header + tcp::SYN_LENGTH
    }

    /// Writes the IP header of a packet of so many bytes, all told.
    fn write(self, length: usize, out: &mut [u8]) -> Option<usize> {
        match self {
            Self::V4 { local, remote } => {
                let header = ipv4::Header {
                    service: 0,
                    total_length: u16::try_from(length).ok()?,
                    // Nothing tells unfragmented packets apart, nor needs to (RFC 6864 §4.1).
                    identification: 0,
                    fragment: ipv4::DONT_FRAGMENT,
                    ttl: HOPS,
                    protocol: TCP,
                    source: local,
                    destination: remote,
                };
                header.write(out)
            }
            Self::V6 { local, remote } => {
                let header = ipv6::Header {
                    flow: 0,
                    payload_length: u16::try_from(length.checked_sub(ipv6::LENGTH)?).ok()?,
                    next_header: TCP,
                    hop_limit: HOPS,
                    source: local,
                    destination: remote,
                };
                header.write(out)
            }
        }
    }
}

impl Ends {
    /// Writes a SYN like that of any client; it is [`Addresses::length`] bytes long.
    pub(crate) fn write_syn(&self, from: u16, to: u16, number: u8, out: &mut [u8]) -> Option<()> {
        let (sequence, clock) = self.cookie.sequence(from, to, number);
        let segment = match self.addresses {
            Addresses::V4 { .. } => 1460,
            Addresses::V6 { .. } => 1440,
        };
        let header = tcp::Header {
            source: from,
            destination: to,
            sequence,
            acknowledgment: 0,
            flags: SYN,
            window: WINDOW,
            urgent: 0,
            options: tcp::Options {
                maximum_segment: Some(segment),
                // Clocks begin anywhere, and elsewhere for each connection (RFC 7323 §5.4).
                timestamps: Some((clock, 0)),
                ..tcp::Options::CLIENT
            },
        };
        let behind = self.addresses.write(self.addresses.length(), out)?;
        let (local, remote) = (self.addresses.local(), self.addresses.remote());
        header.write(local, remote, out.get_mut(behind..)?).map(drop)
    }

    /// Port, number and answer, if it proves to be one to a SYN of ours.
    pub(crate) fn hear(&self, bytes: &[u8], beside: &Beside) -> Option<(u16, Option<u8>, What)> {
        match beside.error {
            Some(error) => self.hear_error(bytes, error),
            None => self.hear_segment(bytes, beside.hops),
        }
    }

    /// What was refused is quoted from its TCP header on.
    fn hear_error(&self, quoted: &[u8], error: IcmpError) -> Option<(u16, Option<u8>, What)> {
        let start = tcp::Start::read(quoted)?;
        let number = self.number(start.source, start.destination, start.sequence)?;
        Some((start.destination, Some(number), What::Unreachable(error)))
    }

    /// A raw socket of IPv4 hands on the IP header as well. Checksums are not looked at: the system leaves them open for
    /// packets that never saw a wire, and 28 bits of the acknowledgment are proof enough.
    fn hear_segment(&self, bytes: &[u8], hops: u8) -> Option<(u16, Option<u8>, What)> {
        let (ttl, segment) = match self.addresses {
            Addresses::V4 { remote, .. } => {
                let (header, segment) = ipv4::Header::read(bytes)?;
                if header.source != remote || header.protocol != TCP {
                    return None;
                }
                (header.ttl, segment)
            }
            Addresses::V6 { .. } => (hops, bytes),
        };
        let (header, _) = tcp::Header::read(segment)?;
        if !header.has(ACK) {
            return None;
        }
        let sequence = header.acknowledgment.wrapping_sub(1);
        let number = self.number(header.destination, header.source, sequence)?;
        let window = header.window;
        let (number, what) = if header.has(RST) {
            (Some(number), What::Reset { ttl })
        } else if header.has(SYN) {
            (Some(number), What::SynAck { window, ttl })
        } else {
            (None, What::ChallengeAck { window, ttl })
        };
        Some((header.source, number, what))
    }

    fn number(&self, from: u16, to: u16, sequence: u32) -> Option<u8> {
        let ours = from & !BLOCK == self.port & !BLOCK;
        ours.then(|| self.cookie.number(from, to, sequence)).flatten()
    }
}

impl Beside {
    pub(crate) fn note(&mut self, control: &ControlMessageOwned) {
        match control {
            ControlMessageOwned::ScmTimestampns(came) => self.came = Some(Duration::from(*came)),
            ControlMessageOwned::Ipv6HopLimit(hops) => {
                self.hops = u8::try_from(*hops).unwrap_or_default();
            }
            _ => self.error = self.error.or_else(|| icmp_error(control)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BY_ROUTER: IcmpError = IcmpError { kind: 3, code: 13, from: None };

    fn ends(local: &str, remote: &str) -> Ends {
        let [local, remote] = [local, remote].map(|address| address.parse().expect("an address"));
        let addresses = Addresses::new(local, remote).expect("one family");
        Ends { addresses, port: 40_003, cookie: Cookie::new([1; 16], local, remote) }
    }

    /// Both families: what stands in front of TCP, and whether a raw socket hands it on.
    fn both() -> [(Ends, usize, usize); 2] {
        [(ends("192.0.2.1", "192.0.2.9"), 20, 0), (ends("2001:db8::1", "2001:db8::9"), 40, 40)]
    }

    /// An answer to a SYN, as a raw socket hands it on.
    fn answer(ends: &Ends, ip: usize, off: usize, header: &tcp::Header) -> Vec<u8> {
        let mut packet = vec![0; ip + tcp::LENGTH];
        let (local, remote) = (ends.addresses.local(), ends.addresses.remote());
        let back = Addresses::new(remote, local).expect("one family");
        back.write(packet.len(), &mut packet).expect("room");
        let segment = packet.split_at_mut(ip).1;
        header.write(remote, local, segment).expect("room");
        packet.split_off(off)
    }

    #[test]
    fn a_syn_is_whole_and_its_answers_are_known() {
        for (ends, ip, off) in both() {
            let mut packet = [0; LONGEST];
            ends.write_syn(40_005, 443, 6, &mut packet).expect("room");
            let segment = packet.get(ip..ends.addresses.length()).expect("whole");
            assert!(tcp::intact(ends.addresses.local(), ends.addresses.remote(), segment));
            let (syn, data) = tcp::Header::read(segment).expect("a segment");
            assert_eq!((syn.source, syn.destination, syn.flags, data.len()), (40_005, 443, SYN, 0));

            let beside = Beside { hops: 63, ..Beside::default() };
            let ttl = if off == 0 { HOPS } else { 63 };
            let back = tcp::Header {
                source: 443,
                destination: 40_005,
                sequence: 1,
                acknowledgment: syn.sequence.wrapping_add(1),
                flags: SYN | ACK,
                window: 9,
                urgent: 0,
                options: tcp::Options::default(),
            };
            let cases = [
                (back, Some((Some(6), What::SynAck { window: 9, ttl }))),
                (tcp::Header { flags: RST | ACK, ..back }, Some((Some(6), What::Reset { ttl }))),
                (
                    tcp::Header { flags: ACK, ..back },
                    Some((None, What::ChallengeAck { window: 9, ttl })),
                ),
                (tcp::Header { flags: RST, ..back }, None),
                (tcp::Header { acknowledgment: syn.sequence, ..back }, None),
                (tcp::Header { acknowledgment: syn.sequence.wrapping_add(2), ..back }, None),
                (tcp::Header { source: 444, ..back }, None),
                (tcp::Header { destination: 40_004, ..back }, None),
                (tcp::Header { destination: 41_005, ..back }, None),
            ];
            for (header, expected) in cases {
                let heard = ends.hear(&answer(&ends, ip, off, &header), &beside);
                assert_eq!(heard, expected.map(|(number, what)| (443, number, what)), "{header:?}");
            }

            let beside = Beside { error: Some(BY_ROUTER), ..Beside::default() };
            let expected = Some((443, Some(6), What::Unreachable(BY_ROUTER)));
            assert_eq!(ends.hear(segment.split_at(8).0, &beside), expected);
            assert_eq!(ends.hear(segment.split_at(7).0, &beside), None, "too short to prove it");
            let mut forged = segment.to_vec();
            forged.iter_mut().skip(4).take(1).for_each(|byte| *byte ^= 1);
            assert_eq!(ends.hear(&forged, &beside), None);
        }
    }
}
