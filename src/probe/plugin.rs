//! Puts a question to a plug-in and takes its answer: whatever it does, there is an observation, of facts or of why there
//! are none.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::recipe::without_secrets;
use super::{Ask, Brought, Errand, Probe, Reach};
use crate::model::net::Transport;
use crate::model::plan::{Bound, When};
use crate::model::saw::Cut;
use crate::plugins::{Answer, CUT, Over, Plugin, Question, VERSION, answer};
use crate::talk::{RanOut, Transcript, Unopened};

/// The form of what plug-ins see.
const REVISION: u16 = 1;

/// The probe that starts it.
pub fn probe(plugin: &Arc<Plugin>) -> Probe {
    let Plugin { name, program, sha256, means, sends, .. } = &**plugin;
    let sends = format!(
        "{} This is sent by a program of the operator's own, {} (SHA-256 {sha256}): its packets are counted as it \
         declares them, not held back by Postern.",
        sentence(sends),
        program.display(),
    );
    Probe {
        name: Cow::Owned(name.clone()),
        revision: REVISION,
        means: Cow::Owned(means.clone()),
        sends: Cow::Owned(sends),
        over: match plugin.over {
            Over::Service => Reach::Service,
            Over::Site => Reach::Site,
        },
        when: When::Open,
        class: plugin.class,
        bound: Bound {
            connections: plugin.bound.connections.into(),
            datagrams: plugin.bound.datagrams.into(),
            seconds: plugin.bound.seconds.into(),
        },
        yields: None,
        ask: Ask::Plugin(Arc::clone(plugin)),
    }
}

/// With a full stop at its end.
fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?', '。']) { text.to_owned() } else { format!("{text}.") }
}

/// Asks.
pub(super) async fn ask(plugin: &Plugin, errand: &Errand<'_>) -> Result<Brought, Unopened> {
    let transcript = Transcript::new(errand.clock);
    let (address, transport, port) = target(errand)?;
    let question = Question {
        postern: VERSION,
        host: &errand.spot.host.0,
        address,
        port,
        transport,
        name: errand.spot.name.as_deref(),
        encrypted: errand.encrypted,
        deadline_ms: u64::from(plugin.bound.seconds) * 1000,
        agent: errand.agent,
    };
    let line = question.line().map_err(|wrong| Unopened::Ours(wrong.to_string()))?;
    transcript.us(line.trim_end().as_bytes());
    let ran = errand.doors.run(plugin, &line).await?;
    let Answer { notes, saw } = answer(&ran.said, plugin);
    for note in notes {
        transcript.them(note.as_bytes());
    }
    for line in String::from_utf8_lossy(&ran.complained).lines() {
        transcript.wire(&format!("stderr: {line}"));
    }
    let saw = match failed(plugin, ran.end, saw) {
        Ok(saw) => {
            transcript.them(saw.to_string().as_bytes());
            saw
        }
        Err((cut, why)) => {
            transcript.wire(&why);
            nothing(plugin, &cut, &why)
        }
    };
    Ok(Brought { saw: without_secrets(saw), transcript: transcript.lines() })
}

/// Where it is pointed at.
fn target(errand: &Errand<'_>) -> Result<(IpAddr, Transport, u16), Unopened> {
    let place = errand.spot.address.zip(errand.spot.service);
    let (address, (transport, port)) =
        place.ok_or_else(|| Unopened::Ours("the spot is no service".into()))?;
    Ok((address, transport, port))
}

/// What was seen; or how it failed, as a cut and in a sentence. Who ends badly is not believed, whatever it said before.
fn failed(plugin: &Plugin, end: RanOut, saw: Result<Json, String>) -> Result<Json, (Cut, String)> {
    let name = &plugin.name;
    let garbled = |why: String| (Cut::Garbled { what: why.clone() }, why);
    match end {
        RanOut::Code(0) => saw.map_err(|wrong| {
            garbled(format!("what the plug-in {name} answered is not of its protocol: {wrong}"))
        }),
        RanOut::Code(code) => Err(garbled(format!("the plug-in {name} ended with code {code}"))),
        RanOut::Signal(code) => {
            Err(garbled(format!("the plug-in {name} was ended by signal {code}")))
        }
        RanOut::TooSlow => {
            let why = format!("the plug-in {name} was not done in time and was ended");
            Err((Cut::TimedOut, why))
        }
        RanOut::TooMuch => {
            let why = format!("the plug-in {name} said more than it may and was ended");
            Err((Cut::TooMuch, why))
        }
    }
}

/// An observation of which nothing is known, and why.
fn nothing(plugin: &Plugin, cut: &Cut, why: &str) -> Json {
    let field = |name: &String| (name.clone(), json!({"unknown": why}));
    let mut saw: Map<String, Json> = plugin.facts.iter().map(|fact| field(&fact.name)).collect();
    saw.insert(CUT.to_owned(), json!(cut));
    Json::Object(saw)
}
