//! The forms of what the built-in probes saw: what they write into the book and what facts are derived from.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::heard::Heard;

/// How a question ended without an answer, or with less than the whole one. Theirs, never ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub enum Cut {
    /// Nothing (more) came before the deadline.
    TimedOut,
    /// The connection was refused: a reset in answer to the first packet.
    Refused,
    /// An established connection was reset.
    Reset,
    /// The peer closed before it had said enough.
    Closed,
    /// It said more than we hear.
    TooMuch,
    /// The network said that it cannot be reached: an ICMP error, with its type, code and sender where known.
    Unreachable {
        /// ICMP or ICMPv6 type.
        kind: u8,
        /// Its code.
        code: u8,
        /// Who sent it.
        from: Option<IpAddr>,
    },
    /// The connection was refused by a reset of somebody in front of the host, as its time to live tells.
    RefusedBefore,
    /// Somebody in front of the host answers handshakes, and nobody is behind them.
    AnsweredBefore,
    /// It was given up before it was settled.
    GivenUp {
        /// Why, in our words.
        why: String,
    },
    /// It was not asked by itself until it answered: others like it were, and so they did, for the most part.
    Sampled,
    /// What it said is not of the protocol.
    Garbled {
        /// What was wrong, in our words.
        what: String,
    },
}

/// The `names` probe: what the resolver says of a name (RFC 1034, 1035, 3596).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamesSaw {
    /// The name that was asked for.
    pub name: String,
    /// Who was asked.
    pub resolvers: Vec<String>,
    /// The CNAME chain from the name to the last one, in order, without the name itself.
    pub aliases: Vec<Heard>,
    /// A records.
    pub v4: Answered<Vec<IpAddr>>,
    /// AAAA records.
    pub v6: Answered<Vec<IpAddr>>,
    /// Addresses that were answered and that the scope refuses, with the rule.
    pub refused: Vec<(IpAddr, String)>,
}

/// An answer, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answered<T> {
    /// The answer; an empty one was said to be empty.
    Yes(T),
    /// None, and in words why: `timed out`, `SERVFAIL`.
    No(String),
}

/// The probes `tcp` and `udp`: the state of every port that was asked of one address, as ranges.
///
/// A sweep writes what it has settled as it goes, in observations of the same step and
/// spot; the last of them holds everything, and only it comes before the step's end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PortsSaw {
    /// Ports in the same state for the same reason, in rising order of the first port.
    pub states: Vec<PortRun>,
    /// How it went, where it has come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swept: Option<Swept>,
}

/// How an examination of ports went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Swept {
    /// How packets were sent: `connect`, `syn`, or `udp`.
    pub by: String,
    /// How many, canaries and confirmations among them.
    pub sent: u64,
    /// Canaries: asked again and again to see what gets through.
    pub canaries: u64,
    /// How often the port that was asked most was asked.
    pub tries: u8,
    /// The share of probes, from 0 to 1, that stayed unanswered though they should not; none where nothing answers.
    pub loss: Option<f64>,
    /// The chance, at most, that a silent port is open all the same.
    pub miss: f64,
    /// The most packets a second.
    pub fastest: f64,
    /// The smoothed round-trip time, in microseconds (RFC 6298).
    pub round_trip_us: Option<u64>,
    /// What stood in the way, in words.
    pub warnings: Vec<String>,
    /// Whether nobody listed the address and nothing came back on the ports that are most often open, so that no others were
    /// asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_sign: bool,
    /// What showed that somebody is at an address that nobody listed, where no port did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign: Option<Sign>,
    /// How often it was asked by ICMP echo requests.
    #[serde(default, skip_serializing_if = "is_none_at_all")]
    pub echoes: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
fn is_none_at_all(count: &u8) -> bool {
    *count == 0
}

/// A sign of somebody at an address, besides the ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// An ICMP echo reply (RFC 792, RFC 4443 section 4.2).
    Echo,
    /// It answered on this machine's own link when it was looked for there (ARP, RFC 826; neighbour discovery, RFC 4861).
    Neighbour,
}

/// Ports that answered alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortRun {
    /// As ranges: `1-21,23`.
    pub ports: String,
    /// What they are.
    pub state: PortState,
    /// How it was told; none for an open port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cut>,
}

/// The state of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PortState {
    /// A connection was established; over UDP, a datagram came back.
    Open,
    /// Refused by a reset; over UDP, by the host itself.
    Closed,
    /// Nothing came back, or an ICMP error did.
    Filtered,
    /// Asked, and the answer does not settle it.
    Inconclusive,
    /// Nothing came back over UDP, where whoever listens need not answer.
    #[serde(rename = "open|filtered")]
    OpenOrFiltered,
}

impl PortState {
    /// Whether it was told by somebody who stands at the address or guards it. Silence is no such answer, nor is that of
    /// a network in which the address was not found (RFC 792, RFC 1812: no way to the network or the host, or no such
    /// network or host; RFC 4443: no way, beyond the scope, address unreachable).
    pub fn is_answer(self, reason: Option<&Cut>) -> bool {
        match (self, reason) {
            (Self::Open | Self::Closed, _) => true,
            (Self::Filtered, Some(Cut::Unreachable { kind: 3, code, .. })) => {
                !matches!(code, 0 | 1 | 5..=8 | 11 | 12)
            }
            (Self::Filtered, Some(Cut::Unreachable { kind: 1, code, .. })) => {
                !matches!(code, 0 | 2 | 3)
            }
            _ => false,
        }
    }
}

/// The `greeting` probe: what a service says before anything is said to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GreetingSaw {
    /// What it said; none when it stayed silent.
    pub said: Option<Heard>,
    /// How it ended, when not by our having heard enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
}

/// The `tls` probe: what one or two handshakes of rustls showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsSaw {
    /// Whether the peer speaks TLS at all; `None` when that did not become clear.
    pub speaks: Option<bool>,
    /// One entry for each protocol version that was offered alone.
    pub tried: Vec<TlsTry>,
    /// The certificates as presented, leaf first, each DER in base64.
    pub chain: Vec<String>,
    /// The protocol chosen by ALPN (RFC 7301).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpn: Option<Heard>,
}

/// What came of offering one version of TLS alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsTry {
    /// The version offered: `TLSv1.2`.
    pub version: String,
    /// The suite and group it took, by IANA name, when it took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<TlsAgreed>,
    /// The alert it answered with, by its name in RFC 8446 section 6: a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<String>,
    /// How it ended, when neither agreed nor with an alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
}

/// What a handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsAgreed {
    /// The cipher suite: `TLS_AES_128_GCM_SHA256`.
    pub suite: String,
    /// The key exchange group: `X25519`.
    pub group: String,
}

/// The `http` probe: the answers from the first request through every redirect within scope (RFC 9110).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpSaw {
    /// Whether the peer speaks HTTP at all; `None` when that did not become clear.
    pub speaks: Option<bool>,
    /// Each answer, in order.
    pub answers: Vec<HttpAnswer>,
    /// How it ended, when not with a complete answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// Where the last answer wanted us to go, when we did not: the scope's rule, or that there were too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_followed: Option<(Heard, String)>,
}

/// One HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpAnswer {
    /// What was asked: `https://booking.example/`.
    pub url: Heard,
    /// The status code.
    pub status: u16,
    /// Header fields in order, names in lower case; values of cookies are cut.
    pub headers: Vec<(Heard, Heard)>,
    /// The text of the first `title` element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Heard>,
    /// The first bytes of the body, as far as facts need them.
    pub body: Heard,
    /// Whether there was more of the body than was read.
    pub truncated: bool,
}
