//! What a check is about: a host, a service at an address, a site by its server name.

use std::fmt::Write as _;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::net::{CheckId, HostId, Transport};

/// A subject of judgement, as seen from one vantage.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Subject {
    /// The host, by its id in the inventory.
    pub host: HostId,
    /// The address that answered; none for the host as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The service; none for the host as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<(Transport, u16)>,
    /// The server name asked for, where names matter (TLS, HTTP).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// From where it was seen: the id of a vantage.
    pub vantage: String,
}

impl Subject {
    /// The stable identity of a finding here: of check, host, transport, port and name; never of address, family,
    /// vantage, message or language, so that a renumbered or translated finding stays the same finding.
    pub fn fingerprint(&self, check: &CheckId) -> String {
        let mut text = format!("{check}\n{}\n", self.host);
        if let Some((transport, port)) = self.service {
            let _ = write!(text, "{transport}/{port}");
        }
        let _ = write!(text, "\n{}", self.name.as_deref().unwrap_or(""));
        let digest = Digest::of(text.as_bytes()).to_string();
        format!("pf1-{}", digest.get(..16).unwrap_or(&digest))
    }

    /// The place in words: `web1`, `web1 443/tcp`, `web1 443/tcp (booking.example)`.
    pub fn place(&self) -> String {
        let mut text = self.host.to_string();
        if let Some((transport, port)) = self.service {
            let _ = write!(text, " {port}/{transport}");
        }
        if let Some(name) = &self.name {
            let _ = write!(text, " ({name})");
        }
        text
    }

    /// A message at this place, which is said before it unless the message begins with it.
    pub fn told(&self, message: &str) -> String {
        if self.begins(message) {
            message.to_owned()
        } else {
            format!("{}: {message}", self.place())
        }
    }

    /// Whether a message begins with the place, so that nobody need say it once more.
    pub fn begins(&self, message: &str) -> bool {
        let rest = message.strip_prefix(&self.place());
        let goes_on = |next: char| next.is_ascii_alphanumeric() || matches!(next, '-' | '.' | '/');
        rest.is_some_and(|rest| !rest.starts_with(goes_on) && !rest.starts_with(" ("))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_begins_with_its_own_place_only() {
        let subject = Subject {
            host: HostId("web1".into()),
            address: None,
            service: None,
            name: None,
            vantage: "internet".into(),
        };
        assert!(subject.begins("web1 is open"));
        assert!(subject.begins("web1：以下連接埠"));
        assert_eq!(subject.told("web1 is open"), "web1 is open");
        assert_eq!(subject.told("It is open"), "web1: It is open");
        for other in ["web10 is open", "web1.example is open", "It is open on web1"] {
            assert!(!subject.begins(other), "{other}");
        }
    }

    #[test]
    fn a_fingerprint_outlives_a_new_address() {
        let at = |address: &str, vantage: &str, port| Subject {
            host: HostId("web1".into()),
            address: address.parse().ok(),
            service: Some((Transport::Tcp, port)),
            name: None,
            vantage: vantage.into(),
        };
        let check = CheckId("tls/old-version".into());
        assert_eq!(
            at("192.0.2.1", "outside", 443).fingerprint(&check),
            at("2001:db8::1", "inside", 443).fingerprint(&check)
        );
        assert_ne!(
            at("192.0.2.1", "outside", 443).fingerprint(&check),
            at("192.0.2.1", "outside", 444).fingerprint(&check)
        );
    }
}
