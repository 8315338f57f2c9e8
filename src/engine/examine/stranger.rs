//! An address of a network that is searched: the usual ports first, and the others only where there is a sign of somebody.
//!
//! Silence is no sign of absence: who keeps silent is told to have given no sign, on so many ports.

use std::net::IpAddr;
use std::pin::pin;

use super::sign::{Echoed, echo, is_neighbour};
use super::told::SILENCE;
use super::{Examining, Run, answered};
use crate::engine::doors::StepDoors;
use crate::model::saw::{PortsSaw, Sign};
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
    let (look, echoed) = looked(doors, address, &first, how).await?;
    let mut saw = look.told();
    let sign = match is_told(&saw) {
        true => None,
        false if echoed.answered => Some(Sign::Echo),
        false if is_here(doors, address).await? => Some(Sign::Neighbour),
        false => {
            if let Some(swept) = &mut saw.swept {
                swept.no_sign = true;
                swept.echoes = echoed.asked;
                swept.warnings = vec![NO_SIGN.into()];
            }
            return Ok(saw);
        }
    };
    if !rest.is_empty() {
        let mut whole = answered(doors, address, &rest, how, &look.settled).await?.told();
        if let (Some(whole), Some(look)) = (&mut whole.swept, saw.swept) {
            whole.sent += look.sent;
            whole.canaries += look.canaries;
            whole.tries = whole.tries.max(look.tries);
        }
        saw = whole;
    }
    let silent = !is_told(&saw);
    if let Some(swept) = &mut saw.swept {
        swept.echoes = echoed.asked;
        if let (Some(sign), true) = (sign, silent) {
            swept.sign = Some(sign);
            swept.warnings.retain(|warning| warning != SILENCE);
            swept.warnings.insert(0, in_words(sign).to_owned());
        }
    }
    Ok(saw)
}

/// Looks for anybody at those ports, and meanwhile by echo requests.
async fn looked<'a>(
    doors: &'a StepDoors,
    address: IpAddr,
    ports: &[u16],
    how: Examining,
) -> Result<(Run<'a>, Echoed), Unopened> {
    let mut look = pin!(answered(doors, address, ports, how, &doors.settled));
    let mut echo = pin!(echo(doors, address));
    tokio::select! {
        biased;
        run = &mut look => {
            let run = run?;
            // Who answers at a port is there, whatever he says to others.
            let echoed = if is_told(&run.told()) { Echoed::default() } else { echo.await? };
            Ok((run, echoed))
        }
        echoed = &mut echo => {
            let echoed = echoed?;
            Ok((look.await?, echoed))
        }
    }
}

/// Whether it is a neighbour of this machine's, unless the scan is to stop before that is known.
async fn is_here(doors: &StepDoors, address: IpAddr) -> Result<bool, Unopened> {
    tokio::select! {
        biased;
        () = doors.gate.stop.given() => Err(Unopened::Stopped),
        here = is_neighbour(address) => Ok(here),
    }
}

/// Whether any port was answered for.
fn is_told(saw: &PortsSaw) -> bool {
    saw.states.iter().any(|run| run.state.is_answer(run.reason.as_ref()))
}

fn in_words(sign: Sign) -> &'static str {
    match sign {
        Sign::Echo => {
            "no port answered, but somebody is there who replied to an echo request (ICMP)"
        }
        Sign::Neighbour => {
            "no port answered, but somebody is there who was found on this machine's own link (ARP, NDP)"
        }
    }
}

/// What is said of an address without a sign.
const NO_SIGN: &str =
    "it gave no sign on the ports that are most often open, and no others were asked";
