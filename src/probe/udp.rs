//! Which UDP ports answer, and how (RFC 768)?
//!
//! # Sends
//! To each port a datagram that a client of the service that is usual there would send first, or an empty line where none is
//! known. Each only asks: nothing is changed, no password is tried, nothing is begun that would have to be ended, and the
//! answers are small. Which they are, by which standard, and who keeps silent in any case, stands in
//! `src/probe/udp/letters.rs`.
//!
//! # Yields
//! The state of every port with its reason: open, because something came back; closed, because the host itself says so by
//! ICMP; filtered, because somebody else does; open or filtered, where nothing came back. Hosts send such refusals seldom, so
//! that most ports may be told from a sample, and then it is said. Troubles of our own machine are never a state of a port.

pub mod letters;

use std::borrow::Cow;

use super::{Ask, Brought, Errand, Probe, Reach};
use crate::model::net::Transport;
use crate::model::plan::{Bound, Class, When};
use crate::talk::Unopened;

pub(super) static PROBE: Probe = Probe {
    name: Cow::Borrowed("udp"),
    revision: 1,
    means: Cow::Borrowed("finds out which UDP ports answer, are closed or filtered, and by whom"),
    sends: Cow::Borrowed("a datagram to each port, again where nothing comes back; none changes anything"),
    over: Reach::Address,
    when: When::Always,
    class: Class::ReadOnly,
    bound: Bound { connections: 0, datagrams: 16, seconds: 600 },
    yields: None,
    ask: Ask::BuiltIn(|errand| Box::pin(ask(errand))),
};

async fn ask(errand: &Errand<'_>) -> Result<Brought, Unopened> {
    let saw = errand.doors.sweep(Transport::Udp, errand.ports).await?;
    Brought::new(&saw, Vec::new())
}

#[cfg(test)]
mod tests {
    use crate::model::saw::{PortRun, PortState, PortsSaw};
    use crate::probe::scripted::{Script, ask};

    #[tokio::test(start_paused = true)]
    async fn it_brings_the_states_of_all_ports() {
        let silent =
            PortRun { ports: "1194,51820".into(), state: PortState::OpenOrFiltered, reason: None };
        let saw = PortsSaw { states: vec![silent], swept: None };
        let script = Script { ports: Some(saw.clone()), ..Script::default() };
        let brought: PortsSaw = ask(&super::PROBE, script, None).await;
        assert_eq!(brought, saw);
    }
}
