//! Reads an inventory file, and holds it against the rules that its type cannot say.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::{Inventory, SEARCHED_AT_MOST};
use crate::model::complaint::{Complaint, Source, nearest};
use crate::model::heard::shown;
use crate::model::net::HostId;
use crate::yaml::{self, Node};

/// An inventory with the file that it was read from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it declares.
    pub inventory: Inventory,
    /// The file.
    pub source: Arc<Source>,
    /// The line, from 1, on which each host is declared.
    pub lines: BTreeMap<HostId, u32>,
}

/// Reads an inventory.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(source: &Arc<Source>) -> Result<Loaded, Vec<Complaint>> {
    let document = yaml::read_with::<Inventory>(source, |tree, complaints| {
        Rules { source, tree, complaints }.hold();
    })?;
    let lines = document.value.hosts.iter().enumerate().map(|(place, host)| {
        let line = document.line_of(&["hosts", &place.to_string(), "id"]);
        (host.id.clone(), line)
    });
    let lines = lines.collect();
    Ok(Loaded { inventory: document.value, source: document.source, lines })
}

/// A complaint about a name that the inventory does not have.
pub(crate) fn unknown(source: &Arc<Source>, node: &Node, what: &str, known: &[&str]) -> Complaint {
    let name = shown(node.text().unwrap_or(""));
    let title = match nearest(&name, known.iter().copied()) {
        Some(near) => {
            format!("there is no {what} `{name}` in the inventory; did you mean `{near}`?")
        }
        None => format!("there is no {what} `{name}` in the inventory"),
    };
    let complaint = Complaint::at(source, node.mark(), title);
    if known.is_empty() {
        return complaint;
    }
    let some: Vec<&str> = known.iter().copied().take(12).collect();
    let more = if known.len() > some.len() { ", …" } else { "" };
    complaint.help(format!("it has {}{more}", some.join(", ")))
}

struct Rules<'a> {
    source: &'a Arc<Source>,
    tree: &'a Node,
    complaints: &'a mut Vec<Complaint>,
}

impl<'a> Rules<'a> {
    fn hold(&mut self) {
        let providers = self.ids("providers");
        let systems = self.ids("systems");
        let zones = self.ids("zones");
        self.ids("vantages");
        self.ids("hosts");
        if let Some(id) = self.tree.at(&["operator", "id"]) {
            self.id_is_one(id);
        }
        for system in self.list("systems") {
            self.refers(system.field("provider"), "provider", &providers);
        }
        for (place, zone) in self.list("zones").iter().enumerate() {
            if zone.field("id").and_then(Node::text) == Some("internet") {
                let node = self.tree.at(&["zones", &place.to_string(), "id"]).unwrap_or(zone);
                self.complain(
                    node,
                    "`internet` is always known, and means every address",
                    "leave this zone out",
                );
            }
        }
        self.something_to_look_at();
        for host in self.list("hosts") {
            self.refers(host.field("system"), "system", &systems);
            self.host(host, &zones);
        }
    }

    /// There is a host, or a network to search that is not too wide.
    fn something_to_look_at(&mut self) {
        let tree = self.tree;
        let search = self.list("search");
        if self.list("hosts").is_empty() && search.is_empty() {
            let node = tree.field("hosts").unwrap_or(tree);
            self.complain(
                node,
                "there is no host in it",
                "list the machines under `hosts`; `postern init` shows how",
            );
        }
        let networks =
            search.iter().filter_map(|node| Some((node, node.text()?.parse::<IpNet>().ok()?)));
        let mut left = SEARCHED_AT_MOST as u128;
        for (node, network) in networks {
            let Some(less) = left.checked_sub(super::search::size(network)) else {
                let title = format!("these networks have more than {SEARCHED_AT_MOST} addresses");
                let help = "search the networks that the provider really has, one after the other if they are many";
                return self.complain(node, title, help);
            };
            left = less;
        }
    }

    fn complain(&mut self, node: &Node, title: impl Into<String>, help: impl Into<String>) {
        self.complaints.push(Complaint::at(self.source, node.mark(), title).help(help));
    }

    fn list(&self, name: &str) -> &'a [Node] {
        self.tree.field(name).map(Node::items).unwrap_or_default()
    }

    /// The ids of a list, each of which must be one and stand there once.
    fn ids(&mut self, name: &str) -> BTreeSet<&'a str> {
        let mut known = BTreeMap::new();
        for node in self.list(name).iter().filter_map(|entry| entry.field("id")) {
            let Some(id) = node.text() else { continue };
            self.id_is_one(node);
            let line = self.source.line_column(node.mark().start).0;
            if let Some(first) = known.get(id) {
                let title = format!(
                    "`{}` is the id of two {name}; the first is on line {first}",
                    shown(id)
                );
                self.complain(node, title, "an id stands for one thing, for ever: choose another");
            } else {
                known.insert(id, line);
            }
        }
        known.into_keys().collect()
    }

    fn id_is_one(&mut self, node: &Node) {
        let id = node.text().unwrap_or("");
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.is_empty() || !id.chars().all(known) || id.len() > 63 {
            let title = format!("`{}` is not an id", shown(id));
            self.complain(
                node,
                title,
                "write up to 63 letters, digits, hyphens, underscores and dots: web1",
            );
        }
    }

    fn refers(&mut self, node: Option<&Node>, what: &str, known: &BTreeSet<&str>) {
        let Some((node, name)) = node.and_then(|node| Some((node, node.text()?))) else { return };
        if known.contains(name) {
            return;
        }
        let title = match nearest(name, known.iter().copied()) {
            Some(near) => format!("there is no {what} `{}`; did you mean `{near}`?", shown(name)),
            None => format!("there is no {what} `{}`", shown(name)),
        };
        let words: Vec<&str> = known.iter().copied().collect();
        let help = if words.is_empty() {
            format!("declare it under `{what}s`")
        } else {
            format!("declare it under `{what}s`, which has {}", words.join(", "))
        };
        self.complain(node, title, help);
    }

    fn host(&mut self, host: &Node, zones: &BTreeSet<&str>) {
        let is_empty = |name: &str| host.field(name).is_none_or(|list| list.items().is_empty());
        let within = |complaint: &Complaint| {
            let mark = complaint.at.as_ref().map(|(_, mark)| mark.start);
            mark.is_some_and(|start| host.span().contains(&start))
        };
        // A misspelt field was told already.
        let told = self.complaints.iter().any(within);
        if host.scalar().is_none() && is_empty("names") && is_empty("addresses") && !told {
            let node = host.field("id").unwrap_or(host);
            self.complain(
                node,
                "this host has neither names nor addresses",
                "write at least one: `addresses: [192.0.2.10]`",
            );
        }
        for name in host.field("names").map(Node::items).unwrap_or_default() {
            self.name(name);
        }
        let mut ports = BTreeMap::new();
        for exposure in host.field("exposure").map(Node::items).unwrap_or_default() {
            if let Some((node, port)) =
                exposure.field("port").and_then(|node| Some((node, node.text()?)))
            {
                let line = self.source.line_column(node.mark().start).0;
                if let Some(first) = ports.get(port) {
                    let title = format!(
                        "{} is declared twice for this host; first on line {first}",
                        shown(port)
                    );
                    self.complain(node, title, "put all who may reach it into one `from`");
                } else {
                    ports.insert(port, line);
                }
            }
            for from in exposure.field("from").map(Node::items).unwrap_or_default() {
                self.from(from, zones);
            }
        }
    }

    fn from(&mut self, node: &Node, zones: &BTreeSet<&str>) {
        let Some(text) = node.text() else { return };
        if text == "internet" || zones.contains(text) || text.parse::<IpAddr>().is_ok() {
            return;
        }
        if let Ok(network) = text.parse::<IpNet>() {
            if network.trunc() != network {
                let title =
                    format!("`{network}` names an address within a network, not the network");
                self.complain(node, title, format!("write `{}`", network.trunc()));
            }
            return;
        }
        let known = zones.iter().copied().chain(["internet"]);
        let title = match nearest(text, known) {
            Some(near) => format!("there is no zone `{}`; did you mean `{near}`?", shown(text)),
            None => format!("`{}` is neither `internet` nor a zone nor a network", shown(text)),
        };
        self.complain(
            node,
            title,
            "declare the zone under `zones`, or write the network: 198.51.100.0/28",
        );
    }

    fn name(&mut self, node: &Node) {
        let Some(text) = node.text() else { return };
        if let Some(help) = not_a_name(text) {
            self.complain(node, format!("`{}` is not a name in DNS", shown(text)), help);
        }
    }
}

/// What to write instead of a text that is no name as DNS has it (RFC 1123 section 2.1, underscores as in practice); none
/// when it is one. A last label of digits only is none: it is meant as an address (RFC 3696 section 2).
pub(crate) fn not_a_name(text: &str) -> Option<&'static str> {
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        (1..=63).contains(&label.len())
            && label.chars().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let trimmed = text.strip_suffix('.').unwrap_or(text);
    let digits = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let help = if text.parse::<IpAddr>().is_ok() {
        "an address belongs under `addresses`"
    } else if text.contains("://") || text.contains('/') {
        "write the name only, without scheme and path: booking.example.org"
    } else if text.contains(':') {
        "write the name only; ports belong under `exposure`"
    } else if text.contains('*') {
        "write each name; a wildcard is the name of no host"
    } else if !text.is_ascii() {
        "write the form that DNS uses, which begins with xn--"
    } else if !trimmed.split('.').all(label) || trimmed.len() > 253 {
        "letters, digits and hyphens, with dots between: booking.example.org"
    } else if trimmed.rsplit('.').next().is_some_and(digits) {
        "a name does not end in a number, and an address has four numbers from 0 to 255: 192.0.2.10"
    } else {
        return None;
    };
    Some(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        let head = "schema: postern/inventory/v1\noperator: {id: dhc, name: {en: Centre}}\n";
        Arc::new(Source { path: "inventory.yaml".into(), text: format!("{head}{text}") })
    }

    #[test]
    fn an_inventory_knows_its_lines_and_comes_back_from_json() {
        let text = "hosts:\n  - addresses: [192.0.2.1]\n    id: fw1\n  - {id: web1, names: [booking.example]}\n";
        let loaded = read(&source(text)).expect("an inventory");
        let lines: Vec<(&str, u32)> =
            loaded.lines.iter().map(|(id, line)| (id.0.as_str(), *line)).collect();
        assert_eq!(lines, [("fw1", 5), ("web1", 6)]);
        let json = serde_json::to_string(&loaded.inventory).expect("JSON");
        let back: Inventory = serde_json::from_str(&json).expect("an inventory");
        assert_eq!(back, loaded.inventory);
    }

    #[test]
    fn rules_speak_up_even_where_the_shape_is_wrong() {
        let text = "surplus: 1\nhosts:\n  - {id: a b, addresses: [192.0.2.1], system: x}\n";
        let found = read(&source(text)).expect_err("mistakes");
        let titles: Vec<&str> = found.iter().map(|complaint| complaint.title.as_str()).collect();
        assert_eq!(
            titles,
            ["there is no field `surplus` here", "`a b` is not an id", "there is no system `x`"]
        );
    }

    #[test]
    fn a_thousand_hosts_are_read_at_once() {
        let host =
            |n: u32| format!("  - {{id: h{n}, addresses: [10.0.{}.{}]}}\n", n / 250, n % 250);
        let text: String = (0..5000).map(host).collect();
        let loaded = read(&source(&format!("hosts:\n{text}"))).expect("an inventory");
        assert_eq!(loaded.lines.len(), 5000);
    }
}
