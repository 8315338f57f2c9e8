//! Which TCP ports answer, and how (RFC 9293)?
//!
//! # Sends
//! A SYN to each port, by the system's own connect. What is opened is closed at once without a word. A port that stays
//! silent is asked a second time, from a new socket.
//!
//! # Yields
//! The state of every port with its reason: open; closed by a reset; filtered, because nothing came back, or because of
//! an ICMP error, with its type, code and sender. Troubles of our own machine are never a state of a port.

use std::borrow::Cow;

use super::{Ask, Brought, Errand, Probe, Reach};
use crate::model::net::Transport;
use crate::model::plan::{Bound, Class, When};
use crate::talk::Unopened;

pub(super) static PROBE: Probe = Probe {
    name: Cow::Borrowed("tcp"),
    revision: 1,
    means: Cow::Borrowed("finds out which TCP ports are open, closed or filtered, and by whom"),
    sends: Cow::Borrowed("a TCP SYN to each port, at most twice; an open connection is closed at once"),
    over: Reach::Address,
    when: When::Always,
    class: Class::Connect,
    bound: Bound { connections: 2, datagrams: 0, seconds: 2 },
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
