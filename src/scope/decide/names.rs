//! Who may ask resolvers about a host, and when: a question about a name is sent on somebody's behalf like any packet.

use std::net::{IpAddr, SocketAddr};

use super::{Authority, Cause, Refusal, Scope};
use crate::model::moment::Moment;
use crate::model::net::{HostId, Transport};
use crate::scope::Permit;

impl Scope {
    /// Leave to ask a configured resolver about a host's names, on port 53 and no other.
    ///
    /// # Errors
    /// When it is no configured resolver, and as [`Scope::resolves`].
    pub fn permit_resolver(
        &self,
        host: &HostId,
        address: IpAddr,
        transport: Transport,
        now: Moment,
    ) -> Result<Permit, Refusal> {
        let address = address.to_canonical();
        if !self.resolvers.contains(&address) {
            return Err(format!("{address} is no configured resolver").into());
        }
        self.resolves(host, now)?;
        let to = SocketAddr::new(address, 53);
        Ok(Permit { to, transport, host: None, authority: "resolver".into() })
    }

    /// Whether resolvers may be asked about a host's names at that time: somebody who signed gave leave for the host, the
    /// leave holds, and the host is not left out. A host of this machine's own addresses needs nobody's leave.
    ///
    /// # Errors
    /// The rule that refuses.
    pub fn resolves(&self, id: &HostId, now: Moment) -> Result<(), Refusal> {
        let Some(host) = self.hosts.get(id) else {
            return Err(format!("{id} is no host of the inventory").into());
        };
        let left_out = |one: &&Authority| {
            let every = || host.written.iter().all(|address| one.excludes(id, *address));
            one.excluded_hosts.contains(id) || !host.written.is_empty() && every()
        };
        if let Some(by) = self.authorities.iter().find(left_out) {
            return Err(format!("{id} is excluded by {}", by.record.id).into());
        }
        if !host.written.is_empty() && host.written.iter().all(IpAddr::is_loopback) {
            return Ok(());
        }
        let mut nearest = None;
        for one in self.authorities.iter().filter(|one| one.speaks_for(id)) {
            match one.holds(now) {
                Ok(()) => return Ok(()),
                Err(refusal) => nearest = nearest.or(Some(refusal)),
            }
        }
        Err(nearest.unwrap_or_else(|| format!("no authorisation covers the names of {id}").into()))
    }
}

impl Authority {
    /// Whether the leave is for that host: by its name in the list, or by networks that no list narrows.
    fn speaks_for(&self, host: &HostId) -> bool {
        self.hosts.contains(host) || self.hosts.is_empty() && !self.networks.is_empty()
    }

    /// Whether everybody has signed, and a window is open.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn holds(&self, now: Moment) -> Result<(), Refusal> {
        let id = self.name();
        if let Some(open) = self.record.entitled.iter().find(|one| !one.has_signed()) {
            let rule = format!("{id} is not signed yet: the {} has still to agree", open.party);
            return Err(Refusal { rule, cause: Cause::Signature });
        }
        if self.record.windows.iter().any(|window| window.is_open(now)) {
            return Ok(());
        }
        let windows = self.record.windows.iter();
        let times = windows.map(|window| format!("from {} to {}", window.from, window.to));
        let times = times.collect::<Vec<_>>().join(" and ");
        let rule = format!("{id} holds {times} only, and it is {now}");
        Err(Refusal { rule, cause: Cause::Window })
    }
}
