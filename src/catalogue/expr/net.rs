//! Addresses and networks in texts.

use std::net::IpAddr;

use ipnet::IpNet;

/// A network in CIDR notation whose host bits are zero, or a single address.
pub(super) fn network(text: &str) -> Option<IpNet> {
    match text.parse::<IpNet>() {
        Ok(net) if net.trunc() == net => Some(net),
        Ok(_) => None,
        Err(_) => text.parse::<IpAddr>().ok().map(IpNet::from),
    }
}

/// An address; one of IPv4 mapped into IPv6 counts as IPv4 (RFC 4291, section 2.5.5.2).
pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}
