//! What is known of ports as Nmap writes it in XML, for the programs that read that: ndiff, libnmap, style sheets.
//!
//! Elements and attributes are those of Nmap's published document type; what it has no word for keeps ours. Three things are
//! told otherwise than Nmap does, since we know better or not at all: a state that is not settled is `unknown`; a reset of
//! somebody in front of the host is a `reset-in-front`; and no time to live is told (`reason_ttl` is 0), as none is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::found::{Found, word};
use super::lines::in_words;
use crate::engine::Ended;
use crate::model::moment::Moment;
use crate::model::net::{HostId, parse_port_ranges, port_ranges};
use crate::model::saw::{Cut, PortRun, PortState, PortsSaw};
use crate::report::xml::Element;

/// The version of the format that this is.
const FORMAT: &str = "1.05";
/// More ports than this in a state other than open are told by their number.
const BULK: usize = 25;

/// What is told.
pub(super) struct Seen<'a> {
    pub(super) found: &'a Found,
    pub(super) ended: &'a Ended,
    pub(super) names: &'a BTreeMap<HostId, Vec<String>>,
    /// The command as it was typed.
    pub(super) command: &'a str,
}

impl Seen<'_> {
    /// The document, of an examination from one moment to another.
    pub(super) fn document(&self, began: Moment, ended: Moment) -> String {
        let Found { last, not_asked, .. } = self.found;
        let level = |name| Element::new(name).with("level", "0");
        let left: Vec<String> =
            not_asked.iter().map(|(at, why)| format!("{at} was not examined: {why}")).collect();
        let root = Element::new("nmaprun")
            .with("scanner", "postern")
            .with("args", self.command)
            .with("start", &began.unix_seconds().to_string())
            .with("startstr", &began.as_in_c())
            .with("version", env!("CARGO_PKG_VERSION"))
            .with("xmloutputversion", FORMAT)
            .holding(self.scans())
            .holding([level("verbose"), level("debugging")])
            .holding(last.iter().map(|(address, saw)| self.host(*address, saw)));
        let left_out = (!left.is_empty())
            .then(|| Element::new("postscript").holding([script("postern-not-examined", &left)]));
        root.holding(left_out).holding([self.statistics(began, ended, &left)]).document()
    }

    /// What was asked, for each way of asking.
    fn scans(&self) -> Vec<Element> {
        let mut ports: BTreeMap<&str, BTreeSet<u16>> = BTreeMap::new();
        for saw in self.found.last.values() {
            let all = saw.states.iter().flat_map(|run| numbers(&run.ports));
            ports.entry(way(self.found.probe, saw)).or_default().extend(all);
        }
        let scan = |(way, ports): (&str, BTreeSet<u16>)| {
            let ports: Vec<u16> = ports.into_iter().collect();
            Element::new("scaninfo")
                .with("type", way)
                .with("protocol", self.found.probe)
                .with("numservices", &ports.len().to_string())
                .with_all("services", &port_ranges(&ports))
        };
        ports.into_iter().map(scan).collect()
    }

    fn host(&self, address: IpAddr, saw: &PortsSaw) -> Element {
        let probe = self.found.probe;
        let kind = if address.is_ipv4() { "ipv4" } else { "ipv6" };
        let hosts = self.found.hosts.get(&address).into_iter().flatten();
        let names: BTreeSet<&String> =
            hosts.filter_map(|host| self.names.get(host)).flatten().collect();
        let name = |name: &String| Element::new("hostname").with("name", name).with("type", "user");
        let (state, reason) = status(probe, saw);
        let host = match &saw.swept {
            Some(swept) => Element::new("host").with("comment", &in_words(swept)),
            None => Element::new("host"),
        };
        host.holding([
            explained(Element::new("status").with("state", state), &reason, None),
            Element::new("address").with("addr", &address.to_string()).with("addrtype", kind),
            Element::new("hostnames").holding(names.into_iter().map(name)),
            ports(probe, saw),
        ])
        .holding(warnings(saw))
    }

    fn statistics(&self, began: Moment, ended: Moment, left: &[String]) -> Element {
        let Found { probe, last, .. } = self.found;
        let up = last.values().filter(|saw| status(probe, saw).0 == "up").count();
        let seconds = format!("{:.2}", ended.since(began).as_secs_f64());
        let complete = self.ended.complete && self.found.is_whole();
        let addresses = match last.len() {
            1 => "1 address".to_owned(),
            count => format!("{count} addresses"),
        };
        let summary = format!("{addresses} ({up} answered) examined in {seconds} seconds");
        let finished = Element::new("finished")
            .with("time", &ended.unix_seconds().to_string())
            .with("timestr", &ended.as_in_c())
            .with("summary", &summary)
            .with("elapsed", &seconds)
            .with("exit", if complete { "success" } else { "error" });
        let finished = if complete {
            finished
        } else {
            let why = self.ended.why.iter().chain(left).cloned().collect::<Vec<_>>().join("; ");
            let why = if why.is_empty() { "not every port is settled".to_owned() } else { why };
            finished.with("errormsg", &why)
        };
        let hosts = Element::new("hosts")
            .with("up", &up.to_string())
            .with("down", "0")
            .with("total", &last.len().to_string());
        Element::new("runstats").holding([finished, hosts])
    }
}

/// Whether the host is there: it is where it answered by itself, and nobody knows otherwise.
fn status(probe: &str, saw: &PortsSaw) -> (&'static str, String) {
    let by = |wanted: fn(&PortRun) -> bool| saw.states.iter().find(|run| wanted(run));
    let open = by(|run| run.state == PortState::Open);
    let itself = open.or_else(|| by(|run| run.reason == Some(Cut::Refused)));
    if let Some(run) = itself {
        return ("up", reason(run, way(probe, saw)).0);
    }
    let anybody = by(|run| !matches!(run.reason, Some(Cut::TimedOut | Cut::Garbled { .. })));
    ("unknown", anybody.map_or("no-response".into(), |run| reason(run, way(probe, saw)).0))
}

/// The ports: open ones each, others too where they are few.
fn ports(probe: &str, saw: &PortsSaw) -> Element {
    let mut bulk = Vec::new();
    let mut each: BTreeMap<u16, Element> = BTreeMap::new();
    for state in [
        PortState::Open,
        PortState::Closed,
        PortState::Filtered,
        PortState::OpenOrFiltered,
        PortState::Inconclusive,
    ] {
        let runs: Vec<&PortRun> = saw.states.iter().filter(|run| run.state == state).collect();
        let count: usize = runs.iter().map(|run| numbers(&run.ports).len()).sum();
        if state != PortState::Open && count > BULK {
            bulk.push(many(state, count, &runs, way(probe, saw)));
            continue;
        }
        for run in runs {
            each.extend(
                numbers(&run.ports).iter().map(|port| (*port, one(*port, run, way(probe, saw)))),
            );
        }
    }
    Element::new("ports").holding(bulk).holding(each.into_values())
}

fn many(state: PortState, count: usize, runs: &[&PortRun], way: &str) -> Element {
    let why = |run: &&PortRun| {
        Element::new("extrareasons")
            .with("reason", &reason(run, way).0)
            .with("count", &numbers(&run.ports).len().to_string())
            .with("proto", protocol(way))
            .with_all("ports", &run.ports)
    };
    Element::new("extraports")
        .with("state", name(state))
        .with("count", &count.to_string())
        .holding(runs.iter().map(why))
}

fn one(port: u16, run: &PortRun, way: &str) -> Element {
    let (reason, from) = reason(run, way);
    let state = explained(Element::new("state").with("state", name(run.state)), &reason, from);
    let service = SERVICES.iter().find(|(of, _)| *of == port).map(|(_, name)| {
        // What usually stands for the number: nobody asked what listens there.
        Element::new("service").with("name", name).with("method", "table").with("conf", "3")
    });
    Element::new("port")
        .with("protocol", protocol(way))
        .with("portid", &port.to_string())
        .holding([state])
        .holding(service)
}

fn explained(element: Element, reason: &str, from: Option<IpAddr>) -> Element {
    let element = element.with("reason", reason).with("reason_ttl", "0");
    match from {
        Some(from) => element.with("reason_ip", &from.to_string()),
        None => element,
    }
}

/// What stood in the way: where programs show what scripts said of a host. How it went is a comment of the host's, which
/// nobody compares: it is another each time.
fn warnings(saw: &PortsSaw) -> Option<Element> {
    let warnings = match &saw.swept {
        Some(swept) => swept.warnings.clone(),
        None => vec!["the examination did not come to its end".to_owned()],
    };
    let any = !warnings.is_empty();
    any.then(|| Element::new("hostscript").holding([script("postern-warnings", &warnings)]))
}

fn script(id: &str, lines: &[String]) -> Element {
    let each = lines.iter().map(|line| Element::new("elem").saying(line));
    Element::new("script").with("id", id).with("output", &lines.join("; ")).holding(each)
}

fn name(state: PortState) -> &'static str {
    match state {
        PortState::Open => "open",
        PortState::Closed => "closed",
        PortState::Filtered => "filtered",
        PortState::OpenOrFiltered => "open|filtered",
        PortState::Inconclusive => "unknown",
    }
}

/// How packets were sent; where it did not come to its end, nobody knows, and a connect is the weaker claim.
fn way(probe: &str, saw: &PortsSaw) -> &'static str {
    match &saw.swept {
        _ if probe == "udp" => "udp",
        Some(swept) if swept.by == "syn" => "syn",
        _ => "connect",
    }
}

fn protocol(way: &str) -> &'static str {
    if way == "udp" { "udp" } else { "tcp" }
}

/// How a state is known, in Nmap's word where it has one, and who said so.
fn reason(run: &PortRun, way: &str) -> (String, Option<IpAddr>) {
    let known = match &run.reason {
        None if way == "udp" => "udp-response",
        None => "syn-ack",
        Some(Cut::Refused) if way == "syn" => "reset",
        Some(Cut::Refused) => "conn-refused",
        Some(Cut::TimedOut) => "no-response",
        Some(Cut::Unreachable { kind, code, from }) => {
            return (unreachable(*kind, *code), *from);
        }
        Some(_) => return (word(protocol(way), run), None),
    };
    (known.to_owned(), None)
}

/// ICMP errors (RFC 792, RFC 1812) are of type 3, those of ICMPv6 (RFC 4443) of type 1.
fn unreachable(kind: u8, code: u8) -> String {
    let known = match (kind, code) {
        (3, 0) => "net-unreach",
        (3, 1) => "host-unreach",
        (3, 2) => "proto-unreach",
        (3, 3) | (1, 4) => "port-unreach",
        (3, 9) => "net-prohibited",
        (3, 10) => "host-prohibited",
        (3, 13) | (1, 1) => "admin-prohibited",
        (1, 0) => "no-route",
        (1, 2) => "beyond-scope",
        (1, 3) => "addr-unreach",
        _ => return format!("icmp-{kind}-{code}"),
    };
    known.to_owned()
}

fn numbers(ports: &str) -> Vec<u16> {
    parse_port_ranges(ports).unwrap_or_default()
}

/// Names of the services that TCP ports usually stand for, of those that are met most often: as in /etc/services of Debian
/// (netbase 6.4) where they are there.
const SERVICES: [(u16, &str); 52] = [
    (20, "ftp-data"),
    (21, "ftp"),
    (22, "ssh"),
    (23, "telnet"),
    (25, "smtp"),
    (53, "domain"),
    (79, "finger"),
    (80, "http"),
    (88, "kerberos"),
    (104, "acr-nema"),
    (110, "pop3"),
    (111, "sunrpc"),
    (135, "epmap"),
    (139, "netbios-ssn"),
    (143, "imap"),
    (161, "snmp"),
    (179, "bgp"),
    (389, "ldap"),
    (443, "https"),
    (445, "microsoft-ds"),
    (465, "submissions"),
    (502, "mbap"),
    (515, "printer"),
    (548, "afpovertcp"),
    (554, "rtsp"),
    (587, "submission"),
    (631, "ipp"),
    (636, "ldaps"),
    (873, "rsync"),
    (993, "imaps"),
    (995, "pop3s"),
    (1080, "socks"),
    (1433, "ms-sql-s"),
    (1723, "pptp"),
    (1883, "mqtt"),
    (2049, "nfs"),
    (2575, "hl7"),
    (2762, "dicom-tls"),
    (3306, "mysql"),
    (3389, "ms-wbt-server"),
    (5060, "sip"),
    (5222, "xmpp-client"),
    (5432, "postgresql"),
    (5672, "amqp"),
    (5900, "rfb"),
    (5985, "wsman"),
    (5986, "wsmans"),
    (6379, "redis"),
    (8080, "http-alt"),
    (8883, "secure-mqtt"),
    (11112, "dicom"),
    (11211, "memcache"),
];

#[cfg(test)]
mod tests;
