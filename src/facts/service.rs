//! Facts of the kind `service`: a port of an address that is open, or that the inventory declares.
//!
//! Who speaks there is told by the greeting, and by TLS and HTTP where other checks had them asked; it is not asked for
//! its own sake. On an address that accepts connections on every port only declared ports and those where somebody spoke
//! are services: the others would be findings about nothing.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::ground::{Ground, Letter, silent};
use super::kinds::PORT_STATE;
use super::ports::answers_everything;
use super::rows::{Found, Lot, Row, Sheet, Tools};
use super::seen::{Gap, NO_UDP, Standing};
use super::sweep::{Run, Sweep, cut_in_words};
use super::voice::{Greeting, Voice, speaks};
use crate::inventory::Exposure;
use crate::model::net::Transport;
use crate::model::observation::Spot;
use crate::model::saw::PortState;
use crate::model::value::{Kind, Level, Value};

/// From sweeps, greetings and declarations.
pub(super) const ROW: Row = Row {
    name: "service",
    revision: 3,
    needs: &["tcp", "greeting"],
    uses: &["tls", "http"],
    yields: "service",
    derive,
};

/// Why nothing is known of what is said at a port.
const UNSETTLED: &str = "whether the port is open is not known";

fn derive(ground: &Ground<'_>, kind: &Kind, _: &mut Tools) -> Lot {
    let mut lot = Lot::default();
    let mut gaps: Vec<Gap> = ground.gap().into_iter().collect();
    let letters = ground.letters();
    for (address, (sweep, evidence)) in &ground.sweeps {
        let mut listed = ports(ground, *address, sweep);
        let answered = letters.iter().filter(|(_, letter)| letter.answered == Some(true));
        let here = answered.filter(|((at, _), _)| at == address);
        listed.extend(here.map(|((_, port), _)| (Transport::Udp, *port)));
        let hidden = sweep.open().filter(|port| !listed.contains(&(Transport::Tcp, *port))).count();
        if hidden > 0 {
            gaps.push(Gap::inconclusive(format!(
                "{address} accepts connections on {hidden} ports where nobody speaks, which proves nothing"
            )));
        }
        for (transport, port) in listed {
            let spot = ground.spot(Some(*address), Some((transport, port)), None);
            let tcp = transport == Transport::Tcp;
            let voice = if tcp { ground.voices.get(&(*address, port)) } else { None };
            let letter = if tcp { None } else { letters.get(&(*address, port)) };
            let record = one(ground, kind, &spot, sweep, (voice, letter));
            let mut evidence = if tcp { evidence.clone() } else { Vec::new() };
            evidence.extend(letter.into_iter().flat_map(|letter| &letter.evidence));
            evidence.extend(voice.into_iter().flat_map(|voice| &voice.evidence));
            lot.found.push(Found::at(&spot, record, evidence));
        }
    }
    lot.gap = Gap::together(gaps);
    if lot.found.is_empty() && lot.gap.is_none() {
        let why = format!("no port of {} is open, and none is declared", ground.host.id);
        lot.gap = Some(Gap::not_applicable(why));
    }
    lot
}

/// The ports of an address that are services.
fn ports(ground: &Ground<'_>, address: IpAddr, sweep: &Sweep) -> BTreeSet<(Transport, u16)> {
    let everything = answers_everything(sweep);
    let heard = |port| ground.voices.get(&(address, port)).is_some_and(Voice::is_heard);
    let open = sweep.open().filter(|port| !everything || heard(*port));
    let declared = ground.host.exposure.iter().map(|exposure| exposure.port);
    let declared = declared.map(|port| (port.transport, port.port));
    open.map(|port| (Transport::Tcp, port)).chain(declared).collect()
}

fn one(
    ground: &Ground<'_>,
    kind: &Kind,
    spot: &Spot,
    sweep: &Sweep,
    (voice, letter): (Option<&Voice>, Option<&Letter>),
) -> std::sync::Arc<[Value]> {
    let mut sheet = Sheet::new(kind);
    let (Some(address), Some((transport, port))) = (spot.address, spot.service) else {
        return sheet.done();
    };
    let run = if transport == Transport::Tcp { sweep.state(port) } else { None };
    let away = run.is_some_and(|run| run.state == PortState::Filtered) && !sweep.is_answered();
    let state = match letter {
        Some(letter) => posted(letter),
        None if away => Value::unknown(silent(address)),
        None => state(ground, spot, run),
    };
    let run = run.filter(|_| !away);
    sheet
        .text("transport", &transport.to_string())
        .number("port", i64::from(port))
        .text("address", &address.to_string())
        .set("state", state)
        .set("speaks", spoken(ground, spot, run, voice));
    declaration(ground, &mut sheet, ground.declared(transport, port));
    match said(ground, spot, run, voice) {
        Ok(greeting) => {
            sheet.text("greeting", &greeting.line).text("version_shown", &greeting.version);
        }
        Err(why) => {
            sheet.unknown("greeting", &why).unknown("version_shown", &why);
        }
    }
    sheet.done()
}

/// What came of asking over UDP. Only an answer or the network's word is a state; silence is none.
fn posted(letter: &Letter) -> Value {
    let name = match (letter.answered, letter.shut) {
        (Some(true), _) => "open",
        (Some(false), true) => "closed",
        (Some(false), false) => {
            return Value::unknown("it kept silent to every question that was put to it over UDP");
        }
        (None, _) => {
            let why = letter.why.clone().unwrap_or_else(|| "no clear answer".to_owned());
            return Value::unknown(why);
        }
    };
    Level::named(&PORT_STATE, name).map_or_else(|| Value::unknown("no such state"), Value::Level)
}

/// What came of connecting. A filtered port is an answer: a door that is shut.
fn state(ground: &Ground<'_>, spot: &Spot, run: Option<&Run>) -> Value {
    let name = match run.map(|run| (run.state, &run.reason)) {
        Some((PortState::Open, _)) => "open",
        Some((PortState::Closed, _)) => "closed",
        Some((PortState::Filtered, _)) => "filtered",
        Some((PortState::Inconclusive | PortState::OpenOrFiltered, reason)) => {
            let reason = reason.as_ref().map_or("no clear answer".to_owned(), cut_in_words);
            return Value::unknown(reason);
        }
        None => return Value::unknown(never_asked(ground, spot)),
    };
    Level::named(&PORT_STATE, name).map_or_else(|| Value::unknown("no such state"), Value::Level)
}

/// Why there is no state of a declared port.
fn never_asked(ground: &Ground<'_>, spot: &Spot) -> String {
    let (Some(address), Some((Transport::Tcp, _))) = (spot.address, spot.service) else {
        return NO_UDP.to_owned();
    };
    if let Some(rule) = ground.refusal("tcp", address) {
        return rule;
    }
    match ground.standing("tcp", &ground.spot(Some(address), None, None)) {
        Standing::Open(gap) => gap.why,
        _ => "the port was not asked".to_owned(),
    }
}

/// What the inventory says of the port.
fn declaration(ground: &Ground<'_>, sheet: &mut Sheet<'_>, declared: Option<&Exposure>) {
    let meant =
        declared.map_or(Some(false), |exposure| ground.from.is_meant(exposure, ground.inventory));
    let here = match meant {
        Some(is) => Value::Bool(is),
        None => Value::unknown("the inventory gives no source addresses for this vantage"),
    };
    let review = declared.and_then(|exposure| exposure.review_by);
    let left = match review {
        Some(day) => Value::Int(ground.as_of.days_until(day)),
        None => Value::unknown("no day of review is set"),
    };
    sheet
        .flag("declared", declared.is_some())
        .set("declared_here", here)
        .text("declared_service", declared.and_then(|e| e.service.as_deref()).unwrap_or(""))
        .flag("need_given", declared.is_some_and(|exposure| exposure.need.is_some()))
        .flag("approved", declared.is_some_and(|exposure| exposure.approved_by.is_some()))
        .flag("review_set", review.is_some())
        .set("review_days_left", left);
}

/// What the service speaks. A door that is shut speaks nothing.
fn spoken(ground: &Ground<'_>, spot: &Spot, run: Option<&Run>, voice: Option<&Voice>) -> Value {
    match run.map(|run| run.state) {
        Some(PortState::Closed | PortState::Filtered) if voice.is_none() => Value::text(""),
        Some(PortState::Inconclusive) | None if voice.is_none() => Value::unknown(UNSETTLED),
        _ => speaks(ground, spot, voice),
    }
}

/// What the service said by itself. A door that is shut says nothing, and so gives nothing away.
fn said(
    ground: &Ground<'_>,
    spot: &Spot,
    run: Option<&Run>,
    voice: Option<&Voice>,
) -> Result<Greeting, String> {
    if let Some(heard) = voice.and_then(|voice| voice.greeting.as_ref()) {
        return heard.clone();
    }
    match run.map(|run| run.state) {
        Some(PortState::Closed | PortState::Filtered) => Ok(Greeting::default()),
        Some(PortState::Open) => match ground.standing("greeting", spot) {
            Standing::Open(gap) => Err(gap.why),
            Standing::NotNeeded => Ok(Greeting::default()),
            Standing::Asked => Err("the book holds no answer".to_owned()),
        },
        _ => Err(UNSETTLED.to_owned()),
    }
}
