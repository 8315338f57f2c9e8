//! `postern scan` under packet capture, in network namespaces of its own: not one packet leaves the permit, on the cable
//! or on loopback, and no second, wherever it begins, holds more of them than was promised, the kernel's repeated SYNs
//! included.
//!
//! Needs root, `ip`, `nft` and `tcpdump`. The vendor's names lead partly out of scope, its web server redirects there,
//! one host is excluded, one keeps silent, one port answers once and never again, two hosts are at one address, and a
//! resolver is there too.

#![expect(
    clippy::disallowed_methods,
    reason = "the lab's vendor has sockets and a clock of its own"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a skipped test says so, and figures are shown"
)]

#[path = "resume/killing.rs"]
mod killing;
#[path = "scope_capture/lab.rs"]
mod lab;
#[path = "scope_capture/pcap.rs"]
mod pcap;
#[path = "scope_capture/scan.rs"]
mod scan;
#[path = "scope_capture/vendor.rs"]
mod vendor;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use killing::killed_at;
use lab::Lab;
use pcap::{Packet, What};
use postern::model::net::{Transport, parse_port_ranges};
use postern::model::plan::{Limits, Over, Step};
use postern::model::record::{Dial, Dials, Row};
use postern::model::saw::{Answered, Cut, HttpSaw, NamesSaw, PortState, PortsSaw, Sign};
use scan::Given;

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Runs inside the vendor's namespace, started by the tests below.
#[test]
#[ignore = "a part of the tests below, started by them"]
fn vendor_inside() {
    vendor::serve();
}

/// Runs inside the scanner's namespace, started by the tests below.
#[test]
#[ignore = "a part of the tests below, started by them"]
fn knock_inside() {
    lab::knock();
}

#[test]
fn nothing_leaves_the_permit_and_the_pace_holds() {
    let Some(lab) = Lab::build() else { return };
    Given::default().write(lab.folder());
    let vendor = lab.start_vendor();
    let capture = lab.capture();
    let begun = Instant::now();
    let ended = lab.scan().wait().expect("it runs");
    let seconds = begun.elapsed().as_secs_f64();
    let packets = capture.end();
    drop(vendor);
    assert!(matches!(ended.code(), Some(0 | 1 | 4)), "a review was written: {ended}");
    let book = scan::read(lab.folder());

    stays_in_scope(&packets, &book);
    let most = keeps_the_pace(&packets, scan::LIMITS);
    is_all_in_the_audit_log(&packets, &book);
    says_what_was_there(&book);
    goes_into_the_book_soon(&book);
    let (repeated, syns) = syns(&packets);
    assert!(repeated >= 2, "the kernel repeated some SYNs, or the test shows nothing: {repeated}");
    println!(
        "{} packets of ours, {syns} SYNs, {repeated} of them repeated, {most} at most in one second to the twins' address, \
         {seconds:.1} s, {} rows",
        packets.len(),
        book.len()
    );
}

#[test]
fn when_the_window_closes_the_wire_falls_silent() {
    let Some(lab) = Lab::build() else { return };
    let vendor = lab.start_vendor();
    let capture = lab.capture();
    let given = Given { window: Duration::from_secs(12), ..Given::default() };
    let end = given.write(lab.folder()).unix_millis();
    let ended = lab.scan().wait().expect("it runs");
    let packets = capture.end();
    drop(vendor);
    assert!(matches!(ended.code(), Some(1 | 4)), "{ended}");
    let book = scan::read(lab.folder());
    let Some(Row::Closed { complete: false, why: Some(why), .. }) = book.last() else {
        panic!("it is incomplete: {:?}", book.last());
    };
    assert!(why.starts_with("the window closed"), "{why}");
    let last = packets.iter().map(|packet| packet.at).max().expect("packets");
    let late = i64::try_from(last.as_millis()).expect("a time") - end;
    assert!((-2000..1000).contains(&late), "the last packet came {late} ms after the end");
    stays_in_scope(&packets, &book);
}

#[test]
fn a_target_that_nobody_gave_leave_for_stops_everything_before_a_packet() {
    let Some(lab) = Lab::build() else { return };
    let inventory =
        format!("{}  - {{id: elsewhere, addresses: [198.51.100.7]}}\n", scan::INVENTORY);
    Given { inventory: &inventory, ..Given::default() }.write(lab.folder());
    let capture = lab.capture();
    let ended = lab.scan().wait().expect("it runs");
    let packets = capture.end();
    assert_eq!(ended.code(), Some(3));
    assert!(packets.is_empty(), "{packets:?}");
}

#[test]
fn killed_and_resumed_it_keeps_the_pace() {
    let Some(lab) = Lab::build() else { return };
    let inventory = "\
schema: postern/inventory/v1
operator: {id: dhc, name: {en: A centre}}
hosts:
  - {id: silent, addresses: [192.0.2.20]}
  - {id: twin-a, addresses: [192.0.2.40]}
  - {id: twin-b, addresses: [192.0.2.40, 192.0.2.41]}
";
    Given { inventory, ..Given::default() }.write(lab.folder());
    let vendor = lab.start_vendor();
    let capture = lab.capture();
    let mut child = lab.scan();
    let mut kills = 0;
    for rows in [12, 30, 50, 75, 100] {
        if !killed_at(&mut child, &lab.folder().join(scan::BOOK), rows) {
            break;
        }
        kills += 1;
        child = lab.resume();
    }
    child.wait().expect("it runs");
    let packets = capture.end();
    drop(vendor);
    assert!(kills >= 3, "it was hardly killed: {kills}");
    keeps_the_pace(&packets, scan::LIMITS);
    let book = scan::read(lab.folder());
    assert!(matches!(book.last(), Some(Row::Closed { complete: true, .. })), "{:?}", book.last());
    // However quickly the program starts, it lets the killed one's last second go by.
    let mut resumed = None;
    for row in book.iter().skip(2) {
        match row {
            Row::Began { at, .. } => resumed = Some(at.unix_millis()),
            Row::Dial(Dial { at, .. }) | Row::Dials(Dials { at, .. }) => {
                let still = resumed.take().map(|began| at.unix_millis() - began);
                assert!(
                    still.is_none_or(|still| still >= 1000),
                    "only {still:?} ms after it began"
                );
            }
            _ => {}
        }
    }
}

/// Of nine addresses one is listed, and five hosts nobody listed: one answers at its ports, two answer only echo requests,
/// and two nothing at all, but they are neighbours on the link. At the other three there is nobody.
#[test]
fn hosts_that_nobody_listed_are_found() {
    let Some(lab) = Lab::build() else { return };
    let inventory = "\
schema: postern/inventory/v1
operator: {id: dhc, name: {en: A centre}}
search: [192.0.2.40/29, \"2001:db8::42/127\", 2001:db8::44/128]
hosts:
  - {id: twin, addresses: [192.0.2.40]}
";
    Given { inventory, ..Given::default() }.write(lab.folder());
    assert_eq!(lab.scan().wait().expect("it runs").code(), Some(3), "leave for networks is none");
    let search = Some("192.0.2.40/29, \"2001:db8::40/125\"");
    Given { inventory, search, ..Given::default() }.write(lab.folder());
    let vendor = lab.start_vendor();
    let capture = lab.capture();
    let ended = lab.scan().wait().expect("it runs");
    let packets = capture.end();
    drop(vendor);
    assert_eq!(ended.code(), Some(1), "a host that nobody listed is a finding");
    let last = |packet: &&Packet| match packet.to {
        IpAddr::V4(four) if four.octets().starts_with(&[192, 0, 2]) => four.octets()[3],
        IpAddr::V6(six) if six.segments()[..7] == [0x2001, 0xdb8, 0, 0, 0, 0, 0] => {
            u8::try_from(six.segments()[7]).unwrap_or(0)
        }
        _ => 0,
    };
    let searched = |packet: &&Packet| {
        let (last, four) = (last(packet), packet.to.is_ipv4());
        (four && (40..47).contains(&last)) || (!four && (0x42..0x45).contains(&last))
    };
    let stray = packets.iter().find(|packet| !searched(packet));
    assert!(stray.is_none(), "{stray:?}");
    assert!(fullest_second(&packets, &|_| true) <= scan::LIMITS.per_second as usize);
    for to in packets.iter().map(|packet| packet.to).collect::<BTreeSet<_>>() {
        let most = fullest_second(&packets, &|packet| packet.to == to);
        assert!(most <= scan::LIMITS.per_host_per_second as usize, "{most} to {to}");
    }
    // Nobody answers for these addresses on the link, so that no packet to them leaves.
    let nobody = ["192.0.2.42", "192.0.2.45", "192.0.2.46", "2001:db8::42"].map(address);
    let mut book = scan::read(lab.folder());
    book.retain(|row| match row {
        Row::Dials(dials) => !nobody.contains(&dials.address),
        Row::Echo(echo) => !nobody.contains(&echo.address),
        _ => true,
    });
    is_all_in_the_audit_log(&packets, &book);
    let review = std::fs::read(lab.folder().join("review/review.json")).expect("a review");
    let review: postern::review::Review = serde_json::from_slice(&review).expect("a review");
    let silent: BTreeSet<IpAddr> = review.scan.no_sign.iter().copied().collect();
    assert_eq!(silent, nobody.into());
    assert!(review.scan.no_echo, "they were asked by echo requests too");
    let found = |check: &str| {
        let of = review.findings.iter().filter(|finding| finding.check.0 == check);
        of.flat_map(|finding| &finding.places).map(|place| format!("{place:?}")).collect::<Vec<_>>()
    };
    assert_eq!(found("exposure/unlisted-host").len(), 5, "{:?}", found("exposure/unlisted-host"));
    let open = found("exposure/undeclared-open");
    assert!(open.iter().any(|door| door.contains("192.0.2.41")), "{open:?}");
    let sign = |at: &str| {
        let of = scan::saw::<PortsSaw>(&book, |spot| spot.address == Some(address(at)));
        of.and_then(|saw| saw.swept).and_then(|swept| swept.sign)
    };
    for (at, by) in [
        ("192.0.2.41", None),
        ("192.0.2.43", Some(Sign::Echo)),
        ("192.0.2.44", Some(Sign::Neighbour)),
        ("2001:db8::43", Some(Sign::Echo)),
        ("2001:db8::44", Some(Sign::Neighbour)),
    ] {
        assert_eq!(sign(at), by, "{at}");
    }
}

/// At two a second sixteen names wait longer for their turn than any resolver may for its answer.
#[test]
fn a_slow_pace_is_nobodys_silence() {
    let Some(lab) = Lab::build() else { return };
    let mut inventory = String::from(
        "schema: postern/inventory/v1\noperator: {id: dhc, name: {en: A centre}}\nhosts:\n",
    );
    for n in 0..16 {
        let _ = writeln!(inventory, "  - {{id: h{n}, names: [n{n}.example]}}");
    }
    let limits = Limits {
        per_second: 2,
        per_host_per_second: 2,
        per_host_parallel: 1,
        per_host_talks_per_second: None,
    };
    Given { inventory: &inventory, limits, ..Given::default() }.write(lab.folder());
    let vendor = lab.start_vendor();
    let capture = lab.capture();
    lab.scan().wait().expect("it runs");
    let packets = capture.end();
    drop(vendor);
    let asked = packets.iter().filter(|packet| packet.what == What::Udp);
    let asked: Vec<Duration> = asked.map(|packet| packet.at).collect();
    assert_eq!(asked.len(), 32, "each was answered at once, so none was asked twice");
    let took = asked.last().expect("some").saturating_sub(*asked.first().expect("some"));
    assert!(took > Duration::from_secs(10), "the pace was slow: {took:?}");
    keeps_the_pace(&packets, limits);
    let book = scan::read(lab.folder());
    for n in 0..16 {
        let name = format!("n{n}.example");
        let saw: NamesSaw = scan::saw(&book, |spot| spot.name.as_ref() == Some(&name))
            .unwrap_or_else(|| panic!("{name} was asked for"));
        assert_eq!(
            (saw.v4, saw.v6),
            (Answered::Yes(Vec::new()), Answered::Yes(Vec::new())),
            "{name}"
        );
    }
}

/// The UDP ports to which the plan has checks ask by themselves.
fn asked_over_udp(book: &[Row]) -> BTreeSet<u16> {
    let Some(Row::Opened(opened)) = book.first() else { panic!("the book has a head") };
    let of = |step: &Step| match &step.over {
        Over::Port { transport: Transport::Udp, ports, .. } => {
            parse_port_ranges(ports).expect("ports")
        }
        _ => Vec::new(),
    };
    opened.plan.steps.iter().flat_map(of).collect()
}

fn stays_in_scope(packets: &[Packet], book: &[Row]) {
    let over_udp = asked_over_udp(book);
    assert!(over_udp.contains(&161), "checks ask over UDP: {over_udp:?}");
    let hosts = ["192.0.2.10", "192.0.2.20", "192.0.2.40", "192.0.2.41", "2001:db8::10"];
    let hosts: BTreeSet<IpAddr> = hosts.map(address).into();
    let resolvers = scan::RESOLVERS.map(address);
    assert!(packets.len() > 50, "the capture saw something: {}", packets.len());
    for packet in packets {
        let asks_for_a_name = resolvers.contains(&packet.to) && packet.port == 53;
        let within = match packet.what {
            What::Syn | What::Tcp => {
                asks_for_a_name || scan::PORTS.contains(&packet.port) && hosts.contains(&packet.to)
            }
            What::Udp => {
                asks_for_a_name || over_udp.contains(&packet.port) && hosts.contains(&packet.to)
            }
            // The kernel's answers to late packets of those whom we asked.
            What::Icmp => hosts.contains(&packet.to) || resolvers.contains(&packet.to),
            What::Echo | What::Other(_) => false,
        };
        assert!(within, "outside the permit: {packet:?}");
    }
}

/// For every host with all its addresses, and for every address with all its hosts. Answers the most that went to the
/// address at which there are two hosts and a resolver.
fn keeps_the_pace(packets: &[Packet], limits: Limits) -> usize {
    let counted = |of: &dyn Fn(&Packet) -> bool| fullest_second(packets, of);
    let all = counted(&|_| true);
    assert!(all <= limits.per_second as usize, "{all} packets in one second");
    let mut to = Vec::new();
    for host in [
        ["192.0.2.40", "192.0.2.40"],
        ["192.0.2.40", "192.0.2.41"],
        ["192.0.2.10", "2001:db8::10"],
        ["192.0.2.20", "192.0.2.20"],
        ["192.0.2.53", "192.0.2.53"],
    ] {
        let host = host.map(address);
        let most = counted(&|packet| host.contains(&packet.to));
        let cap = limits.per_host_per_second as usize;
        assert!(most <= cap, "{most} to {host:?} in one second");
        to.push(most);
    }
    to[0]
}

/// How many of those packets went out in the fullest second, wherever it begins.
fn fullest_second(packets: &[Packet], of: &dyn Fn(&Packet) -> bool) -> usize {
    let asks = |packet: &&Packet| matches!(packet.what, What::Syn | What::Udp | What::Echo);
    let asked = packets.iter().filter(asks).filter(|packet| of(packet));
    let times: Vec<Duration> = asked.map(|packet| packet.at).collect();
    let from = |(at, start): (usize, &Duration)| {
        let end = *start + Duration::from_secs(1);
        times.iter().skip(at).take_while(|time| **time < end).count()
    };
    times.iter().enumerate().map(from).max().unwrap_or(0)
}

/// How many SYNs the kernel repeated, and how many there were.
fn syns(packets: &[Packet]) -> (usize, usize) {
    let syns = || packets.iter().filter(|packet| packet.what == What::Syn);
    (syns().filter(|packet| packet.repeated).count(), syns().count())
}

fn is_all_in_the_audit_log(packets: &[Packet], book: &[Row]) {
    let dials = |over| {
        let of = move |row: &Row| match row {
            Row::Dial(dial) if dial.transport == over => vec![(dial.address, dial.port)],
            Row::Dials(dials) if dials.transport == over => {
                dials.ports.iter().map(|port| (dials.address, *port)).collect()
            }
            _ => Vec::new(),
        };
        let mut all: Vec<_> = book.iter().flat_map(of).collect();
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
    let of = |row: &Row| match row {
        Row::Echo(echo) => Some((echo.address, 0)),
        _ => None,
    };
    let mut echoes: Vec<_> = book.iter().filter_map(of).collect();
    echoes.sort_unstable();
    assert_eq!(sent(What::Echo), echoes, "each echo request has its row");
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

/// The one port of the silent host that answers is in the book while the others are still waited for.
fn goes_into_the_book_soon(book: &[Row]) {
    let silent = address("192.0.2.20");
    let dials = book.iter().enumerate().filter_map(|(nth, row)| match row {
        Row::Dials(dials) => Some((nth, dials)),
        _ => None,
    });
    let (asked, first) = dials
        .clone()
        .find(|(_, dials)| dials.address == silent && dials.ports.contains(&8080))
        .expect("it was asked");
    let open = |row: &Row| match row {
        Row::Saw(saw) if saw.probe == "tcp" && saw.spot.address == Some(silent) => {
            let saw: PortsSaw = serde_json::from_value(saw.saw.clone()).expect("states");
            scan::states(saw).contains_key(&8080)
        }
        _ => false,
    };
    let written = book.iter().position(open).expect("it was seen");
    let between = dials.filter(|(nth, _)| (asked..written).contains(nth));
    let last = between.map(|(_, dial)| dial.at.unix_millis()).max().expect("some");
    let late = last - first.at.unix_millis();
    assert!(
        late < 700,
        "{late} ms after it was asked others were asked, and it was not in the book"
    );
}
