//! Does a service speak TLS, in which versions, and with which certificate (RFC 8446, RFC 5246)?
//!
//! # Sends
//! Two handshakes from two connections: one that offers TLS 1.3 alone and one that offers TLS 1.2 alone, each with the
//! server name, where there is one, and with ALPN. Each ends as soon as the handshake does. No data follows.
//!
//! # Yields
//! Which of the two versions it took, with suite and group, or the alert with which it refused; the certificates exactly
//! as presented, whatever they are worth; the protocol chosen by ALPN. Older versions are not offered: about them this
//! probe says nothing.

mod client;
mod inside;

use std::borrow::Cow;
use std::sync::Arc;

use rustls::{AlertDescription, ProtocolVersion, SupportedProtocolVersion};
use tokio_rustls::TlsConnector;

use super::{Ask, Brought, Errand, Probe, Reach};
use crate::model::heard::Heard;
use crate::model::observation::Line;
use crate::model::plan::{Bound, Class, When};
use crate::model::saw::{Cut, TlsAgreed, TlsSaw, TlsTry};
use crate::talk::{Account, Opening, Unopened};

pub(super) use client::{Client, server_name};
pub(super) use inside::{Session, Shut, inside, session};

pub(super) static PROBE: Probe = Probe {
    name: Cow::Borrowed("tls"),
    revision: 1,
    means: Cow::Borrowed("shakes hands by TLS 1.3 and by TLS 1.2, and takes the certificate"),
    sends: Cow::Borrowed("two TLS handshakes and nothing after them"),
    over: Reach::Site,
    when: When::Silent,
    class: Class::ReadOnly,
    bound: Bound { connections: 2, datagrams: 0, seconds: 30 },
    yields: None,
    ask: Ask::BuiltIn(|errand| Box::pin(ask(errand))),
};

/// The versions that are offered, each alone.
static VERSIONS: [&SupportedProtocolVersion; 2] =
    [&rustls::version::TLS13, &rustls::version::TLS12];

async fn ask(errand: &Errand<'_>) -> Result<Brought, Unopened> {
    let mut saw = TlsSaw::default();
    let mut transcript = Vec::new();
    for version in VERSIONS {
        let tried = try_version(errand, version).await?;
        transcript.extend(tried.transcript);
        saw.tried.push(tried.saw);
        if saw.chain.is_empty() {
            saw.chain = tried.chain;
        }
        saw.alpn = saw.alpn.or(tried.alpn);
        saw.speaks = match (saw.speaks, tried.speaks) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (before, now) => now.or(before),
        };
        if saw.speaks == Some(false) {
            break;
        }
    }
    Brought::new(&saw, transcript)
}

/// What one handshake showed.
struct Tried {
    saw: TlsTry,
    speaks: Option<bool>,
    chain: Vec<String>,
    alpn: Option<Heard>,
    transcript: Vec<Line>,
}

async fn try_version(
    errand: &Errand<'_>,
    version: &'static SupportedProtocolVersion,
) -> Result<Tried, Unopened> {
    let word = version_word(version.version);
    let mut tried = Tried {
        saw: TlsTry { version: word.to_owned(), agreed: None, alert: None, cut: None },
        speaks: None,
        chain: Vec::new(),
        alpn: None,
        transcript: Vec::new(),
    };
    let port = errand.spot.service.map_or(0, |(_, port)| port);
    let talk = match errand.doors.open(Opening::to_port(port)).await {
        Ok(talk) => talk,
        Err(Unopened::Cut(cut)) => {
            tried.saw.cut = Some(cut);
            return Ok(tried);
        }
        Err(other) => return Err(other),
    };
    let client = Client::new(&[version], &[b"h2", b"http/1.1"]).map_err(Unopened::Ours)?;
    let name = server_name(errand.spot.name.as_deref(), errand.spot.address);
    let (stream, account, transcript) = talk.into_stream();
    transcript.us(format!("[{word} ClientHello for {}]", name.to_str()).as_bytes());
    match TlsConnector::from(Arc::clone(&client.config)).connect(name, stream).await {
        Ok(session) => {
            let (_, session) = session.get_ref();
            let suite = session.negotiated_cipher_suite().map(|suite| suite.suite());
            let group = session.negotiated_key_exchange_group();
            let agreed = TlsAgreed {
                suite: suite.map(suite_word).unwrap_or_default(),
                group: group.map(|group| format!("{:?}", group.name())).unwrap_or_default(),
            };
            transcript.them(format!("[{word} with {} and {}]", agreed.suite, agreed.group).as_bytes());
            tried.alpn = session.alpn_protocol().map(|chosen| Heard::new(chosen, 64));
            tried.saw.agreed = Some(agreed);
            tried.speaks = Some(true);
        }
        Err(wrong) => {
            let refusal = Refusal::of(&wrong, &account);
            transcript.wire(&refusal.words());
            tried.speaks = refusal.speaks(&account);
            match refusal {
                Refusal::Alert(name) => tried.saw.alert = Some(name),
                Refusal::Protocol(what) | Refusal::Garbage(what) => {
                    tried.saw.cut = Some(Cut::Garbled { what });
                }
                Refusal::Cut(cut) => tried.saw.cut = Some(cut),
            }
        }
    }
    tried.chain = client.chain();
    if !tried.chain.is_empty() {
        tried.speaks = Some(true);
        transcript.them(format!("[{} certificates]", tried.chain.len()).as_bytes());
    }
    tried.transcript = transcript.lines();
    Ok(tried)
}

/// Why a handshake failed.
enum Refusal {
    /// It sent this alert: TLS, and a no.
    Alert(String),
    /// It speaks TLS, but not as we do or as it should.
    Protocol(String),
    /// It said something that we cannot read.
    Garbage(String),
    /// It did not say enough.
    Cut(Cut),
}

impl Refusal {
    fn of(wrong: &std::io::Error, account: &Account) -> Self {
        use rustls::Error as Tls;
        let inner = wrong.get_ref().and_then(|inner| inner.downcast_ref::<Tls>());
        match inner {
            Some(Tls::AlertReceived(alert)) => Self::Alert(alert_word(*alert)),
            Some(Tls::PeerIncompatible(what)) => Self::Protocol(format!("{what:?}")),
            Some(Tls::PeerMisbehaved(what)) => Self::Protocol(format!("{what:?}")),
            Some(Tls::InvalidCertificate(what)) => Self::Protocol(format!("{what:?}")),
            Some(other) => Self::Garbage(other.to_string()),
            None => Self::Cut(account.cut().unwrap_or(Cut::Closed)),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Alert(name) => format!("refused with the alert {name}"),
            Self::Protocol(what) => format!("broke the protocol: {what}"),
            Self::Garbage(what) => format!("unreadable: {what}"),
            Self::Cut(cut) => format!("cut: {cut:?}"),
        }
    }

    /// Whether the peer speaks TLS: no only where its very first bytes cannot be a TLS record (RFC 8446 section 5.1).
    fn speaks(&self, account: &Account) -> Option<bool> {
        if matches!(self, Self::Alert(_) | Self::Protocol(_)) {
            return Some(true);
        }
        match account.first().as_slice() {
            [] | [20..=24] | [20..=24, 3, ..] => None,
            _ => Some(false),
        }
    }
}

/// `TLSv1.3`
fn version_word(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::TLSv1_3 => "TLSv1.3",
        _ => "TLSv1.2",
    }
}

/// The name of a cipher suite as IANA has it: rustls writes `TLS13_AES_…` for those of TLS 1.3.
fn suite_word(suite: rustls::CipherSuite) -> String {
    format!("{suite:?}").replacen("TLS13_", "TLS_", 1)
}

/// The name of an alert as RFC 8446 section 6 has it: `handshake_failure`.
fn alert_word(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnknownCA => "unknown_ca".into(),
        AlertDescription::UnrecognisedName => "unrecognized_name".into(),
        AlertDescription::UnknownPSKIdentity => "unknown_psk_identity".into(),
        AlertDescription::BadCertificateStatusResponse => "bad_certificate_status_response".into(),
        AlertDescription::Unknown(code) => format!("alert {code}"),
        known => {
            let mut word = String::new();
            for c in format!("{known:?}").chars() {
                if c.is_ascii_uppercase() && !word.is_empty() {
                    word.push('_');
                }
                word.push(c.to_ascii_lowercase());
            }
            word
        }
    }
}

#[cfg(test)]
mod tests;
