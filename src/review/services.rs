//! Which protocol a service was heard to speak, in our own words, for ports whose service nobody declared.

use std::collections::BTreeMap;

use crate::model::net::HostId;
use crate::model::observation::Observation;
use crate::model::record::Row;
use crate::model::saw::{GreetingSaw, HttpSaw, TlsSaw};

/// What services say by themselves, by how it begins; the first that fits counts.
const GREETINGS: [(&str, &str); 6] = [
    ("SSH-", "ssh"),
    ("RFB ", "vnc"),
    ("+OK", "pop3"),
    ("* OK", "imap"),
    ("@RSYNCD", "rsync"),
    ("\u{fffd}\u{fffd}", "telnet"),
];

/// The protocol heard on each host and TCP port. HTTP counts more than the TLS under it.
pub(super) fn spoken(rows: &[(u64, Row)]) -> BTreeMap<(HostId, u16), &'static str> {
    let mut spoken = BTreeMap::new();
    for (_, row) in rows {
        let Row::Saw(saw) = row else { continue };
        let Some((_, port)) = saw.spot.service else { continue };
        let place = (saw.spot.host.clone(), port);
        match of(saw) {
            Some("tls") => {
                spoken.entry(place).or_insert("tls");
            }
            Some(protocol) => {
                spoken.insert(place, protocol);
            }
            None => {}
        }
    }
    spoken
}

fn of(saw: &Observation) -> Option<&'static str> {
    match saw.probe.as_str() {
        "greeting" => {
            let GreetingSaw { said, .. } = serde_json::from_value(saw.saw.clone()).ok()?;
            let said = said?;
            if let Some(rest) = said.raw().strip_prefix("220") {
                let upper = rest.get(..200.min(rest.len())).unwrap_or(rest).to_ascii_uppercase();
                return Some(if upper.contains("SMTP") { "smtp" } else { "ftp" });
            }
            let known = GREETINGS.iter().find(|(start, _)| said.raw().starts_with(start));
            known.map(|(_, protocol)| *protocol)
        }
        "tls" => {
            let TlsSaw { speaks, .. } = serde_json::from_value(saw.saw.clone()).ok()?;
            (speaks == Some(true)).then_some("tls")
        }
        "http" => {
            let HttpSaw { speaks, answers, .. } = serde_json::from_value(saw.saw.clone()).ok()?;
            let secure = answers.first().is_some_and(|one| one.url.raw().starts_with("https:"));
            (speaks == Some(true)).then_some(if secure { "https" } else { "http" })
        }
        _ => None,
    }
}
