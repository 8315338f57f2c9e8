//! The authorisation file: who gave leave, for which hosts and networks, when, how fast and how far.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::inventory::{Loaded, unknown};
use crate::model::complaint::{Complaint, Source};
use crate::model::moment::Moment;
use crate::model::net::HostId;
use crate::model::plan::{Class, Limits};
use crate::yaml::{self, Document, NetworkText, Node};

/// The id of the record that `--authorised-by` makes.
pub const AD_HOC: &str = "ad-hoc";

/// An authorisation file (`schema: postern/authorisation/v1`): the written leave of those who are entitled to give it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Authorisation {
    /// What this file is: `postern/authorisation/v1`.
    #[schemars(extend("const" = "postern/authorisation/v1"))]
    pub schema: String,
    /// A short name, for ever: `auth-2026-11`. Every connection in the audit log carries it.
    pub id: String,
    /// What may be reached.
    pub scope: Covered,
    /// What may never be reached, whatever else allows it: addresses, networks, or hosts by their id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// When: outside of these times nothing is sent.
    #[schemars(length(min = 1))]
    pub windows: Vec<Window>,
    /// How fast: caps on new connections and datagrams.
    pub limits: Limits,
    /// The strongest class of probes: `connect`, `passive`, `read-only` or `intrusive`.
    pub class: Class,
    /// The addresses that our packets will carry, so that the vendor can recognise us.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<IpAddr>,
    /// Those entitled to control access to the systems, each of whom agreed (in Hong Kong: Cap. 106 s. 27A).
    #[schemars(length(min = 1))]
    pub entitled: Vec<Entitled>,
    /// Whom to call when something goes wrong while we scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<Emergency>,
    /// Who was told beforehand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
}

/// What an authorisation covers: at least one host or network.
///
/// With `hosts` only, an address is covered when the inventory writes it for one of them. With `networks` only, when
/// it lies in one of them. With both, the host must be listed, and its address written or within a network: so hosts
/// that have names but no written addresses need a network here, since anybody who runs their DNS could otherwise
/// choose what we reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Covered {
    /// Hosts, by their id in the inventory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<HostId>,
    /// Networks; one address is written 192.0.2.10/32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<NetworkText>")]
    pub networks: Vec<IpNet>,
    /// Networks in which every address may be asked for its ports, whoever is there: for finding hosts that stand in no list.
    /// Unless the class is `connect`, each is also asked by two ICMP echo requests whether it is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<NetworkText>")]
    pub search: Vec<IpNet>,
}

/// A span of time in which packets may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// From when, with the offset: 2026-11-23T22:00:00+08:00.
    pub from: Moment,
    /// Until when; not included.
    pub to: Moment,
}

impl Window {
    /// Whether it is open.
    pub fn is_open(&self, now: Moment) -> bool {
        self.from <= now && now < self.to
    }
}

/// Somebody who is entitled to control access, and agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entitled {
    /// For whom they speak: `operator`, `provider`, `hosting`.
    pub party: String,
    /// Who.
    #[schemars(length(min = 1))]
    pub name: String,
    /// In which function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// On which day they signed.
    pub signed_on: Moment,
}

/// What stands for a name until somebody signs; how `postern init` leaves a file.
pub const NOT_YET_SIGNED: &str = "(not yet signed)";

impl Entitled {
    /// Whether somebody put their name to it.
    pub fn has_signed(&self) -> bool {
        self.name.trim() != NOT_YET_SIGNED
    }
}

/// Whom to call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// Who answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The number.
    pub phone: String,
}

/// The notice that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// To whom: providers' ids.
    pub to: Vec<String>,
    /// On which day.
    pub sent_on: Moment,
}

impl Authorisation {
    /// The record that `--authorised-by TEXT` makes: the hosts typed, up to harmless questions, for 24 hours, at the
    /// pace typed.
    ///
    /// # Errors
    /// When the text is empty: somebody must stand for it.
    pub fn ad_hoc(
        by: &str,
        hosts: Vec<HostId>,
        limits: Limits,
        now: Moment,
    ) -> Result<Self, Complaint> {
        let by = by.trim();
        if by.is_empty() {
            return Err(Complaint::nowhere("`--authorised-by` is empty")
                .help("write who gave leave to scan, and how: --authorised-by \"A. Chan, Acme IT, by mail of 23 November\""));
        }
        Ok(Self {
            schema: "postern/authorisation/v1".into(),
            id: AD_HOC.into(),
            scope: Covered { hosts, ..Covered::default() },
            exclude: Vec::new(),
            windows: vec![Window { from: now, to: now.plus_days(1) }],
            limits,
            class: Class::ReadOnly,
            sources: Vec::new(),
            entitled: vec![Entitled {
                party: "command line".into(),
                name: by.into(),
                title: None,
                signed_on: now,
            }],
            emergency: None,
            notice: None,
        })
    }

    /// Whether it was typed on the command line.
    pub fn is_ad_hoc(&self) -> bool {
        self.id == AD_HOC
    }

    /// What it covers, each in words.
    pub fn covers(&self) -> Vec<String> {
        let hosts = self.scope.hosts.iter().map(ToString::to_string);
        let networks = self.scope.networks.iter().map(ToString::to_string);
        let search = self.scope.search.iter().map(|network| format!("every address of {network}"));
        hosts.chain(networks).chain(search).collect()
    }
}

/// Reads an authorisation file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(source: &Arc<Source>) -> Result<Document<Authorisation>, Vec<Complaint>> {
    yaml::read_with(source, |tree, complaints| rules(source, tree, complaints))
}

/// Holds an authorisation against the inventory: every host that it names must be there.
pub fn against(document: &Document<Authorisation>, inventory: &Loaded) -> Vec<Complaint> {
    let known = || inventory.inventory.hosts.iter().map(|host| host.id.0.as_str());
    let providers = || inventory.inventory.providers.iter().map(|provider| provider.id.as_str());
    let mut complaints = Vec::new();
    let mut hold = |node: &Node, what: &str, known: Vec<&str>| {
        let name = node.text().unwrap_or("");
        if !known.contains(&name) {
            complaints.push(unknown(&document.source, node, what, &known));
        }
    };
    let list = |path: &[&str]| document.tree.at(path).map(Node::items).unwrap_or_default();
    for node in list(&["scope", "hosts"]) {
        hold(node, "host", known().collect());
    }
    for node in list(&["exclude"]).iter().filter(|node| !is_place(node)) {
        hold(node, "host", known().collect());
    }
    for node in list(&["notice", "to"]) {
        hold(node, "provider", providers().collect());
    }
    complaints
}

fn is_place(node: &Node) -> bool {
    let text = node.text().unwrap_or("");
    text.parse::<IpAddr>().is_ok() || text.parse::<IpNet>().is_ok()
}

/// The widest networks that may be authorised, in bits of prefix: what is wider is a slip, and would take weeks.
const WIDEST: (u8, u8) = (16, 32);

/// What the type cannot say.
fn rules(source: &Arc<Source>, tree: &Node, complaints: &mut Vec<Complaint>) {
    let mut complain = |node: &Node, title: String, help: &str| {
        complaints.push(Complaint::at(source, node.mark(), title).help(help));
    };
    if let Some(id) = tree.field("id")
        && [AD_HOC, "loopback", "resolver"].contains(&id.text().unwrap_or(""))
    {
        let title = format!("`{}` is a name that the program uses itself", id.text().unwrap_or(""));
        complain(id, title, "choose another: auth-2026-11");
    }
    if let Some(scope) = tree.field("scope").filter(|scope| scope.scalar().is_none()) {
        let hosts = scope.field("hosts").map(Node::items).unwrap_or_default();
        let networks = scope.field("networks").map(Node::items).unwrap_or_default();
        let search = scope.field("search").map(Node::items).unwrap_or_default();
        if hosts.is_empty() && networks.is_empty() && search.is_empty() {
            complain(
                scope,
                "this scope covers nothing".into(),
                "list `hosts` by their id, or `networks`, or both",
            );
        }
        for node in networks.iter().chain(search) {
            if let Some(network) = node.text().and_then(|text| text.parse::<IpNet>().ok()) {
                let widest = if network.addr().is_ipv4() { WIDEST.0 } else { WIDEST.1 };
                if network.prefix_len() < widest {
                    let title = format!(
                        "{network} is too wide to be authorised at once; at most /{widest} is"
                    );
                    complain(node, title, "list the networks that the provider really has");
                }
            }
        }
    }
    windows(tree, &mut complain);
    for name in
        ["per_second", "per_host_per_second", "per_host_parallel", "per_host_talks_per_second"]
    {
        if let Some(node) = tree.at(&["limits", name]).filter(|node| node.text() == Some("0")) {
            complain(
                node,
                format!("`{name}` is 0, so nothing could ever be sent"),
                "at least 1 is needed",
            );
        }
    }
}

/// Windows end after they begin, and whoever is entitled signs before the last of them ends.
fn windows(tree: &Node, complain: &mut dyn FnMut(&Node, String, &str)) {
    let time = |node: Option<&Node>| {
        node.and_then(Node::text).and_then(|text| text.parse::<Moment>().ok())
    };
    let mut last = None;
    for window in tree.field("windows").map(Node::items).unwrap_or_default() {
        if let (Some(from), Some(to)) = (time(window.field("from")), time(window.field("to"))) {
            last = last.max(Some(to));
            if to <= from {
                let node = window.field("to").unwrap_or(window);
                complain(
                    node,
                    format!("this window ends at {to}, before it begins"),
                    "is the offset right, +08:00?",
                );
            }
        }
    }
    for entitled in tree.field("entitled").map(Node::items).unwrap_or_default() {
        if let (Some(node), Some(last)) = (entitled.field("signed_on"), last)
            && time(Some(node)).is_some_and(|signed| signed >= last)
        {
            let title = "this was signed after the last window had ended".to_owned();
            complain(node, title, "leave is given before the scan, not after it");
        }
    }
}
