//! Why a command came to no result: said on stderr, with what to do, and turned into an exit code.

use std::fmt::Display;

use super::complain::complain;
use super::{Exit, Globals};
use crate::model::complaint::Complaint;
use crate::model::net::HostId;

/// So many hosts that nobody gave leave for are told one by one: a network that is searched may have hundreds.
const REFUSED_TOLD: usize = 5;

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// Yours: files or arguments with mistakes.
    Yours(Vec<Complaint>),
    /// The scope: hosts that no authorisation speaks of, each with the rule.
    Refused(Vec<(HostId, String)>),
    /// The scope: no packet may be sent now, and why.
    Closed(String),
    /// Ours, or the machine's: in words.
    Ours(String),
}

impl Stopped {
    /// Ours, in the words of an error.
    pub(crate) fn ours(wrong: impl Display) -> Self {
        Self::Ours(wrong.to_string())
    }

    /// One complaint about no file, with what to do.
    pub(crate) fn yours(title: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Yours(vec![Complaint::nowhere(title).help(help)])
    }

    /// Says it on stderr, and how the program ends.
    pub(crate) fn tell(&self, globals: &Globals) -> Exit {
        match self {
            Self::Yours(complaints) => {
                complain(globals, complaints);
                Exit::Untrustworthy
            }
            Self::Refused(hosts) => {
                let all = hosts.iter().take(REFUSED_TOLD).map(|(host, rule)| {
                    let title = format!("refused by scope: {host} was named, and nobody gave leave to scan it");
                    let one = Complaint::nowhere(title).label(rule.clone());
                    one.help(rule.clone()).help("have it authorised (--authorisation FILE; for hosts that you type, --authorised-by TEXT), or leave it out; nothing was sent")
                });
                let more = match hosts.len().saturating_sub(REFUSED_TOLD) {
                    0 => None,
                    1 => Some("refused by scope: one host more, in the same way".to_owned()),
                    more => Some(format!("refused by scope: {more} hosts more, in the same way")),
                };
                complain(globals, &all.chain(more.map(Complaint::nowhere)).collect::<Vec<_>>());
                Exit::Refused
            }
            Self::Closed(why) => {
                let one = Complaint::nowhere(format!("refused by scope: {why}"));
                complain(globals, &[one.help("nothing was sent")]);
                Exit::Refused
            }
            Self::Ours(words) => {
                complain(globals, &[Complaint::nowhere(words.clone())]);
                Exit::Untrustworthy
            }
        }
    }
}

impl From<Vec<Complaint>> for Stopped {
    fn from(complaints: Vec<Complaint>) -> Self {
        Self::Yours(complaints)
    }
}

impl From<String> for Stopped {
    fn from(words: String) -> Self {
        Self::Ours(words)
    }
}
