//! `postern facts`: the table of facts that checks may speak of.

use clap::Args;

use super::{Exit, Globals};

/// Print the facts that checks may speak of, with their types
#[derive(Debug, Args)]
pub(crate) struct Facts {}

impl Facts {
    pub(crate) fn run(&self, _globals: &Globals) -> Exit {
        Exit::Untrustworthy
    }
}
