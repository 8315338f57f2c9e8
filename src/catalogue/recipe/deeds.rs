//! Steps with their parameters filled in: what is done, one thing after the other.

use std::sync::Arc;

use super::compose::Message;
use super::{Act, EACH, Fetch, Ports, Question, Read, Step};
use crate::model::heard;
use crate::model::value::Value;

/// One thing to do: a step, or one of the requests of a step with `each`.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    /// The step, whose condition it shares.
    pub(super) step: usize,
    pub(super) does: Does,
}

#[derive(Clone, Debug)]
pub(super) enum Does {
    Send(Arc<[u8]>),
    Echo(usize),
    Compose(Message),
    Read(Read),
    Reconnect,
    Fetch { into: usize, fetch: Fetch, listed: bool },
    Ask { into: usize, question: Question },
}

impl Does {
    /// Whether something is said over a connection or in a datagram.
    pub(super) fn says(&self) -> bool {
        matches!(self, Self::Send(_) | Self::Echo(_) | Self::Compose(_))
    }
}

/// How many connections a request may take.
pub(super) fn hops(does: &Does) -> u64 {
    match does {
        Does::Fetch { fetch, .. } if fetch.follow => 1 + u64::from(Fetch::HOPS),
        Does::Fetch { .. } => 1,
        _ => 0,
    }
}

/// What a step comes to; `room` is how many connections are left for requests.
pub(super) fn deeds(
    at: usize,
    step: &Step,
    params: &[Value],
    room: &mut u32,
    short: &mut Vec<(usize, String)>,
) -> Vec<Deed> {
    let does = match step.act.clone() {
        Act::Send(bytes) => vec![Does::Send(bytes)],
        Act::Echo(from) => vec![Does::Echo(from)],
        Act::Compose(message) => vec![Does::Compose(message)],
        Act::Read(read) => vec![Does::Read(read)],
        Act::Reconnect => vec![Does::Reconnect],
        Act::Ask { into, question } => vec![Does::Ask { into, question }],
        Act::Fetch { into, fetch, each: None } => {
            let fetch = Does::Fetch { into, fetch, listed: false };
            *room = room.saturating_sub(u32::try_from(hops(&fetch)).unwrap_or(u32::MAX));
            vec![fetch]
        }
        Act::Fetch { into, fetch, each: Some(param) } => {
            let texts = match params.get(param) {
                Some(Value::List(list)) => list.items.to_vec(),
                _ => Vec::new(),
            };
            let mut all = Vec::new();
            for text in &texts {
                let Value::Text(text) = text else { continue };
                let path = fetch.path.replace(EACH, text);
                if !is_path(&path) {
                    short.push((into, format!("`{}` is not a path", heard::shown(&path))));
                    continue;
                }
                let one =
                    Does::Fetch { into, fetch: Fetch { path, ..fetch.clone() }, listed: true };
                let cost = u32::try_from(hops(&one)).unwrap_or(u32::MAX);
                if cost > *room {
                    let asked = all.len();
                    short.push((
                        into,
                        format!("only the first {asked} of {} were asked", texts.len()),
                    ));
                    break;
                }
                *room -= cost;
                all.push(one);
            }
            all
        }
    };
    does.into_iter().map(|does| Deed { step: at, does }).collect()
}

/// Whether a text can stand as path and query in a request line (RFC 3986 section 3.3).
pub(super) fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && text.len() <= 2000
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte))
}

pub(super) fn ports(ports: &Ports, params: &[Value]) -> Vec<u16> {
    let mut found: Vec<u16> = match ports {
        Ports::Found => Vec::new(),
        Ports::Fixed(ports) => ports.clone(),
        Ports::Param(at) => match params.get(*at) {
            Some(Value::List(list)) => list.items.iter().filter_map(port).collect(),
            Some(one) => port(one).into_iter().collect(),
            None => Vec::new(),
        },
    };
    found.sort_unstable();
    found.dedup();
    found
}

/// A port, if a value is one.
pub(super) fn port(value: &Value) -> Option<u16> {
    match value {
        Value::Int(number) => u16::try_from(*number).ok().filter(|port| *port > 0),
        _ => None,
    }
}
