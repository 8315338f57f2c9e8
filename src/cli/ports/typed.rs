//! What is typed to `postern ports`: which ports, which chance, which way.

use std::fmt::Write as _;
use std::str::FromStr;

use clap::ValueEnum;

use crate::cli::stopped::Stopped;
use crate::inventory::Inventory;
use crate::model::net::Transport;
use crate::profile::ports::{Ports, SETS, read};

/// How packets are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Way {
    /// The system's own connects.
    Connect,
    /// SYNs by themselves.
    Syn,
    /// UDP datagrams: the UDP ports instead of the TCP ports.
    Udp,
}

/// How the result is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A table.
    Table,
    /// One JSON object a line.
    Jsonl,
    /// XML, as Nmap writes it.
    NmapXml,
}

/// Ports, as they are typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PortSet(Ports);

impl FromStr for PortSet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let see = |wrong: &str| format!("{wrong} (`postern ports --help` tells all sets)");
        let ports = read(text).map_err(|wrong| see(&wrong))?;
        if ports.numbers.is_empty() && !ports.declared {
            return Err(see("name at least one port: 22,80,8000-8100, or a set such as top-100"));
        }
        Ok(Self(ports))
    }
}

impl PortSet {
    /// The ports, where an inventory was given or none is needed.
    ///
    /// # Errors
    /// That nobody declared any.
    pub(super) fn with(&self, inventory: Option<&Inventory>) -> Result<&Ports, Stopped> {
        let Self(ports) = self;
        if !ports.declared {
            return Ok(ports);
        }
        let Some(inventory) = inventory else {
            return Err(Stopped::yours(
                "`declared` are the ports that an inventory declares for the host, and there is no inventory",
                "give it: --inventory FILE, with the host's id; or leave `declared` out",
            ));
        };
        let mut doors = inventory.hosts.iter().flat_map(|host| &host.exposure);
        if ports.numbers.is_empty() && !doors.any(|door| door.port.transport == Transport::Tcp) {
            return Err(Stopped::yours(
                "the inventory declares no TCP port for the host, so that `declared` names none",
                "declare its ports under `exposure`, or name others: -p declared,top-100",
            ));
        }
        Ok(ports)
    }
}

/// The chances that may be borne: beyond, a port would be asked more often than anybody wants, or hardly at all.
const CHANCES: std::ops::RangeInclusive<f64> = 1e-12..=0.1;

/// A chance, as it is typed.
///
/// # Errors
/// That it is none, or one that is not to be had.
pub(super) fn chance(text: &str) -> Result<f64, String> {
    let chance = text.trim().parse().ok().filter(|chance| CHANCES.contains(chance));
    chance.ok_or_else(|| {
        format!("`{text}` is no chance from 1e-12 to 0.1; write 1e-9 for one in a thousand million")
    })
}

/// What follows the options in the help: the sets, how it ends, and examples.
pub(super) fn after() -> String {
    let mut text = String::from("Sets of ports, which mix with numbers and ranges:\n");
    for set in &SETS {
        let _ = writeln!(text, "  {:<12}{}", set.name, set.holds);
    }
    text.push_str(
        "Which ports each holds, and where that comes from: docs/reference/ports.md

Exit codes: 0 every port is settled, 2 not trustworthy, 3 refused by scope, 4 incomplete.

Examples:
  postern ports 127.0.0.1
  postern ports 127.0.0.1 -p all --pace 5000/s
  postern ports 127.0.0.1 -p top-100,8000-8100,management
  postern ports 127.0.0.1 -p 53,123,161 --sweep udp
  postern ports www.example.org=192.0.2.10 -p 22,80,443 --authorised-by \"A. Chan, Acme IT, by mail of 23 November\"
  postern ports 192.0.2.0/28 -p top-1000 --authorised-by \"A. Chan, Acme IT, by mail of 23 November\"
  postern ports web1 -i inventory.yaml -a authorisation.yaml -p declared,top-1000 --format jsonl
  postern ports 127.0.0.1 -p all --format nmap-xml > today.xml && ndiff yesterday.xml today.xml",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read() {
        let read = |text: &str| text.parse::<PortSet>().map(|set| set.0.numbers.len());
        assert_eq!(read("22,80-82"), Ok(4));
        assert_eq!(read("all"), Ok(65_535));
        assert_eq!(read("declared"), Ok(0));
        for wrong in ["", ",", "0", "0-5", "9-1", "http", "70000"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let wrong = "top20".parse::<PortSet>().expect_err("a set that there is not");
        assert_eq!(
            wrong,
            "`top20` is no set of ports; did you mean `top-20`? (`postern ports --help` tells all sets)"
        );
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "what is typed is what is read")]
    fn chances_are_read() {
        assert!(chance("1e-6").is_ok_and(|chance| chance == 1e-6));
        assert!(chance("0.1").is_ok() && chance("1e-12").is_ok());
        for wrong in ["0", "1", "0.2", "1e-13", "-1e-6", "NaN", "inf", "1 %", ""] {
            assert!(chance(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn those_declared_need_an_inventory() {
        let declared: PortSet = "declared,22".parse().expect("ports");
        assert!(matches!(declared.with(None), Err(Stopped::Yours(_))));
        let plain: PortSet = "22".parse().expect("ports");
        assert!(plain.with(None).is_ok());
    }
}
