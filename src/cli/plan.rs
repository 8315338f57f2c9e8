//! `postern plan`: what a scan would send, why, how much at most and how long it takes, before anything is sent.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};

use super::further::Languages;
use super::given::Given;
use super::load::Loaded;
use super::stopped::Stopped;
use super::{Exit, Globals};
use crate::engine::wall_clock;
use crate::model::moment::Moment;
use crate::model::plan::Plan;
use crate::plan::letter;

/// Print every step of a scan, why and how much it sends
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern plan --inventory inventory.yaml --authorisation auth-2026-11.yaml
  postern plan --inventory inventory.yaml --profile dhc-vendor --format json

Nothing is sent. The text is meant for the vendor, who has to agree to it.")]
pub(crate) struct PlanCommand {
    #[command(flatten)]
    given: Given,
    /// A text to read, or JSON with every step.
    #[arg(long, value_name = "FORM", default_value = "text", env = "POSTERN_PLAN_FORMAT")]
    format: Form,
}

/// How a plan is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// To be read.
    Text,
    /// For programs.
    Json,
}

impl PlanCommand {
    pub(crate) fn run(&self, globals: &Globals) -> Exit {
        self.print(globals).unwrap_or_else(|stopped| stopped.tell(globals))
    }

    fn print(&self, globals: &Globals) -> Result<Exit, Stopped> {
        let now = wall_clock();
        let loaded = Loaded::read(&self.given, &Languages::default(), now)?;
        // A plan is what people are asked to sign: it shows what will be done once they have, and in the next window.
        let scope = loaded.once_signed();
        let at = scope.next_opening(now).unwrap_or(now);
        let plan = loaded.plan_within(&scope, now, at);
        let text = match self.format {
            Form::Text => {
                let probes: Vec<_> = loaded.probes.iter().collect();
                letter(&plan, &loaded.inventory, &probes, &about(&loaded, &plan))
            }
            Form::Json => serde_json::to_string_pretty(&plan).map_err(Stopped::ours)? + "\n",
        };
        super::conclude::to_stdout(text.as_bytes())?;
        Ok(refused(&loaded, globals))
    }
}

/// Whether a named target is covered by nothing: said, and then no scan begins.
pub(super) fn refused(loaded: &Loaded, globals: &Globals) -> Exit {
    let uncovered = loaded.uncovered();
    if uncovered.is_empty() {
        return Exit::Passed;
    }
    Stopped::Refused(uncovered).tell(globals)
}

/// The head of the letter: who, whose, by whose leave, when, from where, as whom.
fn about(loaded: &Loaded, plan: &Plan) -> Vec<(&'static str, String)> {
    let inventory = &loaded.inventory;
    let mut lines = vec![(
        "For",
        format!("{} ({})", inventory.operator.name.in_lang("en"), inventory.operator.id),
    )];
    for provider in &inventory.providers {
        lines.push(("About", format!("{} ({})", provider.name.in_lang("en"), provider.id)));
    }
    for leave in &loaded.authorisations {
        let mut text = format!("{}:", leave.id);
        for entitled in &leave.entitled {
            let _ = write!(text, " {} for {},", entitled.name, entitled.party);
        }
        for window in &leave.windows {
            let _ = write!(text, " from {} to {},", window.from.minute(), window.to.minute());
        }
        lines.push(("By leave of", text.trim_end_matches(',').to_owned()));
    }
    for id in loaded.unsigned() {
        lines.push(("Not yet", format!("{id} is not signed: nothing is sent before it is")));
    }
    let vantage = inventory.vantages.iter().find(|one| one.id == plan.vantage);
    let sources = vantage.map(|one| one.sources.clone()).unwrap_or_default();
    let declared = sources.iter().chain(loaded.authorisations.iter().flat_map(|one| &one.sources));
    let mut addresses: Vec<String> = declared.map(ToString::to_string).collect();
    addresses.sort();
    addresses.dedup();
    if addresses.is_empty() {
        addresses.push("addresses that are not declared".into());
    }
    lines.push(("From", format!("{}: {}", plan.vantage, addresses.join(", "))));
    lines.push(("As", names(loaded)));
    if !plan.resolvers.is_empty() {
        let all: Vec<String> = plan.resolvers.iter().map(ToString::to_string).collect();
        lines.push(("Asks resolvers", format!("{} (port 53 only)", all.join(", "))));
    }
    let checks = loaded.rulebook.profile.chosen.len();
    lines.push(("Profile", format!("{}, {checks} checks", plan.profile)));
    lines.push(("Made", Moment::minute(plan.made)));
    lines
}

/// How we make ourselves known.
fn names(loaded: &Loaded) -> String {
    let word = |key: &str| loaded.identity.get(key).map_or("", String::as_str);
    format!("User-Agent \"{}\", mail servers hear {}", word("user-agent"), word("ehlo-name"))
}
