//! Addresses that nobody means by accident: never reached unless written literally, and authorised.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;

/// Why an address is special, if it is; loopback aside.
pub(super) fn why(address: IpAddr) -> Option<&'static str> {
    NETWORKS.iter().find(|(network, _)| network.contains(&address)).map(|(_, what)| *what)
}

/// Read once: it is asked before every packet.
static NETWORKS: LazyLock<Vec<(IpNet, &'static str)>> = LazyLock::new(|| {
    SPECIAL.iter().filter_map(|(network, what)| Some((network.parse().ok()?, *what))).collect()
});

/// The registries of special addresses (RFC 6890, IANA), as far as they are a danger, and the clouds' own services.
/// The IPv6 forms that carry an IPv4 address lead there through a translator, past every rule about the IPv4 address.
const SPECIAL: &[(&str, &str)] = &[
    ("0.0.0.0/8", "an address of this network itself"),
    ("169.254.0.0/16", "link-local, where clouds keep their metadata service"),
    ("100.100.100.200/32", "a cloud's metadata service"),
    ("168.63.129.16/32", "a cloud's own service"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved or broadcast"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
    ("fd00:ec2::254/128", "a cloud's metadata service"),
    ("64:ff9b::/96", "an IPv4 address behind a translator"),
    ("64:ff9b:1::/48", "an IPv4 address behind a translator"),
    ("2002::/16", "an IPv4 address behind 6to4"),
    ("2001::/32", "an IPv4 address behind Teredo"),
    ("100::/64", "an address that swallows everything"),
    ("::/96", "no address of a host"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_is_one() {
        for (network, _) in SPECIAL {
            assert!(network.parse::<IpNet>().is_ok(), "{network}");
        }
    }

    #[test]
    fn what_is_special_and_what_is_not() {
        for address in [
            "0.0.0.0",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "fe80::1",
            "ff02::1",
            "::",
            "::7f00:1",
        ] {
            assert!(why(address.parse().expect("an address")).is_some(), "{address}");
        }
        for address in ["192.0.2.1", "10.0.0.1", "2001:db8::1", "fd12::1", "100.64.0.1"] {
            assert_eq!(why(address.parse().expect("an address")), None, "{address}");
        }
    }
}
