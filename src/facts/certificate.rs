//! Facts of the kind `certificate`: what a service presents for one server name, judged as of when it was seen.
//!
//! What a client lumps together as "not trusted" is told apart here, so that no two checks blame the same mistake:
//! the leaf's dates, the name in it, and whether it leads to an authority that is trusted.

use std::sync::Arc;

use super::base64;
use super::ground::Ground;
use super::rows::{Found, Lot, Row, Sheet, Tools, over_sites, unreadable};
use super::seen::{Gap, Sight};
use super::tls::unclear;
use super::trust::{is_for, path};
use super::x509::{Certificate, Key};
use crate::model::moment::Moment;
use crate::model::observation::Spot;
use crate::model::outcome::Why;
use crate::model::saw::TlsSaw;
use crate::model::value::{Kind, List, Value};

/// From the chain that the `tls` probe was shown.
pub(super) const ROW: Row = Row {
    name: "certificate",
    revision: 2,
    needs: &["tls"],
    uses: &[],
    yields: "certificate",
    derive,
};

/// How many certificates of a chain are looked at; real ones have two to four.
const CHAIN: usize = 16;

/// The largest certificate that webpki reads, in bytes; real ones have one or two thousand.
const LARGEST: usize = 0xffff;

fn derive(ground: &Ground<'_>, kind: &Kind, tools: &mut Tools) -> Lot {
    let mut found = Vec::new();
    let mut gaps = Vec::new();
    for (spot, sight) in ground.seen.lasts("tls") {
        let Some(saw) = sight.read::<TlsSaw>() else {
            gaps.push(unreadable(ground, spot));
            continue;
        };
        match (saw.speaks, saw.chain.is_empty()) {
            (Some(false), _) => {}
            (Some(true), false) => {
                let record = record(ground, kind, tools, spot, &sight, &saw.chain);
                found.push(Found::at(spot, record, vec![sight.seq]));
            }
            (Some(true), true) => {
                let place = ground.words(spot);
                let why = format!("{place} speaks TLS and presented no certificate");
                gaps.push(Gap::inconclusive(why));
            }
            (None, _) => gaps.extend(unclear(ground, spot, &saw)),
        }
    }
    let none = format!("no service on {} presents a certificate", ground.host.id);
    over_sites(ground, "tls", found, gaps, &none)
}

fn record(
    ground: &Ground<'_>,
    kind: &Kind,
    tools: &mut Tools,
    spot: &Spot,
    sight: &Sight<'_>,
    chain: &[String],
) -> Arc<[Value]> {
    let mut sheet = Sheet::new(kind);
    sheet.text("name_asked", spot.name.as_deref().unwrap_or(""));
    let chain: Vec<Vec<u8>> =
        chain.iter().take(CHAIN).map(|text| base64::decode(text).unwrap_or_default()).collect();
    let leaf = match chain.first().map(|der| Certificate::read(der)) {
        Some(Ok(leaf)) => leaf,
        Some(Err(why)) => return nothing_but(sheet, kind, &why),
        None => return sheet.done(),
    };
    says(&mut sheet, &leaf);
    dates(&mut sheet, &leaf, ground.as_of);
    sheet.set("name_matches", name_matches(spot, &leaf, chain.first().map_or(&[], Vec::as_slice)));
    let above = chain.iter().skip(1);
    let mut read = vec![leaf];
    read.extend(above.filter_map(|der| Certificate::read(der).ok()));
    trust(&mut sheet, tools, &chain, &read, sight.at());
    sheet.done()
}

/// Whether it leads to an authority that is trusted, whatever its own dates and names.
fn trust(
    sheet: &mut Sheet<'_>,
    tools: &mut Tools,
    chain: &[Vec<u8>],
    read: &[Certificate],
    at: Moment,
) {
    if chain.iter().any(|der| der.len() > LARGEST) {
        let why = "a certificate of more than 64 KiB is not judged";
        sheet.unknown("trusted", why).unknown("untrusted_because", why);
        sheet.unknown("chain_complete", why);
        return;
    }
    let trusted = tools.trust.judge(chain, read, at);
    sheet
        .flag("trusted", trusted.is_ok())
        .flag("chain_complete", trusted.is_ok() || !breaks_off(tools, read))
        .text("untrusted_because", trusted.as_ref().err().map_or("", String::as_str));
}

/// A record in which everything but the name asked for is unknown for one reason.
fn nothing_but(mut sheet: Sheet<'_>, kind: &Kind, why: &str) -> Arc<[Value]> {
    for field in kind.fields.iter().filter(|field| field.name != "name_asked") {
        sheet.unknown(&field.name, why);
    }
    sheet.done()
}

/// What the certificate says of itself.
fn says(sheet: &mut Sheet<'_>, leaf: &Certificate) {
    let names = leaf.names.iter().map(|name| Value::text(name.as_str())).collect();
    let unseen = leaf.names_cut.then(|| {
        Why::new(format!("only the first of its {} names are looked at", leaf.names_total))
    });
    sheet
        .text("subject", &leaf.subject)
        .text("issuer", &leaf.issuer)
        .set("names", Value::List(List { items: names, unseen }))
        .flag("self_signed", leaf.is_self_issued())
        .text("signature", &leaf.signature);
    match leaf.hash {
        Some(hash) => sheet.text("signature_hash", hash),
        None => sheet.unknown(
            "signature_hash",
            &format!("the signature algorithm {} is not known", leaf.signature),
        ),
    };
    key(sheet, &leaf.key);
}

fn key(sheet: &mut Sheet<'_>, key: &Key) {
    match key.kind {
        Some(kind) => sheet.text("key_kind", kind),
        None => sheet.unknown("key_kind", &format!("the algorithm {} is not known", key.algorithm)),
    };
    match key.bits {
        Some(bits) => sheet.number("key_bits", bits),
        None => sheet.unknown("key_bits", "the size of its key is not known"),
    };
}

/// Its dates, counted to when the scan began.
fn dates(sheet: &mut Sheet<'_>, leaf: &Certificate, as_of: Moment) {
    sheet
        .set("not_before", Value::Moment(leaf.not_before))
        .set("not_after", Value::Moment(leaf.not_after))
        .flag("begun", leaf.not_before <= as_of)
        .number("days_left", as_of.days_until(leaf.not_after))
        .number("lifetime_days", leaf.not_before.days_until(leaf.not_after));
}

/// Whether it is for the name asked for. Where the inventory names no server and only the address was used, a
/// certificate for some name may well be right for those who know that name.
fn name_matches(spot: &Spot, leaf: &Certificate, der: &[u8]) -> Value {
    let address = || spot.address.map(|address| address.to_string());
    let Some(name) = spot.name.clone().or_else(address) else {
        return Value::unknown("no name was asked for");
    };
    match (is_for(der, &name), &spot.name) {
        (Some(true), _) => Value::Bool(true),
        (Some(false), Some(_)) => Value::Bool(false),
        (Some(false), None) if leaf.names.is_empty() => Value::Bool(false),
        (Some(false), None) => Value::unknown("the inventory gives no name to compare with"),
        (None, _) => Value::unknown(format!("whether it is for {name} cannot be told")),
    }
}

/// Whether the chain ends below an authority although the rest could be fetched: its server should have sent it.
fn breaks_off(tools: &Tools, chain: &[Certificate]) -> bool {
    let top = path(chain).last().and_then(|at| chain.get(*at));
    top.is_some_and(|top| {
        !top.is_self_issued() && !tools.trust.knows(&top.issuer_der) && top.issuer_can_be_fetched
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose,
        IsCa, KeyPair,
    };
    use serde_json::json;

    use super::super::base64::tests::encode;
    use super::super::sample::{Facts, Sample, now, spot};

    type Authority = CertifiedIssuer<'static, KeyPair>;

    fn params(name: &str, days: (i64, i64)) -> CertificateParams {
        let date = |days: i64| {
            let date = now().plus_days(days).date();
            let mut parts = date.split('-').map(|part| part.parse::<u16>().expect("a number"));
            let (year, month, day) = (parts.next(), parts.next(), parts.next());
            let small =
                |part: Option<u16>| part.and_then(|part| u8::try_from(part).ok()).expect("a day");
            rcgen::date_time_ymd(i32::from(year.expect("a year")), small(month), small(day))
        };
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        (params.not_before, params.not_after) = (date(days.0), date(days.1));
        params
    }

    fn authority(name: &str, days: (i64, i64)) -> CertificateParams {
        let mut params = params(name, days);
        params.subject_alt_names.clear();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    fn key() -> KeyPair {
        KeyPair::generate().expect("a key")
    }

    fn root() -> Authority {
        CertifiedIssuer::self_signed(authority("Root", (-1000, 1000)), key()).expect("a root")
    }

    fn below(issuer: &Authority, days: (i64, i64)) -> Authority {
        CertifiedIssuer::signed_by(authority("Middle", days), key(), issuer).expect("an authority")
    }

    fn leaf(issuer: &Authority, params: &CertificateParams) -> Vec<u8> {
        params.signed_by(&key(), issuer).expect("a certificate").der().to_vec()
    }

    /// The facts of a chain, for the server name `booking.example`, trusting `trust`.
    fn shown(chain: &[&[u8]], trust: &[&[u8]]) -> Facts {
        let mut sample = Sample::web1(json!([]));
        sample.open("443");
        let chain: Vec<String> = chain.iter().map(|der| encode(der)).collect();
        let tried = json!([{"version": "TLSv1.3", "agreed": {"suite": "TLS_AES_128_GCM_SHA256", "group": "X25519"}}]);
        let saw = json!({"speaks": true, "tried": tried, "chain": chain});
        sample.saw("tls", spot("192.0.2.1", 443, "booking.example"), saw);
        sample.trust = trust.iter().map(|der| der.to_vec()).collect();
        sample.facts()
    }

    /// Whether it is trusted and why not, whether its name matches, and how many days are left.
    fn verdict(facts: &Facts) -> [String; 4] {
        ["trusted", "untrusted_because", "name_matches", "days_left"]
            .map(|field| facts.words(&format!("certificate.{field}")))
    }

    #[test]
    fn a_chain_of_three_is_trusted() {
        let root = root();
        let middle = below(&root, (-100, 100));
        let leaf = leaf(&middle, &params("booking.example", (-10, 80)));
        let facts = shown(&[&leaf, middle.der()], &[root.der()]);
        assert_eq!(verdict(&facts), ["true", "", "true", "79"]);
        let expected = [
            ("subject", "CN=booking.example"),
            ("issuer", "CN=Middle"),
            ("names", "booking.example"),
            ("name_asked", "booking.example"),
            ("self_signed", "false"),
            ("chain_complete", "true"),
            ("begun", "true"),
            ("lifetime_days", "90"),
            ("key_kind", "ec"),
            ("key_bits", "256"),
            ("signature", "ecdsa-with-SHA256"),
            ("signature_hash", "sha256"),
        ];
        for (field, words) in expected {
            assert_eq!(facts.words(&format!("certificate.{field}")), words, "{field}");
        }
        // Out of order and with the root in it, clients find their way all the same.
        let facts = shown(&[&leaf, root.der(), middle.der()], &[root.der()]);
        assert_eq!(facts.words("certificate.trusted"), "true");
    }

    #[test]
    fn dates_and_names_are_blamed_on_their_own() {
        let root = root();
        let cases = [
            (params("booking.example", (-100, -3)), ["true", "", "true", "-4"]),
            (params("booking.example", (5, 100)), ["true", "", "true", "99"]),
            (params("other.example", (-1, 100)), ["true", "", "false", "99"]),
            (
                params("booking.example", (100, -100)),
                ["false", "its dates contradict each other", "true", "-101"],
            ),
        ];
        for (params, expected) in cases {
            let leaf = leaf(&root, &params);
            assert_eq!(verdict(&shown(&[&leaf], &[root.der()])), expected);
        }
        let late = leaf(&root, &params("booking.example", (5, 100)));
        assert_eq!(shown(&[&late], &[root.der()]).words("certificate.begun"), "false");
    }

    #[test]
    fn every_reason_for_distrust_has_its_words() {
        let root = root();
        let middle = below(&root, (-100, 100));
        let expired = below(&root, (-100, -5));
        let good = params("booking.example", (-10, 80));
        let mut for_clients = good.clone();
        for_clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let own = good.self_signed(&key()).expect("a certificate").der().to_vec();
        let mut own_authority = good.clone();
        own_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own_authority =
            own_authority.self_signed(&key()).expect("a certificate").der().to_vec();
        let of = |issuer: &Authority, params: &CertificateParams| leaf(issuer, params);
        let stranger = CertifiedIssuer::self_signed(authority("Stranger", (-9, 99)), key());
        let stranger = stranger.expect("an authority");
        let not_the_leaf = Authority::self_signed(good.clone(), key()).expect("a certificate");
        let cases: Vec<(Vec<Vec<u8>>, &str)> = vec![
            (vec![own], "it is signed by itself and not by an authority"),
            (vec![own_authority.clone()], "it is signed by itself and not by an authority"),
            (
                vec![of(&middle, &good)],
                "the chain ends before an authority that is trusted: an intermediate certificate is missing",
            ),
            (
                vec![of(&expired, &good), expired.der().to_vec()],
                "a certificate above it in the chain has expired",
            ),
            (vec![of(&root, &for_clients)], "it is not meant for servers"),
            (
                vec![of(&not_the_leaf, &params("x.example", (-1, 9))), not_the_leaf.der().to_vec()],
                "a certificate above it in the chain may not issue others",
            ),
            (
                vec![of(&stranger, &good), stranger.der().to_vec()],
                "it leads to an authority that is not among those trusted",
            ),
        ];
        for (chain, why) in cases {
            let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
            let facts = shown(&chain, &[root.der()]);
            assert_eq!(facts.words("certificate.trusted"), "false");
            assert_eq!(facts.words("certificate.untrusted_because"), why);
        }
        let facts = shown(&[&own_authority], &[]);
        assert_eq!(facts.words("certificate.self_signed"), "true");
        assert_eq!(facts.words("certificate.chain_complete"), "true");
    }

    #[test]
    fn an_old_certificate_shows_its_weak_key_and_signature() {
        let old = super::base64::decode(OLD).expect("base64");
        let facts = shown(&[&old], &[]);
        let expected = [
            ("key_kind", "rsa"),
            ("key_bits", "1024"),
            ("signature", "sha1WithRSAEncryption"),
            ("signature_hash", "sha1"),
            ("self_signed", "true"),
            ("name_matches", "false"),
            ("trusted", "false"),
            ("lifetime_days", "3650"),
        ];
        for (field, words) in expected {
            assert_eq!(facts.words(&format!("certificate.{field}")), words, "{field}");
        }
    }

    #[test]
    fn what_is_hostile_is_bounded_and_what_is_broken_is_unknown() {
        let facts = shown(&[b"not a certificate"], &[]);
        let why = "unknown (what was presented is not a readable X.509 certificate)";
        assert_eq!(facts.words("certificate.trusted"), why);
        assert_eq!(facts.words("certificate.name_asked"), "booking.example");

        let root = root();
        let mut many = params("booking.example", (-1, 9));
        let names = (0..10_000).map(|at| format!("n{at}.example"));
        let names = names.map(|name| rcgen::SanType::DnsName(name.try_into().expect("a name")));
        many.subject_alt_names.extend(names);
        let facts = shown(&[&leaf(&root, &many)], &[root.der()]);
        let names = facts.words("certificate.names");
        assert!(names.ends_with("… only the first of its 10001 names are looked at"));
        let why = "unknown (a certificate of more than 64 KiB is not judged)";
        assert_eq!(facts.words("certificate.trusted"), why);

        let mut chain = vec![root];
        for _ in 0..60 {
            let next = below(chain.last().expect("a root"), (-1, 9));
            chain.push(next);
        }
        let leaf = leaf(chain.last().expect("an authority"), &params("booking.example", (-1, 9)));
        let above = chain.iter().rev().map(|authority| authority.der().as_ref());
        let deep: Vec<&[u8]> = std::iter::once(leaf.as_slice()).chain(above).collect();
        assert_eq!(shown(&deep, &[]).words("certificate.trusted"), "false");

        let mut odd = params("booking.example", (-1, 9));
        odd.distinguished_name.push(DnType::OrganizationName, "\u{202e}evil\u{1b}[31m");
        let facts = shown(&[odd.self_signed(&key()).expect("a certificate").der()], &[]);
        assert_eq!(
            facts.words("certificate.subject"),
            "CN=booking.example, O=\\u{202e}evil\\x1b[31m"
        );
    }

    /// An RSA key of 1024 bits and SHA-1, for `old.example`, ten years.
    const OLD: &str = "\
        MIICPDCCAaWgAwIBAgIUaiLraLx667Nfp3052PM4l7L9NV0wDQYJKoZIhvcNAQEFBQAwJDEUMBIGA1UEAwwLb2xkLmV4YW1w\
        bGUxDDAKBgNVBAoMA09sZDAeFw0yNjExMjMyMzI3NDhaFw0zNjExMjAyMzI3NDhaMCQxFDASBgNVBAMMC29sZC5leGFtcGxl\
        MQwwCgYDVQQKDANPbGQwgZ8wDQYJKoZIhvcNAQEBBQADgY0AMIGJAoGBAL/Z/cu4Fir9VZO/bSf0MD2pkmcj0QQPxiJqTGSL\
        Kj3oc4NHPHlz0MVpvdmoAOQ/noJegar68akkwkh1lbv8+x1lHkTnMQPdq3TiaRHvTVazlXn2tPJuAIKcI44kIeOdcr2SC9qq\
        XkvbE+gR0s040wGfGjbXYuTjh/NZ0m/t/Gg3AgMBAAGjazBpMB0GA1UdDgQWBBQSa2y6RfWR6CqtadBIMGK8J7iXrDAfBgNV\
        HSMEGDAWgBQSa2y6RfWR6CqtadBIMGK8J7iXrDAPBgNVHRMBAf8EBTADAQH/MBYGA1UdEQQPMA2CC29sZC5leGFtcGxlMA0G\
        CSqGSIb3DQEBBQUAA4GBAKS4epfAhjn8HZNjl+spQbAaB1VOcN51VyDEhxze9B8Pd445jjZwrnTDIiDQ7ah62BNTNVg0uT1k\
        zCZVpwyrTFKS0LMGY+7yr7pUky2MdUGm3p+S1WCNISjud/OZohhHiNFJ4uTde/UZoxxdyjx4sCI47RrgR7fnuwY6/DrUMnOZ";
}
