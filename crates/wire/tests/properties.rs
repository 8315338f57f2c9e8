//! Whatever is written is read back, and whatever bytes come, no reader panics.

#![expect(clippy::arithmetic_side_effects, reason = "a test may stop with a panic")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use postern_wire::checksum::Checksum;
use postern_wire::icmp::{self, Echo, Message};
use postern_wire::tcp::{self, Options};
use postern_wire::{ipv4, ipv6};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn tcp_header() -> impl Strategy<Value = tcp::Header> {
    let options = (
        option::of(any::<u16>()),
        any::<bool>(),
        option::of(any::<(u32, u32)>()),
        option::of(any::<u8>()),
    );
    let numbers = any::<(u16, u16, u32, u32, u8, u16, u16)>();
    (numbers, options).prop_map(|(numbers, options)| {
        let (source, destination, sequence, acknowledgment, flags, window, urgent) = numbers;
        let (maximum_segment, sack_permitted, timestamps, window_scale) = options;
        let options = Options { maximum_segment, sack_permitted, timestamps, window_scale };
        tcp::Header {
            source,
            destination,
            sequence,
            acknowledgment,
            flags,
            window,
            urgent,
            options,
        }
    })
}

fn addresses() -> impl Strategy<Value = (IpAddr, IpAddr)> {
    prop_oneof![
        any::<(Ipv4Addr, Ipv4Addr)>().prop_map(|(a, b)| (a.into(), b.into())),
        any::<(Ipv6Addr, Ipv6Addr)>().prop_map(|(a, b)| (a.into(), b.into())),
    ]
}

/// The sum as RFC 1071 §1 puts it: of all words, with the carries added at the end.
fn slowly(bytes: &[u8]) -> u16 {
    let word = |pair: &[u8]| match pair {
        [high, low] => u64::from(*high) * 256 + u64::from(*low),
        [high] => u64::from(*high) * 256,
        _ => 0,
    };
    let mut sum: u64 = bytes.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("folded")
}

proptest! {
    #[test]
    fn the_checksum_is_that_of_the_rfc(bytes in vec(any::<u8>(), 0..3000)) {
        prop_assert_eq!(Checksum::default().bytes(&bytes).finish(), slowly(&bytes));
    }

    #[test]
    fn tcp_is_read_as_written(header in tcp_header(), (from, to) in addresses()) {
        let mut out = [0xee; 60];
        let length = header.write(from, to, &mut out).expect("room");
        let (segment, _) = out.split_at(length);
        prop_assert_eq!(tcp::Header::read(segment), Some((header, [].as_slice())));
        prop_assert!(tcp::intact(from, to, segment));
        let start = tcp::Start::read(segment).expect("long enough");
        let own = (header.source, header.destination, header.sequence);
        prop_assert_eq!((start.source, start.destination, start.sequence), own);
        let mut small = vec![0; length - 1];
        prop_assert_eq!(header.write(from, to, &mut small), None);
    }

    #[test]
    fn ipv4_is_read_as_written(
        (service, total_length, identification, fragment) in (any::<u8>(), 20_u16.., any::<u16>(), any::<u16>()),
        (ttl, protocol, source, destination) in any::<(u8, u8, Ipv4Addr, Ipv4Addr)>(),
        data in vec(any::<u8>(), 0..40),
    ) {
        let header = ipv4::Header {
            service, total_length, identification, fragment, ttl, protocol, source, destination,
        };
        let mut packet = vec![0xee; 20];
        prop_assert_eq!(header.write(&mut packet), Some(20));
        packet.extend(&data);
        prop_assert!(ipv4::intact(&packet));
        let there = data.len().min(usize::from(total_length) - 20);
        prop_assert_eq!(ipv4::Header::read(&packet), Some((header, data.split_at(there).0)));
    }

    #[test]
    fn ipv6_is_read_as_written(
        (flow, payload_length, next_header) in (0_u32..1 << 28, any::<u16>(), 61_u8..=133),
        (hop_limit, source, destination) in any::<(u8, Ipv6Addr, Ipv6Addr)>(),
        data in vec(any::<u8>(), 0..40),
    ) {
        let header =
            ipv6::Header { flow, payload_length, next_header, hop_limit, source, destination };
        let mut packet = vec![0xee; 40];
        prop_assert_eq!(header.write(&mut packet), Some(40));
        packet.extend(&data);
        let there = data.len().min(usize::from(payload_length));
        let (read, upper) = ipv6::Header::read(&packet).expect("a packet");
        prop_assert_eq!((read, upper.protocol), (header, next_header));
        prop_assert_eq!(upper.payload, data.split_at(there).0);
    }

    #[test]
    fn echo_is_read_as_written(
        (identifier, sequence) in any::<(u16, u16)>(),
        (from, to) in any::<(Ipv6Addr, Ipv6Addr)>(),
        data in vec(any::<u8>(), 0..40),
    ) {
        let echo = Echo { identifier, sequence, data: &data };
        let mut message = vec![0xee; 8 + data.len()];
        prop_assert_eq!(echo.write_v4(&mut message), Some(message.len()));
        prop_assert_eq!(icmp::read_v4(&message), Some(Message::EchoRequest(echo)));
        prop_assert_eq!(slowly(&message), 0);
        prop_assert_eq!(echo.write_v6(from, to, &mut message), Some(message.len()));
        prop_assert_eq!(icmp::read_v6(&message), Some(Message::EchoRequest(echo)));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(first in any::<u8>(), rest in vec(any::<u8>(), 0..200)) {
        // As they come, and with the version of each family in front, so that readers get further.
        for first in [first, 0x40 | first & 0x0f, 0x60, 3, 1] {
            let bytes = [&[first], rest.as_slice()].concat();
            let _ = (ipv4::Header::read(&bytes), ipv4::intact(&bytes), ipv6::Header::read(&bytes));
            let _ = (tcp::Header::read(&bytes), tcp::Start::read(&bytes));
            let _ = (icmp::read_v4(&bytes), icmp::read_v6(&bytes));
            let quoted = [[3, 13, 0, 0, 0, 0, 0, 0].as_slice(), &bytes].concat();
            let _ = (icmp::read_v4(&quoted), icmp::read_v6(&quoted));
        }
    }
}
