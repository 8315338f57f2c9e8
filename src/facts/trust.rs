//! Whether a chain of certificates leads to an authority that clients trust, and in plain words why not.
//!
//! The verdict is webpki's, with Mozilla's authorities and the operator's own. Three things are told apart that a
//! client lumps together, so that one mistake is blamed once: the dates of the leaf, the name in it, and everything
//! else. [`Trust::judge`] speaks of everything else only.

use std::collections::{BTreeMap, BTreeSet};

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};

use super::x509::Certificate;
use crate::model::digest::Digest;
use crate::model::moment::Moment;

/// Everything that is trusted, and the verdicts that were reached already: in a large review the same chain comes up
/// many times, and signatures are the dearest thing in this room.
pub(super) struct Trust {
    roots: RootCertStore,
    subjects: BTreeSet<Vec<u8>>,
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
    known: BTreeMap<(Digest, usize), Result<(), String>>,
}

impl Trust {
    /// Mozilla's authorities and these, each DER; what cannot be read as an authority is left out.
    pub(super) fn new(extra: &[Vec<u8>]) -> Self {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let extra = extra.iter().map(|der| CertificateDer::from(der.as_slice()));
        let _ = roots.add_parsable_certificates(extra);
        let subjects = roots.roots.iter().map(|root| root.subject.to_vec()).collect();
        let algorithms = default_provider().signature_verification_algorithms.all;
        Self { roots, subjects, algorithms, known: BTreeMap::new() }
    }

    /// Whether an authority of that name is trusted (DER of the name without its header).
    pub(super) fn knows(&self, name: &[u8]) -> bool {
        self.subjects.contains(name)
    }

    /// Whether clients would accept the chain at that time, were the leaf's dates and name right.
    ///
    /// # Errors
    /// Says in words why they would not.
    pub(super) fn judge(
        &mut self,
        chain: &[Vec<u8>],
        read: &[Certificate],
        at: Moment,
    ) -> Result<(), String> {
        let leaf = read.first().ok_or("it cannot be read")?;
        if leaf.not_before > leaf.not_after {
            return Err("its dates contradict each other".to_owned());
        }
        // Within the leaf's dates, which are judged on their own.
        let at = at.max(leaf.not_before).min(leaf.not_after);
        let key = (Digest::of_parts(chain.iter().map(Vec::as_slice)), interval(read, at));
        if let Some(verdict) = self.known.get(&key) {
            return verdict.clone();
        }
        let verdict = self.verify(chain, at).map_err(|error| in_words(&error, read));
        self.known.insert(key, verdict.clone());
        verdict
    }

    fn verify(&self, chain: &[Vec<u8>], at: Moment) -> Result<(), Error> {
        let mut chain = chain.iter().map(|der| CertificateDer::from(der.as_slice()));
        let leaf = chain.next().ok_or(CertificateError::BadEncoding)?;
        let above = chain.collect::<Vec<_>>();
        let seconds = u64::try_from(at.unix_seconds()).unwrap_or(0);
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let leaf = ParsedCertificate::try_from(&leaf)?;
        verify_server_cert_signed_by_trust_anchor(&leaf, &self.roots, &above, now, self.algorithms)
    }
}

/// Whether a certificate is for that name or address, as clients compare (RFC 9525; a common name does not count).
/// None when the certificate or the name cannot be read.
pub(super) fn is_for(leaf: &[u8], name: &str) -> Option<bool> {
    let name = ServerName::try_from(name.trim_end_matches('.').to_owned()).ok()?;
    let der = CertificateDer::from(leaf);
    let leaf = ParsedCertificate::try_from(&der).ok()?;
    match verify_server_name(&leaf, &name) {
        Ok(()) => Some(true),
        Err(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => Some(false),
        Err(_) => None,
    }
}

/// Between which two of all the dates in a chain a time lies: there the verdict does not change.
fn interval(chain: &[Certificate], at: Moment) -> usize {
    let dates = chain
        .iter()
        .map(|cert| usize::from(cert.not_before <= at) + usize::from(cert.not_after < at));
    // Base 3, since each certificate is either not valid yet, valid, or no longer valid.
    dates.fold(0, |sum: usize, state| sum.wrapping_mul(3).wrapping_add(state))
}

fn in_words(error: &Error, chain: &[Certificate]) -> String {
    use CertificateError as Wrong;
    let Error::InvalidCertificate(wrong) = error else {
        return "clients refuse it".to_owned();
    };
    let self_signed = chain.first().is_some_and(Certificate::is_self_issued);
    let text = match wrong {
        Wrong::BadEncoding => "a certificate in the chain is not well formed",
        Wrong::Expired | Wrong::ExpiredContext { .. } => {
            "a certificate above it in the chain has expired"
        }
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => {
            "a certificate above it in the chain is not valid yet"
        }
        _ if self_signed => "it is signed by itself and not by an authority",
        Wrong::UnhandledCriticalExtension => {
            "a certificate in the chain carries a critical extension that clients do not know"
        }
        Wrong::UnknownIssuer => return unknown_issuer(chain),
        Wrong::BadSignature => "a signature in the chain is wrong",
        Wrong::UnsupportedSignatureAlgorithmContext { .. }
        | Wrong::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "a signature or a key in the chain is of a kind that clients refuse"
        }
        Wrong::InvalidPurpose | Wrong::InvalidPurposeContext { .. } => {
            "it is not meant for servers"
        }
        Wrong::Other(other) => return other_words(&other.to_string()),
        _ => "clients refuse it",
    };
    text.to_owned()
}

fn unknown_issuer(chain: &[Certificate]) -> String {
    let top = path(chain).last().and_then(|at| chain.get(*at));
    match top {
        Some(top) if top.is_self_issued() => {
            "it leads to an authority that is not among those trusted".to_owned()
        }
        _ => "the chain ends before an authority that is trusted: an intermediate certificate is missing"
            .to_owned(),
    }
}

/// What webpki says with words of its own.
fn other_words(name: &str) -> String {
    let text = match name {
        "CaUsedAsEndEntity" => {
            "it is an authority's own certificate, which clients refuse from a server"
        }
        "EndEntityUsedAsCa" => "a certificate above it in the chain may not issue others",
        "NameConstraintViolation" => "an authority above it may not issue for that name",
        "PathLenConstraintViolated" | "MaximumPathDepthExceeded" => {
            "the chain is longer than allowed"
        }
        "MaximumSignatureChecksExceeded" | "MaximumPathBuildCallsExceeded" => {
            "the chain is too tangled to follow"
        }
        "UnsupportedCertVersion" => "it is of a version of X.509 that clients refuse",
        _ => "clients refuse it",
    };
    text.to_owned()
}

/// The certificates that lead up from the leaf, by the names of their issuers, each by its place in the chain as sent.
pub(super) fn path(chain: &[Certificate]) -> Vec<usize> {
    let mut path = Vec::new();
    let mut next = (!chain.is_empty()).then_some(0);
    while let Some(here) = next {
        path.push(here);
        let issuer = chain.get(here).map(|cert| &cert.issuer_der);
        next = (0..chain.len()).find(|at| {
            !path.contains(at) && chain.get(*at).map(|cert| &cert.subject_der) == issuer
        });
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_clients_do() {
        let params = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let params = rcgen::CertificateParams::new(names).expect("names");
            let key = rcgen::KeyPair::generate().expect("a key");
            params.self_signed(&key).expect("a certificate").der().to_vec()
        };
        let leaf = params(&["*.centre.example", "Booking.Example", "192.0.2.1"]);
        let cases = [
            ("www.centre.example", Some(true)),
            ("a.www.centre.example", Some(false)),
            ("centre.example", Some(false)),
            ("booking.example", Some(true)),
            ("booking.example.", Some(true)),
            ("192.0.2.1", Some(true)),
            ("2001:db8::1", Some(false)),
            ("not a name", None),
        ];
        for (name, expected) in cases {
            assert_eq!(is_for(&leaf, name), expected, "{name}");
        }
        assert_eq!(is_for(b"nothing", "a.example"), None);
        // A common name alone does not count (RFC 9525 section 2).
        assert_eq!(is_for(&params(&[]), "rcgen self signed cert"), None);
    }

    #[test]
    fn authorities_that_cannot_be_read_are_left_out() {
        let trust = Trust::new(&[b"nonsense".to_vec()]);
        assert_eq!(trust.roots.len(), webpki_roots::TLS_SERVER_ROOTS.len());
        assert!(!trust.knows(b"nobody"));
    }
}
