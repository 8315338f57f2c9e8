//! An address of a network that is searched: the usual ports first, and the others only where there is a sign of somebody.
//!
//! Silence is no sign of absence: who keeps silent is told to have given no sign, on so many ports.

use std::net::IpAddr;

use super::{Examining, answered};
use crate::engine::doors::StepDoors;
use crate::model::saw::PortsSaw;
use crate::profile::ports;
use crate::talk::Unopened;

/// So many ports are asked of everybody where none of the usual ones is wanted.
const SOME: usize = 20;

/// Examines those ports of an address that nobody listed.
pub(super) async fn examine(
    doors: &StepDoors,
    address: IpAddr,
    wanted: &[u16],
    how: Examining,
) -> Result<PortsSaw, Unopened> {
    let usual = ports::most_usual();
    let (mut first, mut rest): (Vec<u16>, Vec<u16>) =
        wanted.iter().partition(|port| usual.binary_search(port).is_ok());
    if first.is_empty() {
        rest = wanted.iter().copied().skip(SOME).collect();
        first = wanted.iter().copied().take(SOME).collect();
    }
    let look = answered(doors, address, &first, how, &doors.settled).await?;
    let mut saw = look.told();
    let told = |run: &crate::model::saw::PortRun| run.state.is_answer(run.reason.as_ref());
    if !saw.states.iter().any(told) && !is_neighbour(address) {
        if let Some(swept) = &mut saw.swept {
            swept.no_sign = true;
            swept.warnings = vec![NO_SIGN.into()];
        }
        return Ok(saw);
    }
    if rest.is_empty() {
        return Ok(saw);
    }
    let mut whole = answered(doors, address, &rest, how, &look.settled).await?.told();
    if let (Some(whole), Some(look)) = (&mut whole.swept, saw.swept) {
        whole.sent += look.sent;
        whole.canaries += look.canaries;
        whole.tries = whole.tries.max(look.tries);
    }
    Ok(whole)
}

/// What is said of an address without a sign.
const NO_SIGN: &str =
    "it gave no sign on the ports that are most often open, and no others were asked";

/// Whether the address stands on this machine's own link and answered when it was looked for there (RFC 826): it is there,
/// whatever it keeps silent about.
fn is_neighbour(address: IpAddr) -> bool {
    let table = std::fs::read_to_string("/proc/net/arp").unwrap_or_default();
    stands_in(&table, address)
}

/// Whether the table of neighbours holds the address with an answer (`ATF_COM`, 0x2).
fn stands_in(table: &str, address: IpAddr) -> bool {
    table.lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace();
        let is_it = fields.next().and_then(|ip| ip.parse().ok()) == Some(address);
        let flags = fields.nth(1).and_then(|flags| flags.strip_prefix("0x"));
        let flags = flags.and_then(|flags| u32::from_str_radix(flags, 16).ok());
        is_it && flags.is_some_and(|flags| flags & 2 != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_known_by_their_answer() {
        let table = "IP address       HW type     Flags       HW address            Mask     Device\n\
                     192.0.2.1        0x1         0x2         5e:0c:2a:11:22:33     *        eth0\n\
                     192.0.2.9        0x1         0x0         00:00:00:00:00:00     *        eth0\n";
        let knows = |address: &str| stands_in(table, address.parse().expect("an address"));
        assert!(knows("192.0.2.1"));
        assert!(!knows("192.0.2.9") && !knows("192.0.2.10") && !knows("2001:db8::1"));
        assert!(!stands_in("", [192, 0, 2, 1].into()));
    }
}
