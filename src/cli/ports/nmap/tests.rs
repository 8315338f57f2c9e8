//! Each state and reason in its place, whatever a name holds; long lists whole.

use super::*;
use crate::model::saw::Swept;

fn run(ports: &str, state: PortState, reason: Option<Cut>) -> PortRun {
    PortRun { ports: ports.to_owned(), state, reason }
}

fn seen(found: &Found, complete: bool) -> String {
    let ended = Ended { complete, why: None, connections: 0, datagrams: 0 };
    let names = BTreeMap::from([(HostId("web".into()), vec![HOSTILE.to_owned()])]);
    let seen = Seen { found, ended: &ended, names: &names, command: "postern ports 192.0.2.7" };
    let began: Moment = "2026-11-23T14:05:09Z".parse().expect("a moment");
    seen.document(began, Moment::from_unix_millis(began.unix_millis() + 2500))
}

const HOSTILE: &str = "a\"/><script id='x'>&amp;]]>\n\u{1b}[2J\u{202e}.example";

fn found(states: Vec<PortRun>, swept: Option<Swept>) -> Found {
    let address: IpAddr = "192.0.2.7".parse().expect("an address");
    Found {
        probe: "tcp",
        last: BTreeMap::from([(address, PortsSaw { states, swept })]),
        hosts: BTreeMap::from([(address, BTreeSet::from([HostId("web".into())]))]),
        not_asked: Vec::new(),
    }
}

fn syn(warnings: &[&str]) -> Swept {
    let warnings = warnings.iter().map(|warning| (*warning).to_owned()).collect();
    Swept { by: "syn".into(), sent: 300, tries: 2, miss: 1e-7, warnings, ..Swept::default() }
}

#[test]
fn every_state_is_told_with_its_reason() {
    let from = "198.51.100.1".parse().ok();
    let states = vec![
        run("22,443", PortState::Open, None),
        run("20-21", PortState::Closed, Some(Cut::Refused)),
        run("60-120", PortState::Filtered, Some(Cut::TimedOut)),
        run("130", PortState::Filtered, Some(Cut::Unreachable { kind: 3, code: 13, from })),
        run("140", PortState::Closed, Some(Cut::RefusedBefore)),
    ];
    insta::assert_snapshot!(seen(&found(states, Some(syn(&["a <warning>", "another"]))), true));
}

#[test]
fn few_ports_are_told_one_by_one_whoever_answered() {
    let from = "198.51.100.1".parse().ok();
    let states = vec![
        run("23", PortState::Filtered, Some(Cut::Unreachable { kind: 3, code: 13, from })),
        run("24", PortState::Inconclusive, Some(Cut::Garbled { what: "x & y".into() })),
    ];
    let told = seen(&found(states, None), true);
    for part in [
        "<status state=\"unknown\" reason=\"admin-prohibited\" reason_ttl=\"0\"/>",
        "<state state=\"filtered\" reason=\"admin-prohibited\" reason_ttl=\"0\" reason_ip=\"198.51.100.1\"/>",
        "<state state=\"unknown\" reason=",
        "x &amp; y",
        "did not come to its end",
        "exit=\"error\" errormsg=\"not every port is settled\"",
        "<hosts up=\"0\" down=\"0\" total=\"1\"/>",
    ] {
        assert!(told.contains(part), "no {part} in {told}");
    }
}

#[test]
fn what_was_not_examined_is_told() {
    let not_asked = vec![("host <b>".to_owned(), "no address".to_owned())];
    let told = seen(&Found { not_asked, ..Found::of("tcp", &[]) }, false);
    assert!(told.contains("<script id=\"postern-not-examined\" output=\"host &lt;b&gt; was not"));
    assert!(told.contains("errormsg=\"host &lt;b&gt; was not examined: no address\""));
    assert!(told.contains("total=\"0\""));
}

#[test]
fn long_lists_of_ports_are_whole() {
    let odd: Vec<u16> = (1..=65_535).step_by(2).collect();
    let ports = port_ranges(&odd);
    let told =
        seen(&found(vec![run(&ports, PortState::Filtered, Some(Cut::TimedOut))], None), true);
    assert_eq!(told.matches(&format!("\"{ports}\"")).count(), 2);
}

#[test]
fn services_are_sorted() {
    assert!(SERVICES.windows(2).all(|two| two[0].0 < two[1].0));
}
