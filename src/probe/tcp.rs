//! Which TCP ports answer, and how (RFC 9293)?
//!
//! # Sends
//! A SYN to each port: by itself where this machine may send such packets, otherwise by the system's own connect. A port that
//! stays silent is asked again, until the chance of having missed an open one is small; one that answers is asked again all
//! along, to know at every moment what gets through. What is open is confirmed by a whole handshake and closed at once without
//! a word. Ports of medical and industrial devices come last and get connects only, as do fragile hosts everywhere.
//!
//! At an address of a network that is searched the ports come first that are most often open, and with them, where the scope
//! and this machine permit it, two ICMP echo requests; the other ports are asked where anything gave a sign.
//!
//! # Yields
//! The state of every port with its reason: open; closed by a reset, the host's own or that of somebody in front of it;
//! filtered, because nothing came back, or because of an ICMP error, with its type, code and sender. Where refusals are limited
//! in number most may be told from a sample, and then it is said. What was given up stays without a state, with the reason.
//! Troubles of our own machine are never a state of a port.

use std::borrow::Cow;

use super::{Ask, Brought, Errand, Probe, Reach};
use crate::model::net::Transport;
use crate::model::plan::{Bound, Class, When};
use crate::talk::Unopened;

pub(super) static PROBE: Probe = Probe {
    name: Cow::Borrowed("tcp"),
    revision: 2,
    means: Cow::Borrowed("finds out which TCP ports are open, closed or filtered, and by whom"),
    sends: Cow::Borrowed("a TCP SYN to each port, again where nothing comes back; an open connection is closed at once"),
    over: Reach::Address,
    when: When::Always,
    class: Class::Connect,
    bound: Bound { connections: 12, datagrams: 0, seconds: 600 },
    yields: None,
    ask: Ask::BuiltIn(|errand| Box::pin(ask(errand))),
};

async fn ask(errand: &Errand<'_>) -> Result<Brought, Unopened> {
    let saw = errand.doors.sweep(Transport::Tcp, errand.ports).await?;
    Brought::new(&saw, Vec::new())
}

#[cfg(test)]
mod tests {
    use crate::model::saw::{PortRun, PortState, PortsSaw};
    use crate::probe::scripted::{Script, ask};

    #[tokio::test(start_paused = true)]
    async fn it_brings_the_states_of_all_ports() {
        let open = PortRun { ports: "22,443".into(), state: PortState::Open, reason: None };
        let saw = PortsSaw { states: vec![open], swept: None };
        let script = Script { ports: Some(saw.clone()), ..Script::default() };
        let brought: PortsSaw = ask(&super::PROBE, script, None).await;
        assert_eq!(brought, saw);
    }
}
