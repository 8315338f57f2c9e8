//! Carries out what a check file writes down: drives the interpreter of recipes over the doors.
//!
//! The interpreter decides what is said and what is listened for, in a check's tests as well as here; this file only says
//! it, listens and tells what came.

mod stream;
mod tape;
mod web;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::Instant;

use super::dns;
use super::{Ask, Brought, Errand, Probe, Reach};
use crate::catalogue::recipe::{Asking, DnsAnswer, Ending, Medium, Question, Run, Turn};
use crate::model::observation::Line;
use crate::model::plan::When;
use crate::model::saw::{Cut, PortState};
use crate::talk::{Datagrams, Unopened, secrets};

pub use self::tape::{Conversation, Tape};

/// The form of what recipes see.
const REVISION: u16 = 1;
/// So many datagrams that are no answer to our question are passed over.
const STRAY: usize = 8;
/// The longest DNS answer that is heard over UDP; without EDNS none is longer than 512 (RFC 1035 section 4.2.1).
const LONGEST_ANSWER: usize = 4096;
/// Why the rest is not asked once a recipe has had its time.
const OUT_OF_TIME: &str = "the time that the recipe may take was used up";

/// The probe that asks so.
pub fn probe(asking: &Arc<Asking>) -> Probe {
    let datagrams = asking.medium.is_datagrams();
    Probe {
        name: Cow::Owned(asking.name.clone()),
        revision: REVISION,
        means: Cow::Borrowed("asks what a check file writes down"),
        sends: Cow::Owned(asking.sends.clone()),
        over: match asking.medium {
            Medium::Http => Reach::Site,
            _ if datagrams || !asking.ports.is_empty() => Reach::Port,
            _ => Reach::Service,
        },
        when: if datagrams { When::Always } else { When::Open },
        class: asking.class,
        bound: asking.bound,
        yields: None,
        ask: Ask::Recipe(Arc::clone(asking)),
    }
}

/// The same probe, which also writes every turn of its conversations down.
pub fn recorded(probe: &Probe, tape: &Tape) -> Probe {
    let ask = match &probe.ask {
        Ask::Recipe(asking) => Ask::Recorded(Arc::clone(asking), tape.clone()),
        other => other.clone(),
    };
    Probe { ask, ..probe.clone() }
}

/// Asks.
pub(super) async fn ask(
    asking: &Arc<Asking>,
    errand: &Errand<'_>,
    tape: Option<&Tape>,
) -> Result<Brought, Unopened> {
    let mut run = Run::new(asking, errand.nonce);
    if tape.is_some() {
        run.remember();
    }
    if errand.alive {
        run.known_alive();
    }
    let mut going = Going { asking, errand, begun: (errand.clock)(), lines: Vec::new() };
    match asking.medium {
        Medium::Tcp | Medium::Tls => stream::converse(&mut going, &mut run).await?,
        Medium::Udp => post(&mut going, &mut run).await?,
        Medium::Dns => questions(&mut going, &mut run).await?,
        Medium::DnsTcp => stream::questions(&mut going, &mut run).await?,
        Medium::Http => web::visit_all(&mut going, &mut run).await?,
    }
    let brought = Brought { saw: without_secrets(run.saw()), transcript: going.lines };
    if let Some(tape) = tape {
        tape.keep(errand.spot, run.remembered());
    }
    Ok(brought)
}

/// A conversation on its way.
struct Going<'a> {
    asking: &'a Asking,
    errand: &'a Errand<'a>,
    begun: Instant,
    lines: Vec<Line>,
}

impl Going<'_> {
    /// When it ends at the latest; waiting for a turn is none of its time.
    fn deadline(&self) -> Instant {
        self.begun + self.asking.caps.time + self.errand.doors.waited()
    }

    /// How long from here it is to that moment, at most so long.
    fn within(&self, patience: Duration) -> Duration {
        patience.min(self.deadline().saturating_duration_since((self.errand.clock)()))
    }

    /// What is to be done next, within the time that there is.
    fn turn(&self, run: &mut Run) -> Turn {
        if (self.errand.clock)() >= self.deadline() {
            run.stop(OUT_OF_TIME);
        }
        run.turn()
    }

    /// The port of the spot.
    fn port(&self) -> u16 {
        self.errand.spot.service.map_or(0, |(_, port)| port)
    }
}

/// What something that did not come about means: what the peer or the network did is told to the interpreter; a rule of
/// ours ends it, and is passed on where nothing was asked yet.
fn came_to_nothing(run: &mut Run, why: Unopened, begun: Begun) -> Result<(), Unopened> {
    match (why, begun) {
        (Unopened::Cut(cut), _) => run.cut(ending(&cut)),
        (Unopened::Refused(why) | Unopened::Spent(why) | Unopened::NoRoute(why), Begun::Yes) => {
            run.stop(&why);
        }
        (other, _) => return Err(other),
    }
    Ok(())
}

/// Whether anything was asked yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    Yes,
    No,
}

/// How a cut ends a conversation. A router that finds no way to an address says nothing of who may be there.
fn ending(cut: &Cut) -> Ending {
    match cut {
        Cut::Unreachable { .. } if !PortState::Filtered.is_answer(Some(cut)) => Ending::Silent,
        other => Ending::from(other),
    }
}

/// An exchange of datagrams.
async fn post(going: &mut Going<'_>, run: &mut Run) -> Result<(), Unopened> {
    // The interpreter itself says again what stays unanswered.
    let mut talk = going.errand.doors.datagrams(going.port(), 1)?;
    let mut begun = Begun::No;
    loop {
        match going.turn(run) {
            Turn::Say(bytes) => match talk.say(&bytes).await {
                Ok(()) => begun = Begun::Yes,
                Err(why) => came_to_nothing(run, why, begun)?,
            },
            Turn::Hear(hear) => match talk.hear(hear.most, going.within(hear.patience)).await {
                Ok(came) => run.heard(&came.bytes, None),
                Err(Unopened::Cut(cut)) => run.heard(&[], Some(ending(&cut))),
                Err(why) => came_to_nothing(run, why, begun)?,
            },
            Turn::End => break,
            Turn::Reconnect | Turn::Fetch(_) | Turn::Ask(_) => return Err(foreign()),
        }
    }
    going.lines = talk.lines();
    Ok(())
}

/// DNS questions over UDP.
async fn questions(going: &mut Going<'_>, run: &mut Run) -> Result<(), Unopened> {
    let mut talk = going.errand.doors.datagrams(going.port(), going.asking.tries())?;
    let mut begun = Begun::No;
    loop {
        match going.turn(run) {
            Turn::Ask(question) => match put(going, &mut talk, &question).await {
                Ok(answer) => {
                    begun = Begun::Yes;
                    run.told(answer.as_ref().map_err(|end| *end));
                }
                Err(why) => came_to_nothing(run, why, begun)?,
            },
            Turn::End => break,
            _ => return Err(foreign()),
        }
    }
    going.lines = talk.lines();
    Ok(())
}

/// Puts one question over UDP.
async fn put(
    going: &Going<'_>,
    talk: &mut Datagrams<'_>,
    question: &Question,
) -> Result<Result<DnsAnswer, Ending>, Unopened> {
    let (id, bytes) = dns::message(question).map_err(Unopened::Ours)?;
    talk.note(&dns::words(question));
    match talk.say(&bytes).await {
        Ok(()) => {}
        Err(Unopened::Cut(cut)) => return Ok(Err(ending(&cut))),
        Err(other) => return Err(other),
    }
    for _ in 0..STRAY {
        match talk.hear(LONGEST_ANSWER, going.within(going.errand.patience)).await {
            Ok(came) => {
                if let Some(answer) = dns::answer(&came.bytes, id) {
                    talk.note(&dns::told(&answer));
                    return Ok(Ok(answer));
                }
            }
            Err(Unopened::Cut(cut)) => return Ok(Err(ending(&cut))),
            Err(other) => return Err(other),
        }
    }
    Ok(Err(Ending::Garbled))
}

/// A turn that the medium does not have: the catalogue refuses such recipes.
fn foreign() -> Unopened {
    Unopened::Ours("a recipe wants a turn that its medium does not have".into())
}

/// The same with the secrets cut out of every text.
pub(super) fn without_secrets(saw: Json) -> Json {
    match saw {
        Json::String(text) => Json::String(secrets::cut(&text)),
        Json::Array(items) => items.into_iter().map(without_secrets).collect(),
        Json::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, without_secrets(value))).collect()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
