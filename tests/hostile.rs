//! Peers that are silent, drip, flood, reset, lie or answer everything: every step ends within its time, memory stays
//! flat, and what is written is right or says that it is not known.
//!
//! The peers are real sockets on loopback. Each test scans some of them through the whole engine, with short budgets, and
//! in a process of its own, which may hold so much more than in an ordinary scan and no more.

#![expect(clippy::disallowed_methods, reason = "the test has a clock of its own")]
#![expect(clippy::print_stderr, reason = "figures are shown")]

#[path = "hostile/peers.rs"]
mod peers;
#[path = "hostile/rig.rs"]
mod rig;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use peers::{Peers, drip, http, peer, silent};
use postern::model::plan::Over;
use postern::model::record::{End, Row};
use postern::model::saw::{Cut, GreetingSaw, HttpSaw, PortState, PortsSaw, TlsSaw};
use rig::{Rig, alone, budgets};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const MIB: u64 = 1 << 20;

#[test]
fn a_silent_peer_is_open_and_nothing_more() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let port = peers.serve(silent()).await;
        let saw = Rig::scan(&[port]).await;
        assert_eq!(saw.state(port), Some(PortState::Open));
        assert_eq!(
            saw.of::<GreetingSaw>("greeting", port),
            Some(GreetingSaw { said: None, cut: None })
        );
        let tls = saw.of::<TlsSaw>("tls", port).expect("asked");
        assert_eq!(tls.speaks, None, "silence is no answer");
        assert!(tls.tried.iter().all(|tried| tried.cut == Some(Cut::TimedOut)));
        let web = saw.of::<HttpSaw>("http", port).expect("asked");
        assert_eq!((web.speaks, web.cut), (None, Some(Cut::TimedOut)));
        saw.is_within_budget();
    });
}

#[test]
fn a_drip_is_heard_and_ended() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let port = peers
            .serve(peer(|wire| drip(wire, b"220 ready, slowly, very slowly, ".repeat(99))))
            .await;
        let saw = Rig::scan(&[port]).await;
        let greeting = saw.of::<GreetingSaw>("greeting", port).expect("asked");
        assert!(greeting.said.is_some_and(|said| said.raw().starts_with("220")));
        assert!(saw.of::<TlsSaw>("tls", port).is_none(), "who speaks first is not asked further");
        saw.is_within_budget();
    });
}

#[test]
fn a_flood_stops_at_the_limit() {
    // The peer itself holds a megabyte or two.
    alone(8 * MIB, async {
        let mut peers = Peers::default();
        let port = peers
            .serve(peer(|mut wire| async move {
                let flood = vec![b'A'; 1 << 20];
                while wire.write_all(&flood).await.is_ok() {}
            }))
            .await;
        let saw = Rig::scan(&[port]).await;
        let greeting = saw.of::<GreetingSaw>("greeting", port).expect("asked");
        assert_eq!(greeting.cut, Some(Cut::TooMuch));
        assert_eq!(greeting.said.expect("some").raw().len(), 4096);
        saw.is_within_budget();
    });
}

#[test]
fn a_flood_after_our_hello_stops_too() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let port = peers
            .serve(peer(|mut wire| async move {
                let mut hello = [0; 16];
                if wire.read_exact(&mut hello).await.is_ok() {
                    // A TLS record that claims to be handshake data, over and over.
                    let mut record = vec![22, 3, 3, 0x40, 0];
                    record.extend(vec![0; 0x4000]);
                    while wire.write_all(&record).await.is_ok() {}
                }
            }))
            .await;
        let saw = Rig::scan(&[port]).await;
        let tls = saw.of::<TlsSaw>("tls", port).expect("asked");
        assert!(tls.tried.iter().all(|tried| tried.agreed.is_none() && tried.cut.is_some()));
        let web = saw.of::<HttpSaw>("http", port).expect("asked");
        assert_eq!(web.speaks, Some(false));
        saw.is_within_budget();
    });
}

#[test]
fn a_reset_is_told() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let port = peers
            .serve(peer(|wire| async move {
                tokio::time::sleep(Duration::from_millis(200)).await;
                wire.set_zero_linger().expect("a socket");
                drop(wire);
            }))
            .await;
        let saw = Rig::scan(&[port]).await;
        assert_eq!(saw.state(port), Some(PortState::Open));
        let greeting = saw.of::<GreetingSaw>("greeting", port).expect("asked");
        assert_eq!(greeting, GreetingSaw { said: None, cut: Some(Cut::Reset) });
        assert_eq!(saw.of::<TlsSaw>("tls", port).expect("asked").speaks, None);
        saw.is_within_budget();
    });
}

#[test]
fn who_resets_whatever_it_accepts_offers_nothing() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let port = peers
            .serve(peer(|wire| async move {
                wire.set_zero_linger().expect("a socket");
                drop(wire);
            }))
            .await;
        let saw = Rig::scan(&[port]).await;
        assert_eq!(saw.state(port), Some(PortState::Filtered));
        let ports: PortsSaw = saw.last("tcp").expect("asked");
        assert_eq!(ports.states[0].reason, Some(Cut::AnsweredBefore));
        saw.is_within_budget();
    });
}

#[test]
fn a_closed_port_is_closed() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let open = peers.serve(peer(|_wire| async {})).await;
        let closed = Peers::closed();
        let saw = Rig::scan(&[open, closed]).await;
        assert_eq!(saw.state(closed), Some(PortState::Closed));
        assert!(saw.of::<GreetingSaw>("greeting", closed).is_none());
    });
}

#[test]
fn a_megabyte_of_banner_and_control_characters_stay_data() {
    // The peer itself holds a megabyte or two.
    alone(8 * MIB, async {
        let mut peers = Peers::default();
        let banner = b"SSH-2.0-\x1b[31m\xe2\x80\xae\r\n".iter().copied().cycle().take(1 << 20);
        let banner: Vec<u8> = banner.collect();
        let port = peers
            .serve(peer(move |mut wire| {
                let banner = banner.clone();
                async move {
                    let _ = wire.write_all(&banner).await;
                }
            }))
            .await;
        let saw = Rig::scan(&[port]).await;
        let said = saw.of::<GreetingSaw>("greeting", port).and_then(|saw| saw.said).expect("heard");
        assert!(said.raw().len() <= 4096 + 3);
        assert!(!said.shown().contains('\x1b'));
        saw.is_within_budget();
    });
}

#[test]
fn garbage_in_answer_to_a_hello_is_not_tls() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let garbage = peers.serve(http(|_| b"\x00\xff\x17garbage".repeat(200))).await;
        let web =
            peers.serve(http(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec())).await;
        let saw = Rig::scan(&[garbage, web]).await;
        for port in [garbage, web] {
            let tls = saw.of::<TlsSaw>("tls", port).expect("asked");
            assert_eq!(tls.speaks, Some(false));
            assert_eq!(tls.tried.len(), 1, "who has shown that it is not TLS is not asked again");
        }
        assert_eq!(saw.of::<HttpSaw>("http", garbage).expect("asked").speaks, Some(false));
        let answer = saw.of::<HttpSaw>("http", web).expect("asked");
        assert_eq!(answer.answers.first().map(|answer| answer.status), Some(200));
        saw.is_within_budget();
    });
}

#[test]
fn a_certificate_of_16_mib_is_not_taken() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let port = peers
            .serve(peer(|mut wire| async move {
                let mut hello = [0; 5];
                if wire.read_exact(&mut hello).await.is_err() {
                    return;
                }
                // ServerHello of TLS 1.2 with ECDHE, then a Certificate message of 16 MiB in records of 16 KiB.
                let mut server_hello = vec![3, 3];
                server_hello.extend([7; 32]);
                server_hello.extend([0, 0xc0, 0x2f, 0]);
                let mut message = vec![2, 0, 0, u8::try_from(server_hello.len()).expect("short")];
                message.extend(server_hello);
                let mut record = vec![22, 3, 3, 0, u8::try_from(message.len()).expect("short")];
                record.extend(message);
                let _ = wire.write_all(&record).await;
                let mut first = vec![22, 3, 3, 0x40, 0, 11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc];
                first.extend(vec![0x30; 0x4000 - 7]);
                let _ = wire.write_all(&first).await;
                let mut more = vec![22, 3, 3, 0x40, 0];
                more.extend(vec![0x30; 0x4000]);
                while wire.write_all(&more).await.is_ok() {}
            }))
            .await;
        let saw = Rig::scan(&[port]).await;
        let tls = saw.of::<TlsSaw>("tls", port).expect("asked");
        assert!(tls.chain.is_empty());
        assert!(tls.tried.iter().all(|tried| tried.agreed.is_none()));
        saw.is_within_budget();
    });
}

#[test]
fn heads_and_bodies_without_end_are_cut() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let heads = peers
            .serve(peer(|mut wire| async move {
                if !peers::head(&mut wire).await.starts_with("GET") {
                    return;
                }
                let _ = wire.write_all(b"HTTP/1.1 200 OK\r\n").await;
                while wire
                    .write_all(b"Set-Cookie: tracking=0123456789abcdef; Path=/\r\n")
                    .await
                    .is_ok()
                {}
            }))
            .await;
        let bodies = peers
            .serve(peer(|mut wire| async move {
                if !peers::head(&mut wire).await.starts_with("GET") {
                    return;
                }
                let _ =
                    wire.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
                while wire.write_all(b"5\r\nhello\r\n").await.is_ok() {}
            }))
            .await;
        let continues = peers
            .serve(peer(|mut wire| async move {
                if peers::head(&mut wire).await.starts_with("GET") {
                    while wire.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_ok() {}
                }
            }))
            .await;
        let promised = peers
            .serve(http(|_| {
                b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n<title>x</title>".to_vec()
            }))
            .await;
        let saw = Rig::scan(&[heads, bodies, continues, promised]).await;
        let of = |port| saw.of::<HttpSaw>("http", port).expect("asked");
        assert_eq!(of(heads).cut, Some(Cut::TooMuch));
        assert!(of(heads).answers.is_empty());
        let answer = of(bodies).answers.into_iter().next().expect("an answer");
        assert!(answer.truncated && answer.body.raw().starts_with("hello"));
        assert!(
            matches!(of(continues).cut, Some(Cut::TooMuch | Cut::TimedOut)),
            "{:?}",
            of(continues)
        );
        let answer = of(promised).answers.into_iter().next().expect("an answer");
        assert!(answer.truncated);
        assert_eq!(answer.title, Some("x".into()));
        saw.is_within_budget();
    });
}

#[test]
fn redirects_never_leave_the_scope() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let victim = peers.serve(http(|_| b"HTTP/1.1 200 OK\r\n\r\nsecret".to_vec())).await;
        let mut ports = Vec::new();
        for to in [
            format!("http://127.0.0.99:{victim}/"),
            format!("http://[::1]:{victim}/"),
            "http://169.254.169.254/latest/meta-data/".into(),
            "http://192.0.2.77/".into(),
            "http://127.0.0.1:9100/".into(),
            "http://evil.example/".into(),
            "file:///etc/passwd".into(),
            "gopher://127.0.0.1/".into(),
        ] {
            let answer =
                format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
            ports.push(peers.serve(http(move |_| answer.clone().into_bytes())).await);
        }
        let saw = Rig::scan(&ports).await;
        for port in &ports {
            let web = saw.of::<HttpSaw>("http", *port).expect("asked");
            assert_eq!(web.answers.len(), 1);
            assert!(web.not_followed.is_some(), "{web:?}");
        }
        let allowed: std::net::IpAddr = "127.0.0.1".parse().expect("an address");
        let strayed = saw.rows().iter().any(|row| match row {
            Row::Dial(dial) => dial.address != allowed || !ports.contains(&dial.port),
            _ => false,
        });
        assert!(!strayed, "nothing was dialled but the ports of the plan");
        assert_eq!(peers.accepted(victim), 0);
    });
}

#[test]
fn what_the_window_shut_out_is_left_to_be_asked() {
    alone(4 * MIB, async {
        let written = vec!["192.0.2.10".parse().expect("an address")];
        let address = Over::Address {
            written,
            resolved_at_most: 0,
            ports: "1".into(),
            by_connect: false,
            usual_first: false,
        };
        let named = Over::Name { names: vec!["web.example".into()] };
        for (host, probe, over) in [
            (serde_json::json!({"id": "h1", "addresses": ["192.0.2.10"]}), "tcp", address),
            (serde_json::json!({"id": "h1", "names": ["web.example"]}), "names", named),
        ] {
            let saw = Rig::too_late(host, probe, over).await;
            assert!(!saw.ended.complete, "{probe}: {:?}", saw.rows());
            let why = saw.ended.why.clone().expect("a reason");
            assert!(why.starts_with("the window closed"), "{why}");
            let wrong = saw.rows().iter().any(|row| matches!(row, Row::Done { .. } | Row::Dial(_)));
            assert!(
                !wrong,
                "{probe}: nothing is sent, and nothing is at its end: {:?}",
                saw.rows()
            );
        }
    });
}

#[test]
fn circles_and_long_chains_of_redirects_end() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let circle = peers
            .serve(http(|_| {
                b"HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n".to_vec()
            }))
            .await;
        let chain = peers
            .serve(http(|head| {
                let at: u32 =
                    head.split(['/', ' ']).nth(2).and_then(|n| n.parse().ok()).unwrap_or(0);
                let next = at + 1;
                format!("HTTP/1.1 301 Moved\r\nLocation: /{next}\r\nContent-Length: 0\r\n\r\n")
                    .into_bytes()
            }))
            .await;
        let saw = Rig::scan(&[circle, chain]).await;
        let web = saw.of::<HttpSaw>("http", circle).expect("asked");
        assert_eq!(web.not_followed.map(|(_, why)| why), Some("it leads in a circle".into()));
        let web = saw.of::<HttpSaw>("http", chain).expect("asked");
        assert_eq!(web.answers.len(), 6);
        assert_eq!(web.not_followed.map(|(_, why)| why), Some("more than 5 redirects".into()));
    });
}

#[test]
fn no_secret_reaches_the_book() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let answer = "HTTP/1.1 200 OK\r\nSet-Cookie: sid=TOPSECRET1; HttpOnly\r\nContent-Type: text/html\r\n\r\n\
        <title>Log in</title><input type=hidden name=\"csrf_token\" value=\"TOPSECRET2\">";
        let web = peers.serve(http(move |_| answer.as_bytes().to_vec())).await;
        let saw = Rig::scan(&[web]).await;
        let book = saw.text();
        assert!(book.contains("sid=[cut]") && !book.contains("TOPSECRET"), "{book}");
    });
}

#[test]
fn a_host_that_answers_everything_is_examined_in_part() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let mut ports = Vec::new();
        for _ in 0..70 {
            ports.push(
                peers
                    .serve(peer(|mut wire| async move {
                        let _ = wire.write_all(b"220 anything you like\r\n").await;
                    }))
                    .await,
            );
        }
        let saw = Rig::scan(&ports).await;
        let ports: PortsSaw = saw.last("tcp").expect("swept");
        let open: Vec<_> = ports.states.iter().map(|run| run.state).collect();
        assert_eq!(open, [PortState::Open]);
        let ends = |wanted: fn(&End) -> bool| {
            saw.rows()
                .iter()
                .filter(|row| matches!(row, Row::Done { step: 1, end, .. } if wanted(end)))
                .count()
        };
        assert_eq!(ends(|end| matches!(end, End::Asked)), 64);
        assert_eq!(ends(|end| matches!(end, End::NotTested { .. })), 6);
    });
}

#[test]
fn our_own_pace_uses_up_nobodys_time() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let mut ports = Vec::new();
        for _ in 0..4 {
            ports.push(peers.serve(peer(|wire| drip(wire, b"220 ready\r\n".to_vec()))).await);
        }
        // The last waits four seconds for its turn, and may take 1.2 in all.
        let begun = Instant::now();
        let saw = Rig { pace: 1, budgets: budgets(400), ..Rig::default() }.run(&ports).await;
        assert!(
            begun.elapsed() > Duration::from_secs(7),
            "the pace was slow: {:?}",
            begun.elapsed()
        );
        for port in &ports {
            let greeting = saw.of::<GreetingSaw>("greeting", *port).expect("asked");
            assert!(greeting.said.is_some(), "{greeting:?}");
        }
        let left = |row: &&Row| matches!(row, Row::Done { step: 1, end, .. } if *end != End::Asked);
        assert_eq!(saw.rows().iter().find(left), None);
        let long = |row: &&Row| matches!(row, Row::Saw(saw) if saw.step == 1 && saw.took_ms > 1200);
        assert_eq!(saw.rows().iter().find(long), None, "our waiting is no time of the peer's");
    });
}

#[test]
fn our_own_slowness_is_said_to_be_ours() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let mut ports = Vec::new();
        for _ in 0..8 {
            ports.push(peers.serve(silent()).await);
        }
        let mut rig = Rig { pace: 1, seconds: 1, ..Rig::default() };
        rig.budgets.slack = Duration::ZERO;
        // Eight ports at one a second, and four seconds for all four steps.
        let begun = Instant::now();
        let saw = rig.run(&ports).await;
        assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
        let ports: PortsSaw = saw.last("tcp").expect("what was settled is kept");
        let why = "the time that the plan gives the scan is used up".to_owned();
        let given_up = (PortState::Inconclusive, Some(Cut::GivenUp { why }));
        let states: Vec<_> = ports.states.into_iter().map(|run| (run.state, run.reason)).collect();
        assert!(states.contains(&(PortState::Open, None)), "{states:?}");
        assert!(states.contains(&given_up), "{states:?}");
        assert_eq!(states.len(), 2, "{states:?}");
    });
}

#[test]
fn a_panic_in_one_probe_takes_nothing_else_down() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let port = peers.serve(peer(|_| async {})).await;
        let saw = Rig::default().with_broken_greeting().run(&[port]).await;
        assert!(saw.ended.complete);
        let ours = |row: &Row| matches!(row, Row::Done { step: 1, end: End::Ours { error }, .. } if error.contains("broken"));
        assert!(saw.rows().iter().any(ours));
        assert!(saw.of::<TlsSaw>("tls", port).is_some(), "the next step goes on");
    });
}

#[test]
fn the_sign_to_stop_is_obeyed_within_a_second() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let mut ports = Vec::new();
        for _ in 0..8 {
            ports.push(peers.serve(silent()).await);
        }
        let rig = Rig { budgets: budgets(20_000), ..Rig::default() };
        let stop = rig.stop.clone();
        let run = rig.run(&ports);
        let sign = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            stop.now("interrupted");
            Instant::now()
        };
        let (saw, signed) = tokio::join!(run, sign);
        assert!(signed.elapsed() < Duration::from_secs(1), "{:?}", signed.elapsed());
        assert!(!saw.ended.complete);
        assert_eq!(saw.ended.why.as_deref(), Some("interrupted"));
        let asked = |row: &&Row| matches!(row, Row::Done { step: 1, .. });
        assert_eq!(saw.rows().iter().filter(asked).count(), 0, "what was not answered is not done");
    });
}

#[test]
fn what_is_answered_is_not_asked_again() {
    alone(4 * MIB, async {
        let mut peers = Peers::default();
        let port = peers.serve(http(|_| b"HTTP/1.1 200 OK\r\n\r\nhello".to_vec())).await;
        let first = Rig::scan(&[port]).await;
        let before = peers.accepted(port);
        let again = first.resume().await;
        assert!(again.ended.complete);
        assert_eq!(again.ended.connections, 0);
        assert_eq!(peers.accepted(port), before);
    });
}

#[test]
fn a_sweep_cut_short_goes_on_where_it_was() {
    alone(4 * MIB, async {
        let ports: Vec<u16> =
            (0..60).map(|_| Peers::closed()).collect::<BTreeSet<_>>().into_iter().collect();
        let rig = Rig { pace: 30, ..Rig::default() };
        let stop = rig.stop.clone();
        let run = rig.run(&ports);
        let (first, ()) = tokio::join!(run, async {
            tokio::time::sleep(Duration::from_millis(1300)).await;
            stop.now("interrupted");
        });
        assert!(!first.ended.complete && first.ended.connections > 10, "{:?}", first.ended);
        let again = first.resume().await;
        assert!(again.ended.complete);
        let asked = again.rows().iter().map(|row| match row {
            Row::Dials(dials) if dials.again.is_none() => dials.ports.len(),
            _ => 0,
        });
        let twice = asked.sum::<usize>() - ports.len();
        assert!(twice <= 1, "{twice} asked twice, and one at most was under way");
        let saw: PortsSaw = again.last("tcp").expect("it came to its end");
        assert!(saw.states.iter().all(|run| run.state == PortState::Closed), "{saw:?}");
    });
}
