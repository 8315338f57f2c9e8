//! What a conversation came to, turn by turn: enough to write it down as a test that comes to the same.

use super::{DnsAnswer, EACH, Ending, Fetch, NONCE, Page, Until};

/// The word that stands in tests for the one that no server can know.
pub(super) const NOWHERE: &str = "nowhere";

/// A turn that was taken, and what came of it. A datagram that was sent again is told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Took {
    /// We said this.
    Said(Vec<u8>),
    /// We listened.
    Heard {
        /// What came.
        bytes: Vec<u8>,
        /// What was listened for.
        until: Until,
        /// What ended it, when that was not having enough.
        end: Option<Ending>,
    },
    /// We connected once more.
    Reconnected,
    /// There was no connection, or nothing could be said over it.
    Cut(Ending),
    /// We asked for a page.
    Fetched {
        /// The path, with a plain word in place of the one that no server can know.
        path: String,
        /// What came.
        page: Result<Page, Ending>,
    },
    /// We put a question to a DNS server.
    Told {
        /// The name that was asked for.
        name: String,
        /// What came.
        answer: Result<DnsAnswer, Ending>,
    },
}

impl Took {
    /// A request for a page, as a test would name it.
    pub(super) fn fetched(fetch: &Fetch, page: Result<&Page, Ending>) -> Self {
        debug_assert!(!fetch.path.contains(EACH), "each text of a list is a request of its own");
        Self::Fetched { path: fetch.path.replace(NONCE, NOWHERE), page: page.cloned() }
    }
}
