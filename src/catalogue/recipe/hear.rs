//! When enough was heard: decided in one place, for sockets and for rehearsals alike.

use std::time::Duration;

/// How long a peer must keep still for `quiet`.
pub const QUIET: Duration = Duration::from_millis(300);

/// What is listened for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hear {
    /// What ends it.
    pub until: Until,
    /// How many bytes at most.
    pub most: usize,
    /// How long at most.
    pub patience: Duration,
}

/// What ends a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Until {
    /// These bytes, which belong to what is read.
    Said(Vec<u8>),
    /// So many bytes.
    Bytes(usize),
    /// The peer falls silent for [`QUIET`] after its first byte.
    Quiet,
    /// The peer closes.
    End,
    /// One datagram, whatever it holds.
    Datagram,
}

/// Whether enough was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enough {
    /// So many of the bytes are what was wanted; the rest belongs to the next read.
    Yes(usize),
    /// More is needed.
    NotYet,
    /// As many bytes came as are read at most, and what was wanted is not among them.
    TooMuch,
}

impl Hear {
    /// Whether what was heard so far is enough. Silence and closing are for the listener to notice.
    pub fn enough(&self, so_far: &[u8]) -> Enough {
        let within = so_far.get(..self.most).unwrap_or(so_far);
        match &self.until {
            Until::Said(end) => {
                let found = within.windows(end.len().max(1)).position(|part| part == end);
                match found {
                    Some(at) => Enough::Yes(at + end.len()),
                    None if so_far.len() >= self.most => Enough::TooMuch,
                    None => Enough::NotYet,
                }
            }
            Until::Bytes(wanted) if so_far.len() >= *wanted => Enough::Yes(*wanted),
            Until::Quiet | Until::End if so_far.len() >= self.most => Enough::TooMuch,
            Until::Bytes(_) | Until::Quiet | Until::End => Enough::NotYet,
            Until::Datagram => Enough::Yes(within.len()),
        }
    }
}
