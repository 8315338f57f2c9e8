//! What each open port was heard to speak: by its greeting, or because it answered in TLS or HTTP.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::products;
use super::seen::{HostSeen, Sight};
use super::sweep::cut_in_words;
use crate::model::net::Transport;
use crate::model::observation::Spot;
use crate::model::saw::{Cut, GreetingSaw, HttpSaw, TlsSaw};

/// What is known of the voice of one port.
#[derive(Debug, Default)]
pub(super) struct Voice {
    /// The protocol that it speaks; empty when none was recognised.
    pub(super) speaks: &'static str,
    /// What it said by itself, once somebody listened; empty when it kept silent.
    pub(super) greeting: Option<Result<Greeting, String>>,
    /// The rows of the book that this rests on.
    pub(super) evidence: Vec<u64>,
}

impl Voice {
    /// Whether anybody spoke there, understood or not.
    pub(super) fn is_heard(&self) -> bool {
        let said = |greeting: &Result<Greeting, String>| {
            greeting.as_ref().is_ok_and(|greeting| !greeting.line.is_empty())
        };
        !self.speaks.is_empty() || self.greeting.as_ref().is_some_and(said)
    }
}

/// What a service says before anything is said to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Greeting {
    /// Its first line, at most 200 characters.
    pub(super) line: String,
    /// Product and version that it gives away.
    pub(super) version: String,
}

/// The voices of all ports of a host that were listened to or spoken to.
pub(super) fn voices(seen: &HostSeen<'_>) -> BTreeMap<(IpAddr, u16), Voice> {
    let mut voices: BTreeMap<(IpAddr, u16), Voice> = BTreeMap::new();
    for (place, sight) in seen.lasts("greeting").filter_map(at_port) {
        let voice = voices.entry(place).or_default();
        voice.evidence.push(sight.seq);
        let Some(saw) = sight.read::<GreetingSaw>() else { continue };
        let said = saw.said.as_ref().map_or("", |said| said.raw());
        voice.speaks = products::protocol(said, place.1);
        voice.greeting = Some(greeting(said, saw.cut.as_ref()));
    }
    for (place, sight) in seen.lasts("tls").filter_map(at_port) {
        if sight.read::<TlsSaw>().is_some_and(|saw| saw.speaks == Some(true)) {
            let voice = voices.entry(place).or_default();
            voice.speaks = "tls";
            voice.evidence.push(sight.seq);
        }
    }
    for (place, sight) in seen.lasts("http").filter_map(at_port) {
        if sight.read::<HttpSaw>().is_some_and(|saw| saw.speaks == Some(true)) {
            let voice = voices.entry(place).or_default();
            voice.speaks = "http";
            voice.evidence.push(sight.seq);
        }
    }
    voices
}

/// The address and TCP port of an observation.
fn at_port<'a>((spot, sight): (&Spot, Sight<'a>)) -> Option<((IpAddr, u16), Sight<'a>)> {
    match (spot.address, spot.service) {
        (Some(address), Some((Transport::Tcp, port))) => Some(((address, port), sight)),
        _ => None,
    }
}

/// Silence until the time was up is an answer; a connection that ended otherwise without a word is none.
fn greeting(said: &str, cut: Option<&Cut>) -> Result<Greeting, String> {
    match cut {
        Some(cut) if said.is_empty() && *cut != Cut::TimedOut => Err(cut_in_words(cut)),
        _ => {
            let line = said.lines().next().unwrap_or("").chars().take(200).collect();
            Ok(Greeting { line, version: products::version(said) })
        }
    }
}
