//! What a probe saw, in lines, where it kept no transcript.

use serde::de::DeserializeOwned;

use crate::model::net::parse_port_ranges;
use crate::model::observation::Observation;
use crate::model::saw::{Answered, Cut, GreetingSaw, HttpSaw, NamesSaw, PortsSaw, TlsSaw};

/// The lines: `< ` before what the peer said, `! ` before what the network showed. `port` narrows them to one service.
pub(super) fn of(saw: &Observation, port: Option<u16>) -> Vec<String> {
    let lines = match saw.probe.as_str() {
        "names" => form(saw).map(names),
        "tcp" | "udp" => form(saw).map(|of| ports(&of, &saw.probe, port)),
        "greeting" => form(saw).map(|saw| greeting(&saw)),
        "tls" => form(saw).map(|saw| tls(&saw)),
        "http" => form(saw).map(|saw| http(&saw)),
        _ => None,
    };
    lines.unwrap_or_else(|| vec![format!("! {}", saw.saw)])
}

fn form<T: DeserializeOwned>(saw: &Observation) -> Option<T> {
    serde_json::from_value(saw.saw.clone()).ok()
}

fn names(saw: NamesSaw) -> Vec<String> {
    let NamesSaw { name, aliases, v4, v6, refused, .. } = saw;
    let answer = |kind: &str, answered| match answered {
        Answered::Yes(addresses) if Vec::is_empty(&addresses) => {
            format!("< {name} has no {kind} record")
        }
        Answered::Yes(addresses) => {
            let words: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            format!("< {name} {kind} {}", words.join(" "))
        }
        Answered::No(why) => format!("! {name} {kind}: {why}"),
    };
    let alias = aliases.iter().map(|alias| format!("< alias {}", alias.raw()));
    let refused =
        refused.iter().map(|(address, rule)| format!("! {address} was not asked: {rule}"));
    alias.chain([answer("A", v4), answer("AAAA", v6)]).chain(refused).collect()
}

fn ports(saw: &PortsSaw, protocol: &str, port: Option<u16>) -> Vec<String> {
    let has = |ports: &str| {
        let wanted = |port| parse_port_ranges(ports).is_ok_and(|ports| ports.contains(&port));
        port.is_none_or(wanted)
    };
    let runs = saw.states.iter().filter(|run| has(&run.ports));
    runs.map(|run| {
        let ports = port.map_or_else(|| run.ports.clone(), |port| port.to_string());
        let state = serde_json::to_value(run.state).unwrap_or_default();
        let how = run.reason.as_ref().map(|cut| format!(" ({})", how(cut))).unwrap_or_default();
        format!("! {ports}/{protocol} {}{how}", state.as_str().unwrap_or("?"))
    })
    .collect()
}

fn greeting(saw: &GreetingSaw) -> Vec<String> {
    let said = saw
        .said
        .iter()
        .flat_map(|said| said.raw().lines().take(30))
        .map(|line| format!("< {line}"));
    said.chain(ended(saw.cut.as_ref())).collect()
}

fn tls(saw: &TlsSaw) -> Vec<String> {
    let tries = saw.tried.iter().map(|tried| match (&tried.agreed, &tried.alert, &tried.cut) {
        (Some(agreed), ..) => {
            format!("< {} agreed: {} {}", tried.version, agreed.suite, agreed.group)
        }
        (_, Some(alert), _) => format!("< {} refused: alert {alert}", tried.version),
        (_, _, Some(cut)) => format!("! {}: {}", tried.version, how(cut)),
        _ => format!("! {}: nothing", tried.version),
    });
    let chain = format!("< {} certificates", saw.chain.len());
    tries.chain((!saw.chain.is_empty()).then_some(chain)).collect()
}

fn http(saw: &HttpSaw) -> Vec<String> {
    let answers = saw.answers.iter().flat_map(|answer| {
        let headers =
            answer.headers.iter().map(|(name, value)| format!("< {}: {}", name.raw(), value.raw()));
        let status = format!("< {}", answer.status);
        [format!("> GET {}", answer.url.raw()), status].into_iter().chain(headers)
    });
    answers.chain(ended(saw.cut.as_ref())).collect()
}

fn ended(cut: Option<&Cut>) -> Option<String> {
    cut.map(|cut| format!("! {}", how(cut)))
}

/// How a conversation ended, in words.
fn how(cut: &Cut) -> String {
    match cut {
        Cut::TimedOut => "timed out".into(),
        Cut::Refused => "refused".into(),
        Cut::Reset => "reset".into(),
        Cut::Closed => "closed by the peer".into(),
        Cut::RefusedBefore => "refused by somebody in front of it".into(),
        Cut::AnsweredBefore => "answered by somebody in front of it".into(),
        Cut::Sampled => "told from a sample".into(),
        Cut::GivenUp { why } => format!("given up: {why}"),
        Cut::TooMuch => "said more than is heard".into(),
        Cut::Unreachable { kind, code, from } => {
            let from = from.map(|from| format!(" from {from}")).unwrap_or_default();
            format!("unreachable: ICMP type {kind} code {code}{from}")
        }
        Cut::Garbled { what } => format!("not of the protocol: {what}"),
    }
}
