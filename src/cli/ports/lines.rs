//! What is known of ports, as a table or as JSON lines.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::IpAddr;

use serde_json::json;

use super::found::{Found, counts, word};
use crate::cli::Globals;
use crate::cli::page::{Page, Style};
use crate::engine::{Ended, Event};
use crate::facts::cut_in_words;
use crate::model::net::{parse_port_ranges, port_ranges};
use crate::model::saw::{Cut, PortRun, PortState, PortsSaw, Swept};

/// Keeps what was told, and tells it.
pub(super) struct Lines {
    json: bool,
    /// `tcp` or `udp`: the probe, and the protocol.
    probe: &'static str,
    told: BTreeMap<(IpAddr, u16), (PortState, Option<Cut>)>,
}

impl Lines {
    pub(super) fn new(json: bool, probe: &'static str) -> Self {
        Self { json, probe, told: BTreeMap::new() }
    }

    /// Takes in what happened, and with JSON lines tells at once what is new of a port that is not silent.
    pub(super) fn hear(&mut self, event: &Event) {
        if let (true, Event::Ports { address, saw, .. }) = (self.json, event) {
            self.tell(*address, saw);
        }
    }

    fn tell(&mut self, address: IpAddr, saw: &PortsSaw) {
        let mut text = String::new();
        for run in saw.states.iter().filter(|run| run.reason != Some(Cut::TimedOut)) {
            for port in parse_port_ranges(&run.ports).unwrap_or_default() {
                let known = (run.state, run.reason.clone());
                if self.told.get(&(address, port)) == Some(&known) {
                    continue;
                }
                let mut line = json!({
                    "address": address,
                    "protocol": self.probe,
                    "port": port,
                    "state": run.state,
                    "reason": word(self.probe, run),
                });
                if let Some(Cut::Unreachable { from: Some(from), .. }) = run.reason {
                    line["from"] = json!(from);
                }
                text.push_str(&line.to_string());
                text.push('\n');
                self.told.insert((address, port), known);
            }
        }
        out(&text);
    }

    /// Tells the rest, and the summary.
    pub(super) fn end(&mut self, found: &Found, ended: &Ended, globals: &Globals) {
        let Found { last, not_asked, .. } = found;
        if self.json {
            for (address, saw) in last {
                self.tell(*address, saw);
            }
            let hosts: Vec<_> =
                last.iter().map(|(address, saw)| in_numbers(self.probe, *address, saw)).collect();
            let not_asked: Vec<_> =
                not_asked.iter().map(|(at, why)| json!({"at": at, "why": why})).collect();
            let summary = json!({
                "complete": ended.complete && found.is_whole(),
                "why": ended.why,
                "hosts": hosts,
                "not_asked": not_asked,
            });
            out(&format!("{}\n", json!({"summary": summary})));
        } else {
            table(self.probe, last, not_asked, globals);
        }
    }
}

fn in_numbers(probe: &str, address: IpAddr, saw: &PortsSaw) -> serde_json::Value {
    let states: BTreeMap<&str, usize> = counts(probe, saw).into_iter().collect();
    let mut all = json!({"address": address, "states": states});
    if let Some(swept) = &saw.swept {
        all["sweep"] = json!(swept);
    }
    all
}

fn table(
    probe: &str,
    last: &BTreeMap<IpAddr, PortsSaw>,
    not_asked: &[(String, String)],
    globals: &Globals,
) {
    let mut page = Page::new(globals);
    let no_sign = |saw: &PortsSaw| saw.swept.as_ref().is_some_and(|swept| swept.no_sign);
    for (address, saw) in last.iter().filter(|(_, saw)| !no_sign(saw)) {
        page.heading(&address.to_string());
        let mut open: Vec<(u16, &PortRun)> = Vec::new();
        for run in &saw.states {
            if run.state == PortState::Open {
                open.extend(
                    parse_port_ranges(&run.ports).unwrap_or_default().iter().map(|p| (*p, run)),
                );
            }
        }
        open.sort_by_key(|(port, _)| *port);
        for (port, _) in &open {
            let state = page.styled("open", Style::Green, 10);
            let how = if probe == "udp" { "it replied" } else { "a whole handshake" };
            page.line(format!("  {:<10}{state}{how}", format!("{port}/{probe}")));
        }
        for run in saw.states.iter().filter(|run| run.state != PortState::Open) {
            let count = parse_port_ranges(&run.ports).map_or(0, |ports| ports.len());
            let name = serde_json::to_value(run.state).unwrap_or_default();
            let name = name.as_str().unwrap_or("?");
            let style = match run.state {
                PortState::Inconclusive => Style::Yellow,
                _ => Style::Faint,
            };
            let state = page.styled(name, style, 14);
            let why = why(run);
            let ports = if count == 1 { "port" } else { "ports" };
            page.line(format!("  {state}{count} {ports}: {why}"));
            page.paragraph("                ", 16, &shortened(&run.ports));
        }
        if let Some(swept) = &saw.swept {
            page.line("");
            page.paragraph("  ", 2, &in_words(swept));
            for warning in &swept.warnings {
                page.paragraph("  ! ", 4, warning);
            }
        } else {
            page.line("");
            page.paragraph("  ! ", 4, "the examination did not come to its end");
        }
    }
    let silent: Vec<IpAddr> =
        last.iter().filter(|(_, saw)| no_sign(saw)).map(|(address, _)| *address).collect();
    if let Some(saw) = silent.first().and_then(|first| last.get(first)) {
        page.heading("No sign");
        let of = |run: &PortRun| parse_port_ranges(&run.ports).map_or(0, |ports| ports.len());
        let ports: usize = saw.states.iter().map(of).sum();
        let many = match silent.len() {
            1 => "1 address".to_owned(),
            many => format!("{many} addresses"),
        };
        let echoed = silent.iter().filter_map(|address| last.get(address)?.swept.as_ref());
        let all_echoed = echoed.into_iter().all(|swept| swept.echoes > 0);
        let echoed = if all_echoed { " nor to an echo request (ping)," } else { "" };
        page.paragraph(
            "  ",
            2,
            &format!("Nothing came back from {many} on the {ports} ports that are most often open,{echoed} and no others were asked there:"),
        );
        page.paragraph("  ", 2, &in_runs(&silent));
    }
    for (place, why) in not_asked {
        page.line("");
        page.paragraph("! ", 2, &format!("{place} was not examined: {why}"));
    }
    page.print();
}

/// Addresses, those that follow each other together.
fn in_runs(addresses: &[IpAddr]) -> String {
    let number = |address: IpAddr| match address {
        IpAddr::V4(four) => u128::from(four.to_bits()),
        IpAddr::V6(six) => six.to_bits(),
    };
    let mut runs: Vec<(IpAddr, IpAddr)> = Vec::new();
    for address in addresses {
        match runs.last_mut() {
            Some((_, last))
                if last.is_ipv4() == address.is_ipv4() && number(*last) + 1 == number(*address) =>
            {
                *last = *address;
            }
            _ => runs.push((*address, *address)),
        }
    }
    let run = |(first, last): (IpAddr, IpAddr)| {
        if first == last { first.to_string() } else { format!("{first} to {last}") }
    };
    runs.into_iter().map(run).collect::<Vec<_>>().join(", ")
}

/// How a state is known, in words.
fn why(run: &PortRun) -> String {
    match &run.reason {
        Some(Cut::Unreachable { kind, code, .. }) if run.state == PortState::Closed => {
            format!("the host says that nobody is there (ICMP type {kind}, code {code})")
        }
        reason => reason.as_ref().map_or(String::new(), cut_in_words),
    }
}

/// How it went, in a sentence or two.
pub(super) fn in_words(swept: &Swept) -> String {
    let loss = match swept.loss {
        Some(loss) => format!("{:.1} % lost", loss * 100.0),
        None => "losses unknown".to_owned(),
    };
    let trip = swept.round_trip_us.map_or(String::new(), |us| {
        format!(", {}.{} ms there and back", us / 1000, us % 1000 / 100)
    });
    let miss = match swept.miss {
        0.0 => "No port was silent.".to_owned(),
        miss if swept.by == "udp" => format!(
            "A reply was missed with a chance of {miss:.0e} at most for each silent port; whoever listens there need not reply."
        ),
        miss => format!("A silent port is open all the same with a chance of {miss:.0e} at most."),
    };
    format!(
        "{} packets by {}, up to {:.0} a second, at most {} to find out a port's state; {loss}{trip}. {miss}",
        swept.sent, swept.by, swept.fastest, swept.tries
    )
}

/// The ports, as far as a line or two hold them.
fn shortened(ports: &str) -> String {
    if ports.len() <= 160 {
        return ports.replace(',', ", ");
    }
    let all = parse_port_ranges(ports).unwrap_or_default();
    let few: String = port_ranges(&all).split(',').take(16).collect::<Vec<_>>().join(", ");
    format!("{few}, …")
}

#[expect(clippy::print_stdout, reason = "results go to stdout, a line as soon as it is known")]
pub(super) fn out(text: &str) {
    print!("{text}");
    let _ = std::io::stdout().flush();
}
