//! `postern ports`: the state of every port of some hosts, without an inventory and without checks.

mod found;
mod lines;
mod nmap;
mod typed;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use super::given::{Given, Leave, Pace};
use super::load::{Loaded, Rulebook};
use super::scan::{carry_out_telling, head, told};
use super::scratch::Scratch;
use super::stopped::Stopped;
use super::{Exit, Globals};
use crate::engine::journal::{Journal, Progress};
use crate::engine::{Ended, Event, Examining, Wish, wall_clock};
use crate::inventory::Inventory;
use crate::model::digest::Digest;
use crate::model::net::{CheckId, HostId};
use crate::model::plan::{Class, Limits};
use crate::model::said::Said;
use crate::plan::Asked;
use crate::probe::letters;
use crate::profile::{GateRule, OutOfSight, Profile, ports};

use found::Found;
use lines::Lines;
use nmap::Seen;
use typed::{Format, PortSet, Way, after, chance};

/// Which ports are asked where none are named.
const PORTS: &str = "top-1000";
/// What bans, narrow paths and limits may cost besides what the pace does, in seconds.
const ADVERSITY: u64 = 1800;

/// Examine the ports of hosts
///
/// Tells of every TCP port whether it is open, closed or filtered, how that is known, and how likely an open one was missed;
/// with `--sweep udp` of every UDP port, which may also be open or filtered: whoever listens there need not answer.
/// A port that answers is asked again all along, so that losses, bans and narrow paths are noticed; an open one is confirmed
/// by a whole handshake. Addresses of this machine need no leave, anything else needs an authorisation or --authorised-by.
#[derive(Debug, Args)]
#[command(after_help = after())]
pub(super) struct Ports {
    /// Addresses, networks to search (192.0.2.0/28), names, names with their address (www.example.org=192.0.2.10), or with
    /// --inventory one of its hosts.
    #[arg(value_name = "HOST", required = true)]
    hosts: Vec<String>,
    /// Which ports: numbers, ranges (8000-8100) and the sets below, mixed as you like [default: top-1000, and
    /// with --inventory those declared; with `--sweep udp` those that there is a letter for].
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
    /// The chance that is borne, for each port, of taking an open one for filtered because all that was sent to it was lost:
    /// from 1e-12 to 0.1. The smaller it is, the more often a silent port is asked [default: 1e-6].
    #[arg(long, value_name = "CHANCE", value_parser = chance, help_heading = "How")]
    miss: Option<f64>,
    /// Keeps the book of what was sent and seen in this file; otherwise nothing is kept.
    #[arg(long, value_name = "FILE", help_heading = "How")]
    book: Option<PathBuf>,
    /// A table; one JSON object a line: each port that is not silent, as soon as it is known, and at last a summary; or XML
    /// as Nmap writes it, for programs that read that.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
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
        self.ask_ports_only(&mut loaded)?;
        let mut plan = loaded.plan_for(
            &[Asked { check: CheckId("ports".into()), probes: [self.probe().to_owned()].into() }],
            now,
        );
        // No check is judged by it.
        plan.wanted.clear();
        if let (true, Some(left)) = (plan.steps.is_empty(), plan.untested.first()) {
            return Err(Stopped::Closed(format!("nothing may be asked: {}", left.why)));
        }
        let scratch = Scratch::new("ports")?;
        let path = self.book.clone().unwrap_or_else(|| scratch.path().join("book.jsonl"));
        let opened = head(&loaded, &plan, now, BTreeMap::new())?;
        let journal = Journal::create(&path, &opened).map_err(|wrong| told(&wrong))?;
        let names = names(&loaded.inventory);
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
        let found = Found::of(self.probe(), book.rows());
        if self.format == Format::NmapXml {
            let words = std::env::args().skip(1);
            let command = std::iter::once("postern".to_owned()).chain(words).collect::<Vec<_>>();
            let command = command.join(" ");
            let seen = Seen { found: &found, ended: &ended, names: &names, command: &command };
            lines::out(&seen.document(now, wall_clock()));
        } else {
            lines.end(&found, &ended, globals);
        }
        Ok(exit(&ended, found.is_whole()))
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
    fn ask_ports_only(&self, loaded: &mut Loaded) -> Result<(), Stopped> {
        let own = self.probe();
        if own == "udp" {
            loaded.rulebook.profile.ports = letters::ports();
        }
        if let Some(which) = &self.which {
            let inventory = self.leave.inventory.as_ref().map(|_| &loaded.inventory);
            let ports = which.with(inventory)?;
            loaded.declared = ports.declared;
            loaded.rulebook.profile.ports.clone_from(&ports.numbers);
        }
        // A port that keeps silent is asked a few times in any case, and waited for where that is to be exact.
        let ports = loaded.rulebook.profile.ports.len() as u64;
        let waits = ADVERSITY + if self.exact { ports * 2 } else { ports / 20 };
        loaded.probes.retain(|probe| probe.name == "names" || probe.name == own);
        for probe in loaded.probes.iter_mut().filter(|probe| probe.name == own) {
            probe.bound.seconds = waits;
            probe.bound.connections = probe.bound.connections.saturating_mul(2);
        }
        let by = match self.sweep {
            None | Some(Way::Udp) => Wish::Best,
            Some(Way::Connect) => Wish::Connect,
            Some(Way::Syn) => Wish::Syn,
        };
        let usual = Examining::default();
        let miss = self.miss.unwrap_or(usual.miss);
        loaded.examining = Examining { by, miss, exact: self.exact };
        Ok(())
    }
}

/// No checks, and what is gone by where nothing else is said.
fn rulebook() -> Rulebook {
    Rulebook::bare(Profile {
        name: "ports".into(),
        title: Said::en("The ports of some hosts"),
        digest: Digest::of(PORTS.as_bytes()),
        chosen: Vec::new(),
        ports: ports::read(PORTS).map(|ports| ports.numbers).unwrap_or_default(),
        class: Class::ReadOnly,
        limits: Pace::Polite.limits(),
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

/// The names of each host, as they were typed or declared.
fn names(inventory: &Inventory) -> BTreeMap<HostId, Vec<String>> {
    inventory.hosts.iter().map(|host| (host.id.clone(), host.names.clone())).collect()
}

fn exit(ended: &Ended, whole: bool) -> Exit {
    if ended.complete && whole { Exit::Passed } else { Exit::Incomplete }
}
