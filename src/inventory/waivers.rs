//! The waivers file: which fails people have decided to bear, by whose word and until when.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DeclaredPort, Inventory};
use crate::model::complaint::{Complaint, Source};
use crate::model::heard::shown;
use crate::model::moment::{Calendar, Moment};
use crate::model::net::{CheckId, HostId};
use crate::model::person;
use crate::model::said::Said;
use crate::yaml::{self, Document, Node};

/// The longest time for which a risk can be accepted, in days; after that it is to be looked at again.
pub const LONGEST_DAYS: i64 = 180;

/// A waivers file (`schema: postern/waivers/v1`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waivers {
    /// What this file is: `postern/waivers/v1`.
    #[schemars(extend("const" = "postern/waivers/v1"))]
    pub schema: String,
    /// The waivers.
    pub waivers: Vec<Waiver>,
}

/// A fail that somebody accepts until a date. It is always shown, and never turns a fail into a pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// A short name, for ever: `W-2026-004`.
    pub id: String,
    /// The check whose fail is accepted: `tls/old-version`.
    pub check: CheckId,
    /// The host where it is accepted, by its id. Either this or `fingerprint` is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostId>,
    /// The service, when it is for one only: `443/tcp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<DeclaredPort>,
    /// The one finding that is accepted, by the fingerprint that the review prints: `pf1-0123456789abcdef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// What is done about the risk.
    pub treatment: Treatment,
    /// Why it can be borne until then.
    pub reason: Said,
    /// What lessens it meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensating: Option<Said>,
    /// Who carries the risk.
    #[schemars(length(min = 1))]
    pub owner: String,
    /// Who approved it: somebody else.
    #[schemars(length(min = 1))]
    pub approved_by: String,
    /// On which day it was decided; before that day it does not hold.
    pub created: Moment,
    /// The last day on which it holds, to its end in Hong Kong; at most 180 days after `created`.
    pub expires: Moment,
}

/// What is done about a risk (ISPG-SM01, risk options).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Treatment {
    /// It is borne as it is.
    Accept,
    /// It is being made smaller.
    Reduce,
    /// What causes it is being given up.
    Avoid,
    /// Somebody else bears it, by contract or insurance.
    Transfer,
}

impl Waiver {
    /// Where a moment stands to it: days begin and end where the report that prints them is read.
    pub fn stands(&self, now: Moment, calendar: Calendar) -> Standing {
        if calendar.days_between(self.created, now) < 0 {
            Standing::NotYet
        } else if calendar.days_between(now, self.expires) < 0 {
            Standing::Ended
        } else {
            Standing::Holds
        }
    }
}

/// Where a moment stands to a waiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Before the day on which it was decided: nobody has decided anything yet.
    NotYet,
    /// From that day on, to the end of its last day.
    Holds,
    /// After its last day.
    Ended,
}

/// Reads a waivers file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(source: &Arc<Source>) -> Result<Document<Waivers>, Vec<Complaint>> {
    yaml::read_with(source, |tree, complaints| {
        let mut ids = std::collections::BTreeMap::new();
        for waiver in tree.field("waivers").map(Node::items).unwrap_or_default() {
            if let Some((node, id)) = waiver.field("id").and_then(|node| Some((node, node.text()?)))
            {
                let line = source.line_column(node.mark().start).0;
                if let Some(first) = ids.get(id) {
                    let title = format!(
                        "`{}` is the id of two waivers; the first is on line {first}",
                        shown(id)
                    );
                    complaints
                        .push(Complaint::at(source, node.mark(), title).help("choose another id"));
                } else {
                    ids.insert(id.to_owned(), line);
                }
            }
            rules(source, waiver, complaints);
        }
    })
}

/// Holds waivers against the inventory: every host that they name must be there.
pub fn against(document: &Document<Waivers>, inventory: &Inventory) -> Vec<Complaint> {
    let known: Vec<&str> = inventory.hosts.iter().map(|host| host.id.0.as_str()).collect();
    let waivers = document.tree.field("waivers").map(Node::items).unwrap_or_default();
    let hosts = waivers.iter().filter_map(|waiver| waiver.field("host"));
    let unknown = hosts.filter(|host| host.text().is_some_and(|name| !known.contains(&name)));
    unknown.map(|node| super::load::unknown(&document.source, node, "host", &known)).collect()
}

/// What the type cannot say about one waiver.
fn rules(source: &Arc<Source>, waiver: &Node, complaints: &mut Vec<Complaint>) {
    let mut complain = |node: &Node, title: String, help: String| {
        complaints.push(Complaint::at(source, node.mark(), title).help(help));
    };
    let text = |name: &str| waiver.field(name).and_then(Node::text);
    if waiver.scalar().is_none() {
        match (text("host"), waiver.field("fingerprint")) {
            (None, None) => {
                let help = "write `host: web1`, or `fingerprint:` with what the review prints";
                complain(waiver, "this waiver does not say where it holds".into(), help.into());
            }
            (Some(_), Some(node)) => {
                let title = "`host` and `fingerprint` stand here together".to_owned();
                complain(
                    node,
                    title,
                    "a fingerprint names its host already: keep one of the two".into(),
                );
            }
            _ => {}
        }
    }
    if let Some(node) = waiver.field("fingerprint")
        && !node.text().is_some_and(is_fingerprint)
    {
        let title = format!("`{}` is not a fingerprint", shown(node.text().unwrap_or("")));
        complain(node, title, "copy it from the review: pf1- and 16 hexadecimal digits".into());
    }
    if let (Some(owner), Some(approver), Some(node)) =
        (text("owner"), text("approved_by"), waiver.field("approved_by"))
        && person::is_same(owner, approver)
    {
        let title = "whoever carries the risk cannot approve it too".to_owned();
        complain(node, title, "name somebody else who has agreed".into());
    }
    let day = |name: &str| text(name).and_then(|text| text.parse::<Moment>().ok());
    if let (Some(created), Some(expires), Some(node)) =
        (day("created"), day("expires"), waiver.field("expires"))
    {
        let days = Calendar::HONG_KONG.days_between(created, expires);
        let latest = Calendar::HONG_KONG.date(created.plus_days(LONGEST_DAYS));
        if days < 0 {
            complain(
                node,
                "this waiver ends before it was made".into(),
                format!("write a day up to {latest}"),
            );
        } else if days > LONGEST_DAYS {
            let title =
                format!("this waiver holds for {days} days, and {LONGEST_DAYS} is the most");
            complain(node, title, format!("write a day up to {latest}, and decide again then"));
        }
    }
}

fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix("pf1-").is_some_and(|digits| {
        digits.len() == 16 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}
