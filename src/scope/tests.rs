//! What the scope promises: exclusions win, addresses are judged as they are, and every refusal names its rule.

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::authorisation::{Covered, Entitled, Window};
use super::*;
use crate::inventory::Inventory;
use crate::model::moment::Moment;
use crate::model::plan::Limits;

const PACE: Limits = Limits {
    per_second: 50,
    per_host_per_second: 10,
    per_host_parallel: 4,
    per_host_talks_per_second: None,
};

fn now() -> Moment {
    "2026-11-23T12:00:00Z".parse().expect("a time")
}

fn inventory() -> Inventory {
    serde_json::from_value(serde_json::json!({
        "schema": "postern/inventory/v1",
        "operator": {"id": "dhc", "name": {"en": "Centre"}},
        "hosts": [
            {"id": "web1", "names": ["booking.example"], "addresses": ["192.0.2.10", "2001:db8::10"]},
            {"id": "printer", "addresses": ["192.0.2.20"], "fragile": true},
            {"id": "named", "names": ["app.example"]},
            {"id": "local", "addresses": ["127.0.0.1", "::1"]},
            {"id": "odd", "addresses": ["169.254.169.254", "fe80::1"]},
        ],
    }))
    .expect("an inventory")
}

fn leave(hosts: &[&str], networks: &[&str]) -> Authorisation {
    Authorisation {
        schema: "postern/authorisation/v1".into(),
        id: "auth-1".into(),
        scope: Covered {
            hosts: hosts.iter().map(|id| HostId((*id).into())).collect(),
            networks: networks.iter().map(|net| net.parse().expect("a network")).collect(),
            search: Vec::new(),
        },
        exclude: Vec::new(),
        windows: vec![Window { from: now().plus_days(-1), to: now().plus_days(1) }],
        limits: PACE,
        class: Class::ReadOnly,
        sources: Vec::new(),
        entitled: vec![Entitled {
            party: "operator".into(),
            name: "B. Wong".into(),
            title: None,
            signed_on: now().plus_days(-2),
        }],
        emergency: None,
        notice: None,
    }
}

fn scope(authorisations: &[Authorisation]) -> Scope {
    let resolvers = ["192.0.2.53".parse().expect("an address")];
    let inventory = inventory();
    Scope::new(&Setup { inventory: &inventory, authorisations, resolvers: &resolvers, pace: PACE })
}

fn want(host: &str, address: &str, origin: Origin) -> Want {
    Want {
        host: HostId(host.into()),
        address: address.parse().expect("an address"),
        origin,
        transport: Transport::Tcp,
        port: 443,
        class: Class::ReadOnly,
    }
}

/// The rule that refuses; empty when leave is given.
fn rule(scope: &Scope, want: &Want) -> String {
    let answer = scope.permit(want, now());
    assert_eq!(answer.is_ok(), scope.allows(want, now()).is_ok());
    answer.err().map(|refusal| refusal.rule).unwrap_or_default()
}

/// An echo request is no connect, whatever the step that asks is.
#[test]
fn who_gets_connects_only_gets_no_echo_request() {
    let asks = |host: &str, address: &str| Want {
        class: Class::Connect,
        ..want(host, address, Origin::Written)
    };
    let (web, printer) = (asks("web1", "192.0.2.10"), asks("printer", "192.0.2.20"));
    let mut record = leave(&["web1", "printer"], &[]);
    let all = scope(&[record.clone()]);
    assert!(all.echo(&web, now()).is_ok());
    assert!(all.allows(&printer, now()).is_ok() && all.echo(&printer, now()).is_err());
    record.class = Class::Connect;
    let connects = scope(&[record]);
    assert!(connects.allows(&web, now()).is_ok() && connects.echo(&web, now()).is_err());
}

#[test]
fn each_rule_refuses_in_words() {
    use Origin::{Redirected, Resolved, Written};
    let mut record = leave(&["web1", "printer", "named"], &["198.51.100.0/28"]);
    record.exclude = vec!["198.51.100.9".into()];
    let scope = scope(&[record]);
    for (host, address, origin, wanted) in [
        ("web1", "192.0.2.10", Written, ""),
        ("web1", "::ffff:192.0.2.10", Written, ""),
        ("web1", "192.0.2.10", Resolved, ""),
        ("web1", "198.51.100.3", Redirected, ""),
        ("named", "198.51.100.3", Resolved, ""),
        ("named", "198.51.100.9", Resolved, "198.51.100.9 is excluded by auth-1"),
        (
            "named",
            "203.0.113.7",
            Resolved,
            "auth-1 does not cover 203.0.113.7, to which a name leads, for named: it is written for none of its hosts \
             and lies in none of its networks",
        ),
        ("printer", "192.0.2.20", Written, "printer is fragile: it gets connects and nothing else"),
        ("web1", "192.0.2.20", Resolved, "printer is fragile: it gets connects and nothing else"),
        ("nobody", "192.0.2.10", Written, "nobody is no host of the inventory"),
        ("local", "127.0.0.1", Written, ""),
        ("local", "::1", Written, ""),
        (
            "local",
            "127.0.0.2",
            Written,
            "127.0.0.2 is loopback, which is reached only where its address is written",
        ),
        (
            "local",
            "127.0.0.1",
            Resolved,
            "127.0.0.1 is loopback, which is reached only where its address is written",
        ),
        (
            "web1",
            "::1",
            Redirected,
            "::1 is loopback, which is reached only where its address is written",
        ),
        (
            "web1",
            "::ffff:169.254.169.254",
            Redirected,
            "169.254.169.254 is link-local, where clouds keep their metadata service; it is reached only where its \
             address is written",
        ),
        ("odd", "169.254.169.254", Written, "odd is not among the hosts of auth-1"),
    ] {
        assert_eq!(
            rule(&scope, &want(host, address, origin)),
            wanted,
            "{host} {address} {origin:?}"
        );
    }
}

#[test]
fn networks_alone_cover_every_host_and_hosts_alone_only_what_is_written() {
    let by_network = scope(&[leave(&[], &["192.0.2.0/28"])]);
    assert_eq!(rule(&by_network, &want("web1", "192.0.2.10", Origin::Written)), "");
    assert_eq!(rule(&by_network, &want("named", "192.0.2.3", Origin::Resolved)), "");
    assert_ne!(rule(&by_network, &want("web1", "2001:db8::10", Origin::Written)), "");
    let by_host = scope(&[leave(&["named", "web1"], &[])]);
    assert_eq!(
        rule(&by_host, &want("named", "203.0.113.7", Origin::Resolved)),
        "auth-1 does not cover 203.0.113.7, to which a name leads, for named: it is written for none of its hosts, and \
         it lists no networks"
    );
    assert_eq!(rule(&by_host, &want("named", "192.0.2.10", Origin::Resolved)), "");
}

#[test]
fn special_addresses_need_both_the_letter_and_the_leave() {
    let with = scope(&[leave(&["odd"], &[])]);
    assert_eq!(rule(&with, &want("odd", "169.254.169.254", Origin::Written)), "");
    assert_ne!(rule(&with, &want("odd", "169.254.169.254", Origin::Resolved)), "");
    let wide = scope(&[leave(&[], &["0.0.0.0/0", "::/0"])]);
    for address in [
        "0.1.2.3",
        "169.254.1.1",
        "224.0.0.1",
        "255.255.255.255",
        "ff02::1",
        "64:ff9b::7f00:1",
        "::",
    ] {
        assert_ne!(rule(&wide, &want("named", address, Origin::Resolved)), "", "{address}");
        assert_ne!(rule(&wide, &want("named", address, Origin::Written)), "", "{address}");
    }
    assert_ne!(rule(&scope(&[]), &want("odd", "fe80::1", Origin::Written)), "");
}

#[test]
fn windows_and_classes_are_ceilings() {
    let mut record = leave(&["web1"], &[]);
    record.class = Class::Passive;
    let scope = scope(&[record]);
    let mut wish = want("web1", "192.0.2.10", Origin::Written);
    assert_eq!(
        rule(&scope, &wish),
        "auth-1 allows passive probes at most, and this one is read-only"
    );
    wish.class = Class::Passive;
    assert_eq!(rule(&scope, &wish), "");
    let closed = scope.permit(&wish, now().plus_days(1)).expect_err("closed");
    assert_eq!(
        closed.rule,
        "auth-1 holds from 2026-11-22T12:00:00Z to 2026-11-24T12:00:00Z only, and it is 2026-11-24T12:00:00Z"
    );
    assert_eq!(scope.next_opening(now()), Some(now()));
    assert_eq!(scope.next_opening(now().plus_days(-3)), Some(now().plus_days(-1)));
    assert_eq!(scope.next_opening(now().plus_days(3)), None);
}

#[test]
fn a_record_that_nobody_signed_gives_no_leave() {
    let mut record = leave(&["web1"], &[]);
    let open = Entitled {
        party: "provider".into(),
        name: "(not yet signed)".into(),
        ..record.entitled[0].clone()
    };
    record.entitled.push(open);
    let refusal = rule(&scope(&[record]), &want("web1", "192.0.2.10", Origin::Written));
    assert_eq!(refusal, "auth-1 is not signed yet: the provider has still to agree");
}

#[test]
fn an_exclusion_of_one_record_holds_against_the_leave_of_another() {
    let mut other = leave(&["printer"], &[]);
    other.id = "auth-2".into();
    other.exclude = vec!["web1".into(), "2001:db8::/32".into()];
    // Even when its own window is long over.
    other.windows = vec![Window { from: now().plus_days(-9), to: now().plus_days(-8) }];
    let scope = scope(&[leave(&["web1", "named"], &["192.0.2.0/24", "2001:db8::/64"]), other]);
    assert_eq!(
        rule(&scope, &want("web1", "192.0.2.10", Origin::Written)),
        "192.0.2.10 is excluded by auth-2"
    );
    assert_eq!(
        rule(&scope, &want("named", "192.0.2.10", Origin::Resolved)),
        "192.0.2.10 is excluded by auth-2"
    );
    assert_eq!(
        rule(&scope, &want("named", "2001:db8::5", Origin::Resolved)),
        "2001:db8::5 is excluded by auth-2"
    );
}

#[test]
fn limits_are_the_lowest_of_all() {
    let mut one = leave(&["web1"], &[]);
    one.limits = Limits {
        per_second: 20,
        per_host_per_second: 99,
        per_host_parallel: 2,
        per_host_talks_per_second: None,
    };
    let mut other = leave(&["named"], &[]);
    other.limits = Limits {
        per_second: 30,
        per_host_per_second: 5,
        per_host_parallel: 9,
        per_host_talks_per_second: None,
    };
    let lowest = Limits {
        per_second: 20,
        per_host_per_second: 5,
        per_host_parallel: 2,
        per_host_talks_per_second: None,
    };
    assert_eq!(scope(&[one, other]).limits(), lowest);
    assert_eq!(scope(&[]).limits(), PACE);
}

#[test]
fn resolvers_are_asked_on_their_port_only() {
    let scope = scope(&[leave(&["web1"], &[])]);
    let (web, address) = (HostId("web1".into()), "192.0.2.53".parse().expect("an address"));
    let ask = |address| scope.permit_resolver(&web, address, Transport::Udp, now());
    let permit = ask(address).expect("a permit");
    assert_eq!((permit.to().port(), permit.authority(), permit.host()), (53, "resolver", None));
    let other = ask("192.0.2.54".parse().expect("an address"));
    assert_eq!(other.expect_err("refused").rule, "192.0.2.54 is no configured resolver");
}

#[test]
fn names_are_asked_for_only_where_and_when_there_is_leave() {
    let mut record = leave(&["web1", "named", "printer"], &["198.51.100.0/28"]);
    record.exclude = vec!["printer".into()];
    let says = |record: &Authorisation, host: &str, now| {
        let resolver = "192.0.2.53".parse().expect("an address");
        let scope = scope(std::slice::from_ref(record));
        let host = HostId(host.into());
        let answer = scope.permit_resolver(&host, resolver, Transport::Udp, now);
        assert_eq!(answer.is_ok(), scope.resolves(&host, now).is_ok());
        answer.err().map(|refusal| refusal.cause)
    };
    assert_eq!(says(&record, "named", now()), None);
    assert_eq!(says(&record, "named", now().plus_days(2)), Some(Cause::Window));
    assert_eq!(says(&record, "printer", now()), Some(Cause::Rule), "left out");
    assert_eq!(says(&record, "odd", now()), Some(Cause::Rule), "not listed");
    assert_eq!(says(&record, "local", now().plus_days(2)), None, "this machine's own");
    record.exclude = vec!["192.0.2.20/32".into()];
    assert_eq!(says(&record, "printer", now()), Some(Cause::Rule), "left out by its address");
    record.entitled[0].name = "(not yet signed)".into();
    assert_eq!(says(&record, "named", now()), Some(Cause::Signature));
}

#[test]
fn the_nearest_miss_waits_for_the_hour_only_where_the_leave_is_strong_enough() {
    let mut night = leave(&["web1"], &[]);
    night.windows = vec![Window { from: now().plus_days(2), to: now().plus_days(3) }];
    let mut light = leave(&["web1"], &[]);
    light.class = Class::Connect;
    let wish = want("web1", "192.0.2.10", Origin::Written);
    let cause =
        |records: &[Authorisation]| scope(records).allows(&wish, now()).map_err(|no| no.cause);
    assert_eq!(cause(&[light.clone(), night.clone()]), Err(Cause::Window));
    night.class = Class::Connect;
    assert_eq!(cause(&[light, night]), Err(Cause::Rule));
}

#[test]
fn a_permit_says_what_was_judged() {
    let scope = scope(&[leave(&["web1"], &[])]);
    let permit =
        scope.permit(&want("web1", "::ffff:192.0.2.10", Origin::Resolved), now()).expect("leave");
    assert_eq!(permit.to().to_string(), "192.0.2.10:443");
    assert_eq!((permit.authority(), permit.transport()), ("auth-1", Transport::Tcp));
}

#[test]
fn leave_typed_on_the_command_line_is_a_record_for_a_day() {
    assert!(Authorisation::ad_hoc(" ", Vec::new(), PACE, now()).is_err());
    let record =
        Authorisation::ad_hoc("A. Chan, by mail", vec![HostId("web1".into())], PACE, now())
            .expect("a record");
    assert!(record.is_ad_hoc());
    let scope = scope(std::slice::from_ref(&record));
    let wish = want("web1", "192.0.2.10", Origin::Written);
    assert!(scope.permit(&wish, now()).is_ok_and(|permit| permit.authority() == "ad-hoc"));
    assert!(scope.permit(&wish, now().plus_days(1)).is_err());
    assert_eq!(
        rule(&scope, &want("printer", "192.0.2.20", Origin::Written)),
        "printer is fragile: it gets connects and nothing else"
    );
    let intrusive = Want { class: Class::Intrusive, ..wish };
    assert_eq!(
        rule(&scope, &intrusive),
        "the leave typed as --authorised-by allows read-only probes at most, and this one is intrusive"
    );
    let json = serde_json::to_value(&record).expect("JSON");
    assert_eq!(serde_json::from_value::<Authorisation>(json).expect("the record"), record);
}

/// Networks within 192.0.2.0/24.
fn networks() -> impl Strategy<Value = Vec<(u8, u8)>> {
    prop::collection::vec((any::<u8>(), 24_u8..=32), 0..5)
}

fn text((host, long): (u8, u8)) -> String {
    let network: ipnet::Ipv4Net = format!("192.0.2.{host}/{long}").parse().expect("a network");
    network.trunc().to_string()
}

/// Whether an address lies in one of the networks, counted out bit by bit.
fn within(last: u8, networks: &[(u8, u8)]) -> bool {
    networks.iter().any(|(host, long)| {
        let free = 32 - u32::from(*long);
        (u32::from(last) >> free) == (u32::from(*host) >> free)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn leave_agrees_with_the_set_counted_out(allowed in networks(), excluded in networks(), mapped in any::<bool>()) {
        let texts: Vec<String> = allowed.iter().copied().map(text).collect();
        let mut record = leave(&["named"], &texts.iter().map(String::as_str).collect::<Vec<_>>());
        record.exclude = excluded.iter().copied().map(text).collect();
        let scope = scope(&[record]);
        for last in 0..=u8::MAX {
            let address = Ipv4Addr::new(192, 0, 2, last);
            let address = if mapped { IpAddr::V6(address.to_ipv6_mapped()) } else { IpAddr::V4(address) };
            let mut wish = want("named", "192.0.2.1", Origin::Resolved);
            wish.address = address;
            wish.class = Class::Connect;
            let wanted = within(last, &allowed) && !within(last, &excluded);
            prop_assert_eq!(scope.allows(&wish, now()).is_ok(), wanted, "{}", address);
        }
    }

    #[test]
    fn an_exclusion_always_wins(
        octets in any::<[u8; 4]>(),
        host in prop::sample::select(vec!["web1", "printer", "named", "local", "odd"]),
        origin in prop::sample::select(vec![Origin::Written, Origin::Resolved, Origin::Redirected]),
        class in prop::sample::select(vec![Class::Connect, Class::Passive, Class::ReadOnly]),
        own in any::<bool>(),
    ) {
        let written = inventory().hosts.iter().find(|known| known.id.0 == host).and_then(|known| known.addresses.first().copied());
        let address = written.filter(|_| own).unwrap_or(IpAddr::from(octets));
        let all = ["web1", "printer", "named", "local", "odd"];
        let generous = leave(&all, &["0.0.0.0/0", "::/0"]);
        let mut strict = generous.clone();
        strict.exclude = vec![address.to_string()];
        let wish = Want { host: HostId(host.into()), address, origin, transport: Transport::Udp, port: 1, class };
        prop_assert!(scope(&[generous.clone(), strict.clone()]).permit(&wish, now()).is_err());
        prop_assert!(scope(&[strict, generous]).permit(&wish, now()).is_err());
    }
}
