//! `postern init`: writes a commented inventory and authorisation.

use clap::Args;

use super::{Exit, Globals};

/// Write a commented inventory and authorisation to start from
#[derive(Debug, Args)]
pub(crate) struct Init {}

impl Init {
    pub(crate) fn run(&self, _globals: &Globals) -> Exit {
        Exit::Untrustworthy
    }
}
