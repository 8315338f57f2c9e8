//! A whole scan under packet capture, in network namespaces of its own: not one packet leaves the permit, and no second,
//! wherever it begins, holds more of them than was promised, the kernel's repeated SYNs included.
//!
//! Needs root, `ip`, `nft` and `tcpdump`. The vendor's names lead partly out of scope, its web server redirects there,
//! one host is excluded, one keeps silent, one port answers once and never again.

#![expect(
    clippy::disallowed_methods,
    reason = "the lab's vendor has sockets and a clock of its own"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a skipped test says so, and figures are shown"
)]

#[path = "scope_capture/lab.rs"]
mod lab;
#[path = "scope_capture/pcap.rs"]
mod pcap;
#[path = "scope_capture/scan.rs"]
mod scan;
#[path = "scope_capture/vendor.rs"]
mod vendor;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use lab::Lab;
use pcap::{Packet, What};
use postern::model::net::Transport;
use postern::model::record::Row;
use postern::model::saw::{Answered, Cut, HttpSaw, NamesSaw, PortState};

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Runs inside the vendor's namespace, started by the test below.
#[test]
#[ignore = "a part of the test below, started by it"]
fn vendor_inside() {
    vendor::serve();
}

/// Runs inside the scanner's namespace, started by the test below.
#[test]
#[ignore = "a part of the test below, started by it"]
fn scan_inside() {
    scan::run();
}

#[test]
fn nothing_leaves_the_permit_and_the_pace_holds() {
    let Some(lab) = Lab::build() else { return };
    let vendor = lab.start("vendor", "vendor_inside");
    let capture = lab.capture();
    let seconds = lab.run_to_its_end("scanner", "scan_inside", "3600");
    capture.end();
    drop(vendor);
    let packets = pcap::read(&lab.folder().join("wire.pcap"), &lab::OURS);
    let book = scan::read(lab.folder());

    stays_in_scope(&packets);
    keeps_the_pace(&packets);
    is_all_in_the_audit_log(&packets, &book);
    says_what_was_there(&book);
    let syns = packets.iter().filter(|packet| packet.what == What::Syn).count();
    println!("{} packets of ours, {syns} SYNs, {seconds:.1} s, {} rows", packets.len(), book.len());
}

#[test]
fn when_the_window_closes_the_wire_falls_silent() {
    let Some(lab) = Lab::build() else { return };
    let vendor = lab.start("vendor", "vendor_inside");
    let capture = lab.capture();
    lab.run_to_its_end("scanner", "scan_inside", "3");
    capture.end();
    drop(vendor);
    let packets = pcap::read(&lab.folder().join("wire.pcap"), &lab::OURS);
    let book = scan::read(lab.folder());
    let Some(Row::Closed { complete: false, why: Some(why), .. }) = book.last() else {
        panic!("it is incomplete: {:?}", book.last());
    };
    assert!(why.starts_with("the window closed"), "{why}");
    let Some(Row::Opened(opened)) = book.first() else { panic!("a head") };
    let end = opened.at.plus(Duration::from_secs(3)).unix_millis();
    let last = packets.iter().map(|packet| packet.at).max().expect("packets");
    let late = i64::try_from(last.as_millis()).expect("a time") - end;
    assert!((-1500..1000).contains(&late), "the last packet came {late} ms after the end");
    stays_in_scope(&packets);
}

fn stays_in_scope(packets: &[Packet]) {
    let hosts: BTreeSet<IpAddr> = ["192.0.2.10", "192.0.2.20", "2001:db8::10"].map(address).into();
    let resolver = address("192.0.2.53");
    assert!(packets.len() > 50, "the capture saw something: {}", packets.len());
    for packet in packets {
        let within = match packet.what {
            What::Syn | What::Tcp => {
                let asked = scan::PORTS.contains(&packet.port) && hosts.contains(&packet.to);
                asked || packet.to == resolver && packet.port == 53
            }
            What::Udp => packet.to == resolver && packet.port == 53,
            // The kernel's answers to late packets of those whom we asked.
            What::Icmp => hosts.contains(&packet.to) || packet.to == resolver,
            What::Other(_) => false,
        };
        assert!(within, "outside the permit: {packet:?}");
    }
}

fn keeps_the_pace(packets: &[Packet]) {
    let counted = |of: &dyn Fn(&Packet) -> bool| {
        let counted = packets.iter().filter(|packet| matches!(packet.what, What::Syn | What::Udp));
        let times: Vec<Duration> = counted.filter(|packet| of(packet)).map(|p| p.at).collect();
        let from = |(at, start): (usize, &Duration)| {
            let end = *start + Duration::from_secs(1);
            times.iter().skip(at).take_while(|time| **time < end).count()
        };
        times.iter().enumerate().map(from).max().unwrap_or(0)
    };
    let all = counted(&|_| true);
    assert!(all <= scan::LIMITS.per_second as usize, "{all} packets in one second");
    for host in [vec!["192.0.2.10", "2001:db8::10"], vec!["192.0.2.20"], vec!["192.0.2.53"]] {
        let host: Vec<IpAddr> = host.into_iter().map(address).collect();
        let most = counted(&|packet| host.contains(&packet.to));
        assert!(
            most <= scan::LIMITS.per_host_per_second as usize,
            "{most} to {host:?} in one second"
        );
    }
    let repeated =
        packets.iter().filter(|packet| packet.what == What::Syn && packet.repeated).count();
    assert!(repeated >= 2, "the kernel repeated some SYNs, or the test shows nothing: {repeated}");
}

fn is_all_in_the_audit_log(packets: &[Packet], book: &[Row]) {
    let dials = |over| {
        let of = move |row: &Row| match row {
            Row::Dial(dial) if dial.transport == over => Some((dial.address, dial.port)),
            _ => None,
        };
        let mut all: Vec<_> = book.iter().filter_map(of).collect();
        all.sort_unstable();
        all
    };
    let sent = |what| {
        let of = |packet: &&Packet| packet.what == what && !packet.repeated;
        let mut all: Vec<_> = packets.iter().filter(of).map(|p| (p.to, p.port)).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(sent(What::Udp), dials(Transport::Udp), "each datagram has its row");
    assert_eq!(sent(What::Syn), dials(Transport::Tcp), "each connection has its row");
}

fn says_what_was_there(book: &[Row]) {
    assert!(matches!(book.last(), Some(Row::Closed { complete: true, .. })), "{:?}", book.last());
    let names = |name: &str| scan::saw::<NamesSaw>(book, |s| s.name.as_deref() == Some(name));
    let web = names("web.example").expect("asked");
    let refused: BTreeSet<IpAddr> = web.refused.iter().map(|(address, _)| *address).collect();
    let out = ["192.0.2.30", "198.51.100.7", "127.0.0.1", "169.254.169.254", "2001:db8:bad::1"];
    assert_eq!(refused, out.map(address).into());
    assert_eq!(names("www.example").expect("asked").aliases, ["web.example".into()]);
    let many = names("big.example").expect("asked");
    assert!(matches!(many.v4, Answered::Yes(ref all) if all.len() == 40), "over TCP: {many:?}");
    let none = |name: &str| names(name).expect("asked").v4;
    assert_eq!(none("gone.example"), Answered::No("NXDOMAIN".into()));
    assert_eq!(none("broken.example"), Answered::No("SERVFAIL".into()));
    assert_eq!(none("mute.example"), Answered::No("timed out".into()));
    assert_eq!(none("v6only.example"), Answered::Yes(Vec::new()));

    let state = |at: &str, port| scan::state(book, address(at), port);
    let icmp = |at: &str, kind, code| {
        (PortState::Filtered, Some(Cut::Unreachable { kind, code, from: Some(address(at)) }))
    };
    assert_eq!(state("192.0.2.10", 80), (PortState::Open, None));
    assert_eq!(state("192.0.2.10", 81), (PortState::Closed, Some(Cut::Refused)));
    assert_eq!(state("192.0.2.10", 9998), icmp("192.0.2.10", 3, 3), "not a reset");
    assert_eq!(state("192.0.2.10", 9999), icmp("192.0.2.10", 3, 13));
    assert_eq!(state("2001:db8::10", 80), (PortState::Open, None));
    assert_eq!(state("2001:db8::10", 81), (PortState::Closed, Some(Cut::Refused)));
    assert_eq!(state("2001:db8::10", 9998), icmp("2001:db8::10", 1, 4), "not a reset");
    assert_eq!(state("2001:db8::10", 9999), icmp("2001:db8::10", 1, 1));
    assert_eq!(state("192.0.2.20", 81), (PortState::Filtered, Some(Cut::TimedOut)));
    assert_eq!(state("192.0.2.20", 8080), (PortState::Open, None));

    for (port, reason) in [(8081, "192.0.2.30"), (8082, "198.51.100.7"), (8083, "evil.example")] {
        let web: HttpSaw = scan::saw(book, |spot| {
            spot.address == Some(address("192.0.2.10"))
                && spot.service == Some((Transport::Tcp, port))
        })
        .expect("asked");
        let (_, why) = web.not_followed.expect("a reason");
        assert!(why.contains(reason), "{why}");
    }
}
