//! Drives a plan: hosts side by side, the steps of a host one after the other, each caught alone.

use std::sync::Arc;

use super::journal::{Journal, Progress};
use super::world::{Ended, Event, Stop, World};
use crate::model::plan::Plan;
use crate::probe::Probe;
use crate::scope::Scope;

/// What a scan is made of.
pub struct Scan {
    /// What to do.
    pub plan: Arc<Plan>,
    /// The probes that it names.
    pub probes: &'static [&'static Probe],
    /// What it may do.
    pub scope: Arc<Scope>,
    /// The world.
    pub world: World,
    /// What a resumed book has answered already; nothing for a new scan.
    pub already: Progress,
    /// Where every row goes. The head and the `Began` row stand in it already; `run` ends it with `Closed`.
    pub journal: Journal,
    /// The sign to stop.
    pub stop: Stop,
}

/// Carries a plan out.
pub async fn run(_scan: Scan, _tell: &mut (dyn FnMut(Event) + Send)) -> Ended {
    Ended {
        complete: false,
        why: Some("nothing is driven yet".into()),
        connections: 0,
        datagrams: 0,
    }
}
