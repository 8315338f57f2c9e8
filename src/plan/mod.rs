//! Chains backwards from profile and checks to the steps of a scan. Pure.

mod bounds;
mod guide;
mod host;
mod letter;

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::catalogue::Check;
use crate::facts::{self, Vocabulary};
use crate::inventory::{Host, Inventory};
use crate::model::moment::Moment;
use crate::model::net::{CheckId, HostId};
use crate::model::plan::{Class, Limits, Over, Plan, Step, Wanted};
use crate::model::value::{Kind, Tier};
use crate::probe::Probe;
use crate::profile::Profile;
use crate::scope::{Refusal, Want};

pub use bounds::{likely_seconds, likely_sent};
pub use guide::{Guide, Wish};
pub use letter::{duration, letter};

/// More open ports of one address than this are left untested, and said so: a host that answers on every port would
/// otherwise be asked for ever.
pub const PORTS_EXAMINED_AT_MOST: u32 = 64;

/// More addresses than this behind the names of one host are left untested, and said so.
pub const ADDRESSES_RESOLVED_AT_MOST: u32 = 16;

/// What a plan is made from.
pub struct Inputs<'a> {
    /// The hosts.
    pub inventory: &'a Inventory,
    /// The profile's name.
    pub profile: &'a str,
    /// The checks that it chooses.
    pub checks: &'a [Asked],
    /// The TCP ports to ask of every host.
    pub ports: &'a [u16],
    /// Whether those are asked besides that the inventory declares for a host.
    pub declared: bool,
    /// The strongest class of probes that the profile wants.
    pub class: Class,
    /// The pace: the profile's, as lowered by the authorisation and on the command line.
    pub limits: Limits,
    /// Every probe there is, in the order in which they are put.
    pub probes: &'a [&'a Probe],
    /// Where those of them go that check files write down.
    pub guide: Option<&'a Guide>,
    /// What the scope says to a wish, at the time for which it is planned.
    pub allows: &'a dyn Fn(&Want) -> Result<(), Refusal>,
    /// What the scope says, at that time, to asking the resolvers about a host's names.
    pub resolves: &'a dyn Fn(&HostId) -> Result<(), Refusal>,
    /// From where: the id of a vantage.
    pub vantage: &'a str,
    /// The resolvers that may be asked.
    pub resolvers: &'a [IpAddr],
    /// When it is made.
    pub now: Moment,
}

/// A check, and the probes on whose answers the facts rest that it speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The check.
    pub check: CheckId,
    /// The probes, by name.
    pub probes: BTreeSet<String>,
}

impl Asked {
    /// Whether the check is put to a host. To one that nobody listed only those are that rest on its ports and on what it says
    /// by itself.
    pub fn is_for(&self, host: &Host) -> bool {
        let by_itself = |probe: &String| matches!(probe.as_str(), "tcp" | "greeting");
        !host.unlisted || self.probes.iter().all(by_itself)
    }
}

/// The probes that each check of a profile needs: those that the rows of derivation want for the kinds of fact that it
/// speaks of, and those that yield a kind by themselves.
pub fn asked(profile: &Profile, vocabulary: &Vocabulary) -> Vec<Asked> {
    let of_check = |check: &Check| {
        let kinds = check.speaks_of.iter().filter_map(|kind| vocabulary.kind(*kind));
        kinds.flat_map(needs).map(str::to_owned).collect()
    };
    let chosen = profile.chosen.iter().map(|chosen| &chosen.check);
    chosen.map(|check| Asked { check: check.id.clone(), probes: of_check(check) }).collect()
}

/// The probes that a kind of fact rests on. Names are a need of their own only for what is known of a host; for a
/// service they are but the way to its addresses, which a plan goes where none are written.
fn needs(kind: &Kind) -> Vec<&str> {
    let Some(row) = facts::ROWS.iter().find(|row| row.yields == kind.name) else {
        return vec![&kind.probe];
    };
    let by_itself = |probe: &&str| kind.tier == Tier::Host || *probe != "names";
    row.needs.iter().copied().filter(by_itself).collect()
}

/// Plans a scan: for every host the probes that some check needs, in their order, each with its reasons and its worst
/// case. What the scope or the profile refuses stands in `untested`, with the rule.
pub fn plan(inputs: &Inputs<'_>) -> Plan {
    let mut steps = Vec::new();
    let mut untested = Vec::new();
    for host in &inputs.inventory.hosts {
        let of_host = host::steps(inputs, host);
        steps.extend(of_host.steps);
        untested.extend(of_host.untested);
    }
    for (id, step) in (0..).zip(&mut steps) {
        step.id = id;
    }
    let wanted = inputs.inventory.hosts.iter().flat_map(|host| {
        let checks = inputs.checks.iter().filter(|asked| asked.is_for(host));
        checks.map(|asked| Wanted { host: host.id.clone(), check: asked.check.clone() })
    });
    let asks_resolver = steps.iter().any(|step: &Step| matches!(step.over, Over::Name { .. }));
    Plan {
        schema: "postern/plan/v1".into(),
        made: inputs.now,
        vantage: inputs.vantage.into(),
        profile: inputs.profile.into(),
        limits: inputs.limits,
        resolvers: if asks_resolver { inputs.resolvers.to_vec() } else { Vec::new() },
        total: bounds::total(&steps, inputs.limits),
        wanted: wanted.collect(),
        steps,
        untested,
    }
}

#[cfg(test)]
mod tests;
