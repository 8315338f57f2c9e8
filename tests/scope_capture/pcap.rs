//! Reads a capture (the pcap format of libpcap, Ethernet) as far as the test needs it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// What kind of packet it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The first of a connection, or a repetition of it.
    Syn,
    /// Any other of TCP.
    Tcp,
    /// A datagram.
    Udp,
    /// An ICMP echo request.
    Echo,
    /// An ICMP error or the answer to an echo request; what neighbours say to each other to find their way is left out.
    Icmp,
    /// Anything else, by its protocol number.
    Other(u8),
}

/// A packet that we sent.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) at: Duration,
    pub(crate) to: IpAddr,
    pub(crate) port: u16,
    pub(crate) what: What,
    /// Whether it is a SYN that was sent before.
    pub(crate) repeated: bool,
}

/// Every packet in the file that came from one of those addresses, in the order of time.
pub(crate) fn read(file: &Path, ours: &[&str]) -> Vec<Packet> {
    let bytes = std::fs::read(file).expect("a capture");
    let ours: Vec<IpAddr> = ours.iter().map(|ours| ours.parse().expect("an address")).collect();
    assert_eq!(bytes[..4], 0xa1b2_c3d4_u32.to_le_bytes(), "microseconds, little-endian");
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
    let (mut at, mut packets, mut begun) = (24, Vec::new(), BTreeMap::new());
    while at + 16 <= bytes.len() {
        let time = Duration::new(word(at).into(), word(at + 4) * 1000);
        let length = word(at + 8) as usize;
        let frame = &bytes[at + 16..at + 16 + length];
        at += 16 + length;
        let Some((from, to, protocol, inner)) = ip(frame) else { continue };
        if !ours.contains(&from) {
            continue;
        }
        let port = |at: usize| u16::from_be_bytes([inner[at], inner[at + 1]]);
        let what = match protocol {
            6 if inner[13] & 0x12 == 0x02 => What::Syn,
            6 => What::Tcp,
            17 => What::Udp,
            // Multicast listeners, router and neighbour discovery (RFC 4861, RFC 3810).
            58 if (130..=143).contains(&inner[0]) => continue,
            1 if inner[0] == 8 => What::Echo,
            58 if inner[0] == 128 => What::Echo,
            1 | 58 => What::Icmp,
            other => What::Other(other),
        };
        let to_port = if matches!(protocol, 6 | 17) { port(2) } else { 0 };
        // Each that the kernel repeats has a new timestamp (RFC 7323). Those that we number ourselves have it from the number,
        // and numbers come again.
        let again = what == What::Syn
            && begun
                .insert((to, to_port, port(0), inner[4..8].to_vec()), inner.to_vec())
                .is_some_and(|before| before != inner);
        packets.push(Packet { at: time, to, port: to_port, what, repeated: again });
    }
    packets.sort_by_key(|packet| packet.at);
    packets
}

/// Source, destination, protocol and payload of an IP packet in an Ethernet frame.
fn ip(frame: &[u8]) -> Option<(IpAddr, IpAddr, u8, &[u8])> {
    match frame.get(12..14)? {
        [8, 0] => {
            let ip = frame.get(14..)?;
            let address = |at: usize| <[u8; 4]>::try_from(&ip[at..at + 4]).expect("four").into();
            Some((address(12), address(16), ip[9], &ip[usize::from(ip[0] & 15) * 4..]))
        }
        [0x86, 0xdd] => {
            let ip = frame.get(14..)?;
            let address = |at: usize| <[u8; 16]>::try_from(&ip[at..at + 16]).expect("16").into();
            // A hop-by-hop header (multicast listeners) is stepped over.
            match ip[6] {
                0 => {
                    Some((address(8), address(24), ip[40], &ip[40 + 8 + usize::from(ip[41]) * 8..]))
                }
                next => Some((address(8), address(24), next, &ip[40..])),
            }
        }
        _ => None,
    }
}
