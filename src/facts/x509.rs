//! What one certificate says of itself (RFC 5280): from DER to plain values, bounded whatever a peer sent.

use std::net::IpAddr;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension, X509Extension};
use x509_parser::oid_registry::{OID_X509_EXT_SUBJECT_ALT_NAME, Oid};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::{AlgorithmIdentifier, AttributeTypeAndValue, X509Name};

use crate::model::moment::Moment;

/// How many alternative names are kept; ten thousand fit in a certificate.
const NAMES: usize = 200;

/// How many characters of a name or number are kept.
const CHARACTERS: usize = 256;

/// A certificate as it was read. Every text in it was chosen by whoever made the certificate.
#[derive(Debug)]
pub(super) struct Certificate {
    /// Whom it is for: `CN=booking.example, O=Acme`.
    pub(super) subject: String,
    /// Who issued it, in the same form.
    pub(super) issuer: String,
    /// The subject's name as DER without its outermost header, to compare exactly.
    pub(super) subject_der: Vec<u8>,
    /// The issuer's name in the same form.
    pub(super) issuer_der: Vec<u8>,
    /// The first alternative names: DNS names and addresses, in order.
    pub(super) names: Vec<String>,
    /// How many alternative names there are altogether, of every kind.
    pub(super) names_total: usize,
    /// Whether there are more than were looked at.
    pub(super) names_cut: bool,
    /// The first second at which it is valid.
    pub(super) not_before: Moment,
    /// The last second at which it is valid.
    pub(super) not_after: Moment,
    /// Its public key.
    pub(super) key: Key,
    /// The signature on it, by its usual name: `sha256WithRSAEncryption`.
    pub(super) signature: String,
    /// The hash in that signature, `sha256`; empty when the algorithm is one without, none when it is not known.
    pub(super) hash: Option<&'static str>,
    /// Whether it says where its issuer's certificate lies (RFC 5280 section 4.2.2.1). It is never fetched.
    pub(super) issuer_can_be_fetched: bool,
}

/// A public key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// `rsa`, `ec`, `ed25519`, `ed448` or `dsa`; none for any other.
    pub(super) kind: Option<&'static str>,
    /// The dotted number of its algorithm.
    pub(super) algorithm: String,
    /// Its size in bits, where it is known.
    pub(super) bits: Option<i64>,
}

impl Certificate {
    /// Reads one certificate.
    ///
    /// # Errors
    /// Says in words that it cannot be read.
    pub(super) fn read(der: &[u8]) -> Result<Self, String> {
        let (_, cert) = X509Certificate::from_der(der)
            .map_err(|_| "what was presented is not a readable X.509 certificate".to_owned())?;
        let (names, names_total) = names(&cert);
        let (signature, hash) = signature(&cert.signature_algorithm);
        let validity = cert.validity();
        Ok(Self {
            subject: name_in_words(cert.subject()),
            issuer: name_in_words(cert.issuer()),
            subject_der: without_header(cert.subject().as_raw()),
            issuer_der: without_header(cert.issuer().as_raw()),
            names,
            names_cut: names_total > NAMES,
            names_total,
            not_before: Moment::from_unix_seconds(validity.not_before.timestamp()),
            not_after: Moment::from_unix_seconds(validity.not_after.timestamp()),
            key: key(&cert),
            signature,
            hash,
            issuer_can_be_fetched: issuer_can_be_fetched(&cert),
        })
    }

    /// Whether it names itself as its issuer. What is signed is not tried: no chain leads further anyway.
    pub(super) fn is_self_issued(&self) -> bool {
        self.subject_der == self.issuer_der
    }
}

/// The alternative names that a client could ask for, and how many there are of every kind. Where the extension stands
/// twice, which RFC 5280 section 4.2 forbids, the first one is read.
fn names(cert: &X509Certificate<'_>) -> (Vec<String>, usize) {
    let mut extensions = cert.extensions().iter();
    let found = extensions.find(|extension| extension.oid == OID_X509_EXT_SUBJECT_ALT_NAME);
    let Some(ParsedExtension::SubjectAlternativeName(alternative)) =
        found.map(X509Extension::parsed_extension)
    else {
        return (Vec::new(), 0);
    };
    let all = &alternative.general_names;
    (all.iter().take(NAMES).filter_map(one_name).collect(), all.len())
}

fn one_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(dns) => Some(cut(dns)),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).ok().map(IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(*bytes).ok().map(IpAddr::from);
            v4.or_else(v6).map(|address| address.to_string())
        }
        GeneralName::Invalid(tag, bytes) if tag.0 == 2 => {
            Some(cut(&String::from_utf8_lossy(bytes)))
        }
        _ => None,
    }
}

fn issuer_can_be_fetched(cert: &X509Certificate<'_>) -> bool {
    cert.extensions().iter().any(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityInfoAccess(access) => access
            .accessdescs
            .iter()
            .any(|place| place.access_method.to_id_string() == "1.3.6.1.5.5.7.48.2"),
        _ => false,
    })
}

/// A name as people write it, in the order in which it stands (RFC 4514 turns it round; browsers and OpenSSL do not).
fn name_in_words(name: &X509Name<'_>) -> String {
    let parts = name.iter_attributes().take(32).map(|part| {
        let kind = match part.attr_type().to_id_string().as_str() {
            "2.5.4.3" => "CN".to_owned(),
            "2.5.4.6" => "C".to_owned(),
            "2.5.4.7" => "L".to_owned(),
            "2.5.4.8" => "ST".to_owned(),
            "2.5.4.10" => "O".to_owned(),
            "2.5.4.11" => "OU".to_owned(),
            other => cut(other),
        };
        format!("{kind}={}", attribute(part))
    });
    cut(&parts.collect::<Vec<_>>().join(", "))
}

/// The value of an attribute; the string types that are not UTF-8 are read as far as that goes.
fn attribute(part: &AttributeTypeAndValue<'_>) -> String {
    /// The tag of BMPString: two bytes a character (X.680).
    const BMP: u32 = 30;
    let bytes = part.as_slice();
    if part.attr_value().tag().0 == BMP {
        let units = bytes.chunks_exact(2).take(CHARACTERS);
        let units = units.filter_map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?)));
        return String::from_utf16_lossy(&units.collect::<Vec<_>>());
    }
    cut(&String::from_utf8_lossy(bytes.get(..4 * CHARACTERS).unwrap_or(bytes)))
}

fn key(cert: &X509Certificate<'_>) -> Key {
    let info = cert.public_key();
    let number = info.algorithm.algorithm.to_id_string();
    let of = |kind, bits| Key { kind: Some(kind), algorithm: cut(&number), bits };
    match number.as_str() {
        "1.3.101.112" => return of("ed25519", Some(256)),
        "1.3.101.113" => return of("ed448", Some(456)),
        "1.2.840.10045.2.1" => return of("ec", curve_bits(&info.algorithm)),
        _ => {}
    }
    match info.parsed() {
        Ok(PublicKey::RSA(rsa)) => of("rsa", Some(bits(rsa.modulus))),
        Ok(PublicKey::DSA(y)) => of("dsa", Some(bits(y))),
        _ => Key { kind: None, algorithm: cut(&number), bits: None },
    }
}

/// The size of a big-endian number in bits.
fn bits(number: &[u8]) -> i64 {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let significant = number.get(start..).unwrap_or(&[]);
    let leading = significant.first().map_or(0, |byte| i64::from(byte.leading_zeros()));
    i64::try_from(significant.len()).unwrap_or(i64::MAX).saturating_mul(8).saturating_sub(leading)
}

/// The size of a named curve (RFC 5480, RFC 5639); none for one that we do not know or that is spelt out.
fn curve_bits(algorithm: &AlgorithmIdentifier<'_>) -> Option<i64> {
    let curve: Oid<'_> = algorithm.parameters.as_ref()?.as_oid().ok()?;
    let bits = match curve.to_id_string().as_str() {
        "1.2.840.10045.3.1.1" => 192,
        "1.3.132.0.33" => 224,
        "1.2.840.10045.3.1.7" | "1.3.132.0.10" | "1.3.36.3.3.2.8.1.1.7" => 256,
        "1.3.132.0.34" | "1.3.36.3.3.2.8.1.1.11" => 384,
        "1.3.36.3.3.2.8.1.1.13" => 512,
        "1.3.132.0.35" => 521,
        _ => return None,
    };
    Some(bits)
}

/// The name of a signature and the digest in it (RFC 3279, 4055, 5758, 8410, 8692).
fn signature(algorithm: &AlgorithmIdentifier<'_>) -> (String, Option<&'static str>) {
    let number = algorithm.algorithm.to_id_string();
    let (name, digest) = match number.as_str() {
        "1.2.840.113549.1.1.2" => ("md2WithRSAEncryption", "md2"),
        "1.2.840.113549.1.1.3" => ("md4WithRSAEncryption", "md4"),
        "1.2.840.113549.1.1.4" => ("md5WithRSAEncryption", "md5"),
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => ("sha1WithRSAEncryption", "sha1"),
        "1.2.840.113549.1.1.14" => ("sha224WithRSAEncryption", "sha224"),
        "1.2.840.113549.1.1.11" => ("sha256WithRSAEncryption", "sha256"),
        "1.2.840.113549.1.1.12" => ("sha384WithRSAEncryption", "sha384"),
        "1.2.840.113549.1.1.13" => ("sha512WithRSAEncryption", "sha512"),
        "1.2.840.113549.1.1.10" => return pss(algorithm),
        "1.2.840.10045.4.1" => ("ecdsa-with-SHA1", "sha1"),
        "1.2.840.10045.4.3.1" => ("ecdsa-with-SHA224", "sha224"),
        "1.2.840.10045.4.3.2" => ("ecdsa-with-SHA256", "sha256"),
        "1.2.840.10045.4.3.3" => ("ecdsa-with-SHA384", "sha384"),
        "1.2.840.10045.4.3.4" => ("ecdsa-with-SHA512", "sha512"),
        "1.2.840.10040.4.3" => ("dsa-with-SHA1", "sha1"),
        "2.16.840.1.101.3.4.3.2" => ("dsa-with-SHA256", "sha256"),
        "1.3.101.112" => return ("Ed25519".to_owned(), Some("")),
        "1.3.101.113" => return ("Ed448".to_owned(), Some("")),
        _ => return (cut(&number), None),
    };
    (name.to_owned(), Some(digest))
}

/// RSASSA-PSS names its digest in its parameters; left out, it is SHA-1 (RFC 4055 section 3.1).
fn pss(algorithm: &AlgorithmIdentifier<'_>) -> (String, Option<&'static str>) {
    if algorithm.parameters.is_none() {
        return ("RSASSA-PSS with sha1".to_owned(), Some("sha1"));
    }
    let parameters =
        algorithm.parameters.as_ref().and_then(|any| RsaSsaPssParams::try_from(any).ok());
    let digest =
        parameters.and_then(|found| match found.hash_algorithm_oid().to_id_string().as_str() {
            "1.3.14.3.2.26" => Some("sha1"),
            "2.16.840.1.101.3.4.2.4" => Some("sha224"),
            "2.16.840.1.101.3.4.2.1" => Some("sha256"),
            "2.16.840.1.101.3.4.2.2" => Some("sha384"),
            "2.16.840.1.101.3.4.2.3" => Some("sha512"),
            _ => None,
        });
    (digest.map_or("RSASSA-PSS".to_owned(), |digest| format!("RSASSA-PSS with {digest}")), digest)
}

/// The content of a DER element, without its tag and length: names of trust anchors are kept that way.
fn without_header(der: &[u8]) -> Vec<u8> {
    let skip = match der.get(1) {
        Some(long) if long & 0x80 != 0 => 2 + usize::from(long & 0x7f),
        _ => 2,
    };
    der.get(skip..).unwrap_or(&[]).to_vec()
}

fn cut(text: &str) -> String {
    text.chars().take(CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_hash_of_a_signature_is_named_absent_or_not_known() {
        let of = |der: &[u8]| {
            super::signature(&super::AlgorithmIdentifier::from_der(der).expect("an algorithm").1).1
        };
        assert_eq!(of(&[0x30, 5, 6, 3, 0x2b, 0x65, 0x70]), Some(""), "Ed25519");
        assert_eq!(of(&[0x30, 5, 6, 3, 0x2b, 0x65, 0x7f]), None, "one that nobody knows");
        let pss = [0x30, 11, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
        assert_eq!(of(&pss), Some("sha1"), "RSASSA-PSS without parameters");
    }

    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair};

    fn read(params: &CertificateParams) -> Certificate {
        let key = KeyPair::generate().expect("a key");
        Certificate::read(params.self_signed(&key).expect("a certificate").der()).expect("readable")
    }

    #[test]
    fn names_dates_and_key_are_read() {
        let mut params = CertificateParams::new(vec!["booking.example".into(), "192.0.2.1".into()])
            .expect("names");
        params.distinguished_name.push(DnType::OrganizationName, "康健中心 \u{202e}x\u{1b}[31m");
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 4, 1);
        let cert = read(&params);
        assert_eq!(cert.names, ["booking.example", "192.0.2.1"]);
        assert_eq!(
            (cert.not_before.date(), cert.not_after.date()),
            ("2026-01-01".into(), "2026-04-01".into())
        );
        assert_eq!(
            cert.key,
            Key { kind: Some("ec"), algorithm: "1.2.840.10045.2.1".into(), bits: Some(256) }
        );
        assert_eq!((cert.signature.as_str(), cert.hash), ("ecdsa-with-SHA256", Some("sha256")));
        assert!(cert.is_self_issued() && cert.subject.contains("康健中心"), "{}", cert.subject);
    }

    #[test]
    fn ten_thousand_names_are_counted_and_two_hundred_kept() {
        let many = (0..10_000).map(|at| format!("n{at}.example")).collect::<Vec<_>>();
        let cert = read(&CertificateParams::new(many).expect("names"));
        assert_eq!((cert.names.len(), cert.names_total), (NAMES, 10_000));
    }

    #[test]
    fn what_is_no_certificate_is_said_to_be_none() {
        for der in [&b""[..], b"hello", &[0x30; 4096], &[0x30, 0x80, 0x30, 0x80, 0, 0]] {
            assert!(Certificate::read(der).is_err());
        }
    }

    #[test]
    fn sizes_are_counted_without_leading_zeroes() {
        assert_eq!([bits(&[]), bits(&[0, 0]), bits(&[0, 0x80, 0]), bits(&[1, 0])], [0, 0, 16, 9]);
    }
}
