//! Plans for small inventories: nothing without a reason, nothing outside the scope, nothing forgotten.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::inventory::{DeclaredPort, Exposure, Host};
use crate::model::net::{HostId, Transport};
use crate::model::plan::{Bound, Over, When};
use crate::probe::{Ask, Brought, Errand, Reach};
use crate::talk::Soon;

fn silent<'a, E: 'static>(_: &'a Errand<'a>) -> Soon<'a, Result<Brought, E>> {
    Box::pin(async { Ok(Brought::default()) })
}

const fn probe(name: &'static str, over: Reach, when: When, class: Class, bound: Bound) -> Probe {
    Probe {
        name: Cow::Borrowed(name),
        revision: 1,
        means: Cow::Borrowed("What it does."),
        sends: Cow::Borrowed("what it sends"),
        over,
        when,
        class,
        bound,
        yields: None,
        ask: Ask::BuiltIn(silent),
    }
}

const fn bound(connections: u64, datagrams: u64, seconds: u64) -> Bound {
    Bound { connections, datagrams, seconds }
}

static PROBES: [Probe; 5] = [
    probe("names", Reach::Name, When::Always, Class::Connect, bound(0, 8, 10)),
    probe("tcp", Reach::Address, When::Always, Class::Connect, bound(2, 0, 4)),
    probe("greeting", Reach::Service, When::Open, Class::Passive, bound(1, 0, 5)),
    probe("tls", Reach::Site, When::Silent, Class::ReadOnly, bound(2, 0, 10)),
    probe("http", Reach::Site, When::SilentOrTls, Class::ReadOnly, bound(6, 0, 20)),
];

fn host(id: &str, names: &[&str], addresses: &[&str]) -> Host {
    Host {
        id: HostId(id.into()),
        system: None,
        role: None,
        names: names.iter().map(ToString::to_string).collect(),
        addresses: addresses.iter().map(|a| a.parse().expect("an address")).collect(),
        fragile: false,
        exposure: vec![Exposure {
            port: DeclaredPort { transport: Transport::Tcp, port: 8443 },
            from: vec!["internet".into()],
            service: None,
            need: None,
            approved_by: None,
            review_by: None,
        }],
        unlisted: false,
    }
}

fn inventory(hosts: Vec<Host>) -> Inventory {
    Inventory::of(hosts)
}

fn asked(check: &str, probes: &[&str]) -> Asked {
    Asked { check: CheckId(check.into()), probes: probes.iter().map(ToString::to_string).collect() }
}

/// The plan for those hosts and checks, in a scope that says `allows`.
fn planned(
    hosts: Vec<Host>,
    checks: &[Asked],
    class: Class,
    allows: &dyn Fn(&Want) -> Result<(), Refusal>,
) -> Plan {
    let probes: Vec<&Probe> = PROBES.iter().collect();
    plan(&Inputs {
        inventory: &inventory(hosts),
        profile: "baseline",
        checks,
        ports: &[22, 80, 443],
        declared: true,
        class,
        limits: Limits {
            per_second: 50,
            per_host_per_second: 10,
            per_host_parallel: 4,
            per_host_talks_per_second: None,
        },
        probes: &probes,
        guide: None,
        allows,
        resolves: &|_| Ok(()),
        vantage: "outside",
        resolvers: &["127.0.0.53".parse().expect("an address")],
        now: Moment::from_unix_seconds(1_800_000_000),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "what a scope looks like")]
fn everything(_: &Want) -> Result<(), Refusal> {
    Ok(())
}

fn names_of(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.probe.as_str()).collect()
}

#[test]
fn what_comes_before_a_probe_is_planned_with_its_reason() {
    let checks = [asked("web/no-hsts", &["http"]), asked("exposure/undeclared", &["tcp"])];
    let hosts = vec![host("web1", &["booking.example"], &[])];
    let plan = planned(hosts, &checks, Class::ReadOnly, &everything);
    assert_eq!(names_of(&plan), ["names", "tcp", "greeting", "tls", "http"]);
    let by: Vec<usize> = plan.steps.iter().map(|step| step.asked_by.len()).collect();
    assert_eq!(by, [2, 2, 1, 1, 1]);
    assert_eq!(plan.resolvers.len(), 1);
    assert_eq!(plan.wanted.len(), 2);
    let Over::Address { ports, resolved_at_most, .. } = &plan.steps[1].over else { panic!() };
    assert_eq!((ports.as_str(), *resolved_at_most), ("22,80,443,8443", 16));
}

#[test]
fn written_addresses_need_no_resolver() {
    let hosts = vec![host("web1", &["booking.example"], &["192.0.2.1", "2001:db8::1"])];
    let plan = planned(hosts, &[asked("tls/old", &["tls"])], Class::ReadOnly, &everything);
    assert_eq!(names_of(&plan), ["tcp", "greeting", "tls"]);
    assert!(plan.resolvers.is_empty());
    // Four ports at two addresses, each asked at most twice; as many sites, two handshakes each.
    assert_eq!(plan.steps[0].bound, bound(16, 0, 2 + 2 * 4));
    assert_eq!(plan.steps[2].bound, bound(16, 0, 2 + 2 * 10));
    assert_eq!(plan.total.connections, 16 + 8 + 16);
    assert!(plan.total.seconds >= plan.steps.iter().map(|step| step.bound.seconds).sum());
}

#[test]
fn names_that_may_not_be_asked_for_are_left_untested() {
    let hosts = inventory(vec![host("web1", &["booking.example"], &[])]);
    let closed = |_: &HostId| Err(Refusal::from("auth-1 holds at other times".to_owned()));
    let probes: Vec<&Probe> = PROBES.iter().collect();
    let plan = plan(&Inputs {
        inventory: &hosts,
        profile: "baseline",
        checks: &[asked("exposure/undeclared", &["tcp"])],
        ports: &[22],
        declared: true,
        class: Class::ReadOnly,
        limits: Limits {
            per_second: 50,
            per_host_per_second: 10,
            per_host_parallel: 4,
            per_host_talks_per_second: None,
        },
        probes: &probes,
        guide: None,
        allows: &everything,
        resolves: &closed,
        vantage: "outside",
        resolvers: &["127.0.0.53".parse().expect("an address")],
        now: Moment::from_unix_seconds(1_800_000_000),
    });
    assert_eq!((names_of(&plan), plan.resolvers.len()), (vec![], 0));
    let left: Vec<&str> = plan.untested.iter().map(|left| left.probe.as_str()).collect();
    assert_eq!(left, ["names", "tcp"]);
    assert!(plan.untested.iter().all(|left| left.why == "auth-1 holds at other times"));
}

#[test]
fn a_fragile_host_gets_connects_and_the_rule_is_said() {
    let fragile = Host { fragile: true, ..host("fw1", &[], &["192.0.2.1"]) };
    let checks = [asked("tls/old", &["tls"]), asked("exposure/undeclared", &["tcp"])];
    let plan = planned(vec![fragile], &checks, Class::ReadOnly, &everything);
    assert_eq!(names_of(&plan), ["tcp"]);
    assert_eq!(plan.steps[0].asked_by, [CheckId("exposure/undeclared".into())]);
    let left_out: Vec<&str> = plan.untested.iter().map(|left| left.probe.as_str()).collect();
    assert_eq!(left_out, ["greeting", "tls"]);
    assert!(plan.untested[0].why.contains("fragile"));
    assert_eq!(plan.wanted.len(), 2);
}

#[test]
fn an_excluded_address_is_left_out_with_the_rule() {
    let excluded: IpAddr = "192.0.2.9".parse().expect("an address");
    let rule = || Refusal::from("192.0.2.9 is excluded by auth-1".to_owned());
    let scope = |want: &Want| (want.address != excluded).then_some(()).ok_or_else(rule);
    let hosts = vec![host("a", &[], &["192.0.2.1", "192.0.2.9"]), host("b", &[], &["192.0.2.9"])];
    let plan = planned(hosts, &[asked("exposure/undeclared", &["tcp"])], Class::ReadOnly, &scope);
    assert_eq!(names_of(&plan), ["tcp"]);
    assert_eq!(plan.untested.len(), 2);
    assert!(plan.untested.iter().all(|left| left.address == Some(excluded)));
    assert_eq!(plan.wanted.len(), 2);
}

#[test]
fn the_letter_says_what_why_how_much_and_how_long() {
    let fragile = Host { fragile: true, ..host("fw1", &[], &["192.0.2.1"]) };
    let hosts = vec![host("web1", &["booking.example"], &["192.0.2.10", "2001:db8::10"]), fragile];
    let checks = [asked("tls/old-version", &["tls"]), asked("exposure/undeclared", &["tcp"])];
    let plan = planned(hosts.clone(), &checks, Class::ReadOnly, &everything);
    let probes: Vec<&Probe> = PROBES.iter().collect();
    let about = [("From", "outside, 203.0.113.7".to_owned())];
    insta::assert_snapshot!(letter(&plan, &inventory(hosts), &probes, &about));
}

#[test]
fn hosts_at_one_address_take_as_long_as_one_after_the_other() {
    let seconds = |second: &[&str], third: &[&str]| {
        let hosts = vec![
            host("a", &[], &["192.0.2.1", "192.0.2.2"]),
            host("b", &[], second),
            host("c", &[], third),
        ];
        let plan = planned(hosts, &[asked("x/y", &["tcp"])], Class::ReadOnly, &everything);
        let sending = plan.total.connections.div_ceil(u64::from(plan.limits.per_second));
        let of = |id: &str| -> u64 {
            let steps = plan.steps.iter().filter(|step| step.host.0 == id);
            steps.map(|step| step.bound.seconds).sum()
        };
        (plan.total.seconds - sending, of("a"), of("b"), of("c"))
    };
    let (all, a, b, c) = seconds(&["192.0.2.3"], &["192.0.2.4"]);
    assert_eq!(all, a.max(b).max(c));
    let (all, a, b, c) = seconds(&["192.0.2.2", "192.0.2.3"], &["::ffff:192.0.2.3"]);
    assert_eq!(all, a + b + c, "the third through the second");
}

#[test]
fn no_check_no_packet() {
    let hosts = vec![host("web1", &["booking.example"], &["192.0.2.1"])];
    let plan = planned(hosts, &[], Class::ReadOnly, &everything);
    assert!(plan.steps.is_empty() && plan.wanted.is_empty() && plan.untested.is_empty());
    assert_eq!(plan.total, Bound::default());
}

#[test]
fn a_thousand_hosts_are_planned_at_once() {
    let hosts = (0..1000).map(|n| {
        let address = format!("10.1.{}.{}", n / 250, n % 250 + 1);
        host(&format!("h{n}"), &["a.example", "b.example"], &[&address])
    });
    let checks: Vec<Asked> =
        (0..100).map(|n| asked(&format!("c/{n:03}"), &["tcp", "tls", "http"])).collect();
    let plan = planned(hosts.collect(), &checks, Class::ReadOnly, &everything);
    assert_eq!(plan.steps.len(), 4000);
    assert_eq!(plan.wanted.len(), 100_000);
}

type World = (Vec<Asked>, Class, Vec<(u8, Class)>, Vec<Host>);

/// Any class; any set of checks on any probes; any scope over four addresses.
fn worlds() -> impl Strategy<Value = World> {
    let class = prop_oneof![Just(Class::Connect), Just(Class::Passive), Just(Class::ReadOnly)];
    let check =
        proptest::sample::subsequence(vec!["names", "tcp", "greeting", "tls", "http"], 1..4);
    let checks = proptest::collection::vec(check, 0..6).prop_map(|all| {
        let named = all.iter().enumerate();
        named.map(|(n, probes)| asked(&format!("c/{n}"), probes)).collect()
    });
    let rule = (1..5_u8, class.clone());
    let addresses = proptest::sample::subsequence(vec![1, 2, 3, 4], 0..4);
    let hosts = proptest::collection::vec((addresses, any::<bool>()), 1..4).prop_map(|all| {
        let numbered = all.into_iter().enumerate();
        let made = numbered.map(|(n, (addresses, fragile))| {
            let texts: Vec<String> = addresses.iter().map(|a| format!("192.0.2.{a}")).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            Host { fragile, ..host(&format!("h{n}"), &["a.example"], &texts) }
        });
        made.collect()
    });
    (checks, class, proptest::collection::vec(rule, 0..12), hosts)
}

proptest! {
    #[test]
    fn a_plan_has_a_reason_for_all_it_does_and_stays_in_scope(
        (checks, class, rules, hosts) in worlds()
    ) {
        let allows = |want: &Want| {
            let yes = rules.iter().any(|(last, strongest)| {
                want.address.to_string() == format!("192.0.2.{last}") && want.class <= *strongest
            });
            yes.then_some(()).ok_or_else(|| Refusal::from("no rule".to_owned()))
        };
        let whole = planned(hosts.clone(), &checks, class, &allows);
        prop_assert_eq!(&whole, &planned(hosts.clone(), &checks, class, &allows));
        prop_assert_eq!(whole.wanted.len(), hosts.len() * checks.len());
        for (at, step) in whole.steps.iter().enumerate() {
            prop_assert_eq!(step.id as usize, at);
            prop_assert!(!step.asked_by.is_empty());
            prop_assert!(step.class <= class);
            let of = hosts.iter().find(|host| host.id == step.host).expect("a host of ours");
            prop_assert!(!of.fragile || step.class == Class::Connect);
            if let Over::Address { written, .. } = &step.over {
                for address in written {
                    prop_assert!(of.addresses.contains(address));
                    let last = rules.iter().any(|(last, strongest)| {
                        address.to_string() == format!("192.0.2.{last}") && step.class <= *strongest
                    });
                    prop_assert!(last, "{address} is outside the scope");
                }
            }
        }
        // Without a check, what only it wanted is gone, and nothing else has changed.
        for left_out in 0..checks.len() {
            let mut fewer = checks.clone();
            let gone = fewer.remove(left_out).check;
            let plan = planned(hosts.clone(), &fewer, class, &allows);
            let still = whole.steps.iter().filter_map(|step| {
                let by: Vec<CheckId> =
                    step.asked_by.iter().filter(|check| **check != gone).cloned().collect();
                (!by.is_empty()).then(|| (step.host.clone(), step.probe.clone(), step.bound, by))
            });
            let now = plan.steps.iter().map(|step| {
                (step.host.clone(), step.probe.clone(), step.bound, step.asked_by.clone())
            });
            prop_assert_eq!(still.collect::<Vec<_>>(), now.collect::<Vec<_>>());
        }
    }
}
