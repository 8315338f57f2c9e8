//! What does a name resolve to (RFC 1034, 1035, 3596)?
//!
//! # Sends
//! Questions for the A and AAAA records of the name to the configured resolvers, over UDP; over TCP when an answer does
//! not fit. The hosts file of this machine and its search domains play no part: what is seen is what everybody sees.
//!
//! # Yields
//! The addresses of both families and the chain of aliases, or why there are none: that the name does not exist, that it
//! has no such record, that the resolvers failed or kept silent. Addresses outside the scope are listed with the rule
//! that refuses them, and never asked.

use std::borrow::Cow;

use super::{Ask, Brought, Errand, Probe, Reach};
use crate::model::plan::{Bound, Class, When};
use crate::talk::Unopened;

pub(super) static PROBE: Probe = Probe {
    name: Cow::Borrowed("names"),
    revision: 1,
    means: Cow::Borrowed("asks the resolvers for the addresses of a name"),
    sends: Cow::Borrowed("DNS questions to the configured resolvers, never to the host"),
    over: Reach::Name,
    when: When::Always,
    class: Class::Connect,
    bound: Bound { connections: 4, datagrams: 16, seconds: 10 },
    yields: None,
    ask: Ask::BuiltIn(|errand| Box::pin(ask(errand))),
};

async fn ask(errand: &Errand<'_>) -> Result<Brought, Unopened> {
    let name = errand.spot.name.as_deref().unwrap_or_default();
    let saw = errand.doors.resolve(name).await?;
    Brought::new(&saw, Vec::new())
}

#[cfg(test)]
mod tests {
    use crate::model::saw::{Answered, NamesSaw};
    use crate::probe::scripted::{Script, ask};

    #[tokio::test(start_paused = true)]
    async fn it_brings_what_the_resolvers_said() {
        let said = NamesSaw {
            name: "web.example".into(),
            resolvers: vec!["192.0.2.53".into()],
            aliases: Vec::new(),
            v4: Answered::Yes(vec!["192.0.2.10".parse().expect("an address")]),
            v6: Answered::No("SERVFAIL".into()),
            refused: Vec::new(),
        };
        let script = Script { names: Some(said.clone()), ..Script::default() };
        let saw: NamesSaw = ask(&super::PROBE, script, None).await;
        assert_eq!(saw, said);
    }
}
