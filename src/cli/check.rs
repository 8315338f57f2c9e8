//! `postern check`: lists, tests and explains checks.

use clap::Args;

use super::{Exit, Globals};

/// List, test and explain checks
#[derive(Debug, Args)]
pub(crate) struct Check {}

impl Check {
    pub(crate) fn run(&self, _globals: &Globals) -> Exit {
        Exit::Untrustworthy
    }
}
