//! A scope that knows written loopback addresses only, until authorisations are read.

use std::net::{IpAddr, SocketAddr};

use super::{Origin, Permit, Refusal, Want};
use crate::model::moment::Moment;
use crate::model::net::Transport;

/// What a scan may reach.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    resolvers: Vec<IpAddr>,
}

impl Scope {
    /// Leave for one packet's way, or the rule that refuses it.
    ///
    /// # Errors
    /// The rule that refuses.
    pub fn permit(&self, want: &Want, now: Moment) -> Result<Permit, Refusal> {
        self.allows(want, now)?;
        Ok(Permit {
            to: SocketAddr::new(want.address, want.port),
            transport: want.transport,
            host: Some(want.host.clone()),
            authority: "loopback".into(),
        })
    }

    /// Leave to ask a configured resolver.
    ///
    /// # Errors
    /// When it is none.
    pub fn permit_resolver(
        &self,
        address: IpAddr,
        transport: Transport,
    ) -> Result<Permit, Refusal> {
        if !self.resolvers.contains(&address) {
            return Err(Refusal { rule: format!("{address} is no configured resolver") });
        }
        Ok(Permit {
            to: SocketAddr::new(address, 53),
            transport,
            host: None,
            authority: "resolver".into(),
        })
    }

    /// Whether [`Scope::permit`] would give leave.
    ///
    /// # Errors
    /// The rule that refuses.
    pub fn allows(&self, want: &Want, _now: Moment) -> Result<(), Refusal> {
        if want.address.is_loopback() && want.origin == Origin::Written {
            return Ok(());
        }
        Err(Refusal { rule: format!("{} stands in no authorisation", want.address) })
    }
}
