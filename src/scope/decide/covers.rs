//! Whether a host was spoken of at all: what is held before the start, so that a slip in a file is no review of nothing.

use super::{Authority, Host, Reached, Scope};
use crate::model::moment::Moment;
use crate::model::net::{HostId, Transport};
use crate::model::plan::Class;
use crate::scope::{Origin, Refusal, Want};

impl Scope {
    /// Whether somebody gave leave for every address of a host, at whatever time and for whatever class, or said that it
    /// is left out. Who names a host that nobody spoke of is told before anything is sent.
    ///
    /// # Errors
    /// The rule that refuses one of its addresses.
    pub fn covers(&self, id: &HostId) -> Result<(), Refusal> {
        let refuse = |rule: String| Err(Refusal::from(rule));
        let Some(host) = self.hosts.get(id) else {
            return refuse(format!("{id} is no host of the inventory"));
        };
        let mut wants = host.written.iter().map(|address| Want {
            host: id.clone(),
            address: *address,
            origin: Origin::Written,
            transport: Transport::Tcp,
            port: 443,
            class: Class::Connect,
        });
        if host.written.is_empty() && !self.authorities.iter().any(|one| one.may_resolve(id)) {
            return refuse(format!(
                "{id} has names but no written address, and no authorisation lists a network for it"
            ));
        }
        wants.try_for_each(|want| self.covers_one(&want, host))
    }

    fn covers_one(&self, want: &Want, host: &Host) -> Result<(), Refusal> {
        let left_out = |one: &Authority| one.excludes(&want.host, want.address);
        if want.address.is_loopback() || self.authorities.iter().any(left_out) {
            return Ok(());
        }
        let mut nearest: Option<(Reached, Refusal)> = None;
        for one in &self.authorities {
            match one.gives_leave(want, host, want.address, Moment::from_unix_seconds(0)) {
                Ok(()) | Err((Reached::Window | Reached::Class, _)) => return Ok(()),
                Err(miss) if nearest.as_ref().is_none_or(|best| miss.0 > best.0) => {
                    nearest = Some(miss);
                }
                Err(_) => {}
            }
        }
        let none = || format!("no authorisation covers {} of {}", want.address, want.host).into();
        Err(nearest.map_or_else(none, |(_, refusal)| refusal))
    }
}

impl Authority {
    /// Whether addresses may be reached for that host that only its names tell.
    fn may_resolve(&self, host: &HostId) -> bool {
        !self.networks.is_empty() && (self.hosts.is_empty() || self.hosts.contains(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, Inventory};
    use crate::model::plan::Limits;
    use crate::scope::{Authorisation, Setup};

    fn host(id: &str, names: &[&str], addresses: &[&str]) -> inventory::Host {
        inventory::Host {
            id: HostId(id.into()),
            system: None,
            role: None,
            names: names.iter().map(ToString::to_string).collect(),
            addresses: addresses.iter().map(|a| a.parse().expect("an address")).collect(),
            fragile: false,
            exposure: Vec::new(),
            unlisted: false,
        }
    }

    /// Which hosts are covered by leave for `web1` and `fw1`, with `exclude` left out and those networks.
    fn covered(exclude: &[&str], networks: &[&str]) -> Vec<String> {
        let inventory = Inventory::of(vec![
            host("web1", &[], &["192.0.2.1"]),
            host("fw1", &["fw.example"], &[]),
            host("other", &[], &["192.0.2.3"]),
            host("self", &[], &["127.0.0.1"]),
        ]);
        let pace = Limits {
            per_second: 9,
            per_host_per_second: 9,
            per_host_parallel: 9,
            per_host_talks_per_second: None,
        };
        let listed = vec![HostId("web1".into()), HostId("fw1".into())];
        let now = Moment::from_unix_seconds(1_800_000_000);
        let mut leave = Authorisation::ad_hoc("A. Chan", listed, pace, now).expect("a name");
        leave.exclude = exclude.iter().map(ToString::to_string).collect();
        leave.scope.networks = networks.iter().map(|n| n.parse().expect("a network")).collect();
        let authorisations = &[leave];
        let scope =
            Scope::new(&Setup { inventory: &inventory, authorisations, resolvers: &[], pace });
        let ids = inventory.hosts.iter().map(|host| &host.id);
        ids.filter(|id| scope.covers(id).is_ok()).map(ToString::to_string).collect()
    }

    #[test]
    fn what_nobody_spoke_of_is_not_covered() {
        assert_eq!(covered(&[], &[]), ["web1", "self"]);
        assert_eq!(covered(&[], &["192.0.2.0/28"]), ["web1", "fw1", "self"]);
    }

    #[test]
    fn what_was_left_out_was_spoken_of() {
        assert_eq!(covered(&["192.0.2.3"], &[]), ["web1", "other", "self"]);
        assert_eq!(covered(&["fw1"], &[]), ["web1", "self"]);
    }
}
