//! TLS servers by script: rustls's own, as willing or unwilling as they come, and some that are none.

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::probe::scripted::{Script, ask};
use crate::talk::Soon;

async fn tls(peer: fn(DuplexStream) -> Soon<'static, ()>) -> TlsSaw {
    ask(&PROBE, Script { peer: Some(peer), ..Script::default() }, None).await
}

/// A server of those versions, with a certificate of its own making.
async fn serve(wire: DuplexStream, versions: &[&'static SupportedProtocolVersion], alpn: &[u8]) {
    let made = rcgen::generate_simple_self_signed(["web.example".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key);
    let mut config = config.expect("a key that fits");
    config.alpn_protocols = vec![alpn.to_vec()];
    if let Ok(mut session) = TlsAcceptor::from(Arc::new(config)).accept(wire).await {
        let _ = session.read(&mut [0; 16]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_modern_server_takes_both() {
    let saw = tls(|wire| Box::pin(serve(wire, &VERSIONS, b"h2"))).await;
    assert_eq!(saw.speaks, Some(true));
    assert_eq!(saw.chain.len(), 1);
    assert_eq!(saw.alpn, Some("h2".into()));
    let [new, old] = saw.tried.as_slice() else { panic!("two tries: {saw:?}") };
    assert_eq!((new.version.as_str(), old.version.as_str()), ("TLSv1.3", "TLSv1.2"));
    let suite = |tried: &TlsTry| tried.agreed.as_ref().map(|agreed| agreed.suite.clone());
    assert!(suite(new).expect("agreed").starts_with("TLS_AES_"));
    assert!(suite(old).expect("agreed").starts_with("TLS_ECDHE_"));
    assert!(!new.agreed.as_ref().expect("agreed").group.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_alert_with_its_name() {
    let saw = tls(|wire| Box::pin(serve(wire, &VERSIONS[1..], b"http/1.1"))).await;
    let [new, old] = saw.tried.as_slice() else { panic!("two tries: {saw:?}") };
    assert_eq!(new.alert.as_deref(), Some("protocol_version"));
    assert!(old.agreed.is_some() && saw.speaks == Some(true));
}

#[tokio::test(start_paused = true)]
async fn other_tongues_are_not_tls_and_silence_is_no_answer() {
    let other: fn(DuplexStream) -> Soon<'static, ()> = |mut wire| {
        Box::pin(async move {
            let _ = wire.read(&mut [0; 600]).await;
            let _ = wire.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        })
    };
    let saw = tls(other).await;
    assert_eq!((saw.speaks, saw.tried.len()), (Some(false), 1));
    let mute = tls(|wire| {
        Box::pin(async move {
            let _held = wire;
            std::future::pending::<()>().await;
        })
    })
    .await;
    assert_eq!((mute.speaks, mute.tried.len()), (None, 2));
    assert!(mute.tried.iter().all(|tried| tried.cut == Some(Cut::TimedOut)));
}

#[test]
fn alerts_have_the_names_of_rfc_8446() {
    let cases = [
        (AlertDescription::HandshakeFailure, "handshake_failure"),
        (AlertDescription::ProtocolVersion, "protocol_version"),
        (AlertDescription::UnrecognisedName, "unrecognized_name"),
        (AlertDescription::UnknownCA, "unknown_ca"),
        (AlertDescription::CloseNotify, "close_notify"),
        (AlertDescription::from(200), "alert 200"),
    ];
    for (alert, name) in cases {
        assert_eq!(alert_word(alert), name);
    }
}
