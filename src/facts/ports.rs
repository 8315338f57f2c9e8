//! Facts of the kind `ports`: what became of a host's TCP ports, over all its addresses.
//!
//! Ports that nobody asked make no list of open doors partial: the review states which were asked. Ports that were asked
//! and not settled do.

use super::ground::{Family, Ground};
use super::portset::PortSet;
use super::rows::{Found, Lot, Row, Sheet, Tools};
use super::seen::Gap;
use super::sweep::Sweep;
use super::voice::speaks;
use crate::model::net::Transport;
use crate::model::outcome::Why;
use crate::model::saw::PortState;
use crate::model::value::{Kind, List, Value};

/// From the sweep of every address, and from what its open ports were heard to speak.
pub(super) const ROW: Row = Row {
    name: "ports",
    revision: 2,
    needs: &["tcp", "greeting"],
    uses: &["tls", "http"],
    yields: "ports",
    derive,
};

/// More open ports of one address than this, and an accepted connection proves nothing. No machine that serves people
/// has as many; what accepts everything (a decoy, a proxy of packets) has them all.
const OPEN_AT_MOST: usize = 64;

/// Whether an address accepts connections without anybody behind: on too many ports, or on nearly all of many asked.
pub(super) fn answers_everything(sweep: &Sweep) -> bool {
    let (open, asked) = (sweep.set(&[PortState::Open]).len(), sweep.asked().len());
    open > OPEN_AT_MOST || (asked >= 20 && open * 10 > asked * 9)
}

fn derive(ground: &Ground<'_>, kind: &Kind, tools: &mut Tools) -> Lot {
    if ground.sweeps.is_empty() {
        let gap = || Gap::not_tested("its ports were not asked");
        return Lot { found: Vec::new(), gap: ground.gap().or_else(|| Some(gap())) };
    }
    let (doors, heard) = doors(ground, kind);
    let unseen = ground.gap().map(|gap| gap.reason());
    let mut sheet = Sheet::new(kind);
    sheet
        .set("open", Value::List(List { items: doors.into(), unseen }))
        .set("settled", settled(ground, tools))
        .set("v4", family(ground, tools, Family::V4, Sheet::inside(kind, "v4")))
        .set("v6", family(ground, tools, Family::V6, Sheet::inside(kind, "v6")))
        .set("answers_everything", everything(ground));
    let mut evidence: Vec<u64> =
        ground.sweeps.values().flat_map(|(_, rows)| rows.iter().copied()).collect();
    evidence.extend(heard);
    let place = ground.spot(None, None, None);
    Lot { found: vec![Found::at(&place, sheet.done(), evidence)], gap: None }
}

/// The open doors, and the rows of the book that say what they speak.
fn doors(ground: &Ground<'_>, kind: &Kind) -> (Vec<Value>, Vec<u64>) {
    let mut heard = Vec::new();
    let mut doors = Vec::new();
    for (address, (sweep, _)) in &ground.sweeps {
        let everything = answers_everything(sweep);
        for port in sweep.open() {
            let voice = ground.voices.get(&(*address, port));
            if everything && !voice.is_some_and(super::voice::Voice::is_heard) {
                continue;
            }
            let spot = ground.spot(Some(*address), Some((Transport::Tcp, port)), None);
            heard.extend(voice.into_iter().flat_map(|voice| &voice.evidence));
            let mut door = Sheet::inside(kind, "open");
            door.text("at", &format!("{address} {port}/tcp"))
                .number("port", i64::from(port))
                .text("address", &address.to_string())
                .set("speaks", speaks(ground, &spot, voice))
                .flag("declared", ground.declared(Transport::Tcp, port).is_some());
            doors.push(Value::Record(door.done()));
        }
    }
    (doors, heard)
}

/// The ports that are known to be open or shut at every address.
fn settled(ground: &Ground<'_>, tools: &mut Tools) -> Value {
    let mut settled = PortSet::all();
    for address in &ground.addresses {
        let at = ground.sweeps.get(address);
        settled.keep(&at.map_or_else(PortSet::none, |(sweep, _)| sweep.settled()));
    }
    let few = || Why::new("only the ports that the profile or the inventory names were asked");
    let why = (settled.len() < 65_535).then(|| ground.gap().map_or_else(few, |gap| gap.reason()));
    Value::List(List { items: tools.numbers(&settled), unseen: why })
}

/// The ports of one address family.
fn family(ground: &Ground<'_>, tools: &mut Tools, family: Family, mut sheet: Sheet<'_>) -> Value {
    let addresses: Vec<_> =
        ground.addresses.iter().filter(|address| Family::of(**address) == family).collect();
    let sweeps: Vec<_> =
        addresses.iter().filter_map(|address| Some(&ground.sweeps.get(*address)?.0)).collect();
    let gap = ground.gap_over(family).map(|gap| gap.reason());
    let asked = match (sweeps.is_empty(), &gap) {
        (false, _) => Value::Bool(true),
        (true, Some(why)) => Value::Unknown(why.clone()),
        (true, None) => Value::Bool(false),
    };
    let mut open = PortSet::none();
    let mut shut = if sweeps.is_empty() { PortSet::none() } else { PortSet::all() };
    for sweep in &sweeps {
        open.join(&sweep.set(&[PortState::Open]));
        shut.keep(&sweep.shut());
    }
    let list = |items, unseen| Value::List(List { items, unseen });
    sheet
        .set("asked", asked)
        .set("open", list(tools.numbers(&open), gap.clone()))
        .set("shut", list(tools.numbers(&shut), gap));
    Value::Record(sheet.done())
}

/// True as soon as one address answers everything; false only when every address was swept to the end.
fn everything(ground: &Ground<'_>) -> Value {
    if ground.sweeps.values().any(|(sweep, _)| answers_everything(sweep)) {
        return Value::Bool(true);
    }
    ground.gap().map_or(Value::Bool(false), |gap| Value::Unknown(gap.reason()))
}
