//! A TLS client that takes any certificate and keeps what was presented: judging it comes later, and elsewhere.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, Resumption};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme, SupportedProtocolVersion};

/// A client for one connection.
pub(in crate::probe) struct Client {
    /// Its configuration.
    pub(in crate::probe) config: Arc<ClientConfig>,
    keeper: Arc<Keeper>,
}

impl Client {
    /// A client that offers these versions and, by ALPN, these protocols.
    ///
    /// # Errors
    /// When the cryptography does not support the versions, which is a bug of ours.
    pub(in crate::probe) fn new(
        versions: &[&'static SupportedProtocolVersion],
        alpn: &[&[u8]],
    ) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let keeper = Arc::new(Keeper::default());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(|wrong| wrong.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&keeper) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        config.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(config), keeper })
    }

    /// The certificates that were presented, leaf first, each DER in base64; empty when none were.
    pub(in crate::probe) fn chain(&self) -> Vec<String> {
        self.keeper.chain.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The name to ask for: the host's, or for a bare address none (RFC 6066 section 3 has names only; rustls then sends
/// no extension).
pub(in crate::probe) fn server_name(
    name: Option<&str>,
    address: Option<IpAddr>,
) -> ServerName<'static> {
    let by_name = name.and_then(|name| ServerName::try_from(name.to_owned()).ok());
    by_name.unwrap_or_else(|| address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)).into())
}

/// Accepts everything and keeps the certificates.
#[derive(Debug, Default)]
struct Keeper {
    chain: Mutex<Vec<String>>,
}

impl ServerCertVerifier for Keeper {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(leaf).chain(others).map(|der| base64(der)).collect();
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    /// All that a server may want to sign with: a weak signature is to be found, not to end the conversation.
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ECDSA_NISTP521_SHA512,
            SignatureScheme::ED25519,
            SignatureScheme::ED448,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PSS_SHA512,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512,
            SignatureScheme::ECDSA_SHA1_Legacy,
            SignatureScheme::RSA_PKCS1_SHA1,
        ]
    }
}

/// Base64 with padding (RFC 4648 section 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            if digit > group.len() {
                text.push('=');
                continue;
            }
            let at = (bits >> (18 - 6 * digit)) & 63;
            text.push(char::from(DIGITS.get(at as usize).copied().unwrap_or(b'=')));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_4648() {
        let cases = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (bytes, text) in cases {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn a_bare_address_has_no_server_name() {
        let address = "192.0.2.1".parse().ok();
        assert!(matches!(server_name(None, address), ServerName::IpAddress(_)));
        assert!(matches!(server_name(Some("web.example"), address), ServerName::DnsName(_)));
        assert!(matches!(server_name(Some("not a name"), address), ServerName::IpAddress(_)));
    }
}
