//! What each open port was heard to speak: by its greeting, or because it answered in TLS or HTTP.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::ground::Ground;
use super::products;
use super::seen::{HostSeen, Sight, Standing};
use super::sweep::cut_in_words;
use crate::model::net::Transport;
use crate::model::observation::Spot;
use crate::model::saw::{Cut, GreetingSaw, HttpSaw, TlsSaw};
use crate::model::value::Value;

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
        voice.speaks = if said.is_empty() { "" } else { products::protocol(said, place.1) };
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

/// What an open port speaks: the empty text where it was listened to and kept silent or was not understood, and not known
/// where nobody listened or the connection ended without a word.
pub(super) fn speaks(ground: &Ground<'_>, spot: &Spot, voice: Option<&Voice>) -> Value {
    if let Some(voice) = voice.filter(|voice| !voice.speaks.is_empty()) {
        return Value::text(voice.speaks);
    }
    match voice.and_then(|voice| voice.greeting.as_ref()) {
        Some(Ok(_)) => Value::text(""),
        Some(Err(why)) => Value::unknown(why.as_str()),
        None => match ground.standing("greeting", spot) {
            Standing::Open(gap) => Value::Unknown(gap.reason()),
            Standing::NotNeeded => Value::text(""),
            Standing::Asked => Value::unknown("the book holds no answer"),
        },
    }
}

/// Ports on which, by custom, something is spoken that is neither TLS nor HTTP: SSH, FTP, mail, DNS, RPC, Windows'
/// services, directories, databases, remote desktops. That a service there hangs up on a hello of ours says what it is;
/// anywhere else it might as well be a TLS server too old for us.
const OTHERWISE: [u16; 27] = [
    21, 22, 23, 25, 53, 110, 111, 119, 135, 139, 143, 389, 445, 587, 1433, 1521, 2049, 3306, 3389,
    5432, 5433, 5900, 5901, 6379, 11211, 27017, 27018,
];

/// Whether a service that hung up in these ways on what a web client says can be taken for none.
pub(super) fn hung_up(spot: &Spot, cuts: &[Option<&Cut>]) -> bool {
    let custom = spot.service.is_some_and(|(_, port)| OTHERWISE.contains(&port));
    let hang_up = |cut: Option<&Cut>| matches!(cut, Some(Cut::Closed | Cut::Reset));
    custom && !cuts.is_empty() && cuts.iter().copied().all(hang_up)
}

/// Whether HTTP was spoken in clear at a place: where that is so, TLS is not.
pub(super) fn in_clear(seen: &HostSeen<'_>, spot: &Spot) -> bool {
    let http = seen.last("http", spot).and_then(|sight| sight.read::<HttpSaw>());
    http.is_some_and(|saw| {
        let first = saw.answers.first().map(|answer| answer.url.raw());
        saw.speaks == Some(true) && first.is_some_and(|url| !super::web::is_https(url))
    })
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
        _ if said.is_empty() => Ok(Greeting::default()),
        _ => {
            let line = said.lines().next().unwrap_or("").chars().take(200).collect();
            Ok(Greeting { line, version: products::version(said) })
        }
    }
}
