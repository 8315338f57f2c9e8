//! The only sockets, clock and tasks: dials, resolves, paces, sweeps, drives and writes the journal.

pub mod journal;
