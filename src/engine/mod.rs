//! The only sockets, clock and tasks: dials, resolves, paces, sweeps, drives and writes the journal.

pub mod drive;
pub mod journal;
pub mod pace;
mod world;

pub use drive::{Scan, run};
pub use world::{Budgets, Ended, Event, Standing, Stop, World};
