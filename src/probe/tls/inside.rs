//! A conversation that goes on inside TLS, whatever the certificate is worth.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::Client;
use crate::model::observation::Line;
use crate::model::saw::Cut;
use crate::talk::{Account, Bounded, Talk, Transcript, Unopened, Wire};

/// A handshake that failed.
pub(in crate::probe) struct Shut {
    /// How.
    pub(in crate::probe) cut: Cut,
    /// What was said until then.
    pub(in crate::probe) lines: Vec<Line>,
}

/// A session that was agreed on.
pub(in crate::probe) struct Session<W> {
    /// What goes on in it.
    pub(in crate::probe) stream: W,
    /// What went over the wire below.
    pub(in crate::probe) outer: Account,
    /// The transcript of the conversation that it is part of.
    pub(in crate::probe) transcript: Transcript,
}

/// Shakes hands over a conversation, by TLS 1.3 or 1.2, offering those protocols by ALPN.
///
/// # Errors
/// The outer is an error of ours, the inner how the handshake failed.
pub(in crate::probe) async fn session(
    talk: Talk,
    name: ServerName<'static>,
    alpn: &[&[u8]],
) -> Result<Result<Session<Bounded<Box<dyn Wire>>>, Shut>, Unopened> {
    let client = Client::new(&super::VERSIONS, alpn).map_err(Unopened::Ours)?;
    let (stream, outer, transcript) = talk.into_stream();
    let terms = stream.terms();
    let connector = TlsConnector::from(Arc::clone(&client.config));
    Ok(match connector.connect(name, stream).await {
        Ok(session) => {
            transcript.wire("[TLS]");
            let stream = Bounded::new(Box::new(session) as Box<dyn Wire>, terms, None);
            Ok(Session { stream, outer, transcript })
        }
        Err(wrong) => {
            transcript.wire("the TLS handshake failed");
            let garbled = Cut::Garbled { what: format!("TLS: {wrong}") };
            let cut = outer.cut().unwrap_or(garbled);
            Err(Shut { cut, lines: transcript.lines() })
        }
    })
}

/// Goes on with a conversation inside TLS.
///
/// # Errors
/// The outer is an error of ours, the inner how the handshake failed.
pub(in crate::probe) async fn inside(
    talk: Talk,
    name: ServerName<'static>,
) -> Result<Result<Talk, Shut>, Unopened> {
    let session = session(talk, name, &[]).await?;
    Ok(session.map(|Session { stream, transcript, .. }| Talk::inside(stream, transcript)))
}
