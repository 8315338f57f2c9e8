//! `postern scan`: scans, judges and writes the review.

use clap::Args;

use super::{Exit, Globals};

/// Scan, judge and write the review
#[derive(Debug, Args)]
pub(crate) struct Scan {}

impl Scan {
    pub(crate) fn run(&self, _globals: &Globals) -> Exit {
        Exit::Untrustworthy
    }
}
