//! What was seen, raw: one row of the book for each question that was put and each answer or silence.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::heard::Heard;
use super::moment::Moment;
use super::net::{HostId, Transport};

/// A step of a plan, by its place in it.
pub type StepId = u32;

/// What exactly a probe was pointed at: together with the step it says whether something was asked already.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Spot {
    /// The host, by its id in the inventory.
    pub host: HostId,
    /// The address, once one is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The service, where one port is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<(Transport, u16)>,
    /// The name asked for: of the resolver, or as TLS server name and HTTP host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// One observation: a question, when and from where it was put, and what came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The step that asked.
    pub step: StepId,
    /// The probe that asked, and so the form of `saw`: `tls`.
    pub probe: String,
    /// The revision of the probe: the form of `saw` may change only with it.
    pub revision: u16,
    /// What it was pointed at.
    pub spot: Spot,
    /// From where it was seen: the id of a vantage.
    pub vantage: String,
    /// The how-manieth time this was tried, from 1.
    pub attempt: u8,
    /// When the question was put.
    pub at: Moment,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
    /// What came back, in the probe's own form (`model::saw` has those of the built-in probes).
    pub saw: serde_json::Value,
    /// The conversation, as far as evidence needs it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transcript: Vec<Line>,
}

/// One utterance of a transcript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Who spoke.
    pub who: Who,
    /// Milliseconds after the talk began.
    pub ms: u32,
    /// What was said, or a note in square brackets for binary data (`[TLS ClientHello, 512 bytes]`).
    pub text: Heard,
}

/// A side of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    /// Postern.
    #[serde(rename = ">")]
    Us,
    /// The peer.
    #[serde(rename = "<")]
    Them,
    /// The network, or the end of the conversation: `connection refused`, `closed by the peer`.
    #[serde(rename = "!")]
    Wire,
}
