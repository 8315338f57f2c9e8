//! The only sockets, clock and tasks: dials, resolves, paces, sweeps, drives and writes the journal.

mod allowance;
mod dial;
mod doors;
pub mod drive;
mod examine;
mod gate;
pub mod journal;
pub mod pace;
mod post;
pub mod programs;
pub mod resolve;
mod settled;
mod world;

pub use drive::{Scan, run};
pub use examine::{Examining, Wish};
pub use world::{Budgets, Ended, Event, Standing, Stop, World, wall_clock};
