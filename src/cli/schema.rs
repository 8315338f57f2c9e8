//! `postern schema`: prints the JSON Schema of a kind of file.

use clap::Args;

use super::{Exit, Globals};

/// Print the JSON Schema of a kind of file
#[derive(Debug, Args)]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn run(&self, _globals: &Globals) -> Exit {
        Exit::Untrustworthy
    }
}
