//! `postern ports`: the state of every port of some hosts, without an inventory and without checks.

mod lines;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::given::{Given, Leave, Pace};
use super::load::{Loaded, Rulebook};
use super::scan::{carry_out_telling, head, told};
use super::scratch::Scratch;
use super::stopped::Stopped;
use super::{Exit, Globals};
use crate::engine::journal::{Journal, Progress};
use crate::engine::{Ended, Event, Examining, Wish, wall_clock};
use crate::model::digest::Digest;
use crate::model::net::{CheckId, parse_port_ranges};
use crate::model::plan::{Bound, Class, Limits};
use crate::model::said::Said;
use crate::plan::Asked;
use crate::probe::letters;
use crate::profile::{GateRule, OutOfSight, Profile, ports};

use lines::Lines;

/// Which ports are asked where none are named.
const PORTS: &str = "well-known,common";
/// A port is asked so often at most, canaries and confirmations among that.
const PACKETS_A_PORT: u64 = 24;
/// What bans, narrow paths and limits may cost besides what the pace does, in seconds.
const ADVERSITY: u64 = 1800;

/// Examine the ports of hosts
///
/// Tells of every TCP port whether it is open, closed or filtered, how that is known, and how likely an open one was missed;
/// with `--sweep udp` of every UDP port, which may also be open or filtered: whoever listens there need not answer.
/// A port that answers is asked again all along, so that losses, bans and narrow paths are noticed; an open one is confirmed
/// by a whole handshake. Addresses of this machine need no leave, anything else needs an authorisation or --authorised-by.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 every port is settled, 2 not trustworthy, 3 refused by scope, 4 incomplete.

Examples:
  postern ports 127.0.0.1
  postern ports 127.0.0.1 -p 1-65535 --pace 5000/s
  postern ports 127.0.0.1 -p 53,123,161 --sweep udp
  postern ports www.example.org=192.0.2.10 -p 22,80,443 --authorised-by \"A. Chan, Acme IT, by mail of 23 November\"
  postern ports web1 -i inventory.yaml -a authorisation.yaml --format jsonl")]
pub(super) struct Ports {
    /// Addresses, names, names with their address (www.example.org=192.0.2.10), or with --inventory one of its hosts.
    #[arg(value_name = "HOST", required = true)]
    hosts: Vec<String>,
    /// Which ports: numbers and ranges (22,80,8000-8100), or `all` [default: well-known and common; with `--sweep udp`
    /// those that there is a letter for].
    #[arg(short = 'p', long = "ports", value_name = "PORTS")]
    which: Option<PortSet>,
    #[command(flatten)]
    leave: Leave,
    /// How packets are sent: SYNs by themselves (which needs the privilege CAP_NET_RAW), the system's own connects, or UDP
    /// datagrams, to UDP ports [default: SYNs where that is permitted].
    #[arg(long, value_name = "WAY", help_heading = "How")]
    sweep: Option<Way>,
    /// Where refusals are limited in number, waits for each port instead of asking a sample.
    #[arg(long, help_heading = "How")]
    exact: bool,
    /// Keeps the book of what was sent and seen in this file; otherwise nothing is kept.
    #[arg(long, value_name = "FILE", help_heading = "How")]
    book: Option<PathBuf>,
    /// A table, or one JSON object a line: each port that is not silent, as soon as it is known, and at last a summary.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

/// How packets are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Way {
    /// The system's own connects.
    Connect,
    /// SYNs by themselves.
    Syn,
    /// UDP datagrams: the UDP ports instead of the TCP ports.
    Udp,
}

/// How the result is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table.
    Table,
    /// One JSON object a line.
    Jsonl,
}

/// Ports, as they are typed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PortSet(Vec<u16>);

impl FromStr for PortSet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = if text == "all" { "1-65535" } else { text };
        let ports = parse_port_ranges(text)?;
        match (ports.is_empty(), ports.contains(&0)) {
            (true, _) => Err("name at least one port: 22,80,8000-8100, or all".into()),
            (_, true) => Err("there is no port 0; all ports are 1-65535".into()),
            _ => Ok(Self(ports)),
        }
    }
}

impl Ports {
    pub(super) fn run(&self, globals: &Globals) -> Exit {
        self.go(globals).unwrap_or_else(|stopped| stopped.tell(globals))
    }

    fn go(&self, globals: &Globals) -> Result<Exit, Stopped> {
        let now = wall_clock();
        let given = self.given()?;
        let mut loaded = Loaded::by(Ok(rulebook()), &given, now)?;
        let uncovered = loaded.uncovered();
        if !uncovered.is_empty() {
            return Err(Stopped::Refused(uncovered));
        }
        self.ask_ports_only(&mut loaded);
        let mut plan = loaded.plan_for(
            &[Asked { check: CheckId("ports".into()), probes: [self.probe().to_owned()].into() }],
            now,
        );
        // No check is judged by it.
        plan.wanted.clear();
        for bound in plan.steps.iter_mut().map(|step| &mut step.bound) {
            bound.seconds = bound.seconds.saturating_add(ADVERSITY);
        }
        plan.total.seconds = plan.total.seconds.saturating_add(ADVERSITY);
        if let (true, Some(left)) = (plan.steps.is_empty(), plan.untested.first()) {
            return Err(Stopped::Closed(format!("nothing may be asked: {}", left.why)));
        }
        let scratch = Scratch::new("ports")?;
        let path = self.book.clone().unwrap_or_else(|| scratch.path().join("book.jsonl"));
        let opened = head(&loaded, &plan, now, BTreeMap::new())?;
        let journal = Journal::create(&path, &opened).map_err(|wrong| told(&wrong))?;
        let mut lines = Lines::new(self.format == Format::Jsonl, self.probe());
        let mut tell = |event: &Event| lines.hear(event);
        let on = "begin again with the same command";
        let ended = carry_out_telling(
            &loaded,
            plan,
            &journal,
            Progress::default(),
            on,
            globals,
            &mut tell,
        )?;
        drop(journal);
        let book = crate::book::Book::load(&path).map_err(Stopped::ours)?;
        let whole = lines.end(book.rows(), &ended, globals);
        Ok(exit(&ended, whole))
    }

    fn given(&self) -> Result<Given, Stopped> {
        if self.leave.inventory.is_some() && self.hosts.len() > 1 {
            return Err(Stopped::yours(
                "with --inventory one of its hosts is examined at a time",
                "name one host, or leave --inventory out and type their addresses",
            ));
        }
        Ok(Given { limits: self.leave.pace.map(limits), ..self.leave.given(&self.hosts) })
    }

    /// The probe that asks.
    fn probe(&self) -> &'static str {
        if self.sweep == Some(Way::Udp) { "udp" } else { "tcp" }
    }

    /// Leaves out every probe but that of names and that of ports, which is examined to the end.
    fn ask_ports_only(&self, loaded: &mut Loaded) {
        let own = self.probe();
        // The bound of time is for as many ports as are asked side by side. A port that keeps silent is asked a few times in
        // any case, and waited for where that is to be exact.
        let parallel = u64::from(loaded.limits().per_host_parallel);
        let by_parallel = if self.exact { parallel * 2 } else { parallel / 20 };
        loaded.probes.retain(|probe| probe.name == "names" || probe.name == own);
        for probe in loaded.probes.iter_mut().filter(|probe| probe.name == own) {
            probe.bound = match own {
                "udp" => Bound { seconds: probe.bound.seconds + by_parallel, ..probe.bound },
                _ => Bound { connections: PACKETS_A_PORT, ..probe.bound },
            };
        }
        if own == "udp" {
            loaded.rulebook.profile.ports = letters::ports();
        }
        if let Some(PortSet(ports)) = &self.which {
            loaded.rulebook.profile.ports.clone_from(ports);
        }
        let by = match self.sweep {
            None | Some(Way::Udp) => Wish::Best,
            Some(Way::Connect) => Wish::Connect,
            Some(Way::Syn) => Wish::Syn,
        };
        loaded.examining = Some(Examining { by, exact: self.exact, ..Examining::default() });
    }
}

/// No checks, and what is gone by where nothing else is said.
fn rulebook() -> Rulebook {
    let polite = Pace::Polite.limits();
    Rulebook::bare(Profile {
        name: "ports".into(),
        title: Said::en("The ports of some hosts"),
        digest: Digest::of(PORTS.as_bytes()),
        chosen: Vec::new(),
        ports: ports::read(PORTS).unwrap_or_default(),
        class: Class::Connect,
        limits: polite,
        gate: GateRule {
            coverage_percent: 0,
            inconclusive_percent: 100,
            many_medium: u64::MAX,
            out_of_sight: OutOfSight::Open,
        },
        due_days: [0; 4],
        loosened: Vec::new(),
        chain: Vec::new(),
    })
}

/// The caps that a pace means for an examination: what waits for an answer that never comes is no conversation.
fn limits(pace: Pace) -> Limits {
    let limits = pace.limits();
    match pace {
        Pace::PerSecond(n) => Limits { per_host_parallel: n.clamp(16, 16_384), ..limits },
        _ => limits,
    }
}

fn exit(ended: &Ended, whole: bool) -> Exit {
    if ended.complete && whole { Exit::Passed } else { Exit::Incomplete }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read() {
        let read = |text: &str| text.parse::<PortSet>().map(|set| set.0.len());
        assert_eq!(read("22,80-82"), Ok(4));
        assert_eq!(read("all"), Ok(65_535));
        for wrong in ["", "0", "0-5", "9-1", "http", "70000"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
