//! `postern validate`: reads files and says everything that is wrong with them.

use clap::Args;

use super::{Exit, Globals};

/// Read files and say everything that is wrong with them
#[derive(Debug, Args)]
pub(crate) struct Validate {}

impl Validate {
    pub(crate) fn run(&self, _globals: &Globals) -> Exit {
        Exit::Untrustworthy
    }
}
