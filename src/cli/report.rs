//! `postern report`: renders a review again, in another format or language.

use clap::Args;

use super::{Exit, Globals};

/// Render a saved review in another format or language
#[derive(Debug, Args)]
pub(crate) struct Report {}

impl Report {
    pub(crate) fn run(&self, _globals: &Globals) -> Exit {
        Exit::Untrustworthy
    }
}
