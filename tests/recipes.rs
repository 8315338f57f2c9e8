//! Probes that check files write down, asked of small real servers on loopback through the whole engine: over TCP, inside
//! TLS, over UDP, by DNS and by HTTP; and of peers that mean no good.

#![expect(clippy::disallowed_methods, reason = "the tests' own servers and clock")]

#[path = "recipes/lab.rs"]
mod lab;

use std::time::{Duration, Instant};

use postern::model::net::Transport;
use postern::model::outcome::Outcome;

use lab::{Lab, check, server};

const PING: &str = r#"
  tcp:
    limits: {seconds: 3}
    steps:
      - send: "PING\r\n"
      - read: {as: answer, line: true, max: 64, timeout: 1s}
      - if: answer.startsWith("+PONG")
        send: "INFO\r\n"
      - if: answer.startsWith("+PONG")
        read: {as: info, until: "end", max: 256, timeout: 1s, optional: true}
  facts:
    pong: answer.startsWith("+PONG")
"#;

fn ping(ports: &[u16]) -> (String, String) {
    let when = format!("service.port in {ports:?} && service.speaks == \"\"");
    check("lab/ping", "service", &when, PING, "!probe.pong")
}

#[tokio::test]
async fn bytes_are_said_and_heard_over_tcp() {
    let weak = server::tcp(|mut wire| {
        let mut heard = server::line(&mut wire);
        server::say(&mut wire, b"+PONG\r\n");
        heard += &server::line(&mut wire);
        server::say(&mut wire, format!("token=hunter2 heard {} end", heard.len()).as_bytes());
    });
    let hardened = server::tcp(|mut wire| {
        server::line(&mut wire);
        server::say(&mut wire, b"-NOAUTH\r\n");
    });
    let other = server::tcp(|mut wire| server::say(&mut wire, b"SSH-2.0-x\r\n"));
    let seen = Lab::of([ping(&[weak, hardened, other])], &[weak, hardened, other]).run().await;
    assert_eq!(seen.outcome("lab/ping", weak), Some(Outcome::Fail));
    assert_eq!(seen.outcome("lab/ping", hardened), Some(Outcome::Pass));
    assert_eq!(seen.outcome("lab/ping", other), Some(Outcome::NotApplicable));
    assert_eq!(seen.saw(weak)["info"], "token=[cut] heard 12 end");
    assert!(!seen.text().contains("hunter2"), "no secret is kept");
    assert_eq!(seen.dials(Transport::Tcp, other), 1, "a greeting, and no recipe");
}

#[tokio::test]
async fn the_same_question_of_two_checks_is_put_once() {
    let weak = server::tcp(|mut wire| {
        server::line(&mut wire);
        server::say(&mut wire, b"+PONG\r\n");
    });
    let when = format!("service.port == {weak}");
    let checks = ["lab/one", "lab/two"].map(|id| check(id, "service", &when, PING, "!probe.pong"));
    let seen = Lab::of(checks, &[weak]).run().await;
    assert_eq!(seen.outcome("lab/one", weak), Some(Outcome::Fail));
    assert_eq!(seen.outcome("lab/two", weak), Some(Outcome::Fail));
    assert_eq!(seen.asked(), 1);
    let steps = seen.recipe_steps();
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].asked_by.len(), 2);
}

#[tokio::test]
async fn nothing_is_asked_twice_when_a_scan_is_taken_up_again() {
    let weak = server::tcp(|mut wire| {
        server::line(&mut wire);
        server::say(&mut wire, b"+PONG\r\n");
    });
    let seen = Lab::of([ping(&[weak])], &[weak]).run().await;
    let before = seen.dials(Transport::Tcp, weak);
    let again = seen.resume().await;
    assert_eq!(again.dials(Transport::Tcp, weak), before);
    assert_eq!(again.outcome("lab/ping", weak), Some(Outcome::Fail));
}

const ECHO: &str = r#"
  udp:
    ports: [PORTS]
    tries: 2
    limits: {seconds: 5}
    steps:
      - send: {hex: "00 01"}
      - read: {as: answer, format: hex, max: 32, timeout: 300ms}
  facts:
    known: answer.startsWith("0001")
"#;

fn echo(ports: &[u16]) -> (String, String) {
    let ports = ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let probe = ECHO.replace("PORTS", &ports);
    check("lab/echo", "probe", "", &probe, "!probe.answered || !probe.known")
}

#[tokio::test]
async fn datagrams_are_answered_refused_or_lost() {
    let open = server::udp(|heard| vec![[heard, b"\xff".as_slice()].concat()]);
    let mute = server::udp(|_| Vec::new());
    let shut = server::free_udp();
    let alive = server::tcp(|_| {});
    let seen = Lab::of([echo(&[open, mute, shut])], &[alive]).run().await;
    assert_eq!(seen.saw(open)["answer"], "0001ff");
    assert_eq!(seen.saw(open)["answered"], true);
    assert_eq!(seen.saw(shut)["answered"], false);
    assert_eq!(seen.saw(shut)["ended"], "unreachable");
    assert_eq!(seen.saw(mute)["answered"], false, "the address answers otherwise");
    assert_eq!(seen.saw(mute)["ended"], "silent");
    assert_eq!(seen.dials(Transport::Udp, open), 1);
    assert_eq!(seen.dials(Transport::Udp, mute), 2, "as many tries as it says");
    assert_eq!(seen.outcome("lab/echo", open), Some(Outcome::Fail));
    assert_eq!(seen.outcome("lab/echo", shut), Some(Outcome::Pass));
    assert_eq!(seen.open_udp(), [i64::from(open)]);
    assert_eq!(seen.service_state(Transport::Udp, open), "open");
}

#[tokio::test]
async fn only_the_peer_is_heard_and_never_more_than_is_read() {
    let long = server::udp(|heard| vec![[heard, &[b'x'; 4000][..]].concat()]);
    let elsewhere = server::udp_from_elsewhere("127.0.0.2");
    let moved = server::udp_from_elsewhere("127.0.0.1");
    let alive = server::tcp(|_| {});
    let seen = Lab::of([echo(&[long, elsewhere, moved])], &[alive]).run().await;
    let answer = seen.saw(long)["answer"].as_str().expect("a text").to_owned();
    assert_eq!(answer.len(), 64, "32 bytes in hexadecimal digits");
    assert_eq!(seen.saw(elsewhere)["ended"], "silent", "a stranger's datagram is no answer");
    assert_eq!(seen.saw(moved)["answer"], "0001", "the same address may go on from another port");
}

const VERSION: &str = r"
  dns:
    ports: [PORT]
    OVER
    questions:
      - {as: version, name: version.bind, type: TXT, class: CH, recurse: false}
  facts:
    told: version.answers.exists(a, a != '')
";

#[tokio::test]
async fn dns_is_asked_over_udp_and_tcp() {
    let (udp, tcp) = server::dns();
    let alive = server::tcp(|_| {});
    let version = |id: &str, port: u16, over: &str| {
        let probe = VERSION.replace("PORT", &port.to_string()).replace("OVER", over);
        check(id, "probe", "", &probe, "!probe.told")
    };
    let checks = [version("lab/udp", udp, "over: udp"), version("lab/tcp", tcp, "over: tcp")];
    let seen = Lab::of(checks, &[alive]).run().await;
    for port in [udp, tcp] {
        let version = &seen.saw(port)["version"];
        assert_eq!(version["rcode"], "NOERROR", "{version}");
        assert_eq!(version["answers"], serde_json::json!(["9.18.1"]));
        assert_eq!(version["authoritative"], true);
    }
    assert_eq!(seen.outcome("lab/udp", udp), Some(Outcome::Fail));
    assert_eq!(seen.outcome("lab/tcp", tcp), Some(Outcome::Fail));
}

#[tokio::test]
async fn tls_carries_the_same_steps() {
    let port = server::tls(b"+PONG\r\n").await;
    let plain = server::tcp(|mut wire| {
        server::line(&mut wire);
    });
    let probe = PING.replace("tcp:", "tls:");
    let when = format!("service.port in [{port}, {plain}]");
    let seen = Lab::of([check("lab/tls", "service", &when, &probe, "!probe.pong")], &[port, plain])
        .run()
        .await;
    assert_eq!(seen.saw(port)["answer"], "+PONG\r\n");
    assert_eq!(seen.outcome("lab/tls", port), Some(Outcome::Fail));
    assert_eq!(seen.outcome("lab/tls", plain), Some(Outcome::Inconclusive), "no TLS is no answer");
}

const PATHS: &str = r#"
  http:
    requests:
      - get: "{{ each }}"
        each: params.paths
        as: pages
        headers: {Accept: application/json}
        follow: same-host
      - get: /moved
        as: away
    baseline: {as: nowhere}
  facts:
    found: pages.exists(p, p.status == 200)
    catch_all: nowhere.status == 200
"#;

#[tokio::test]
async fn pages_are_asked_for_and_redirects_followed_at_home_only() {
    let port = server::http(|method, path, head| {
        assert_eq!(method, "GET");
        match path {
            "/old" => "HTTP/1.1 302 Found\r\nLocation: /admin\r\nContent-Length: 0\r\n\r\n".into(),
            "/moved" => {
                "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2/\r\nContent-Length: 0\r\n\r\n"
                    .into()
            }
            "/admin" => {
                let json = head.to_ascii_lowercase().contains("accept: application/json");
                let body = format!("<title>Admin</title><input type=password> {json}");
                let length = body.len();
                format!("HTTP/1.1 200 OK\r\nServer: lab\r\nContent-Length: {length}\r\n\r\n{body}")
            }
            _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into(),
        }
    });
    let (id, text) = check("lab/paths", "http", "", PATHS, "!probe.found || probe.catch_all");
    let params = "params:\n  paths: {type: list text, default: [/old, /none], stricter: more, means: Where to look.}\n";
    let seen = Lab::of([(id, text.replace("probe:\n", &format!("{params}probe:\n")))], &[port])
        .run()
        .await;
    let pages = seen.saw(port)["pages"].clone();
    let admin = &pages[0];
    assert_eq!((&admin["status"], &admin["title"]), (&200.into(), &"Admin".into()), "{pages}");
    assert_eq!((&admin["server"], &admin["login_form"]), (&"lab".into(), &true.into()));
    assert!(admin["body"].as_str().expect("a body").ends_with("true"), "our header field came");
    assert_eq!(pages[1]["status"], 404);
    assert_eq!(seen.saw(port)["away"]["status"], 302);
    assert_eq!(seen.saw(port)["nowhere"]["status"], 404);
    assert_eq!(seen.outcome("lab/paths", port), Some(Outcome::Fail));
}

#[tokio::test]
async fn pages_are_not_asked_for_where_no_site_was_seen() {
    let site = server::http(|_, _, _| "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into());
    let silent = server::tcp(|_| std::thread::sleep(Duration::from_secs(60)));
    let probe = "\n  http:\n    requests:\n      - {get: /admin, as: page}\n  facts:\n    found: page.status == 200\n";
    let asks = check("lab/page", "http", "", probe, "!probe.found");
    let seen = Lab::of([asks], &[site, silent]).run().await;
    assert_eq!(seen.outcome("lab/page", site), Some(Outcome::Pass));
    assert_eq!(seen.asked(), 1, "who only waits is not asked again");
}

#[tokio::test]
async fn no_peer_holds_or_floods_a_recipe() {
    let silent = server::tcp(|_| std::thread::sleep(Duration::from_secs(20)));
    let drip = server::tcp(|mut wire| {
        server::line(&mut wire);
        while server::try_say(&mut wire, b"x") {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let flood = server::tcp(|mut wire| {
        server::line(&mut wire);
        while server::try_say(&mut wire, &[b'x'; 8192]) {}
    });
    let reset = server::tcp(|mut wire| {
        server::line(&mut wire);
        server::reset(wire);
    });
    let ports = [silent, drip, flood, reset];
    let when = format!("service.port in {ports:?}");
    let begun = Instant::now();
    let seen =
        Lab::of([check("lab/ping", "service", &when, PING, "!probe.pong")], &ports).run().await;
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    let ended = |port| seen.saw(port)["ended"].clone();
    assert_eq!(ended(silent), "silent");
    assert_eq!(ended(drip), "silent");
    assert_eq!(ended(flood), "too much");
    assert_eq!(ended(reset), "reset");
    for port in ports {
        assert_eq!(seen.outcome("lab/ping", port), Some(Outcome::Inconclusive), "{port}");
        assert!(seen.took(port) < Duration::from_secs(4));
    }
}

#[tokio::test]
async fn a_flood_of_datagrams_ends_in_time() {
    let flood = server::udp_flood();
    let alive = server::tcp(|_| {});
    let seen = Lab::of([echo(&[flood])], &[alive]).run().await;
    assert_eq!(seen.saw(flood)["answered"], true);
    assert!(seen.took(flood) < Duration::from_secs(5));
}

#[tokio::test]
async fn a_fragile_host_is_asked_nothing() {
    let weak = server::tcp(|mut wire| server::say(&mut wire, b"+PONG\r\n"));
    let mut lab = Lab::of([ping(&[weak]), echo(&[weak])], &[weak]);
    lab.fragile = true;
    let seen = lab.run().await;
    assert_eq!((seen.asked(), seen.recipe_steps().len()), (0, 0));
    assert!(seen.untested().iter().any(|why| why.contains("fragile")), "{:?}", seen.untested());
}
