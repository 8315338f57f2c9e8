//! The rows together, on small books: what is said of open, shut, silent, refused and unasked places.

use serde_json::{Value as Json, json};

use super::kinds::vocabulary;
use super::rows::NOT_DERIVED;
use super::sample::{Sample, in_words, spot};
use super::{ROWS, needs};
use crate::model::net::Transport;
use crate::model::observation::Spot;
use crate::model::outcome::Outcome::{Inconclusive, NotApplicable, NotTested};
use crate::model::plan::Over;
use crate::model::record::End;
use crate::model::value::{Field, Kind, List, Tier, Type, Value};

fn greeted(sample: &mut Sample, port: u16, said: &str) -> u64 {
    let said = (!said.is_empty()).then_some(said);
    let cut = said.is_none().then(|| json!({"how": "timed-out"}));
    sample.saw("greeting", spot("192.0.2.1", port, ""), json!({"said": said, "cut": cut}))
}

fn no_web(sample: &mut Sample, port: u16) {
    let site = spot("192.0.2.1", port, "booking.example");
    let why = End::NotNeeded { why: "its service spoke first".into() };
    sample.done("tls", site.clone(), why.clone());
    sample.done("http", site, why);
}

fn page(headers: &[(&str, &str)], title: &str, body: &str) -> Json {
    json!({"url": "https://booking.example/", "status": 200, "headers": headers,
        "title": title, "body": body, "truncated": false})
}

#[test]
fn a_greeting_gives_its_service_away() {
    let mut sample = Sample::web1(json!([{"port": "21/tcp", "from": ["clinic"], "service": "ftp",
        "review_by": "2026-11-20"}]));
    sample.open("21");
    let seq = greeted(&mut sample, 21, "220 (vsFTPd 3.0.3)\r\n");
    no_web(&mut sample, 21);
    let facts = sample.facts();
    let fields = [
        "state",
        "declared",
        "declared_here",
        "declared_service",
        "need_given",
        "review_days_left",
    ];
    let words = fields.map(|field| facts.words(&format!("service.{field}")));
    assert_eq!(words, ["open", "true", "false", "ftp", "false", "-4"]);
    assert_eq!(facts.words("service.speaks"), "ftp");
    assert_eq!(facts.words("service.greeting"), "220 (vsFTPd 3.0.3)");
    assert_eq!(facts.words("service.version_shown"), "vsFTPd 3.0.3");
    assert_eq!(facts.words("host.personal_data"), "true");
    assert_eq!(facts.words("ports.open"), "192.0.2.1 21/tcp, 21, 192.0.2.1, ftp, true");
    assert!(facts.entries("service")[0].evidence.contains(&seq));
    assert_eq!(facts.absent("service"), None);
    let none = (NotApplicable, "no service on web1 speaks TLS".to_owned());
    assert_eq!(facts.absent("tls"), Some(none));
    assert_eq!(facts.absent("certificate").map(|absent| absent.0), Some(NotApplicable));
    assert_eq!(facts.absent("http").map(|absent| absent.0), Some(NotApplicable));
}

#[test]
fn exposure_is_declared_for_whoever_stands_in_the_zone() {
    let seen_from = |vantage: &str, from: &str| {
        let mut sample = Sample::web1(json!([{"port": "22/tcp", "from": [from]}]));
        sample.plan.vantage = vantage.into();
        sample.open("22");
        let facts = sample.facts();
        (facts.words("service.declared_here"), facts.words("host.from_internet"))
    };
    let words = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(seen_from("outside", "internet"), words("true", "true"));
    assert_eq!(seen_from("outside", "clinic"), words("false", "true"));
    assert_eq!(seen_from("inside", "clinic"), words("true", "false"));
    assert_eq!(seen_from("inside", "198.51.100.0/28"), words("true", "false"));
    assert_eq!(seen_from("inside", "203.0.113.0/24"), words("false", "false"));
    let unclear = "unknown (the inventory gives no source addresses for this vantage)";
    assert_eq!(seen_from("somewhere", "clinic"), words(unclear, "false"));
    assert_eq!(seen_from("undeclared", "internet"), words("true", "true"));
}

#[test]
fn a_filtered_port_is_a_shut_door_and_an_unsettled_one_is_unknown() {
    let mut sample = Sample::web1(json!([
        {"port": "22/tcp", "from": ["internet"]}, {"port": "80/tcp", "from": ["internet"]},
        {"port": "8080/tcp", "from": ["internet"]}, {"port": "53/udp", "from": ["internet"]},
    ]));
    sample.saw(
        "tcp",
        spot("192.0.2.1", 0, ""),
        json!({"states": [
            {"ports": "1-79,81-100", "state": "filtered", "reason": {"how": "timed-out"}},
            {"ports": "80", "state": "inconclusive", "reason": {"how": "reset"}},
            {"ports": "443", "state": "closed", "reason": {"how": "refused"}},
        ]}),
    );
    let facts = sample.facts();
    let states: Vec<_> = facts
        .entries("service")
        .iter()
        .map(|entry| (entry.subject.place(), facts.value_at(entry, "service.state").to_string()))
        .collect();
    let expected = [
        ("web1 22/tcp", "filtered"),
        ("web1 80/tcp", "unknown (the connection was reset)"),
        ("web1 8080/tcp", "unknown (the port was not asked)"),
        ("web1 53/udp", "unknown (no check of the plan asks it over UDP)"),
    ];
    assert_eq!(states, expected.map(|(place, state)| (place.to_owned(), state.to_owned())));
    let why = "80/tcp of 192.0.2.1: the connection was reset".to_owned();
    assert_eq!(facts.absent("service"), Some((Inconclusive, why.clone())));
    assert_eq!(facts.absent("tls"), Some((Inconclusive, why.clone())));
    assert_eq!(facts.words("ports.open"), format!(" … {why}"));
    assert_eq!(facts.words("ports.answers_everything"), format!("unknown ({why})"));
}

#[test]
fn a_host_of_which_no_port_answers_is_not_called_shut() {
    let swept = |reason: Json| {
        let mut sample = Sample::web1(json!([{"port": "443/tcp", "from": ["internet"]}]));
        let states =
            json!({"states": [{"ports": "1-100,443", "state": "filtered", "reason": reason}]});
        sample.saw("tcp", spot("192.0.2.1", 0, ""), states);
        sample.facts()
    };
    let why = "no port of 192.0.2.1 answered at all, so it cannot be told from a host that is away or that shuts us out";
    let icmp = |code: u8| json!({"how": "unreachable", "kind": 3, "code": code, "from": null});
    for away in [json!({"how": "timed-out"}), icmp(1)] {
        let facts = swept(away);
        for kind in ["service", "tls", "http"] {
            assert_eq!(facts.absent(kind), Some((Inconclusive, why.to_owned())), "{kind}");
        }
        for list in ["open", "settled", "v4.open", "v4.shut"] {
            assert_eq!(facts.words(&format!("ports.{list}")), format!(" … {why}"), "{list}");
        }
        assert_eq!(facts.words("service.state"), format!("unknown ({why})"));
        for field in ["speaks", "greeting"] {
            let words = facts.words(&format!("service.{field}"));
            assert_eq!(words, "unknown (whether the port is open is not known)");
        }
    }
    let guarded = swept(icmp(13));
    assert_eq!(guarded.words("service.state"), "filtered");
    assert_eq!(guarded.words("service.speaks"), "");
    assert_eq!(guarded.absent("service"), None);
}

#[test]
fn a_service_that_nobody_heard_is_not_called_silent() {
    let speaks = |saw: Option<Json>| {
        let mut sample = Sample::web1(json!([]));
        sample.open("80");
        if let Some(saw) = saw {
            sample.saw("greeting", spot("192.0.2.1", 80, ""), saw);
        }
        sample.facts().words("service.speaks")
    };
    assert_eq!(speaks(None), "unknown (the scan ended before this was asked)");
    let cut = |how: &str| Some(json!({"said": null, "cut": {"how": how}}));
    assert_eq!(speaks(cut("reset")), "unknown (the connection was reset)");
    assert_eq!(speaks(cut("timed-out")), "");
}

#[test]
fn both_families_are_compared_and_a_silent_one_is_not_called_shut() {
    let host = json!([{"id": "web1", "addresses": ["192.0.2.1", "2001:db8::1"]}]);
    let mut sample = Sample::of(host.clone());
    sample.swept("192.0.2.1", "80");
    sample.swept("2001:db8::1", "22,80");
    let facts = sample.facts();
    assert_eq!(facts.words("ports.v4.open"), "80");
    assert_eq!(facts.words("ports.v6.open"), "22, 80");
    assert!(facts.words("ports.v4.shut").starts_with("1, 2, 3"));
    assert_eq!(facts.words("ports.v6.asked"), "true");

    let mut sample = Sample::of(host.clone());
    sample.swept("192.0.2.1", "80");
    sample.saw(
        "tcp",
        spot("2001:db8::1", 0, ""),
        json!({"states": [
        {"ports": "1-100,443", "state": "filtered", "reason": {"how": "timed-out"}}]}),
    );
    let open = sample.facts().words("ports.v6.open");
    assert!(open.contains("no port of 2001:db8::1 answered at all"), "{open}");

    let mut sample = Sample::of(host);
    sample.swept("192.0.2.1", "80");
    let why = "no IPv6 route from here".to_owned();
    sample.done("tcp", spot("2001:db8::1", 0, ""), End::NotTested { why });
    let facts = sample.facts();
    assert_eq!(facts.words("ports.v6.asked"), "unknown (2001:db8::1: no IPv6 route from here)");
    assert_eq!(facts.words("ports.v4.open"), "80");
    assert_eq!(facts.absent("service").map(|absent| absent.0), Some(NotTested));

    let mut sample = Sample::web1(json!([]));
    sample.open("80");
    assert_eq!(sample.facts().words("ports.v6.asked"), "false");
}

#[test]
fn a_failed_resolution_leaves_everything_inconclusive() {
    let mut sample = Sample::of(json!([{"id": "web1", "names": ["booking.example"]}]));
    sample.saw(
        "names",
        spot("", 0, "booking.example"),
        json!({
        "name": "booking.example", "resolvers": ["192.0.2.53"], "aliases": [],
        "v4": {"no": "SERVFAIL"}, "v6": {"no": "timed out"}, "refused": []}),
    );
    let facts = sample.facts();
    for kind in ["ports", "service", "tls", "certificate", "http"] {
        let (outcome, why) = facts.absent(kind).expect("it is missing");
        assert_eq!(outcome, Inconclusive, "{kind}");
        assert!(why.starts_with("DNS gave no A answer for booking.example: SERVFAIL"), "{why}");
    }
    assert_eq!(facts.words("host.id"), "web1");
}

#[test]
fn addresses_that_the_scope_refuses_are_noted() {
    let mut sample = Sample::of(json!([{"id": "web1", "names": ["booking.example"]}]));
    sample.saw(
        "names",
        spot("", 0, "booking.example"),
        json!({
        "name": "booking.example", "resolvers": ["192.0.2.53"], "aliases": [],
        "v4": {"yes": ["192.0.2.1", "203.0.113.9"]}, "v6": {"yes": []},
        "refused": [["203.0.113.9", "outside the authorisation"]]}),
    );
    sample.open("");
    let facts = sample.facts();
    let (outcome, why) = facts.absent("tls").expect("it may be there");
    assert_eq!(outcome, NotTested);
    assert!(why.contains("203.0.113.9") && why.ends_with("outside the authorisation"), "{why}");
    assert!(facts.words("ports.open").contains("203.0.113.9"));

    let mut nowhere = Sample::of(json!([{"id": "web1", "names": ["booking.example"]}]));
    nowhere.saw(
        "names",
        spot("", 0, "booking.example"),
        json!({
        "name": "booking.example", "resolvers": [], "aliases": [],
        "v4": {"yes": []}, "v6": {"yes": []}, "refused": []}),
    );
    let why = nowhere.facts().absent("service").expect("it is missing");
    assert_eq!(why.0, Inconclusive);
}

#[test]
fn an_interrupted_scan_is_never_a_clean_one() {
    let mut nothing = Sample::web1(json!([]));
    nothing.closed(false, Some("interrupted"));
    for kind in ["ports", "service", "tls", "certificate", "http"] {
        let (outcome, why) = nothing.facts().absent(kind).expect("it is missing");
        assert_eq!(outcome, NotTested, "{kind}");
        assert!(why.contains("interrupted"), "{why}");
    }

    let mut half = Sample::web1(json!([]));
    let states = json!({"states": [{"ports": "1-50", "state": "closed"}]});
    half.glimpsed("tcp", spot("192.0.2.1", 0, ""), states);
    let facts = half.facts();
    let why = "192.0.2.1: the scan ended before this was asked";
    assert_eq!(facts.words("ports.open"), format!(" … {why}"));
    assert_eq!(facts.absent("service"), Some((NotTested, why.to_owned())));

    let mut later = Sample::web1(json!([]));
    later.open("443");
    greeted(&mut later, 443, "");
    let facts = later.facts();
    let why = "443/tcp of 192.0.2.1: the scan ended before this was asked".to_owned();
    assert_eq!(facts.absent("tls"), Some((NotTested, why)));
    assert_eq!(facts.absent("service"), None);
}

#[test]
fn our_own_errors_and_refusals_are_not_tested() {
    let site = || spot("192.0.2.1", 443, "booking.example");
    let told = |end: End| {
        let mut sample = Sample::web1(json!([]));
        sample.open("443");
        sample.done("tls", site(), end);
        sample.facts().absent("tls").expect("it is missing")
    };
    let ours = told(End::Ours { error: "index out of bounds".into() });
    assert_eq!(ours.0, NotTested);
    assert!(ours.1.ends_with("an error of our own: index out of bounds"), "{}", ours.1);
    let budget = told(End::NotTested { why: "more than 64 ports are open".into() });
    assert_eq!(budget, (NotTested, "443/tcp of 192.0.2.1: more than 64 ports are open".into()));

    let mut fragile = Sample::web1(json!([]));
    fragile.untested("greeting", None, "web1 is fragile");
    fragile.untested("tls", None, "web1 is fragile");
    fragile.open("443");
    let facts = fragile.facts();
    assert_eq!(
        facts.absent("tls"),
        Some((NotTested, "443/tcp of 192.0.2.1: web1 is fragile".into()))
    );
    assert_eq!(facts.words("service.greeting"), "unknown (web1 is fragile)");
    assert_eq!(facts.words("service.speaks"), "unknown (web1 is fragile)");
    assert_eq!(
        facts.words("ports.open"),
        "192.0.2.1 443/tcp, 443, 192.0.2.1, unknown (web1 is fragile), false"
    );

    let mut ports = Sample::web1(json!([{"port": "22/tcp", "from": ["internet"]}]));
    let states = json!({"states": [{"ports": "1-21,23-100,443", "state": "closed"}]});
    ports.saw("tcp", spot("192.0.2.1", 0, ""), states);
    ports.refused("tcp", spot("192.0.2.1", 22, ""), "22/tcp is excluded");
    let facts = ports.facts();
    assert_eq!(facts.words("service.state"), "unknown (22/tcp is excluded)");
    let why = "22/tcp of 192.0.2.1: 22/tcp is excluded".to_owned();
    assert_eq!(facts.absent("service"), Some((NotTested, why)));
}

#[test]
fn a_host_that_answers_on_every_port_yields_no_findings_about_nothing() {
    let mut sample = Sample::web1(json!([{"port": "443/tcp", "from": ["internet"]}]));
    let states = json!({"states": [{"ports": "1-100,443", "state": "open"}]});
    sample.saw("tcp", spot("192.0.2.1", 0, ""), states);
    greeted(&mut sample, 22, "SSH-2.0-OpenSSH_9.2p1\r\n");
    let facts = sample.facts();
    assert_eq!(facts.words("ports.answers_everything"), "true");
    assert_eq!(facts.places("service"), ["web1 22/tcp", "web1 443/tcp"]);
    let (outcome, why) = facts.absent("service").expect("something is said");
    assert_eq!(outcome, Inconclusive);
    assert!(why.starts_with("192.0.2.1 accepts connections on 99 ports"), "{why}");
    assert!(facts.words("ports.open").starts_with("192.0.2.1 22/tcp, 22"));
}

#[test]
fn versions_of_tls_stay_partial_and_a_cut_try_is_no_refusal() {
    let with = |tried: Json| {
        let mut sample = Sample::web1(json!([]));
        sample.open("443");
        let saw = json!({"speaks": true, "tried": tried, "chain": [], "alpn": "h2"});
        sample.saw("tls", spot("192.0.2.1", 443, "booking.example"), saw);
        sample.facts()
    };
    let agreed = |version: &str, suite: &str| json!({"version": version, "agreed": {"suite": suite, "group": "X25519"}});
    let old = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    let both = with(json!([agreed("TLSv1.2", old), agreed("TLSv1.3", "TLS_AES_128_GCM_SHA256")]));
    assert_eq!(
        both.words("tls.versions"),
        "TLSv1.2, TLSv1.3 … SSLv2, SSLv3, TLSv1.0, TLSv1.1 cannot be offered yet"
    );
    assert_eq!(both.words("tls.suite"), "TLS_AES_128_GCM_SHA256");
    assert_eq!(both.words("tls.forward_secrecy"), "true");
    assert_eq!(both.words("tls.alpn"), "h2");
    assert_eq!(both.places("tls"), ["web1 443/tcp (booking.example)"]);
    let only_old = with(json!([
        agreed("TLSv1.2", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
        {"version": "TLSv1.3", "alert": "protocol_version"},
    ]));
    assert_eq!(only_old.words("tls.accepts_tls13"), "false");
    assert_eq!(only_old.words("tls.forward_secrecy"), "false");
    let another = json!({"how": "garbled", "what": "ServerTlsVersionIsDisabledByOurConfig"});
    let older = json!([agreed("TLSv1.2", old), {"version": "TLSv1.3", "cut": another}]);
    let older = with(older);
    assert_eq!(older.words("tls.accepts_tls13"), "false");
    assert_eq!(
        older.words("tls.forward_secrecy"),
        "unknown (suites without forward secrecy cannot be offered yet)"
    );
    let cut = with(json!([
        agreed("TLSv1.2", old), {"version": "TLSv1.3", "cut": {"how": "timed-out"}},
    ]));
    assert_eq!(cut.words("tls.accepts_tls13"), "unknown (no answer in time)");
    assert!(
        cut.words("tls.versions")
            .ends_with("whether it accepts TLSv1.3 did not become clear: no answer in time")
    );

    let mut silent = Sample::web1(json!([]));
    silent.open("443");
    silent.saw(
        "tls",
        spot("192.0.2.1", 443, "booking.example"),
        json!({"speaks": null,
        "tried": [{"version": "TLSv1.3", "cut": {"how": "timed-out"}}], "chain": []}),
    );
    let (outcome, why) = silent.facts().absent("certificate").expect("it is missing");
    assert_eq!(outcome, Inconclusive);
    assert!(
        why.contains("443/tcp of 192.0.2.1 (booking.example)")
            && why.ends_with("no answer in time")
    );
}

#[test]
fn who_hangs_up_on_a_hello_is_told_by_what_else_is_known() {
    let tls = json!({"speaks": null, "tried": [{"version": "TLSv1.3", "cut": {"how": "closed"}},
        {"version": "TLSv1.2", "cut": {"how": "closed"}}], "chain": []});
    let http = json!({"speaks": null, "answers": [], "cut": {"how": "closed"}});
    let told = |port: u16, http: &Json| {
        let mut sample = Sample::web1(json!([]));
        sample.open(&port.to_string());
        let site = spot("192.0.2.1", port, "booking.example");
        sample.saw("tls", site.clone(), tls.clone());
        sample.saw("http", site, http.clone());
        let facts = sample.facts();
        ["tls", "certificate", "http"].map(|kind| facts.absent(kind).map(|absent| absent.0))
    };
    assert_eq!(told(443, &http), [Some(Inconclusive); 3]);
    assert_eq!(told(53, &http), [Some(NotApplicable); 3]);
    let clear = json!({"speaks": true, "answers": [{"url": "http://booking.example/",
        "status": 200, "headers": [], "body": "", "truncated": false}]});
    assert_eq!(told(80, &clear), [Some(NotApplicable), Some(NotApplicable), None]);
}

#[test]
fn what_is_locked_inside_tls_is_not_called_absent() {
    let mut sample = Sample::web1(json!([]));
    sample.open("443");
    let site = spot("192.0.2.1", 443, "booking.example");
    let alert = |version: &str| json!({"version": version, "alert": "protocol_version"});
    let tried = json!([alert("TLSv1.3"), alert("TLSv1.2")]);
    sample.saw("tls", site.clone(), json!({"speaks": true, "tried": tried, "chain": []}));
    sample.done("http", site, End::NotNeeded { why: "no TLS handshake succeeded".into() });
    let facts = sample.facts();
    assert_eq!(facts.words("tls.accepts_tls13"), "false");
    assert_eq!(facts.words("tls.suite"), "unknown (no handshake came to its end)");
    let (outcome, why) = facts.absent("http").expect("it is missing");
    assert_eq!(outcome, Inconclusive);
    assert!(why.ends_with("no handshake succeeded"), "{why}");
    assert_eq!(facts.absent("certificate").map(|absent| absent.0), Some(Inconclusive));
}

#[test]
fn a_careless_page_is_read_as_it_is() {
    let mut sample = Sample::web1(json!([]));
    sample.open("443");
    let headers = [
        ("Server", "Apache/2.4.6 (CentOS) PHP/5.4.16"),
        ("set-cookie", "session=; Path=/"),
        ("Content-Type", "text/html; charset=utf-8"),
        ("X-Frame-Options", "SAMEORIGIN"),
        ("Strict-Transport-Security", "max-age=10"),
        ("WWW-Authenticate", "Basic realm=\"x\""),
    ];
    let answer = page(&headers, "Book a visit", "<form><input type=password></form>");
    let site = spot("192.0.2.1", 443, "booking.example");
    sample.saw("http", site, json!({"speaks": true, "answers": [answer]}));
    let facts = sample.facts();
    let expected = [
        ("encrypted", "true"),
        ("named", "true"),
        ("status", "200"),
        ("is_page", "true"),
        ("location", ""),
        ("redirects_to_https", "false"),
        ("title", "Book a visit"),
        ("version_disclosed", "Apache/2.4.6 (CentOS) PHP/5.4.16"),
        ("hsts", "true, 10, false"),
        ("frame_protected", "true"),
        ("nosniff", "false"),
        ("referrer_policy", ""),
        ("cookies", "session, false, false, "),
        ("directory_listing", "false"),
        ("login_form", "true"),
        ("asks_password", "true"),
    ];
    for (field, words) in expected {
        assert_eq!(facts.words(&format!("http.{field}")), words, "{field}");
    }
    assert_eq!(facts.words("service.speaks"), "http");
}

#[test]
fn a_bare_address_is_no_name() {
    let named = |url: &str| {
        let mut sample = Sample::web1(json!([]));
        sample.open("443");
        let answer =
            json!({"url": url, "status": 200, "headers": [], "body": "", "truncated": false});
        sample.saw(
            "http",
            spot("192.0.2.1", 443, ""),
            json!({"speaks": true, "answers": [answer]}),
        );
        sample.facts().words("http.named")
    };
    for bare in [
        "https://192.0.2.1/",
        "https://192.0.2.1:8443/",
        "https://[2001:DB8::1]/x",
        "http://[::1]:8080/",
    ] {
        assert_eq!(named(bare), "false", "{bare}");
    }
    for name in [
        "https://booking.example/",
        "https://10.example:8443/",
        "http://user@booking.example/192.0.2.1",
    ] {
        assert_eq!(named(name), "true", "{name}");
    }
}

#[test]
fn redirects_are_followed_within_the_service_only() {
    let hop = |url: &str, to: &str| {
        json!({"url": url, "status": 301, "headers": [["location", to], ["set-cookie", "a=; Secure"]],
            "body": "", "truncated": false})
    };
    let told = |answers: Json, not_followed: Json| {
        let mut sample = Sample::web1(json!([]));
        sample.open("80");
        let saw = json!({"speaks": true, "answers": answers, "not_followed": not_followed});
        sample.saw("http", spot("192.0.2.1", 80, "booking.example"), saw);
        sample.facts()
    };
    let end = page(&[("content-type", "text/html")], "Booking", "");
    let moved =
        told(json!([hop("http://booking.example/", "https://booking.example/"), end]), Json::Null);
    assert_eq!(moved.words("http.redirects_to_https"), "true");
    assert_eq!(moved.words("http.is_page"), "false");
    assert_eq!(moved.words("http.encrypted"), "false");
    assert_eq!(moved.words("http.location"), "https://booking.example/");
    let inner = json!({"url": "http://booking.example/en/", "status": 200,
        "headers": [["content-type", "text/html"]], "body": "", "truncated": true});
    let within = told(json!([hop("http://booking.example/", "/en/"), inner]), Json::Null);
    assert_eq!(within.words("http.is_page"), "true");
    assert_eq!(within.words("http.redirects_to_https"), "false");
    assert_eq!(within.words("http.cookies"), "a, true, false, ");
    assert_eq!(
        within.words("http.login_form"),
        "unknown (only the beginning of the page was read)"
    );
    let first = hop("http://booking.example/", "http://www.example/");
    let refused = told(json!([first]), json!(["https://www.example/", "outside the scope"]));
    assert_eq!(refused.words("http.redirects_to_https"), "true");
}

#[test]
fn every_entry_knows_the_one_above_it() {
    let mut sample = Sample::web1(json!([]));
    sample.open("443");
    let site = spot("192.0.2.1", 443, "booking.example");
    let answer = page(&[], "", "");
    sample.saw("http", site, json!({"speaks": true, "answers": [answer]}));
    let facts = sample.facts();
    let entry = facts.entries("http")[0];
    assert_eq!(facts.value_at(entry, "service.port").to_string(), "443");
    assert_eq!(facts.value_at(entry, "host.id").to_string(), "web1");
    for (at, entry) in facts.base.entries.iter().enumerate() {
        assert!(entry.parent.is_none_or(|above| (above as usize) < at));
    }
}

#[test]
fn a_probe_that_yields_a_kind_needs_no_row() {
    let field = |name: &'static str, of| Field::new(name, of, "It.");
    let mut sample = Sample::web1(json!([]));
    sample.open("22");
    let mut step = sample.plan.steps[2].clone();
    (step.id, step.probe) = (5, "ssh".into());
    sample.plan.steps.push(step);
    sample.saw("ssh", spot("192.0.2.1", 22, ""), json!({"algorithms": ["a", "b"]}));
    let kind =
        Kind::new("ssh", Tier::Service, "It.", [field("algorithms", Type::list(Type::Text))]);
    assert_eq!(needs(&kind), ["ssh"]);
    let mut kinds = vocabulary();
    kinds.push(kind);
    let words = super::Vocabulary::new(kinds);
    let base = super::derive(&sample.inventory, &sample.plan, &sample.rows, &words, &[]);
    let facts = super::sample::Facts { base, vocabulary: words };
    assert_eq!(facts.words("ssh.algorithms"), "a, b");
    assert_eq!(facts.places("ssh"), ["web1 22/tcp"]);
    assert_eq!(
        facts.absent("udp"),
        Some((NotTested, "no check of the plan asks it over UDP".to_owned()))
    );
}

#[test]
fn what_answers_over_udp_is_open_and_silence_is_no_state() {
    let mut sample = Sample::web1(json!([{"port": "123/udp", "from": ["internet"]}]));
    sample.open("22");
    let mut step = sample.plan.steps[2].clone();
    (step.id, step.probe) = (5, "ask-0123456789abcdef".into());
    step.over = Over::Port {
        transport: Transport::Udp,
        ports: "53,123,161,162".into(),
        written: vec!["192.0.2.1".parse().expect("an address")],
        resolved_at_most: 0,
    };
    sample.plan.steps.push(step);
    let at = |port| Spot { service: Some((Transport::Udp, port)), ..spot("192.0.2.1", port, "") };
    let answers = [
        (53, json!({"answered": true, "ended": ""})),
        (123, json!({"answered": false, "ended": "unreachable"})),
        (161, json!({"answered": false, "ended": "silent"})),
    ];
    for (port, saw) in answers {
        sample.saw("ask-0123456789abcdef", at(port), saw);
    }
    let answered = Field::new("answered", Type::Bool, "It.");
    let mut kind = Kind::new("probe:lab/x", Tier::Service, "It.", [answered]);
    kind.probe = "ask-0123456789abcdef".into();
    let mut kinds = vocabulary();
    kinds.push(kind);
    let words = super::Vocabulary::new(kinds);
    let base = super::derive(&sample.inventory, &sample.plan, &sample.rows, &words, &[]);
    let facts = super::sample::Facts { base, vocabulary: words };
    assert!(facts.words("udp.open").starts_with("53 …"), "{}", facts.words("udp.open"));
    let states = facts
        .entries("service")
        .into_iter()
        .map(|entry| (entry.subject.place(), facts.value_at(entry, "service.state").to_string()));
    let udp: Vec<_> = states.filter(|(place, _)| place.ends_with("/udp")).collect();
    let expected = [("web1 53/udp", "open"), ("web1 123/udp", "closed")];
    assert_eq!(udp, expected.map(|(place, state)| (place.to_owned(), state.to_owned())));
    assert_eq!(facts.places("probe:lab/x"), ["web1 53/udp", "web1 123/udp", "web1 161/udp"]);
    let (outcome, why) = facts.absent("probe:lab/x").expect("162 was not asked");
    assert_eq!(outcome, NotTested);
    assert!(why.starts_with("162/udp of 192.0.2.1: "), "{why}");
}

#[test]
fn rows_yield_kinds_of_the_vocabulary_and_say_what_they_need() {
    let kinds = vocabulary();
    for row in ROWS {
        assert!(kinds.iter().any(|kind| kind.name == row.yields), "{}", row.name);
        assert_eq!(ROWS.iter().filter(|other| other.yields == row.yields).count(), 1);
    }
    let words = super::Vocabulary::new(kinds);
    let needs = |name: &str| needs(words.id(name).and_then(|id| words.kind(id)).expect("a kind"));
    assert_eq!(needs("host"), Vec::<&str>::new());
    assert_eq!(needs("ports"), ["names", "tcp", "greeting"]);
    assert_eq!(needs("certificate"), ["names", "tcp", "greeting", "tls"]);
    assert_eq!(needs("http"), ["names", "tcp", "greeting", "tls", "http"]);
}

/// Whether a value is of a type.
fn fits(value: &Value, of: &Type) -> bool {
    match (value, of) {
        (Value::Unknown(_), _)
        | (Value::Bool(_), Type::Bool)
        | (Value::Int(_), Type::Int)
        | (Value::Text(_), Type::Text)
        | (Value::Moment(_), Type::Moment) => true,
        (Value::Level(level), Type::Scale(scale)) => level.scale == *scale,
        (Value::List(List { items, .. }), Type::List(of)) => {
            items.iter().all(|item| fits(item, of))
        }
        (Value::Record(values), Type::Record(fields)) => {
            values.len() == fields.len()
                && values.iter().zip(fields.iter()).all(|(value, field)| fits(value, &field.of))
        }
        _ => false,
    }
}

/// Every record has its kind's fields, each of its type; nothing is left that this version should derive.
fn well_formed(facts: &super::sample::Facts) {
    for entry in &facts.base.entries {
        for (id, record) in &entry.facts {
            let kind = facts.vocabulary.kind(*id).expect("a known kind");
            assert_eq!(record.len(), kind.fields.len());
            for (value, field) in record.iter().zip(kind.fields.iter()) {
                assert!(
                    fits(value, &field.of),
                    "{}.{}: {}",
                    kind.name,
                    field.name,
                    in_words(value)
                );
                assert!(!value.to_string().contains(NOT_DERIVED), "{}.{}", kind.name, field.name);
            }
        }
    }
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    fn json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            ".{0,20}".prop_map(Json::from),
            "[0-9,-]{0,12}".prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
                proptest::collection::hash_map("[a-z_]{1,8}", inner, 0..5)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    /// A form of the probes' with something arbitrary in every place.
    fn nearly(probe: &str, a: &Json, text: &str) -> Json {
        match probe {
            "names" => json!({"name": text, "resolvers": [], "aliases": [text], "v4": {"no": text},
                "v6": {"yes": ["::1", "192.0.2.1"]}, "refused": [["::1", text]]}),
            "tcp" => json!({"states": [{"ports": text, "state": "open"},
                {"ports": "1-90", "state": "inconclusive", "reason": a}]}),
            "greeting" => json!({"said": text, "cut": null}),
            "tls" => json!({"speaks": true, "tried": [{"version": text, "agreed":
                {"suite": text, "group": text}}], "chain": [text, "MIIB", "MAA="], "alpn": text}),
            _ => json!({"speaks": true, "answers": [{"url": text, "status": 200, "headers":
                [[text, text], ["set-cookie", text], ["strict-transport-security", text],
                ["content-security-policy", text], ["location", text]],
                "title": text, "body": text, "truncated": true}], "not_followed": [text, text]}),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn nothing_in_a_book_makes_it_fail(
            saws in proptest::collection::vec((0..5_usize, json(), ".{0,40}", any::<bool>()), 0..12),
        ) {
            let probes = ["names", "tcp", "greeting", "tls", "http"];
            let mut sample = Sample::web1(json!([{"port": "443/tcp", "from": ["internet", "x"]}]));
            sample.open("21,80,443");
            for (probe, arbitrary, text, wild) in saws {
                let probe = probes[probe];
                let place = match probe {
                    "names" => spot("", 0, "booking.example"),
                    "tcp" => spot("192.0.2.1", 0, ""),
                    "greeting" => spot("192.0.2.1", 80, ""),
                    _ => spot("192.0.2.1", 443, "booking.example"),
                };
                let saw = if wild { arbitrary } else { nearly(probe, &arbitrary, &text) };
                sample.saw(probe, place, saw);
            }
            well_formed(&sample.facts());
        }
    }
}
