//! Where a plan goes, host by host: hosts of which the same is asked stand together, and so do the probes of check files
//! that go to the same places, so that a vendor with many machines still reads all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;

use super::{Reasons, asks, entry, in_short, list, sum};
use crate::inventory::{Host, Inventory};
use crate::model::net::CheckId;
use crate::model::plan::{Bound, Over, Plan, Step};

/// What the letter has said already.
pub(super) struct Known<'a> {
    /// The names of the probes that check files write down.
    pub(super) recipes: BTreeSet<&'a str>,
    /// The checks that want each probe, on any host.
    pub(super) reasons: &'a Reasons<'a>,
}

/// A label and its text.
type Line = (String, String);

/// Writes what is asked of each host.
pub(super) fn hosts(out: &mut String, plan: &Plan, inventory: &Inventory, known: &Known<'_>) {
    let mut alike: Vec<(Vec<&Host>, Vec<Line>)> = Vec::new();
    for host in &inventory.hosts {
        let lines = Here::of(plan, host, known).lines();
        match alike.iter_mut().find(|(_, same)| *same == lines) {
            Some((hosts, _)) => hosts.push(host),
            None => alike.push((vec![host], lines)),
        }
    }
    for (hosts, lines) in alike {
        out.push('\n');
        for host in &hosts {
            let addresses = host.addresses.iter().map(ToString::to_string);
            let places: Vec<String> = host.names.iter().cloned().chain(addresses).collect();
            let _ = writeln!(out, "{}  {}", host.id, places.join(", "));
        }
        if hosts.len() > 1 {
            let _ = writeln!(out, "  of each of these {}:", hosts.len());
        }
        for (label, text) in lines {
            entry(out, 11, &label, &text);
        }
    }
}

/// One host of a plan.
struct Here<'a> {
    plan: &'a Plan,
    host: &'a Host,
    known: &'a Known<'a>,
    /// The ports that are swept.
    swept: &'a str,
}

impl<'a> Here<'a> {
    fn of(plan: &'a Plan, host: &'a Host, known: &'a Known<'a>) -> Self {
        let swept = plan.steps.iter().find_map(|step| match &step.over {
            Over::Address { ports, .. } if step.host == host.id => Some(ports.as_str()),
            _ => None,
        });
        Self { plan, host, known, swept: swept.unwrap_or_default() }
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut shared: BTreeMap<String, (Bound, BTreeSet<&CheckId>)> = BTreeMap::new();
        let steps = self.plan.steps.iter().filter(|step| step.host == self.host.id && asks(step));
        for step in steps {
            let checks: BTreeSet<&CheckId> = step.asked_by.iter().collect();
            if self.known.recipes.contains(step.probe.as_str()) {
                let (bound, all) = shared.entry(self.over(&step.over)).or_default();
                add(bound, step);
                all.extend(checks);
                continue;
            }
            let mut text = format!("{}: at most {}", self.over(&step.over), sum(&step.bound));
            if self.known.reasons.get(step.probe.as_str()) != Some(&checks) {
                let _ = write!(text, "; for {}", in_short(&checks));
            }
            lines.push((step.probe.clone(), text));
        }
        let mut shared: Vec<_> = shared.into_iter().collect();
        // What goes to most places first.
        shared.sort_by_key(|(_, (bound, _))| std::cmp::Reverse(bound.connections));
        for (over, (bound, checks)) in shared {
            let text = format!("{over}: at most {}; for {}", sum(&bound), list(&checks));
            lines.push(("by checks".into(), text));
        }
        lines.extend(self.untested());
        lines
    }

    /// What is not asked, and why: all that one rule leaves out stands together.
    fn untested(&self) -> Vec<Line> {
        let mut rules: Vec<(String, Vec<&str>)> = Vec::new();
        for left in self.plan.untested.iter().filter(|left| left.host == self.host.id) {
            let at = left.address.map_or(String::new(), |address| format!(" at {address}"));
            let text = format!("not tested{at}: {}", left.why);
            match rules.iter_mut().find(|(same, _)| *same == text) {
                Some((_, probes)) => probes.push(&left.probe),
                None => rules.push((text, vec![&left.probe])),
            }
        }
        let line = |(text, probes): (String, Vec<&str>)| {
            let (own, mut names): (Vec<&str>, Vec<&str>) =
                probes.iter().partition(|probe| self.known.recipes.contains(**probe));
            let own = match own.len() {
                0 => None,
                1 => Some("what a check file writes down".to_owned()),
                n => Some(format!("what {n} check files write down")),
            };
            names.extend(own.as_deref());
            (names.join(", "), text)
        };
        rules.into_iter().map(line).collect()
    }

    fn over(&self, over: &Over) -> String {
        match over {
            Over::Name { names } => self.names(names),
            Over::Address { written, resolved_at_most, ports, by_connect, usual_first } => {
                let how = match (by_connect, usual_first) {
                    (true, _) => ", by whole connects only",
                    (false, true) => {
                        ", the 20 usual ones first, with two pings at most, and the others only if anything answers"
                    }
                    (false, false) => "",
                };
                format!("{} of {}{how}", told(ports), self.places(written, *resolved_at_most))
            }
            Over::Service { at_most } => open(*at_most),
            Over::Site { at_most, names } => self.under(&open(*at_most), names),
            Over::Door { ports, at_most, names } if ports == self.swept => {
                self.under(&open(*at_most), names)
            }
            Over::Door { ports, names, .. } => {
                self.under(&format!("{}/tcp of each address where open", told(ports)), names)
            }
            Over::Port { transport, ports, written, resolved_at_most } => {
                let places = self.places(written, *resolved_at_most);
                format!("{}/{transport} of {places}", told(ports))
            }
        }
    }

    fn names(&self, names: &[String]) -> String {
        if *names == *self.host.names && names.len() > 1 {
            "each of its names".into()
        } else {
            names.join(", ")
        }
    }

    fn under(&self, place: &str, names: &[String]) -> String {
        if names.is_empty() {
            place.to_owned()
        } else {
            format!("{place}, as {}", self.names(names))
        }
    }

    /// Addresses in words.
    fn places(&self, written: &[IpAddr], resolved_at_most: u32) -> String {
        let all = *written == *self.host.addresses && !written.is_empty();
        let mut places: Vec<String> = if all {
            vec!["each address".into()]
        } else {
            written.iter().map(ToString::to_string).collect()
        };
        if resolved_at_most > 0 {
            places.push(format!("up to {resolved_at_most} addresses that its names lead to"));
        }
        places.join(", ")
    }
}

/// Ports that were found open.
fn open(at_most: u32) -> String {
    format!("up to {at_most} open ports of each address")
}

/// Ports in words, so that a long list can be broken into lines.
fn told(ports: &str) -> String {
    let word = if ports.contains([',', '-']) { "ports" } else { "port" };
    format!("{word} {}", ports.replace(',', ", "))
}

/// The worst case with that of another step; they are asked one after the other.
fn add(bound: &mut Bound, step: &Step) {
    bound.connections = bound.connections.saturating_add(step.bound.connections);
    bound.datagrams = bound.datagrams.saturating_add(step.bound.datagrams);
    bound.seconds = bound.seconds.saturating_add(step.bound.seconds);
}
