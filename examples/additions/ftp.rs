//! Does the file server offer to encrypt (RFC 4217)?
//!
//! # Sends
//! `AUTH TLS`, then hangs up. Never a user name.
//!
//! # Yields
//! `ftp.offers_tls`: it agreed to encrypt.

use std::borrow::Cow;

use super::{Ask, Brought, Errand, Probe, Reach};
use crate::model::plan::{Bound, Class, When};
use crate::model::value::{Field, Kind, Tier, Type};
use crate::talk::{Opening, Unopened};

pub(super) static PROBE: Probe = Probe {
    name: Cow::Borrowed("ftp"),
    revision: 1,
    means: Cow::Borrowed("asks a file server to encrypt"),
    sends: Cow::Borrowed("AUTH TLS, after the greeting"),
    over: Reach::Service,
    when: When::Open,
    class: Class::ReadOnly,
    bound: Bound { connections: 1, datagrams: 0, seconds: 8 },
    yields: Some(kind),
    ask: Ask::BuiltIn(|errand| Box::pin(ask(errand))),
};

fn kind() -> Kind {
    let offers = Field::new("offers_tls", Type::Bool, "It agreed to encrypt.");
    Kind::new("ftp", Tier::Service, "What a file server offers.", [offers])
}

async fn ask(errand: &Errand<'_>) -> Result<Brought, Unopened> {
    let port = errand.spot.service.map_or(0, |(_, port)| port);
    let mut talk = errand.doors.open(Opening::to_port(port)).await?;
    let mut offers = serde_json::json!({});
    if talk.hear_line().await.is_ok_and(|greeting| greeting.starts_with(b"220"))
        && talk.say(b"AUTH TLS\r\n").await.is_ok()
        && let Ok(answer) = talk.hear_line().await
    {
        offers = serde_json::json!({ "offers_tls": answer.starts_with(b"234") });
    }
    Brought::new(&offers, talk.lines())
}
