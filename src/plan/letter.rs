//! A plan in words, for the vendor who has to agree to it: what is sent, why, how much at most, and how long it takes.

mod hosts;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::inventory::Inventory;
use crate::model::net::CheckId;
use crate::model::plan::{Bound, Class, Over, Plan, Step, When};
use crate::probe::{Ask, Probe};

use super::likely_seconds;

/// As many checks are told by their names.
const FEW: usize = 12;

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
        "at most {} packets a second in all and {} to one host or address; every new connection counts, every repeated \
         attempt, and every datagram; at most {} conversations a second with each, {} at a time",
        limits.per_second,
        limits.per_host_per_second,
        limits.talks(),
        limits.per_host_parallel
    );
    entry(&mut out, 15, "Pace", &pace);
    let likely = duration(likely_seconds(plan));
    let all =
        format!("at most {}; about {likely} where hosts offer a few services", sum(&plan.total));
    entry(&mut out, 15, "In all", &all);

    let reasons = reasons(plan);
    let (recipes, built_in): (Vec<&Probe>, Vec<&Probe>) =
        probes.iter().partition(|probe| matches!(probe.ask, Ask::Recipe(_)));
    out.push_str("\nWhat is sent, and which checks want it\n");
    for probe in built_in {
        let Some(checks) = reasons.get(&*probe.name) else { continue };
        out.push('\n');
        entry(&mut out, 11, &probe.name, &probe.sends);
        entry(&mut out, 11, "", &format!("{}; {}.", class(probe.class), when(probe.when)));
        entry(&mut out, 11, "", &format!("For {}.", in_short(checks)));
    }
    written_down(&mut out, &recipes, &reasons);

    out.push_str("\nHost by host\n");
    let names = recipes.iter().map(|probe| &*probe.name).collect();
    hosts::hosts(&mut out, plan, inventory, &hosts::Known { recipes: names, reasons: &reasons });
    out
}

/// The probes that check files write down, by the checks that want them; what holds for many of them is said once.
fn written_down(out: &mut String, recipes: &[&Probe], reasons: &Reasons<'_>) {
    let mut kinds: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for probe in recipes {
        let Some(checks) = reasons.get(&*probe.name) else { continue };
        let how = format!("{}; {}", class(probe.class), when(probe.when));
        let said = (list(checks), format!("{} ({})", probe.sends, probe.name));
        kinds.entry(how).or_default().push(said);
    }
    for (how, mut said) in kinds {
        said.sort();
        out.push('\n');
        entry(out, 11, "by checks", &format!("what their files write down. {how}:"));
        for (checks, sends) in said {
            entry(out, 11, &checks, &sends);
        }
    }
}

/// The checks that want each probe, on any host.
type Reasons<'a> = BTreeMap<&'a str, BTreeSet<&'a CheckId>>;

fn reasons(plan: &Plan) -> Reasons<'_> {
    let mut reasons = Reasons::new();
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

/// Checks by name where they are few; of many it is told from which areas how many come.
fn in_short(checks: &BTreeSet<&CheckId>) -> String {
    if checks.len() <= FEW {
        return list(checks);
    }
    let mut areas: BTreeMap<&str, usize> = BTreeMap::new();
    for check in checks {
        *areas.entry(check.0.split('/').next().unwrap_or_default()).or_default() += 1;
    }
    let areas: Vec<String> = areas.iter().map(|(area, n)| format!("{area} ({n})")).collect();
    format!("{} checks of {}", checks.len(), areas.join(", "))
}

/// A label and its text, wrapped, with the text in a column of its own; a longer label stands on lines before it.
fn entry(out: &mut String, column: usize, label: &str, text: &str) {
    let indent = " ".repeat(column + 2);
    let mut line = format!("  {label:column$}");
    if label.len() >= column {
        wrap(out, "  ".into(), "  ", label);
        line.clone_from(&indent);
    }
    wrap(out, line, &indent, text);
}

/// A text in lines of at most [`WIDTH`] columns, the first of which is begun.
fn wrap(out: &mut String, mut line: String, indent: &str, text: &str) {
    let mut fresh = true;
    for word in text.split(' ') {
        let wide = unicode_width::UnicodeWidthStr::width(line.as_str()) + 1 + word.len();
        if wide > WIDTH && !fresh {
            let _ = writeln!(out, "{}", line.trim_end());
            indent.clone_into(&mut line);
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
    fn many_checks_are_told_by_their_areas() {
        let ids: Vec<CheckId> =
            (0..=FEW).map(|n| CheckId(format!("{}/{n}", ["tls", "web"][n % 2]))).collect();
        assert_eq!(in_short(&ids[..2].iter().collect()), "tls/0, web/1");
        assert_eq!(in_short(&ids.iter().collect()), "13 checks of tls (7), web (6)");
    }

    #[test]
    fn long_texts_keep_their_column() {
        let mut out = String::new();
        entry(&mut out, 6, "tcp", &"word ".repeat(20));
        for line in out.lines() {
            assert!(line.len() <= WIDTH, "{line}");
            assert!(line.starts_with("  tcp   word") || line.starts_with("        word"), "{line}");
        }
        out.clear();
        entry(&mut out, 6, &"label ".repeat(20), "text");
        assert!(out.lines().all(|line| line.len() <= WIDTH), "{out}");
        assert!(out.starts_with("  label label") && out.ends_with("\n        text\n"), "{out}");
    }
}
