//! What `postern init` is told, by options or on a terminal.

use std::io::{BufRead as _, Write as _};
use std::net::IpAddr;

use crate::inventory::not_a_name;

use super::Init;

/// A host as it is typed: `web1=192.0.2.10,booking.example.org`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) id: String,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) names: Vec<String>,
}

/// Reads a host. An id may be left out: then it is the first label of the name, or made from the address.
pub(super) fn host(text: &str) -> Result<Host, String> {
    let (id, places) = match text.split_once('=') {
        Some((id, places)) => (Some(id.trim()), places),
        None => (None, text),
    };
    let mut host = Host { id: String::new(), addresses: Vec::new(), names: Vec::new() };
    for place in places.split(',').map(str::trim).filter(|place| !place.is_empty()) {
        match place.parse::<IpAddr>() {
            Ok(address) => host.addresses.push(address.to_canonical()),
            Err(_) => match not_a_name(place) {
                Some(help) => {
                    return Err(format!("`{place}` is neither an address nor a name: {help}"));
                }
                None => host.names.push(place.to_owned()),
            },
        }
    }
    let made = match (host.names.first(), host.addresses.first()) {
        (Some(name), _) => name.split('.').next().unwrap_or("host").to_owned(),
        (None, Some(address)) => format!("host-{}", slug(&address.to_string())),
        (None, None) => {
            return Err("write an id, and at least one address or name: web1=192.0.2.10".into());
        }
    };
    host.id = id.filter(|id| !id.is_empty()).map_or(made, str::to_owned);
    Ok(host)
}

/// An id made of a name: its ASCII letters and digits, with hyphens for what stands between.
pub(super) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.truncate(40);
    slug.trim_end_matches('-').to_owned()
}

impl Init {
    /// Asks on the terminal for what was not given.
    pub(super) fn ask(&mut self) {
        if self.operator.is_none() {
            self.operator =
                line("The organisation that answers for the service, such as Kwai Tsing DHC: ");
        }
        if self.provider.is_none() {
            self.provider = line("The contractor that runs its hosts (empty: none): ");
        }
        while self.host.is_empty() || self.host.len() < 1000 {
            let Some(text) =
                line("A host, such as web1=192.0.2.10,booking.example.org (empty: no more): ")
            else {
                break;
            };
            match host(&text) {
                Ok(host) => self.host.push(host),
                Err(wrong) => tell(&format!("{wrong}\n")),
            }
        }
        if self.signed_by.is_none() {
            self.signed_by =
                line("Who gives leave to scan for the operator (empty: not yet signed): ");
        }
    }
}

/// One line from the terminal; none when nothing was typed.
fn line(question: &str) -> Option<String> {
    tell(question);
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).ok()?;
    Some(answer.trim().to_owned()).filter(|answer| !answer.is_empty())
}

fn tell(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_they_are_typed() {
        let read = host("web1=192.0.2.10, booking.example.org,2001:db8::1").expect("a host");
        assert_eq!((read.id.as_str(), read.addresses.len(), read.names.len()), ("web1", 2, 1));
        assert_eq!(host("booking.example.org").expect("a host").id, "booking");
        assert_eq!(host("192.0.2.10").expect("a host").id, "host-192-0-2-10");
        assert!(host("web1=").is_err());
        assert!(host("web1=300.1.1.1").is_err_and(|why| why.contains("from 0 to 255")));
        assert!(host("web1=http://x/").is_err_and(|why| why.contains("without scheme")));
        assert_eq!(slug("  Kwai Tsing (DHC) "), "kwai-tsing-dhc");
        assert_eq!(slug("葵青"), "");
    }
}
