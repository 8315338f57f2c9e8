//! Facts of the kind `tls`: what handshakes with a service showed, for one server name.

use super::ground::Ground;
use super::kinds::TLS_VERSION;
use super::rows::{Found, Lot, Row, Sheet, Tools, over_sites, unreadable};
use super::seen::Gap;
use super::sweep::cut_in_words;
use super::voice::{hung_up, in_clear};
use crate::model::heard::Heard;
use crate::model::observation::Spot;
use crate::model::outcome::Why;
use crate::model::saw::{Cut, TlsSaw, TlsTry};
use crate::model::value::{Kind, Level, List, Value};

/// From the `tls` probe's handshakes.
pub(super) const ROW: Row =
    Row { name: "tls", revision: 2, needs: &["tls"], uses: &[], yields: "tls", derive };

fn derive(ground: &Ground<'_>, kind: &Kind, _: &mut Tools) -> Lot {
    let mut found = Vec::new();
    let mut gaps = Vec::new();
    for (spot, sight) in ground.seen.lasts("tls") {
        let Some(saw) = sight.read::<TlsSaw>() else {
            gaps.push(unreadable(ground, spot));
            continue;
        };
        match saw.speaks {
            Some(true) => found.push(Found::at(spot, record(&saw, kind), vec![sight.seq])),
            Some(false) => {}
            None => gaps.extend(unclear(ground, spot, &saw)),
        }
    }
    let none = format!("no service on {} speaks TLS", ground.host.id);
    over_sites(ground, "tls", found, gaps, &none)
}

/// Why it did not become clear whether a service speaks TLS; none when something else tells that it does not.
pub(super) fn unclear(ground: &Ground<'_>, spot: &Spot, saw: &TlsSaw) -> Option<Gap> {
    let cuts: Vec<_> = saw.tried.iter().map(|tried| tried.cut.as_ref()).collect();
    if hung_up(spot, &cuts) || in_clear(ground.seen, spot) {
        return None;
    }
    let cut = cuts.into_iter().flatten().next();
    let why = cut.map_or("no clear answer".to_owned(), cut_in_words);
    let place = ground.words(spot);
    Some(Gap::inconclusive(format!("whether {place} speaks TLS did not become clear: {why}")))
}

fn record(saw: &TlsSaw, kind: &Kind) -> std::sync::Arc<[Value]> {
    let mut sheet = Sheet::new(kind);
    sheet
        .set("versions", versions(saw))
        .set("accepts_tls13", accepts(saw, "TLSv1.3"))
        .text("alpn", saw.alpn.as_ref().map_or("", Heard::raw));
    let agreed = saw.tried.iter().filter(|tried| tried.agreed.is_some());
    if let Some(TlsTry { version, agreed: Some(agreed), .. }) =
        agreed.max_by_key(|tried| TLS_VERSION.rank(&tried.version))
    {
        sheet
            .text("suite", &agreed.suite)
            .text("group", &agreed.group)
            .set("forward_secrecy", forward_secrecy(version, &agreed.suite));
    } else {
        let why = "no handshake came to its end";
        sheet.unknown("suite", why).unknown("group", why).unknown("forward_secrecy", why);
    }
    sheet.done()
}

/// The versions that were accepted. The list stays partial until every version has been offered and answered.
fn versions(saw: &TlsSaw) -> Value {
    let accepted = saw.tried.iter().filter(|tried| tried.agreed.is_some());
    let mut levels: Vec<Level> =
        accepted.filter_map(|tried| Level::named(&TLS_VERSION, &tried.version)).collect();
    levels.sort_by_key(|level| level.rank);
    levels.dedup();
    let answered = |name: &&&str| {
        saw.tried.iter().any(|tried| tried.version == **name && answer(tried).is_ok())
    };
    let open: Vec<&str> =
        TLS_VERSION.names.iter().filter(|name| !answered(name)).copied().collect();
    let unseen = if open.is_empty() {
        None
    } else if let Some(tried) = saw.tried.iter().find(|tried| answer(tried).is_err()) {
        let why = answer(tried).err().unwrap_or_default();
        Some(Why::new(format!("whether it accepts {} did not become clear: {why}", tried.version)))
    } else {
        Some(Why::new(format!("{} cannot be offered yet", open.join(", "))))
    };
    Value::List(List { items: levels.into_iter().map(Value::Level).collect(), unseen })
}

/// Whether a version is accepted.
fn accepts(saw: &TlsSaw, version: &str) -> Value {
    let Some(tried) = saw.tried.iter().find(|tried| tried.version == version) else {
        return Value::unknown(format!("{version} was not offered"));
    };
    answer(tried).map_or_else(Value::unknown, Value::Bool)
}

/// What came of offering one version: yes, no, or why that is not known.
///
/// A no is an alert that speaks of the offer, or a hello of another version than the only one offered, as servers send
/// that are older than the extension which names it. Silence, resets and other alerts have other causes as well.
fn answer(tried: &TlsTry) -> Result<bool, String> {
    const REFUSALS: [&str; 5] = [
        "protocol_version",
        "handshake_failure",
        "insufficient_security",
        "illegal_parameter",
        "decode_error",
    ];
    const OTHER_VERSION: [&str; 2] =
        ["ServerTlsVersionIsDisabledByOurConfig", "ServerDoesNotSupportTls12Or13"];
    match (&tried.agreed, &tried.alert, &tried.cut) {
        (Some(_), ..) => Ok(true),
        (None, Some(alert), _) if REFUSALS.contains(&alert.as_str()) => Ok(false),
        (None, Some(alert), _) => Err(format!("it answered with the alert {alert}")),
        (None, None, Some(Cut::Garbled { what })) if OTHER_VERSION.contains(&what.as_str()) => {
            Ok(false)
        }
        (None, None, Some(cut)) => Err(cut_in_words(cut)),
        (None, None, None) => Err("no clear answer".to_owned()),
    }
}

/// TLS 1.3 always agrees on fresh keys (without pre-shared ones, which we never offer). Before, the suite says it; but a
/// server that took an ephemeral one had no other choice, and may well take another from others.
fn forward_secrecy(version: &str, suite: &str) -> Value {
    if version == "TLSv1.3" {
        Value::Bool(true)
    } else if suite.starts_with("TLS_ECDHE_") || suite.starts_with("TLS_DHE_") {
        Value::unknown("suites without forward secrecy cannot be offered yet")
    } else if suite.starts_with("TLS_") {
        Value::Bool(false)
    } else {
        Value::unknown("the suite is not known")
    }
}
