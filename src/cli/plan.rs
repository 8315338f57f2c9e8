//! `postern plan`: prints every step that a scan would take, and why.

use clap::Args;

use super::{Exit, Globals};

/// Print every step that a scan would take, and why
#[derive(Debug, Args)]
pub(crate) struct PlanCommand {}

impl PlanCommand {
    pub(crate) fn run(&self, _globals: &Globals) -> Exit {
        Exit::Untrustworthy
    }
}
