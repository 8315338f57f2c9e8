//! The demo vendor's certificates: one authority of its own, made anew at every start, and what it signs.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::model::moment::Moment;

/// The vendor's certificate authority.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(super) fn new(now: Moment) -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Harbour View IT internal CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        valid(&mut params, now.plus_days(-500), now.plus_days(3000));
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    pub(super) fn pem(&self) -> String {
        self.pem.clone()
    }

    /// A server's certificate for that name and time, with its key.
    pub(super) fn server(
        &self,
        name: &str,
        from: Moment,
        until: Moment,
    ) -> Result<Identity, rcgen::Error> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        valid(&mut params, from, until);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity { certificate: certificate.der().clone(), key: key.serialize_der() })
    }
}

/// A certificate with its key.
pub(super) struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Identity {
    /// A server that has not moved on: TLS 1.2 only.
    pub(super) fn tls12_only(self) -> std::io::Result<Arc<ServerConfig>> {
        self.serving(&[&rustls::version::TLS12])
    }

    /// A server as one would set it up today.
    pub(super) fn modern(self) -> std::io::Result<Arc<ServerConfig>> {
        self.serving(&[&rustls::version::TLS13, &rustls::version::TLS12])
    }

    fn serving(
        self,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> std::io::Result<Arc<ServerConfig>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key));
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .and_then(|config| {
                config.with_no_client_auth().with_single_cert(vec![self.certificate], key)
            });
        config.map(Arc::new).map_err(std::io::Error::other)
    }
}

fn valid(params: &mut CertificateParams, from: Moment, until: Moment) {
    let day = |moment: Moment| {
        let mut parts = moment
            .date()
            .split('-')
            .map(|part| part.parse::<i32>().unwrap_or(1))
            .collect::<Vec<_>>()
            .into_iter();
        let mut next = || parts.next().unwrap_or(1);
        let (year, month, day) = (next(), next(), next());
        rcgen::date_time_ymd(year, u8::try_from(month).unwrap_or(1), u8::try_from(day).unwrap_or(1))
    };
    params.not_before = day(from);
    params.not_after = day(until);
}
