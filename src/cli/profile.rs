//! `postern profile`: lists and explains profiles.

use clap::Args;

use super::{Exit, Globals};

/// List and explain profiles
#[derive(Debug, Args)]
pub(crate) struct Profile {}

impl Profile {
    pub(crate) fn run(&self, _globals: &Globals) -> Exit {
        Exit::Untrustworthy
    }
}
