//! Forms of text that files know besides plain words: addresses and networks, each with its own advice.

use std::net::IpAddr;

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::parse::shown;

/// Stands in a JSON Schema for a network, `192.0.2.0/28`; the value itself is an [`IpNet`].
pub struct NetworkText;

impl JsonSchema for NetworkText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Network".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "network",
            "description": "A network: 192.0.2.0/28, 2001:db8:40::/64."
        })
    }
}

/// What is wrong with a text that should have a form, and the advice; nothing for forms that are not known here.
pub(super) fn wrong(format: &str, text: &str) -> Option<(String, String)> {
    match format {
        "ip" => wrong_address(text),
        "network" => wrong_network(text),
        _ => None,
    }
}

fn wrong_address(text: &str) -> Option<(String, String)> {
    let Ok(address) = text.parse::<IpAddr>() else {
        let title = format!("`{}` is not an IP address", shown(text));
        let help =
            "write it as 192.0.2.10 or 2001:db8::10; a name belongs under `names`".to_owned();
        return Some((title, help));
    };
    let plain = address.to_canonical();
    (plain != address).then(|| {
        (
            format!("`{}` is an IPv4 address written as IPv6", shown(text)),
            format!("write `{plain}`"),
        )
    })
}

fn wrong_network(text: &str) -> Option<(String, String)> {
    if let Ok(address) = text.parse::<IpAddr>() {
        let one = IpNet::from(address);
        return Some((
            format!("`{address}` is an address, and a network is needed"),
            format!("write `{one}`"),
        ));
    }
    let Ok(network) = text.parse::<IpNet>() else {
        let title = format!("`{}` is not a network", shown(text));
        return Some((title, "write it as 192.0.2.0/28 or 2001:db8:40::/64".into()));
    };
    if let IpNet::V6(six) = network
        && six.addr().to_ipv4_mapped().is_some()
    {
        let title = format!("`{}` is an IPv4 network written as IPv6", shown(text));
        return Some((title, "write it as 192.0.2.0/28".into()));
    }
    let whole = network.trunc();
    (whole != network).then(|| {
        let title = format!("`{network}` names an address within a network, not the network");
        let one = IpNet::from(network.addr());
        (title, format!("write `{whole}` for the network, or `{one}` for the one address"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_are_exact() {
        for (format, text, advice) in [
            ("ip", "192.0.2.1", None),
            (
                "ip",
                "192.0.2.1/24",
                Some("write it as 192.0.2.10 or 2001:db8::10; a name belongs under `names`"),
            ),
            ("ip", "::ffff:192.0.2.1", Some("write `192.0.2.1`")),
            ("network", "192.0.2.0/28", None),
            ("network", "192.0.2.9", Some("write `192.0.2.9/32`")),
            ("network", "2001:db8::1", Some("write `2001:db8::1/128`")),
            (
                "network",
                "192.0.2.9/28",
                Some("write `192.0.2.0/28` for the network, or `192.0.2.9/32` for the one address"),
            ),
            ("network", "::ffff:192.0.2.0/120", Some("write it as 192.0.2.0/28")),
            ("network", "clinic", Some("write it as 192.0.2.0/28 or 2001:db8:40::/64")),
        ] {
            assert_eq!(
                wrong(format, text).map(|(_, help)| help).as_deref(),
                advice,
                "{format} {text}"
            );
        }
    }
}
