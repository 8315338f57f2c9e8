//! Facts of the kind `udp`: what answered on a host to what recipes asked over UDP.
//!
//! An answer is a fact; silence is none, for a service may keep silent to a question that it does not know. So the list
//! is never whole.

use super::ground::Ground;
use super::rows::{Found, Lot, Row, Sheet, Tools};
use super::seen::{Gap, NO_UDP};
use crate::model::net::Transport;
use crate::model::outcome::Why;
use crate::model::plan::Over;
use crate::model::value::{Kind, List, Value};

/// From whatever was asked over UDP for checks of their own.
pub(super) const ROW: Row =
    Row { name: "udp", revision: 1, needs: &[], uses: &[], yields: "udp", derive };

/// Why there may be more open ports than answered.
const UNSEEN: &str = "a service may keep silent over UDP to a question that it does not know";

fn derive(ground: &Ground<'_>, kind: &Kind, _: &mut Tools) -> Lot {
    let over_udp = |over: &Over| matches!(over, Over::Port { transport: Transport::Udp, .. });
    if !ground.seen.steps.iter().any(|step| over_udp(&step.over)) {
        return Lot { found: Vec::new(), gap: Some(Gap::not_tested(NO_UDP)) };
    }
    let letters = ground.letters();
    let answered = letters.iter().filter(|(_, letter)| letter.answered == Some(true));
    let (mut ports, mut evidence) = (Vec::new(), Vec::new());
    for ((_, port), letter) in answered {
        ports.push(*port);
        evidence.extend(&letter.evidence);
    }
    ports.sort_unstable();
    ports.dedup();
    let items = ports.iter().map(|port| Value::Int(i64::from(*port))).collect();
    let mut sheet = Sheet::new(kind);
    sheet.set("open", Value::List(List { items, unseen: Some(Why::new(UNSEEN)) }));
    let place = ground.spot(None, None, None);
    Lot { found: vec![Found::at(&place, sheet.done(), evidence)], gap: ground.gap() }
}
