//! A command that shows the same with common tools, so that a vendor can see a finding without Postern.
//!
//! Nothing that a peer said gets into it: only addresses, ports and names of the inventory's, and of names only those
//! that need no quoting.

use std::net::IpAddr;

use crate::model::net::Transport;
use crate::model::observation::Observation;
use crate::model::saw::HttpSaw;
use crate::model::subject::Subject;

/// The command, where common tools can ask the same.
pub(super) fn again(saw: &Observation, subject: &Subject) -> Option<String> {
    let name = saw.spot.name.as_deref();
    if saw.probe == "names" {
        let name = name.filter(|name| is_plain(name))?;
        return Some(format!("dig +noall +answer {name} A {name} AAAA"));
    }
    let address = saw.spot.address.or(subject.address)?;
    let (transport, port) = saw.spot.service.or(subject.service)?;
    if transport != Transport::Tcp || name.is_some_and(|name| !is_plain(name)) {
        return None;
    }
    match saw.probe.as_str() {
        "tcp" => Some(format!("nc -vz -w 5 {address} {port}")),
        "greeting" => Some(format!("nc -w 5 {address} {port} < /dev/null")),
        "tls" => Some(openssl(address, port, name)),
        "http" => Some(curl(saw, address, port, name)),
        _ => None,
    }
}

fn openssl(address: IpAddr, port: u16, name: Option<&str>) -> String {
    let address = bracketed(address);
    let name = name.map_or_else(|| "-noservername".into(), |name| format!("-servername {name}"));
    format!("openssl s_client -connect {address}:{port} {name} -showcerts < /dev/null")
}

/// `-D - -o /dev/null` and not `-I`: some servers answer HEAD otherwise than GET.
fn curl(saw: &Observation, address: IpAddr, port: u16, name: Option<&str>) -> String {
    let address = bracketed(address);
    let form: Option<HttpSaw> = serde_json::from_value(saw.saw.clone()).ok();
    let first = form.as_ref().and_then(|form| form.answers.first());
    let secure = first.is_some_and(|answer| answer.url.raw().starts_with("https:"));
    let scheme = if secure { "https" } else { "http" };
    let ask = "curl -sk -D - -o /dev/null";
    match name {
        Some(name) => {
            format!("{ask} --resolve '{name}:{port}:{address}' '{scheme}://{name}:{port}/'")
        }
        None => format!("{ask} '{scheme}://{address}:{port}/'"),
    }
}

fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// Whether a name can stand in a command as it is: it is made of what DNS names are made of, and is no option.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty() && !name.starts_with('-') && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::moment::Moment;
    use crate::model::net::HostId;
    use crate::model::observation::Spot;

    fn command(probe: &str, address: &str, name: Option<&str>) -> Option<String> {
        let host = HostId("web1".into());
        let (address, name) = (address.parse().ok(), name.map(str::to_owned));
        let service = Some((Transport::Tcp, 443));
        let vantage = String::from("outside");
        let spot = Spot { host: host.clone(), address, service, name: name.clone() };
        let subject = Subject { host, address, service, name, vantage: vantage.clone() };
        let url = "https://$(reboot)/";
        let answer = serde_json::json!({
            "url": url, "status": 200, "headers": [], "body": "", "truncated": false
        });
        let saw = Observation {
            step: 0,
            probe: probe.into(),
            revision: 1,
            spot,
            vantage,
            attempt: 1,
            at: Moment::from_unix_seconds(0),
            took_ms: 1,
            saw: serde_json::json!({"speaks": true, "answers": [answer]}),
            transcript: Vec::new(),
        };
        again(&saw, &subject)
    }

    #[test]
    fn only_what_the_inventory_says_gets_into_a_command() {
        let is = |probe, address, name, wanted: &str| {
            assert_eq!(command(probe, address, name).as_deref(), Some(wanted));
        };
        is("tcp", "2001:db8::1", None, "nc -vz -w 5 2001:db8::1 443");
        is(
            "tls",
            "2001:db8::1",
            Some("a.example"),
            "openssl s_client -connect [2001:db8::1]:443 -servername a.example -showcerts < /dev/null",
        );
        is(
            "http",
            "192.0.2.1",
            Some("a.example"),
            "curl -sk -D - -o /dev/null --resolve 'a.example:443:192.0.2.1' 'https://a.example:443/'",
        );
        is("http", "192.0.2.1", None, "curl -sk -D - -o /dev/null 'https://192.0.2.1:443/'");
        is(
            "names",
            "192.0.2.1",
            Some("a.example"),
            "dig +noall +answer a.example A a.example AAAA",
        );
        for bad in ["a;reboot", "$(reboot)", "-oProxyCommand", "a b", "'", ""] {
            assert_eq!(command("tls", "192.0.2.1", Some(bad)), None, "{bad}");
        }
    }
}
