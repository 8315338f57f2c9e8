//! What the operator declares: providers, systems, hosts, and what each is meant to expose, to whom and why.

mod load;
mod search;
pub mod waivers;

use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::moment::Moment;
use crate::model::net::{HostId, Transport};
use crate::model::said::Said;
use crate::yaml::NetworkText;

pub use load::{Loaded, read};
pub(crate) use load::{not_a_name, unknown};
pub use search::SEARCHED_AT_MOST;

/// An inventory file (`schema: postern/inventory/v1`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// What this file is: `postern/inventory/v1`.
    #[schemars(extend("const" = "postern/inventory/v1"))]
    pub schema: String,
    /// Who answers for the service: the centre's operator.
    pub operator: Operator,
    /// The contractors.
    #[serde(default)]
    pub providers: Vec<Provider>,
    /// What they run for the operator.
    #[serde(default)]
    pub systems: Vec<System>,
    /// Named parts of the network, for `from:`.
    #[serde(default)]
    pub zones: Vec<Zone>,
    /// Places from which scans are made.
    #[serde(default)]
    pub vantages: Vec<Vantage>,
    /// The machines, each with what it is meant to expose.
    #[serde(default)]
    pub hosts: Vec<Host>,
    /// The networks in which hosts are looked for that stand in no list: at most 1,024 addresses in all. Whatever answers there
    /// is a finding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<NetworkText>")]
    pub search: Vec<IpNet>,
    /// PEM files with certificate authorities of the operator's own, trusted besides Mozilla's; paths from this file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trust: Vec<String>,
}

/// The organisation that answers for the service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// A short name, for ever: `dhc-kwai-tsing`.
    pub id: String,
    /// The full name.
    pub name: Said,
    /// Its district.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// Whom to write to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// A contractor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// A short name, for ever: `acme-it`.
    pub id: String,
    /// The full name.
    pub name: Said,
    /// Whom to write to about security.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// The contract's reference, and where it grants the right to audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
}

/// Something that a provider runs for the operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// A short name, for ever: `booking`.
    pub id: String,
    /// What it is for.
    pub purpose: Said,
    /// The provider's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Whether it holds members' personal data.
    #[serde(default)]
    pub personal_data: bool,
}

/// A part of the network with a name of its own. `internet` is always known and means every address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// A short name: `clinic-lan`.
    pub id: String,
    /// The networks in it.
    #[schemars(with = "Vec<NetworkText>")]
    pub networks: Vec<IpNet>,
}

/// A place from which scans are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vantage {
    /// A short name: `outside`.
    pub id: String,
    /// What it sees: as the internet does, as a partner does, or from within.
    pub kind: VantageKind,
    /// The addresses that packets from there carry, so that the vendor can recognise us.
    #[serde(default)]
    pub sources: Vec<IpAddr>,
}

/// What a vantage sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VantageKind {
    /// What any stranger sees.
    Internet,
    /// What a partner's network sees.
    Partner,
    /// What stands inside sees.
    Inside,
}

/// A machine, a virtual one or a service address of a provider's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// A short name, for ever, whatever its address: `web1`.
    pub id: HostId,
    /// The system that it serves, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// What it is: `firewall`, `web`, `database`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Its names in DNS; they are also the server names for TLS and HTTP.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Its addresses. Where there are none, those that its names resolve to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// It may break when spoken to: it gets TCP connects and nothing else, from every probe.
    #[serde(default)]
    pub fragile: bool,
    /// What is meant to be open. Everything else that answers is a finding.
    #[serde(default)]
    pub exposure: Vec<Exposure>,
    /// It stands in no list: an address of a network that is searched. Nobody writes that into a file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(skip)]
    pub unlisted: bool,
}

#[cfg(test)]
impl Inventory {
    /// Those hosts of somebody, and nothing else.
    pub(crate) fn of(hosts: Vec<Host>) -> Self {
        Self {
            schema: "postern/inventory/v1".into(),
            operator: Operator {
                id: "dhc".into(),
                name: Said::en("A centre"),
                district: None,
                contact: None,
            },
            providers: Vec::new(),
            systems: Vec::new(),
            zones: Vec::new(),
            vantages: Vec::new(),
            hosts,
            search: Vec::new(),
            trust: Vec::new(),
        }
    }
}

impl Host {
    /// An address of a network that is searched.
    pub fn unlisted(address: IpAddr) -> Self {
        Self {
            id: HostId(format!("unlisted-{}", address.to_string().replace(':', "-"))),
            system: None,
            role: None,
            names: Vec::new(),
            addresses: vec![address],
            fragile: false,
            exposure: Vec::new(),
            unlisted: true,
        }
    }
}

/// A door that is meant to be open: to whom, what for, by whose word and until when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exposure {
    /// Port and transport: `443/tcp`.
    pub port: DeclaredPort,
    /// Zones or networks that may reach it: `internet`, `clinic-lan`, `198.51.100.0/28`.
    #[schemars(length(min = 1))]
    pub from: Vec<String>,
    /// What is offered there, as IANA names it: `https`, `ssh`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Why it must be open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<Said>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// Until when the need is to be looked at again; a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_by: Option<Moment>,
}

/// A port with its transport, written `443/tcp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeclaredPort {
    /// TCP or UDP.
    pub transport: Transport,
    /// 1 to 65535.
    pub port: u16,
}

impl From<DeclaredPort> for String {
    fn from(port: DeclaredPort) -> Self {
        format!("{}/{}", port.port, port.transport)
    }
}

impl TryFrom<String> for DeclaredPort {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = || format!("`{text}` is not a port; write it as 443/tcp or 53/udp");
        let (port, transport) = text.split_once('/').ok_or_else(wrong)?;
        let transport = match transport {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            _ => return Err(wrong()),
        };
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
        Ok(Self { transport, port })
    }
}

impl JsonSchema for DeclaredPort {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Port".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9]{1,5}/(tcp|udp)$",
            "description": "Port and transport, such as 443/tcp."
        })
    }
}
