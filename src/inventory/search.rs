//! Addresses of networks that are searched for hosts that stand in no list.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Host, Inventory};

/// More addresses than this are not searched at once.
pub const SEARCHED_AT_MOST: usize = 1_024;

impl Inventory {
    /// The addresses of its networks to search that are written for no host, each as a host of its own, in rising order.
    ///
    /// # Errors
    /// How many there are, when these are too many.
    pub fn strangers(&self) -> Result<Vec<Host>, u128> {
        let many = self.search.iter().map(|network| size(*network)).fold(0, u128::saturating_add);
        if many > SEARCHED_AT_MOST as u128 {
            return Err(many);
        }
        let known: BTreeSet<IpAddr> =
            self.hosts.iter().flat_map(|host| &host.addresses).map(IpAddr::to_canonical).collect();
        let all: BTreeSet<IpAddr> = self.search.iter().flat_map(addresses).collect();
        Ok(all.difference(&known).copied().map(Host::unlisted).collect())
    }
}

pub(super) fn size(network: IpNet) -> u128 {
    1_u128 << (network.max_prefix_len() - network.prefix_len()).min(127)
}

/// Those that a host may have: of IPv4 neither the network's own nor that of everybody in it (RFC 1122 section 3.2.1.3), of
/// IPv6 not that of any router of the subnet (RFC 4291 section 2.6.1).
fn addresses(network: &IpNet) -> Vec<IpAddr> {
    let routers = |address: &IpAddr| {
        network.addr().is_ipv6() && network.prefix_len() < 127 && *address == network.network()
    };
    network.hosts().filter(|address| !routers(address)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(search: &[&str], listed: &str) -> Result<Vec<String>, u128> {
        let mut host = Host::unlisted(listed.parse().expect("an address"));
        host.unlisted = false;
        let search = search.iter().map(|network| network.parse().expect("a network")).collect();
        let inventory = Inventory { search, ..Inventory::of(vec![host]) };
        Ok(inventory.strangers()?.into_iter().map(|host| host.id.0).collect())
    }

    #[test]
    fn what_is_listed_is_no_stranger_and_no_address_comes_twice() {
        let found = found(&["192.0.2.8/29", "192.0.2.14/32", "2001:db8::/126"], "192.0.2.10");
        let four = ["9", "11", "12", "13", "14"].map(|last| format!("unlisted-192.0.2.{last}"));
        let six = ["1", "2", "3"].map(|last| format!("unlisted-2001-db8--{last}"));
        assert_eq!(found, Ok(four.into_iter().chain(six).collect()));
    }

    #[test]
    fn what_is_too_wide_is_not_searched() {
        assert_eq!(
            found(&["192.0.2.0/24", "198.51.100.0/24"], "192.0.2.1").map(|all| all.len()),
            Ok(507)
        );
        assert_eq!(found(&["10.0.0.0/21"], "192.0.2.1"), Err(2048));
        assert!(found(&["2001:db8::/32"], "192.0.2.1").is_err());
    }
}
