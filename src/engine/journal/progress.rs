//! What a book taken up again has answered already: none of it is asked twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::net::parse_port_ranges;
use crate::model::observation::{Observation, Spot, StepId};
use crate::model::record::{End, Row};
use crate::model::saw::PortsSaw;

/// What is answered already. Empty for a new scan.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    ends: BTreeMap<(StepId, Spot), End>,
    seen: BTreeMap<StepId, BTreeMap<Spot, Vec<Observation>>>,
    complete: bool,
    dialled: bool,
}

impl Progress {
    /// What those rows answer. Transcripts are left out: only the journal needs them.
    pub fn of(rows: &[(u64, Row)]) -> Self {
        let mut progress = Self::default();
        for (_, row) in rows {
            match row {
                Row::Saw(saw) => progress.add(saw),
                Row::Done { step, spot, end } => {
                    progress.ends.insert((*step, spot.clone()), end.clone());
                }
                Row::Closed { complete, .. } => progress.complete = *complete,
                Row::Dial(_) | Row::Dials(_) | Row::Echo(_) => progress.dialled = true,
                Row::Opened(_) | Row::Began { .. } | Row::Refused { .. } => {}
            }
        }
        progress
    }

    fn add(&mut self, saw: &Observation) {
        let kept = Observation { transcript: Vec::new(), ..saw.clone() };
        let of_step = self.seen.entry(saw.step).or_default();
        of_step.entry(saw.spot.clone()).or_default().push(kept);
    }

    /// How the step ended on the spot; none when it is still to be asked.
    pub fn ended(&self, step: StepId, spot: &Spot) -> Option<&End> {
        self.ends.get(&(step, spot.clone()))
    }

    /// What the step saw at the spot so far, in the order in which it came; also where it has not ended.
    pub fn seen(&self, step: StepId, spot: &Spot) -> &[Observation] {
        self.seen.get(&step).and_then(|spots| spots.get(spot)).map_or(&[], Vec::as_slice)
    }

    /// Every spot at which the step saw something, with what it saw.
    pub fn seen_by(&self, step: StepId) -> impl Iterator<Item = (&Spot, &[Observation])> {
        let spots = self.seen.get(&step).into_iter().flatten();
        spots.map(|(spot, saw)| (spot, saw.as_slice()))
    }

    /// The ports of an address whose state a sweep has settled, also where it was cut short.
    pub fn ports_settled(&self, step: StepId, spot: &Spot) -> BTreeSet<u16> {
        let runs = self.seen(step, spot).iter().filter_map(|saw| {
            serde_json::from_value::<PortsSaw>(saw.saw.clone()).ok().map(|saw| saw.states)
        });
        runs.flatten().filter_map(|run| parse_port_ranges(&run.ports).ok()).flatten().collect()
    }

    /// How many steps have ended, counted once for each spot.
    pub fn ended_count(&self) -> usize {
        self.ends.len()
    }

    /// Whether anything was sent before.
    pub fn has_dialled(&self) -> bool {
        self.dialled
    }

    /// Whether the scan came to its end: nothing is left to ask.
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}
