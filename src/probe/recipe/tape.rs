//! A tape on which the conversations of a recipe are kept as they went, for writing them down as tests.

use std::sync::{Arc, Mutex, PoisonError};

use crate::catalogue::recipe::Took;
use crate::model::observation::Spot;

/// Conversations, each with its place. Clones write onto the same tape; nothing on it was cut, so that it goes nowhere but
/// to whoever cuts it.
#[derive(Clone, Debug, Default)]
pub struct Tape(Arc<Mutex<Vec<Conversation>>>);

/// What was said at a place, turn by turn.
pub type Conversation = (Spot, Vec<Took>);

impl Tape {
    /// Keeps a conversation.
    pub(super) fn keep(&self, spot: &Spot, turns: Vec<Took>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((spot.clone(), turns));
    }

    /// Everything so far, in the order in which it ended.
    pub fn conversations(&self) -> Vec<Conversation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
