//! Makes a review of a judgement. Pure: everything that it says comes from its input.

use std::collections::BTreeSet;
use std::fmt;

use super::changes::{Before, Present};
use super::findings::Finder;
use super::gate::{self, Grounds};
use super::results::Results;
use super::{
    AuthorisationLine, CheckLine, DeclaredAt, Fix, HostLine, PackLine, Party, PluginLine,
    REVIEW_SCHEMA, Review, SystemLine, Tool, changes, controls, exposure, scan, scoring, sight,
    waivers,
};
use crate::catalogue::FixText;
use crate::controls::Framework;
use crate::facts::FactBase;
use crate::inventory::Inventory;
use crate::inventory::waivers::Waiver;
use crate::judge::Judgement;
use crate::model::digest::Digest;
use crate::model::heard::shown;
use crate::model::moment::{Calendar, Moment};
use crate::model::record::{Opened, Row};
use crate::model::severity::{Gate, Severity};
use crate::plugins::Plugin;
use crate::profile::{Chosen, Profile};

/// Everything that a review rests on.
#[derive(Clone, Copy)]
pub struct ReviewInput<'a> {
    /// What the checks came to.
    pub judgement: &'a Judgement,
    /// The facts that were judged.
    pub facts: &'a FactBase,
    /// The profile that was judged by; cells refer to its checks by place.
    pub profile: &'a Profile,
    /// SHA-256 of all check files in use.
    pub catalogue_digest: Digest,
    /// The frameworks whose requirements the results are held against.
    pub frameworks: &'a [Framework],
    /// Where checks and profiles come from.
    pub packs: &'a [PackLine],
    /// What is declared.
    pub inventory: &'a Inventory,
    /// What people have decided to accept.
    pub waivers: &'a [Waiver],
    /// By whose leave the scan was made.
    pub authorisations: &'a [AuthorisationLine],
    /// The head of the book.
    pub opened: &'a Opened,
    /// The book's rows with their numbers, in rising order.
    pub rows: &'a [(u64, Row)],
    /// The digest at the end of the book's chain.
    pub book_digest: Digest,
    /// The review to compare with.
    pub last: Option<&'a Review>,
    /// The program's version.
    pub version: &'a str,
    /// The time that waivers and due dates are held against.
    pub now: Moment,
}

/// Why no review can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReviewError {
    /// The last review is of another operator: a comparison would say nothing.
    LastOfAnother {
        /// The operator in the last review.
        last: String,
        /// The operator in the inventory.
        this: String,
    },
}

impl fmt::Display for ReviewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LastOfAnother { last, this } => {
                write!(f, "the last review is of the operator `{last}`, and this one of `{this}`")
            }
        }
    }
}

impl std::error::Error for ReviewError {}

/// Makes the review.
///
/// # Errors
/// The last review cannot be compared with.
pub fn review(input: ReviewInput<'_>) -> Result<Review, ReviewError> {
    let ReviewInput { profile, inventory, now, .. } = input;
    comparable(&input)?;
    let scan = scan::scan(&input);
    let results = Results::of(&input);
    let mut findings = Finder::new(&input, scan.began).findings();
    let waivers = waivers::apply(input.waivers, &mut findings, now, Calendar::HONG_KONG);
    let before = input.last.map(Before::of);
    if let Some(before) = &before {
        before.date(&mut findings, profile.due_days);
    }
    let score = scoring::score(&findings, &results.coverage, &profile.gate, now);
    let decision = gate::decide(&Grounds {
        findings: &findings,
        coverage: &results.coverage,
        coverage_percent: profile.gate.coverage_percent,
        unsettled_gates: results.unsettled_gates,
        out_of_sight: sight::out_of_sight(&input),
        sight: profile.gate.out_of_sight,
        complete: scan.complete,
    });
    let tool = tool(&input);
    let hosts = hosts(&input);
    let checks: Vec<CheckLine> = profile.chosen.iter().map(check_line).collect();
    let changes = before.map(|before| {
        let present = Present {
            input: &input,
            findings: &findings,
            checks: &checks,
            hosts: &hosts,
            tool: &tool,
            scan: &scan,
        };
        changes::changes(&before, &present)
    });
    Ok(Review {
        schema: REVIEW_SCHEMA.into(),
        made: now,
        changes,
        tool,
        scan,
        operator: Party {
            id: inventory.operator.id.clone(),
            name: inventory.operator.name.clone(),
            contact: inventory.operator.contact.clone(),
        },
        providers: inventory.providers.iter().map(party).collect(),
        systems: inventory.systems.iter().map(system).collect(),
        hosts,
        decision,
        grade: score.grade,
        burden: score.burden,
        scoring: scoring::rules(&profile.gate, profile.due_days),
        coverage: results.coverage,
        exposure: exposure::matrix(&input, &findings),
        findings,
        checks,
        controls: controls::lines(input.frameworks, profile, &results.tests),
        tests: results.tests,
        waivers,
        loosened: profile.loosened.clone(),
        refused: scan::refused(&input),
        authorisations: input.authorisations.to_vec(),
    })
}

fn comparable(input: &ReviewInput<'_>) -> Result<(), ReviewError> {
    let this = &input.inventory.operator.id;
    match input.last {
        Some(last) if last.operator.id != *this => {
            Err(ReviewError::LastOfAnother { last: last.operator.id.clone(), this: this.clone() })
        }
        _ => Ok(()),
    }
}

fn tool(input: &ReviewInput<'_>) -> Tool {
    Tool {
        version: input.version.to_owned(),
        profile: input.profile.name.clone(),
        profile_digest: input.profile.digest.to_string(),
        catalogue_digest: input.catalogue_digest.to_string(),
        packs: input.packs.to_vec(),
        plugins: plugins(input.opened),
    }
}

/// The plug-ins that the plan of the scan starts. What another version wrote there in another form is left out.
fn plugins(opened: &Opened) -> Vec<PluginLine> {
    let planned = |plugin: &Plugin| opened.plan.steps.iter().any(|step| step.probe == plugin.name);
    let read = opened.plugins.iter().filter_map(|one| serde_json::from_value(one.clone()).ok());
    let line = |plugin: Plugin| PluginLine {
        name: plugin.name,
        program: shown(&plugin.program.display().to_string()),
        sha256: plugin.sha256.to_string(),
    };
    read.filter(planned).map(line).collect()
}

fn party(provider: &crate::inventory::Provider) -> Party {
    Party {
        id: provider.id.clone(),
        name: provider.name.clone(),
        contact: provider.contact.clone(),
    }
}

fn system(system: &crate::inventory::System) -> SystemLine {
    SystemLine {
        id: system.id.clone(),
        purpose: system.purpose.clone(),
        provider: system.provider.clone(),
        personal_data: system.personal_data,
    }
}

/// The hosts that were to be judged, in the inventory's order.
fn hosts(input: &ReviewInput<'_>) -> Vec<HostLine> {
    let mut addresses = scan::addresses(input.rows);
    let judged: BTreeSet<_> = input.judgement.hosts.iter().collect();
    let declared_at = |host| match input.opened.declared_at.get(host) {
        Some((path, line)) => DeclaredAt { path: path.clone(), line: *line },
        None => DeclaredAt { path: String::new(), line: 0 },
    };
    let those = input.inventory.hosts.iter().filter(|host| judged.contains(&host.id));
    those
        .map(|host| HostLine {
            id: host.id.clone(),
            system: host.system.clone(),
            names: host.names.clone(),
            addresses: addresses.remove(&host.id).unwrap_or_default().into_iter().collect(),
            fragile: host.fragile,
            declared_at: declared_at(&host.id),
        })
        .collect()
}

/// A check as the profile uses it.
pub(super) fn check_line(chosen: &Chosen) -> CheckLine {
    let check = &chosen.check;
    CheckLine {
        id: check.id.clone(),
        revision: check.revision,
        title: check.title.clone(),
        severity: Severity::of(chosen.impact, chosen.likelihood, chosen.gate),
        gate: chosen.gate == Gate::Stops,
        why: check.why.clone(),
        fix: check.fix.iter().map(fix).collect(),
        refs: check.refs.clone(),
        asks: asks(chosen),
    }
}

/// A digest of what a check asks with the settings of a profile. Texts and levels are no part of the question.
fn asks(chosen: &Chosen) -> String {
    let Chosen { check, params, .. } = chosen;
    let mut parts = vec![check.revision.to_string()];
    parts.extend(check.conditions().into_iter().map(|(field, text)| format!("{field}: {text}")));
    let named = check.params.iter().zip(params);
    parts.extend(named.map(|(param, value)| format!("{}={value}", param.name)));
    Digest::of_parts(parts.iter().map(String::as_bytes)).to_string()
}

pub(super) fn fix(text: &FixText) -> Fix {
    Fix { text: text.text.clone(), product: text.product.clone(), code: text.code.clone() }
}
