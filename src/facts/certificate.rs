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
    revision: 1,
    needs: &["tls"],
    uses: &[],
    yields: "certificate",
    derive,
};

/// How many certificates of a chain are looked at; real ones have two to four.
const CHAIN: usize = 16;

fn derive(ground: &Ground<'_>, kind: &Kind, tools: &mut Tools) -> Lot {
    let mut found = Vec::new();
    let mut gaps = Vec::new();
    for (spot, sight) in ground.seen.lasts("tls") {
        let Some(saw) = sight.read::<TlsSaw>() else {
            gaps.push(unreadable(ground, spot));
            continue;
        };
        let place = ground.words(spot);
        match (saw.speaks, saw.chain.is_empty()) {
            (Some(false), _) => {}
            (Some(true), false) => {
                let record = record(ground, kind, tools, spot, &sight, &saw.chain);
                found.push(Found::at(spot, record, vec![sight.seq]));
            }
            (Some(true), true) => {
                let why = format!("{place} speaks TLS and presented no certificate");
                gaps.push(Gap::inconclusive(why));
            }
            (None, _) => gaps.push(unclear(&place, &saw)),
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
    let trusted = tools.trust.judge(&chain, &read, sight.at());
    sheet
        .flag("trusted", trusted.is_ok())
        .flag("chain_complete", trusted.is_ok() || !breaks_off(tools, &read))
        .text("untrusted_because", trusted.as_ref().err().map_or("", String::as_str));
    sheet.done()
}

/// A record in which everything but the name asked for is unknown for one reason.
fn nothing_but(mut sheet: Sheet<'_>, kind: &Kind, why: &str) -> Arc<[Value]> {
    for field in kind.fields.iter().filter(|field| field.name != "name_asked") {
        sheet.unknown(field.name, why);
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
        .text("signature", &leaf.signature)
        .text("signature_hash", leaf.hash.unwrap_or(""));
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
