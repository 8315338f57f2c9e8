//! Plug-ins: programs of the operator's own that ask what no probe and no check file can.
//!
//! A program is allowed by its path and the SHA-256 of its bytes, in a file that the operator gives to a scan; no check,
//! profile or pack can bring one along. What it answers is a kind of fact of its own name, which checks may speak of.

mod protocol;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::{ROWS, Vocabulary};
use crate::model::complaint::{Complaint, Source};
use crate::model::digest::Digest;
use crate::model::heard::shown;
use crate::model::net::parse_port_ranges;
use crate::model::plan::Class;
use crate::model::value::{Field, Kind, Tier, Type};
use crate::yaml::{self, Document, Node};

pub use protocol::{Answer, Question, VERSION, answer};

/// A plug-ins file (`schema: postern/plugins/v1`): the programs of your own that a scan may start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plugins {
    /// What this file is: `postern/plugins/v1`.
    #[schemars(extend("const" = "postern/plugins/v1"))]
    pub schema: String,
    /// The plug-ins.
    #[schemars(length(min = 1))]
    pub plugins: Vec<Plugin>,
}

/// A program that may be started, what it may do, and what it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plugin {
    /// Its name, in snake_case: that of the probe, and of the kind of fact it yields (`on: <name>` in a check).
    pub name: String,
    /// The program: an absolute path to one file, which is all that is started.
    pub program: PathBuf,
    /// The SHA-256 of that file, 64 hexadecimal digits (`sha256sum FILE`): no other bytes are ever started.
    #[schemars(with = "String")]
    pub sha256: Digest,
    /// Its arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
    /// What its facts are about, as a sentence.
    #[schemars(length(min = 1))]
    pub means: String,
    /// What it sends, in words, for the vendor who has to agree to it.
    #[schemars(length(min = 1))]
    pub sends: String,
    /// What it goes over: each `service`, or each `site`, a service with each of the host's names.
    pub over: Over,
    /// To which open TCP ports, as ranges in quotes ("443,8443-8445"), or `any`.
    pub ports: String,
    /// The strongest that it does to a peer: `connect`, `passive`, `read-only` or `intrusive`.
    pub class: Class,
    /// The worst case on one target.
    pub bound: Worst,
    /// The most that it may say, in bytes; whoever says more is ended [default: 65536].
    #[serde(default = "usual_output")]
    #[schemars(range(min = 256, max = 1_048_576))]
    pub output: u32,
    /// The fields of its facts.
    #[schemars(length(min = 1, max = 64))]
    pub facts: Vec<FactField>,
}

/// What a plug-in goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Over {
    /// Each service.
    Service,
    /// Each service with each name of its host.
    Site,
}

/// The most that a plug-in does on one target: the plan counts with it, and the pace makes room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Worst {
    /// TCP connections begun.
    #[schemars(range(max = 100))]
    pub connections: u32,
    /// UDP datagrams sent [default: 0].
    #[serde(default)]
    #[schemars(range(max = 100))]
    pub datagrams: u32,
    /// Seconds after which it is ended.
    #[schemars(range(min = 1, max = 300))]
    pub seconds: u32,
}

/// A field of a plug-in's facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FactField {
    /// Its name, in snake_case.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub of: FactType,
    /// What it means, with its unit, as a sentence.
    #[schemars(length(min = 1))]
    pub means: String,
}

/// The type of a field, as parameters of checks name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FactType {
    /// True or false.
    #[serde(rename = "bool")]
    Bool,
    /// A whole number.
    #[serde(rename = "int")]
    Int,
    /// Text.
    #[serde(rename = "text")]
    Text,
    /// A point in time, with its offset: 2026-11-23T22:00:00+08:00.
    #[serde(rename = "time")]
    Time,
    /// A list of whole numbers.
    #[serde(rename = "list int")]
    Ints,
    /// A list of texts.
    #[serde(rename = "list text")]
    Texts,
}

/// What a plug-in may say where its file does not tell.
const OUTPUT: u32 = 64 * 1024;

fn usual_output() -> u32 {
    OUTPUT
}

impl Plugin {
    /// The kind of fact that it yields.
    pub fn kind(&self) -> Kind {
        let tier = match self.over {
            Over::Service => Tier::Service,
            Over::Site => Tier::Site,
        };
        let field = |field: &FactField| {
            Field::new(field.name.clone(), field.of.as_type(), field.means.clone())
        };
        Kind::new(self.name.clone(), tier, self.means.clone(), self.facts.iter().map(field))
    }

    /// Those of some ports to which it goes.
    pub fn ports_among(&self, ports: &[u16]) -> Vec<u16> {
        if self.ports == ANY {
            return ports.to_vec();
        }
        let own: BTreeSet<u16> =
            parse_port_ranges(&self.ports).unwrap_or_default().into_iter().collect();
        ports.iter().copied().filter(|port| own.contains(port)).collect()
    }
}

impl FactType {
    fn as_type(self) -> Type {
        match self {
            Self::Bool => Type::Bool,
            Self::Int => Type::Int,
            Self::Text => Type::Text,
            Self::Time => Type::Moment,
            Self::Ints => Type::list(Type::Int),
            Self::Texts => Type::list(Type::Text),
        }
    }
}

/// Every open port.
const ANY: &str = "any";
/// The longest name of a plug-in or of a field.
const LONGEST_NAME: usize = 40;
/// What conditions mean by themselves, so that no kind can be called so.
const WORDS_OF_CONDITIONS: [&str; 6] = ["params", "probe", "true", "false", "in", "null"];
/// The field in which the book says how a plug-in failed.
pub const CUT: &str = "cut";

/// Reads a plug-ins file. The programs themselves are not looked at.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(source: &Arc<Source>) -> Result<Document<Plugins>, Vec<Complaint>> {
    yaml::read_with(source, |tree, complaints| {
        let mut names = BTreeMap::new();
        for plugin in tree.field("plugins").map(Node::items).unwrap_or_default() {
            let mut complain = |node: &Node, title: String, help: &str| {
                complaints.push(Complaint::at(source, node.mark(), title).help(help));
            };
            once(source, plugin, &mut names, "plug-ins", &mut complain);
            rules(plugin, &mut complain);
            let mut fields = BTreeMap::new();
            for field in plugin.field("facts").map(Node::items).unwrap_or_default() {
                once(source, field, &mut fields, "fields", &mut complain);
                if let Some(node) = field.field("name") {
                    if let Some(CUT) = node.text() {
                        let title = "`cut` is where the book says how a plug-in failed".to_owned();
                        complain(node, title, "choose another name");
                    }
                    snake_case(node, &mut complain);
                }
            }
        }
    })
}

type Complain<'c> = dyn FnMut(&Node, String, &str) + 'c;

/// Two of one name could not be told apart.
fn once(
    source: &Source,
    node: &Node,
    names: &mut BTreeMap<String, usize>,
    what: &str,
    complain: &mut Complain<'_>,
) {
    let Some((node, name)) = node.field("name").and_then(|name| Some((name, name.text()?))) else {
        return;
    };
    let line = source.line_column(node.mark().start).0;
    if let Some(first) = names.get(name) {
        let title = format!("`{}` names two {what}; the first is on line {first}", shown(name));
        complain(node, title, "choose another name");
    } else {
        names.insert(name.to_owned(), line);
    }
}

/// What the type cannot say about one plug-in.
fn rules(plugin: &Node, complain: &mut Complain<'_>) {
    let text = |name: &str| plugin.field(name).and_then(|node| Some((node, node.text()?)));
    if let Some((node, name)) = text("name") {
        snake_case(node, complain);
        if is_taken(name) {
            let title = format!("`{}` is a name that the program uses itself", shown(name));
            complain(node, title, "choose another: clinic_ftp");
        }
    }
    if let Some((node, path)) = text("program")
        && !path.starts_with('/')
    {
        let title = format!("`{}` is no absolute path", shown(path));
        complain(node, title, "write where the program lies, from `/` on");
    }
    if let Some((node, ports)) = text("ports")
        && ports != ANY
        && let Err(wrong) = parse_port_ranges(ports)
    {
        complain(node, wrong, "write ranges in quotes, \"443,8443-8445\", or `any`");
    }
    let most = |name: &str| plugin.at(&["bound", name]).and_then(Node::text);
    if let (Some("0"), None | Some("0"), Some(node)) =
        (most("connections"), most("datagrams"), plugin.field("bound"))
    {
        let title = "by this bound the plug-in sends nothing".to_owned();
        complain(node, title, "write how many connections or datagrams it needs for one target");
    }
}

/// Whether the program has a probe, a kind of fact or a word of that name.
fn is_taken(name: &str) -> bool {
    Vocabulary::built_in().id(name).is_some()
        || ROWS.iter().any(|row| row.needs.contains(&name) || row.uses.contains(&name))
        || WORDS_OF_CONDITIONS.contains(&name)
}

fn snake_case(node: &Node, complain: &mut Complain<'_>) {
    let Some(name) = node.text() else { return };
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(rest)
        && name.len() <= LONGEST_NAME;
    if !is {
        let title = format!("`{}` is no name in snake_case", shown(name));
        complain(node, title, "write small letters, digits and `_`, at most 40, a letter first");
    }
}

#[cfg(test)]
mod tests;
