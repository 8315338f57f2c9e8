//! What the sweep's core says, in the words of the book.

use postern_sweep::{Reason, Resetter, Settled as Told, State, Summary, Sweep, Warning};

use crate::engine::settled::{Settled, runs};
use crate::model::saw::{Cut, PortState, PortsSaw, Swept};

/// A port that an earlier run has settled: it may serve as a canary.
pub(super) fn known(core: &mut Sweep, port: u16, state: PortState) {
    match state {
        PortState::Open => core.known(port, true),
        PortState::Closed => core.known(port, false),
        PortState::Filtered | PortState::Inconclusive | PortState::OpenOrFiltered => {}
    }
}

/// The state of a port, and how it is known.
pub(super) fn state(told: &Told) -> (PortState, Option<Cut>) {
    let state = match told.state {
        State::Open => PortState::Open,
        State::Closed => PortState::Closed,
        State::Filtered => PortState::Filtered,
        State::Inconclusive => PortState::Inconclusive,
        State::OpenOrFiltered => PortState::OpenOrFiltered,
    };
    let cut = match told.reason {
        Reason::Confirmed { .. } | Reason::Replied => None,
        Reason::Reset(Resetter::Before) => Some(Cut::RefusedBefore),
        Reason::Reset(Resetter::Host | Resetter::Unknown) => Some(Cut::Refused),
        Reason::Unreachable { kind, code, from } => Some(Cut::Unreachable { kind, code, from }),
        Reason::Silence { .. } | Reason::NoFeedback => Some(Cut::TimedOut),
        Reason::InFront => Some(Cut::AnsweredBefore),
        Reason::Estimated { .. } => Some(Cut::Sampled),
        Reason::Blocked => Some(Cut::GivenUp { why: "nobody answered any more".into() }),
        Reason::Ours => {
            Some(Cut::GivenUp { why: "this machine was too short of something to ask it".into() })
        }
    };
    (state, cut)
}

/// Everything, when it has come to its end.
pub(super) fn whole(settled: &Settled, by: &str, summary: &Summary) -> PortsSaw {
    let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let swept = Swept {
        by: by.to_owned(),
        sent: summary.sent,
        canaries: summary.canaries,
        tries: summary.tries,
        loss: summary.loss,
        miss: summary.miss,
        fastest: summary.rate.0,
        round_trip_us: summary.round_trip.map(micros),
        warnings: summary.warnings.iter().map(warning).collect(),
        no_sign: false,
        sign: None,
        echoes: 0,
    };
    PortsSaw { swept: Some(swept), ..runs(settled) }
}

/// What is said where nothing answers.
pub(super) const SILENCE: &str =
    "nothing came back on any port: the address may be down, or drop everything";

/// A warning in words.
fn warning(warning: &Warning) -> String {
    match warning {
        Warning::NoFeedback => SILENCE.into(),
        Warning::Ban { rate } => format!(
            "after {rate:.0} packets a second nobody answered for a while, as after a ban: what was asked meanwhile was \
             asked again, more slowly"
        ),
        Warning::GaveUp => "in the end nobody answered any more, and the rest was given up".into(),
        Warning::Bottleneck { rate } => {
            format!("no more than about {rate:.0} packets a second get through")
        }
        Warning::RateLimited { rate } => format!(
            "refusals come {rate:.0} times a second at most: open ports are exact, the others are told from a sample"
        ),
        Warning::SynProxy => {
            "somebody in front of the host answers every handshake: only confirmed ports are open"
                .into()
        }
        Warning::AnswersEverything => "nearly every port stays open: it may be a decoy".into(),
        Warning::Blind { assumed } => format!(
            "no port replied again and again, so that nobody knows what gets through: it went slowly, and {:.0} % are thought \
             to be lost",
            assumed * 100.0
        ),
        Warning::OwnTrouble { times } => {
            format!("this machine was short of something {times} times: it went slower")
        }
    }
}
