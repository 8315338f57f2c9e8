//! What does a web server answer (RFC 9110, RFC 9112)?
//!
//! # Sends
//! `GET /` by HTTP/1.1 with our User-Agent, over TLS where the service encrypts, and the same for at most five
//! redirects to names and addresses of the same host within the scope. Never a cookie, never a credential.
//!
//! # Yields
//! Every answer with status, header fields, title and the beginning of the page; values of cookies and tokens are cut.
//! Where the last answer would have led us, and why we did not go.

mod exchange;
mod location;

use std::borrow::Cow;

use super::{Ask, Brought, Errand, Probe, Reach};
use crate::model::heard::Heard;
use crate::model::plan::{Bound, Class, When};
use crate::model::saw::HttpSaw;
use crate::talk::{Opening, Unopened, secrets};
use exchange::exchange;
pub(super) use exchange::{Exchange, Got, Wish};
use location::Scheme;
pub(super) use location::Place;

pub(super) static PROBE: Probe = Probe {
    name: Cow::Borrowed("http"),
    revision: 1,
    means: Cow::Borrowed("asks a web server for its first page"),
    sends: Cow::Borrowed("GET / by HTTP/1.1, and the same for at most five redirects within the scope"),
    over: Reach::Site,
    when: When::SilentOrTls,
    class: Class::ReadOnly,
    bound: Bound { connections: 6, datagrams: 0, seconds: 30 },
    yields: None,
    ask: Ask::BuiltIn(|errand| Box::pin(ask(errand))),
};

/// As many redirects are followed.
const REDIRECTS: usize = 5;

async fn ask(errand: &Errand<'_>) -> Result<Brought, Unopened> {
    let mut saw = HttpSaw { speaks: None, answers: Vec::new(), cut: None, not_followed: None };
    let mut transcript = Vec::new();
    let mut been = Vec::new();
    let mut place = first(errand);
    let wish = Wish::default();
    loop {
        let url = place.url();
        let Exchange { got, lines } = match visit(errand, &place, &wish).await {
            Ok(exchange) => exchange,
            Err(Unopened::Refused(rule)) if !been.is_empty() => {
                saw.not_followed = Some((heard(&url), rule));
                break;
            }
            Err(Unopened::Spent(what)) if !been.is_empty() => {
                saw.not_followed = Some((heard(&url), what));
                break;
            }
            Err(Unopened::NoRoute(why)) if !been.is_empty() => {
                saw.not_followed = Some((heard(&url), why));
                break;
            }
            Err(other) => return Err(other),
        };
        transcript.extend(lines);
        been.push(url);
        let Got { answer, location, cut, speaks } = got;
        saw.speaks = match saw.speaks {
            Some(true) => Some(true),
            _ => speaks,
        };
        saw.cut = cut;
        saw.answers.extend(answer);
        let Some(location) = location else { break };
        match follow(errand, &place, &location, &been) {
            Ok(next) => place = next,
            Err(why) => {
                saw.not_followed = Some((heard(&location), why));
                break;
            }
        }
    }
    Brought::new(&saw, transcript)
}

/// Where we begin: at the root of the spot.
pub(super) fn first(errand: &Errand<'_>) -> Place {
    let spot = errand.spot;
    let address = spot.address.map(location::host_of);
    Place {
        scheme: if errand.encrypted == Some(true) { Scheme::Https } else { Scheme::Http },
        host: spot.name.clone().or(address).unwrap_or_default(),
        port: spot.service.map_or(80, |(_, port)| port),
        path: "/".into(),
    }
}

/// Goes to a place and asks for it.
pub(super) async fn visit(
    errand: &Errand<'_>,
    place: &Place,
    wish: &Wish,
) -> Result<Exchange, Unopened> {
    let at_home = errand.spot.name.as_deref() == Some(place.host.as_str())
        || errand.spot.address.is_some() && errand.spot.address == place.literal();
    let elsewhere = if at_home {
        None
    } else {
        let address = match place.literal() {
            Some(address) => address,
            None => errand.doors.whereabouts(&place.host).map_err(Unopened::Refused)?,
        };
        Some((address, place.host.clone()))
    };
    let to = elsewhere.as_ref().map(|(address, _)| *address).or(errand.spot.address);
    let opening = Opening { elsewhere, ..Opening::to_port(place.port) };
    match errand.doors.open(opening).await {
        Ok(talk) => exchange(talk, place, to, wish, errand).await,
        Err(Unopened::Cut(cut)) => Ok(Exchange::cut(cut)),
        Err(other) => Err(other),
    }
}

/// Where a redirect leads, if we are to go there.
pub(super) fn follow(
    errand: &Errand<'_>,
    from: &Place,
    location: &str,
    been: &[String],
) -> Result<Place, String> {
    let next = from.join(location)?;
    if been.len() > REDIRECTS {
        return Err(format!("more than {REDIRECTS} redirects"));
    }
    if been.contains(&next.url()) {
        return Err("it leads in a circle".into());
    }
    if next.literal().is_none() && errand.spot.name.as_deref() != Some(next.host.as_str()) {
        errand.doors.whereabouts(&next.host)?;
    }
    Ok(next)
}

/// A URL that a peer had a part in.
fn heard(url: &str) -> Heard {
    Heard::new(secrets::cut(url).as_bytes(), 2048)
}

#[cfg(test)]
mod tests;
