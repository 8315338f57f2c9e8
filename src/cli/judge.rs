//! `postern judge`: judges a saved book again, without a network.

use clap::Args;

use super::{Exit, Globals};

/// Judge a saved book again, without a network
#[derive(Debug, Args)]
pub(crate) struct Judge {}

impl Judge {
    pub(crate) fn run(&self, _globals: &Globals) -> Exit {
        Exit::Untrustworthy
    }
}
