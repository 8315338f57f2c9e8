//! Any bytes as a packet: read by every reader of the wire, and written again where something writes it.

#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use libfuzzer_sys::fuzz_target;
use postern_wire::icmp::{self, Message};
use postern_wire::{ICMP, ICMPV6, TCP, ipv4, ipv6, tcp};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fuzz_target!(|input: &[u8]| {
    if let Some((header, payload)) = ipv4::Header::read(input) {
        let mut out = [0; ipv4::LENGTH];
        assert_eq!(header.write(&mut out), Some(ipv4::LENGTH));
        assert!(ipv4::intact(&out));
        // Options are not written: whatever was read, it is no longer than it was.
        if usize::from(header.total_length) >= ipv4::LENGTH {
            assert_eq!(ipv4::Header::read(&out).map(|(again, _)| again), Some(header));
        }
        upper(header.protocol, payload);
    }
    if let Some((header, found)) = ipv6::Header::read(input) {
        let mut out = [0; ipv6::LENGTH];
        assert_eq!(header.write(&mut out), Some(ipv6::LENGTH));
        assert!(found.payload.len() <= usize::from(header.payload_length));
        upper(found.protocol, found.payload);
    }
    for protocol in [TCP, ICMP, ICMPV6] {
        upper(protocol, input);
    }
});

/// What an IP header leads to.
fn upper(protocol: u8, payload: &[u8]) {
    let message = match protocol {
        TCP => return segment(payload),
        ICMP => icmp::read_v4(payload),
        ICMPV6 => icmp::read_v6(payload),
        _ => return,
    };
    if let Some(Message::EchoRequest(echo)) = message {
        let mut out = vec![0; payload.len()];
        assert_eq!(echo.write_v4(&mut out), Some(payload.len()));
        assert_eq!(icmp::read_v4(&out), Some(Message::EchoRequest(echo)));
    }
}

fn segment(payload: &[u8]) {
    let _ = tcp::intact(HERE, HERE, payload);
    let Some((header, data)) = tcp::Header::read(payload) else { return };
    assert!(data.len() + tcp::LENGTH <= payload.len());
    let mut out = [0; 60];
    let length = header.write(HERE, HERE, &mut out).expect("all options together have room");
    let (out, _) = out.split_at(length);
    assert_eq!(tcp::Header::read(out), Some((header, [].as_slice())));
    assert!(tcp::intact(HERE, HERE, out));
}
