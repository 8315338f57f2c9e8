//! An examination over UDP: the same run, with letters instead of handshakes.

use std::net::IpAddr;

use postern_sweep::{Rates, Settings, Sweep, Time, Way};

use super::letters::Letters;
use super::{Examining, Run, seed};
use crate::engine::doors::StepDoors;
use crate::probe::letters;
use crate::talk::Unopened;

/// So many datagrams a second, before anything is known of the path, and all along where nothing ever is.
const START: f64 = 100.0;

/// An examination of those UDP ports of an address.
pub(super) fn run<'a>(
    doors: &'a StepDoors,
    address: IpAddr,
    ports: &[u16],
    how: Examining,
) -> Result<Run<'a>, Unopened> {
    let limits = doors.gate.scope.limits();
    let ceiling = f64::from(limits.per_host_per_second.min(limits.per_second));
    let settings = Settings {
        way: Way::Udp,
        seed: seed(address),
        miss: how.miss,
        rates: Rates { start: ceiling.min(START), ceiling },
        matter: letters::ports(),
        exact: how.exact,
        host: Some(address.to_canonical()),
        ..Settings::default()
    };
    let core = Sweep::new(ports, settings, Time::ZERO);
    let letters = Letters::new(address.to_canonical(), doors.gate.places());
    let letters = letters.map_err(|wrong| Unopened::Ours(wrong.to_string()))?;
    Run::with(doors, address, core, (None, Some(letters)), &doors.settled)
}

impl Run<'_> {
    /// Takes in what came to the sockets for datagrams.
    pub(super) fn hear_letters(&mut self, at: Time) -> Result<(), Unopened> {
        let Some(letters) = &mut self.letters else { return Ok(()) };
        let core = &mut self.core;
        let heard = letters.hear(|answer| core.handle(&answer, at));
        let any = heard.map_err(|wrong| Unopened::Ours(wrong.to_string()))?;
        if any && letters.lost() > 0 {
            core.stumble(at);
        }
        Ok(())
    }
}

/// Waits until a datagram has come; for ever where none can.
pub(super) async fn heard(letters: Option<&Letters>) {
    match letters {
        Some(letters) => letters.wait().await,
        None => std::future::pending().await,
    }
}
