//! Packets written by hand from the RFCs' pictures, with sums done by hand, between documentation addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use postern_wire::icmp::{self, Echo, Error, Message};
use postern_wire::tcp::{self, Options, Start, flags};
use postern_wire::{TCP, UDP, ipv4, ipv6};

const A4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const B4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
const A6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const B6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

/// RFC 791 §3.1: 60 bytes in all, "don't fragment", 64 hops, TCP. The words without the checksum sum up to b17f.
const IPV4: &str = "45 00 003c 0000 4000 40 06 4e80 c0000201 c6336407";
/// RFC 8200 §3: 40 bytes of TCP, 64 hops.
const IPV6: &str =
    "60000000 0028 06 40 20010db8000000000000000000000001 20010db8000000000000000000000002";
/// RFC 9293 §3.1: a SYN from port 40,000 to 443. With the pseudo-header (ec56) the words sum up to d94b.
const SYN: &str = "9c40 01bb 01020304 00000000 50 02 faf0 26b4 0000";
/// The options of a common client: 1460 bytes, SACK, a clock, a shift of 7.
const OPTIONS: &str = "020405b4 0402 080a 0a0b0c0d 00000000 01 030307";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.split_whitespace().collect::<String>().chars().collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16);
    digits.chunks(2).map(|pair| byte(pair).expect("two digits")).collect()
}

fn written(room: usize, write: impl FnOnce(&mut [u8]) -> Option<usize>) -> Vec<u8> {
    let mut out = vec![0xee; room];
    let length = write(&mut out).expect("room");
    out.truncate(length);
    out
}

#[test]
fn ipv4() {
    let header = ipv4::Header {
        service: 0,
        total_length: 60,
        identification: 0,
        fragment: ipv4::DONT_FRAGMENT,
        ttl: 64,
        protocol: TCP,
        source: A4,
        destination: B4,
    };
    assert_eq!(written(99, |out| header.write(out)), hex(IPV4));
    let cut = hex(&format!("{IPV4} 0102"));
    assert_eq!(ipv4::Header::read(&cut), Some((header, [1, 2].as_slice())));
    assert!(ipv4::intact(&cut));
    // An option (RFC 791 §3.1, no operation and end) is passed over, and padding behind the total length is not data.
    let options = hex("46 00 001a 0000 0000 01 11 0000 c0000201 c6336407 01000000 abcd ffff");
    let (header, data) = ipv4::Header::read(&options).expect("a packet");
    assert_eq!((header.protocol, header.ttl, data), (UDP, 1, [0xab, 0xcd].as_slice()));
    for wrong in ["", "45", "65 00 003c 0000 4000 40 06 4e80 c0000201 c6336407"] {
        assert_eq!(ipv4::Header::read(&hex(wrong)), None, "{wrong}");
    }
    // A header shorter than one, one longer than the packet, a total length shorter than the header.
    for first in ["44 00 003c", "4f 00 003c", "45 00 0013"] {
        let wrong = hex(&format!("{first} 0000 4000 40 06 4e80 c0000201 c6336407"));
        assert_eq!(ipv4::Header::read(&wrong), None, "{first}");
    }
}

#[test]
fn ipv6() {
    let header = ipv6::Header {
        flow: 0,
        payload_length: 40,
        next_header: TCP,
        hop_limit: 64,
        source: A6,
        destination: B6,
    };
    assert_eq!(written(99, |out| header.write(out)), hex(IPV6));
    let packet = hex(&format!("{IPV6} 0102"));
    let (read, upper) = ipv6::Header::read(&packet).expect("a packet");
    assert_eq!((read, upper.protocol, upper.payload), (header, TCP, [1, 2].as_slice()));
}

#[test]
fn extension_headers_are_passed_over() {
    let read = |next: &str, rest: &str| {
        let packet = hex(&format!("{} {next} {} {rest}", &IPV6[..13], &IPV6[17..]));
        ipv6::Header::read(&packet).map(|(_, upper)| (upper.protocol, upper.payload.to_vec()))
    };
    let tcp = Some((TCP, vec![0xaa, 0xbb]));
    // Hop-by-hop options of 8 bytes, then a routing header of 16.
    let chain = "2b00 010400000000 0601 000000000000 0000000000000000 aabb";
    assert_eq!(read("00", chain), tcp);
    // Destination options, then the first fragment, then an authentication header of 12 bytes.
    let chain = "2c00 010400000000 3300 0001 00000000 0601 0000 00000000 00000000 aabb";
    assert_eq!(read("3c", chain), tcp);
    // A later fragment begins in the middle.
    assert_eq!(read("2c", "0600 0009 00000000 aabb"), None);
    // ESP cannot be passed over.
    assert_eq!(read("32", "0102"), Some((50, vec![1, 2])));
    // One that promises more than there is, and one that is not there.
    assert_eq!(read("00", "0605 010400000000"), None);
    assert_eq!(read("3c", ""), None);
}

#[test]
fn tcp_syn() {
    let plain = tcp::Header {
        source: 40_000,
        destination: 443,
        sequence: 0x0102_0304,
        acknowledgment: 0,
        flags: flags::SYN,
        window: 64_240,
        urgent: 0,
        options: Options::default(),
    };
    let (from, to) = (IpAddr::V4(A4), IpAddr::V4(B4));
    assert_eq!(written(99, |out| plain.write(from, to, out)), hex(SYN));
    assert_eq!(tcp::Header::read(&hex(SYN)), Some((plain, [].as_slice())));
    assert!(tcp::intact(from, to, &hex(SYN)) && !tcp::intact(from, from, &hex(SYN)));

    let options = Options { timestamps: Some((0x0a0b_0c0d, 0)), ..Options::CLIENT };
    let offering = tcp::Header { options, ..plain };
    let segment = written(99, |out| offering.write(from, to, out));
    assert_eq!(segment.split_at(20).1, hex(OPTIONS));
    assert_eq!(segment.len(), tcp::SYN_LENGTH);
    assert_eq!(tcp::Header::read(&segment), Some((offering, [].as_slice())));
    assert_eq!(offering.write(from, to, &mut [0; 39]), None, "no room");
}

#[test]
fn options_that_make_no_sense_end_the_list() {
    let read = |options: &str| {
        let options = hex(options);
        let offset = 0x50 + 4 * options.len();
        let segment = hex(&format!("9c40 01bb 01020304 00000000 {offset:02x} 12 0001 0000 0000"));
        let segment = [segment, options].concat();
        tcp::Header::read(&segment).expect("a segment").0.options
    };
    let sack = Options { sack_permitted: true, ..Options::default() };
    assert_eq!(read("04020101"), sack);
    assert_eq!(read("fe040101 04020000"), sack, "an unknown one is passed over");
    assert_eq!(read("04020001 04020303"), sack, "the end is the end");
    for nonsense in ["02000102", "02010102", "02ff0102", "01010102", "02030504", "03040102"] {
        assert_eq!(read(nonsense), Options::default(), "{nonsense}");
    }
    // A header said to be shorter than one, and one longer than the segment.
    for offset in ["40", "f0"] {
        let segment = hex(&format!("9c40 01bb 01020304 00000000 {offset} 12 0001 0000 0000"));
        assert_eq!(tcp::Header::read(&segment), None);
    }
}

#[test]
fn icmp_errors_tell_what_they_quote() {
    // RFC 792 and RFC 1812 §5.2.7.1: communication administratively prohibited, with the header and 8 bytes of the SYN.
    let message = hex(&format!("03 0d 0000 00000000 {IPV4} {}", &SYN[..18]));
    let start = Start { source: 40_000, destination: 443, sequence: 0x0102_0304 };
    let error = Error {
        kind: 3,
        code: 13,
        rest: 0,
        source: A4.into(),
        destination: B4.into(),
        protocol: TCP,
        start,
    };
    assert_eq!(icmp::read_v4(&message), Some(Message::Error(error)));
    assert_eq!(icmp::read_v4(message.split_at(message.len() - 1).0), None, "less than 8 bytes");
    // RFC 4443 §3.1, with a hop-by-hop header in front of what was refused; §3.2 has the MTU.
    let quoted = IPV6.replacen("06 40", "00 40", 1);
    let message = hex(&format!("02 00 0000 00000500 {quoted} 0600 010400000000 {}", &SYN[..18]));
    let (source, destination) = (A6.into(), B6.into());
    let error = Error { kind: 2, code: 0, rest: 1280, source, destination, ..error };
    assert_eq!(icmp::read_v6(&message), Some(Message::Error(error)));
}

#[test]
fn icmp_echo() {
    let echo = Echo { identifier: 1, sequence: 2, data: b"a" };
    // 0800 + 0001 + 0002 + 6100 = 6903.
    let request = written(99, |out| echo.write_v4(out));
    assert_eq!(request, hex("08 00 96fc 0001 0002 61"));
    assert_eq!(icmp::read_v4(&request), Some(Message::EchoRequest(echo)));
    assert_eq!(icmp::read_v4(&hex("00 00 0000 0001 0002 61")), Some(Message::EchoReply(echo)));
    // The pseudo-header sums up to 5bb7, the message to 8003.
    let echo = Echo { data: b"", ..echo };
    let request = written(99, |out| echo.write_v6(A6, B6, out));
    assert_eq!(request, hex("80 00 2445 0001 0002"));
    assert_eq!(icmp::read_v6(&request), Some(Message::EchoRequest(echo)));
    assert_eq!(icmp::read_v6(&hex("81 00 0000 0001 0002")), Some(Message::EchoReply(echo)));
    let advertisement = hex("88 00 0000 00000000");
    assert_eq!(icmp::read_v6(&advertisement), Some(Message::Other { kind: 136, code: 0 }));
    assert_eq!(echo.write_v4(&mut [0; 7]), None, "no room");
}
