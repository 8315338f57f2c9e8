//! The open doors that a fail names: a check that looks at a host as a whole still finds fault with single ports.

use std::net::IpAddr;

use super::expr::Env;
use super::{Check, Lookup};
use crate::model::net::Transport;
use crate::model::value::{Type, Value};

/// One open port of one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// The address; none where it is not known.
    pub address: Option<IpAddr>,
    /// Over what: the lists of doors tell of TCP.
    pub transport: Transport,
    /// The port.
    pub port: u16,
}

impl Check {
    /// The doors that broke its expectation, each with its element of the witness; empty unless every element is one.
    pub fn doors<'a>(&'a self, params: &'a [Value], lookup: Lookup<'_, 'a>) -> Vec<(Door, Value)> {
        let env = Env::new(params, lookup);
        let blamed = self.expect.blame(&env);
        let door = |(value, of): &(super::expr::Val<'a>, &'a Type)| {
            let value = value.keep();
            Some((Door::of(&value, of)?, value))
        };
        blamed.iter().map(door).collect::<Option<_>>().unwrap_or_default()
    }
}

impl Door {
    /// The door that a record tells of: it has an address and a port.
    fn of(value: &Value, of: &Type) -> Option<Self> {
        let (Value::Record(values), Type::Record(fields)) = (value, of) else { return None };
        let field = |name: &str| {
            let at = fields.iter().position(|field| field.name == name)?;
            values.get(at)
        };
        let (Value::Int(port), address) = (field("port")?, field("address")?) else { return None };
        let address = match address {
            Value::Text(text) => text.parse().ok(),
            _ => None,
        };
        Some(Self { address, transport: Transport::Tcp, port: u16::try_from(*port).ok()? })
    }
}
