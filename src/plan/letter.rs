//! A plan in words, for the vendor who has to agree to it: what is sent, why, how much at most, and how long it takes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;

use crate::inventory::Inventory;
use crate::model::net::{CheckId, HostId};
use crate::model::plan::{Bound, Class, Over, Plan, Step, When};
use crate::probe::Probe;

use super::likely_seconds;

/// Columns of a line, so that it prints and can be mailed.
const WIDTH: usize = 80;

/// Writes a plan in words. `about` are the lines of its head (who, when, from where, by whose leave), label and text.
pub fn letter(
    plan: &Plan,
    inventory: &Inventory,
    probes: &[&Probe],
    about: &[(&str, String)],
) -> String {
    let mut out = String::from("Plan of a scan\n\n");
    for (label, text) in about {
        entry(&mut out, 15, label, text);
    }
    let limits = &plan.limits;
    let pace = format!(
        "at most {} a second in all and {} to one host or address, {} open at a time to each; \
         every new connection counts, every repeated attempt, and every datagram",
        limits.per_second, limits.per_host_per_second, limits.per_host_parallel
    );
    entry(&mut out, 15, "Pace", &pace);
    let likely = duration(likely_seconds(plan));
    let all =
        format!("at most {}; about {likely} where hosts offer a few services", sum(&plan.total));
    entry(&mut out, 15, "In all", &all);

    let reasons = reasons(plan);
    out.push_str("\nWhat is sent, and which checks want it\n");
    for probe in probes {
        let Some(checks) = reasons.get(&*probe.name) else { continue };
        out.push('\n');
        entry(&mut out, 11, &probe.name, &probe.sends);
        entry(&mut out, 11, "", &format!("{}; {}.", class(probe.class), when(probe.when)));
        entry(&mut out, 11, "", &format!("For {}.", list(checks)));
    }

    out.push_str("\nHost by host\n");
    let mut steps: BTreeMap<&HostId, Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        steps.entry(&step.host).or_default().push(step);
    }
    for host in &inventory.hosts {
        let addresses = host.addresses.iter().map(ToString::to_string);
        let places: Vec<String> = host.names.iter().cloned().chain(addresses).collect();
        let _ = writeln!(out, "\n{}  {}", host.id, places.join(", "));
        for step in steps.get(&host.id).into_iter().flatten().filter(|step| asks(step)) {
            let mut text = format!("{}: at most {}", over(&step.over), sum(&step.bound));
            let checks: BTreeSet<&CheckId> = step.asked_by.iter().collect();
            if reasons.get(step.probe.as_str()) != Some(&checks) {
                let _ = write!(text, "; for {}", list(&checks));
            }
            entry(&mut out, 11, &step.probe, &text);
        }
        for left in plan.untested.iter().filter(|left| left.host == host.id) {
            let at = left.address.map_or(String::new(), |address| format!(" at {address}"));
            entry(&mut out, 11, &left.probe, &format!("not tested{at}: {}", left.why));
        }
    }
    out
}

/// The checks that want each probe, on any host.
fn reasons(plan: &Plan) -> BTreeMap<&str, BTreeSet<&CheckId>> {
    let mut reasons: BTreeMap<&str, BTreeSet<&CheckId>> = BTreeMap::new();
    for step in plan.steps.iter().filter(|step| asks(step)) {
        reasons.entry(&step.probe).or_default().extend(&step.asked_by);
    }
    reasons
}

/// Whether there is anything for a step to ask.
fn asks(step: &Step) -> bool {
    let none = |over: &Over| match over {
        Over::Door { ports, .. } | Over::Port { ports, .. } => ports.is_empty(),
        _ => false,
    };
    !none(&step.over)
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Connect => "Connects and says nothing",
        Class::Passive => "Listens only",
        Class::ReadOnly => "Asks what any client asks, and changes nothing",
        Class::Intrusive => "Intrusive",
    }
}

fn when(when: When) -> &'static str {
    match when {
        When::Always => "always",
        When::Open => "if the port is open",
        When::Silent => "if the port is open and its service says nothing by itself",
        When::SilentOrTls => {
            "if the port is open and its service says nothing by itself, over TLS where it speaks TLS"
        }
    }
}

fn over(over: &Over) -> String {
    match over {
        Over::Name { names } => names.join(", "),
        Over::Address { written, resolved_at_most, ports } => {
            format!("ports {ports} of {}", places(written, *resolved_at_most))
        }
        Over::Service { at_most } => format!("up to {at_most} open ports of each address"),
        Over::Site { at_most, names } if names.is_empty() => {
            format!("up to {at_most} open ports of each address")
        }
        Over::Site { at_most, names } => {
            format!("up to {at_most} open ports of each address, as {}", names.join(", "))
        }
        Over::Door { ports, names, .. } if names.is_empty() => {
            format!("ports {ports}/tcp of each address that are open")
        }
        Over::Door { ports, names, .. } => {
            format!("ports {ports}/tcp of each address that are open, as {}", names.join(", "))
        }
        Over::Port { transport, ports, written, resolved_at_most } => {
            format!("ports {ports}/{transport} of {}", places(written, *resolved_at_most))
        }
    }
}

/// Addresses in words.
fn places(written: &[IpAddr], resolved_at_most: u32) -> String {
    let mut places: Vec<String> = written.iter().map(ToString::to_string).collect();
    if resolved_at_most > 0 {
        places.push(format!("up to {resolved_at_most} addresses that its names lead to"));
    }
    places.join(", ")
}

/// A bound in words: `16 connections, 10 s`.
fn sum(bound: &Bound) -> String {
    let count = |n: u64, one: &str| match n {
        0 => None,
        1 => Some(format!("1 {one}")),
        n => Some(format!("{} {one}s", thousands(n))),
    };
    let counts = [count(bound.connections, "connection"), count(bound.datagrams, "datagram")];
    let words: Vec<String> =
        counts.into_iter().flatten().chain([duration(bound.seconds)]).collect();
    words.join(", ")
}

/// `1,234,567`
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A duration in the words that people use for it: `40 s`, `12 min`, `3 h 20 min`.
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Checks by name: `tls/old-version, tls/weak-key`.
fn list(checks: &BTreeSet<&CheckId>) -> String {
    checks.iter().map(|check| check.0.as_str()).collect::<Vec<_>>().join(", ")
}

/// A label and its text, wrapped, with the text in a column of its own.
fn entry(out: &mut String, column: usize, label: &str, text: &str) {
    let mut line = format!("  {label:column$}");
    let indent = " ".repeat(column + 2);
    let mut fresh = true;
    if label.len() >= column {
        let _ = writeln!(out, "{line}");
        line.clone_from(&indent);
    }
    for word in text.split(' ') {
        let wide = unicode_width::UnicodeWidthStr::width(line.as_str()) + 1 + word.len();
        if wide > WIDTH && !fresh {
            let _ = writeln!(out, "{}", line.trim_end());
            line.clone_from(&indent);
            fresh = true;
        }
        if !fresh {
            line.push(' ');
        }
        line.push_str(word);
        fresh = false;
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(999), "999");
        assert_eq!(duration(90), "90 s");
        assert_eq!(duration(600), "10 min");
        assert_eq!(duration(12_000), "3 h 20 min");
        let bound = Bound { connections: 1, datagrams: 4000, seconds: 3 };
        assert_eq!(sum(&bound), "1 connection, 4,000 datagrams, 3 s");
    }

    #[test]
    fn long_texts_keep_their_column() {
        let mut out = String::new();
        entry(&mut out, 6, "tcp", &"word ".repeat(20));
        for line in out.lines() {
            assert!(line.len() <= WIDTH, "{line}");
            assert!(line.starts_with("  tcp   word") || line.starts_with("        word"), "{line}");
        }
    }
}
