//! Raw SYNs over a wire between two network namespaces, to ports that listen, are closed, dropped or rejected, over IPv4
//! and IPv6. It needs root, iproute2 and nftables; without them it says aloud that it is skipped.

#![expect(
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a skipped test says so; what is opened stays in namespaces of its own"
)]

#[path = "syn_socket/lab.rs"]
mod lab;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use postern_raw::{Heard, IcmpError, SynSocket, What, tcp_info};
use postern_wire::tcp::{self, flags};
use postern_wire::{TCP, ipv4, ipv6};
use socket2::{Domain, Protocol, Socket, Type};

use lab::{Lab, NOBODY, SCANNER, Side, TARGET, address};

const OPEN: u16 = 2000;
const CLOSED: u16 = 2001;
const DROPPED: u16 = 2002;
const RESET: u16 = 2003;
const PROHIBITED: u16 = 2004;
const NO_PORT: u16 = 2005;
const NO_HOST: u16 = 2006;

const RULES: &str = "table inet t { chain inbound { type filter hook input priority 0;
    tcp dport 2002 drop
    tcp dport 2003 reject with tcp reset
    tcp dport 2004 reject with icmpx admin-prohibited
    tcp dport 2005 reject with icmpx port-unreachable
    tcp dport 2006 reject with icmpx host-unreachable; }; }";

/// Reads until so many answers have come, or nothing more comes for a while.
fn hear(socket: &mut SynSocket, most: usize) -> Vec<Heard> {
    let mut heard = Vec::new();
    let end = Instant::now() + Duration::from_secs(10);
    while heard.len() < most && Instant::now() < end {
        let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::from(5000_u16)).expect("it can be watched");
        while socket.receive(&mut |one| heard.push(one)).expect("it can be read") > 0 {}
    }
    heard
}

/// Reads what has come and comes within a moment.
fn hear_rest(socket: &mut SynSocket) -> Vec<Heard> {
    std::thread::sleep(Duration::from_millis(100));
    let mut heard = Vec::new();
    while socket.receive(&mut |one| heard.push(one)).expect("it can be read") > 0 {}
    heard
}

fn open(lab: &Lab, to: &str) -> SynSocket {
    lab.within(Side::Scanner, || SynSocket::open(address(to), [7; 16]).expect("we are root"))
}

fn send(socket: &mut SynSocket, probes: &[(u16, u8)]) {
    for (port, number) in probes {
        socket.queue(*port, *number);
    }
    assert_eq!(socket.flush().expect("they leave"), probes.len());
    assert_eq!(socket.queued(), 0);
}

#[test]
fn every_answer_is_told_with_its_port_its_number_and_its_reason() {
    for (family, to) in TARGET.into_iter().enumerate() {
        let Some(mut lab) = Lab::build("answers") else { return };
        lab.firewall(Side::Target, RULES);
        lab.listen(to, OPEN);
        let mut socket = open(&lab, to);
        assert_eq!(socket.local().to_string(), SCANNER.into_iter().nth(family).expect("two"));
        assert_eq!(socket.remote(), address(to));
        let probes = (OPEN..=NO_HOST).zip(3..).collect::<Vec<_>>();
        send(&mut socket, &probes);
        let mut heard = hear(&mut socket, 6);
        heard.extend(hear_rest(&mut socket));
        for one in &heard {
            assert!(one.waited < Duration::from_secs(10), "{one:?}");
        }
        let heard: BTreeMap<_, _> =
            heard.into_iter().map(|one| (one.port, (one.number, one.what))).collect();
        let unreachable = |v4: u8, v6: u8| {
            let (kind, code) = if family == 0 { (3, v4) } else { (1, v6) };
            What::Unreachable(IcmpError { kind, code, from: Some(address(to)) })
        };
        let Some((number, What::SynAck { window, ttl: 64 })) = heard.get(&OPEN).copied() else {
            panic!("an open port answers: {heard:?}");
        };
        assert!(window > 0 && number == Some(3));
        let expected = BTreeMap::from([
            (OPEN, (Some(3), What::SynAck { window, ttl: 64 })),
            (CLOSED, (Some(4), What::Reset { ttl: 64 })),
            (RESET, (Some(6), What::Reset { ttl: 64 })),
            (PROHIBITED, (Some(7), unreachable(13, 1))),
            (NO_PORT, (Some(8), unreachable(3, 4))),
            (NO_HOST, (Some(9), unreachable(1, 3))),
        ]);
        assert_eq!(heard, expected, "and nothing comes for {DROPPED}");
        assert_eq!(socket.drops().expect("it tells"), 0);
    }
}

/// A server answers a half-open connection once. It stays half-open until our reset arrives, which may take long: here it
/// never does. So these come from ports of their own.
#[test]
fn a_port_that_answered_answers_each_syn_of_a_burst() {
    for to in TARGET {
        let Some(mut lab) = Lab::build("bursts") else { return };
        lab.firewall(
            Side::Scanner,
            "table inet t { chain outbound { type filter hook output priority 0;
                tcp flags & rst == rst drop; }; }",
        );
        lab.listen(to, OPEN);
        let mut socket = open(&lab, to);
        send(&mut socket, &[(OPEN, 0)]);
        assert_eq!(hear(&mut socket, 1).len(), 1);
        send(&mut socket, &(1..16).map(|number| (OPEN, number)).collect::<Vec<_>>());
        let heard = hear(&mut socket, 15);
        let answered = heard.iter().filter(|one| matches!(one.what, What::SynAck { .. }));
        let numbers = answered.filter_map(|one| one.number).collect::<BTreeSet<_>>();
        // The system may have repeated its answer to the first one as well.
        assert!((1..16).all(|number| numbers.contains(&number)), "{heard:?}");
    }
}

/// Where the SYN-ACK was lost, the next SYN meets a half-open connection: the port must not look closed.
#[test]
fn a_port_whose_answer_was_lost_never_looks_closed() {
    for to in TARGET {
        let Some(mut lab) = Lab::build("lost answers") else { return };
        lab.listen(to, OPEN);
        let mut socket = open(&lab, to);
        // The first answer finds no way; the server has it half-open, and will repeat it after a second.
        lab.firewall(
            Side::Target,
            "table inet t { chain outbound { type filter hook output priority 0;
                tcp flags & (syn | ack) == syn | ack drop; }; }",
        );
        send(&mut socket, &[(OPEN, 0)]);
        assert!(hear_rest(&mut socket).is_empty());
        lab.firewall(Side::Target, "");
        send(&mut socket, &[(OPEN, 1)]);
        let heard = hear(&mut socket, 1);
        let open = |one: &Heard| {
            matches!(one.what, What::SynAck { .. } | What::ChallengeAck { .. }) && one.port == OPEN
        };
        assert!(heard.iter().all(open) && !heard.is_empty(), "{heard:?}");
    }
}

#[test]
fn a_forged_answer_is_not_heard() {
    for to in TARGET {
        let Some(mut lab) = Lab::build("forgeries") else { return };
        lab.listen(to, OPEN);
        let mut socket = open(&lab, to);
        for flags in [flags::SYN | flags::ACK, flags::RST | flags::ACK, flags::ACK] {
            let (from, back) = (socket.remote(), (socket.local(), socket.source_port()));
            lab.within(Side::Target, || forge(from, back, flags));
        }
        let mut read = 0;
        let mut heard = Vec::new();
        while read < 3 {
            let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
            assert!(poll(&mut fds, PollTimeout::from(5000_u16)).expect("it waits") > 0);
            read += socket.receive(&mut |one| heard.push(one)).expect("it can be read");
        }
        assert!(heard.is_empty(), "{heard:?}");
        send(&mut socket, &[(OPEN, 0)]);
        assert_eq!(hear(&mut socket, 1).len(), 1, "the true one is");
    }
}

/// A segment to the source port that acknowledges a made-up number.
fn forge(from: IpAddr, (to, port): (IpAddr, u16), flags: u8) {
    let segment = tcp::Header {
        source: OPEN,
        destination: port,
        sequence: 1,
        acknowledgment: 0x0123_4567,
        flags,
        window: 1000,
        urgent: 0,
        options: tcp::Options::default(),
    };
    let mut packet = [0; ipv6::LENGTH + tcp::LENGTH];
    let length = u16::try_from(tcp::LENGTH).expect("short");
    let ip = match (from, to) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let (total_length, fragment) = (20 + length, ipv4::DONT_FRAGMENT);
            let (service, identification, ttl, protocol) = (0, 0, 64, TCP);
            ipv4::Header {
                service,
                total_length,
                identification,
                fragment,
                ttl,
                protocol,
                source,
                destination,
            }
            .write(&mut packet)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let (flow, payload_length, next_header, hop_limit) = (0, length, TCP, 64);
            ipv6::Header { flow, payload_length, next_header, hop_limit, source, destination }
                .write(&mut packet)
        }
        _ => panic!("one family"),
    };
    let ip = ip.expect("room");
    segment.write(from, to, packet.split_at_mut(ip).1).expect("room");
    let to = SocketAddr::new(to, 0);
    let socket = Socket::new(Domain::for_address(to), Type::RAW, Some(Protocol::from(255)));
    let packet = packet.split_at(ip + tcp::LENGTH).0;
    socket.expect("we are root").send_to(packet, &to.into()).expect("it leaves");
}

/// Without reading, the buffer fills; what does not fit is counted, and nothing else is lost.
#[test]
fn what_the_receive_buffer_could_not_hold_is_counted() {
    for to in TARGET {
        let Some(lab) = Lab::build("drops") else { return };
        let mut socket = open(&lab, to);
        let mut sent: u64 = 0;
        while socket.drops().expect("it tells") == 0 {
            for port in 10_000..20_000 {
                socket.queue(port, 0);
            }
            while socket.queued() > 0 {
                match socket.flush() {
                    Ok(left) => sent += left as u64,
                    // The first ones wait for the neighbour's address.
                    Err(wrong) if wrong.kind() == ErrorKind::WouldBlock => {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    Err(wrong) => panic!("{wrong}"),
                }
            }
            assert!(sent < 1_000_000, "no buffer holds that much");
        }
        let mut heard: u64 = 0;
        while socket.receive(&mut |_| heard += 1).expect("it can be read") > 0 {}
        let drops = socket.drops().expect("it tells");
        assert!(heard > 0 && drops > 0 && heard + drops <= sent, "{heard} + {drops} of {sent}");
    }
}

#[test]
fn a_neighbour_that_does_not_exist_is_told_by_our_own_address() {
    let Some(lab) = Lab::build("neighbours") else { return };
    for (ours, to) in SCANNER.into_iter().zip(NOBODY) {
        let mut socket = open(&lab, to);
        send(&mut socket, &[(OPEN, 5)]);
        let heard = hear(&mut socket, 1);
        let Some(Heard { port: OPEN, number: Some(5), what: What::Unreachable(error), .. }) =
            heard.first()
        else {
            panic!("{heard:?}");
        };
        assert_eq!(error.from, Some(address(ours)), "{error:?}");
    }
}

#[test]
fn nothing_is_opened_where_no_way_leads() {
    let Some(lab) = Lab::build("routes") else { return };
    for to in ["198.51.100.1", "2001:db8:1::1", "fe80::1"] {
        let opened = lab.within(Side::Scanner, || SynSocket::open(address(to), [7; 16]));
        assert!(opened.is_err(), "{to}");
    }
}

/// What this machine's own firewall forbids is told, and stays in the queue.
#[test]
fn what_may_not_leave_is_told_and_kept() {
    let Some(lab) = Lab::build("own firewall") else { return };
    lab.firewall(
        Side::Scanner,
        "table inet t { chain outbound { type filter hook output priority 0; tcp dport 2002 drop; }; }",
    );
    for to in TARGET {
        let mut socket = open(&lab, to);
        for port in [OPEN, CLOSED, DROPPED, RESET] {
            socket.queue(port, 1);
        }
        assert_eq!(socket.flush().expect("two leave"), 2);
        let wrong = socket.flush().expect_err("the third may not");
        assert_eq!(wrong.kind(), ErrorKind::PermissionDenied);
        assert_eq!(socket.take_back().collect::<Vec<_>>(), [(DROPPED, 1), (RESET, 1)]);
        assert_eq!(socket.queued(), 0);
    }
}

#[test]
fn the_system_tells_about_a_connection() {
    for to in TARGET {
        let Some(mut lab) = Lab::build("connections") else { return };
        lab.listen(to, OPEN);
        let at = SocketAddr::new(address(to), OPEN);
        let stream = lab.within(Side::Scanner, || TcpStream::connect(at).expect("it listens"));
        let info = tcp_info(&stream).expect("it is TCP");
        assert!(info.established && info.retransmitted == 0, "{info:?}");
        assert!(info.window.is_some_and(|window| window > 0), "{info:?}");
    }
}
