//! Where a check has nothing to ask: its `when`, held against what is known so far.

use super::expr::{Env, Truth};
use super::{Check, Lookup};
use crate::model::outcome::Why;
use crate::model::value::Value;

impl Check {
    /// Why its recipe does not go to a subject, when what is known so far settles that its `when` does not hold there. As
    /// long as that is not settled, it goes.
    pub fn keeps_away<'a>(
        &'a self,
        params: &'a [Value],
        lookup: Lookup<'_, 'a>,
    ) -> Option<&'a Why> {
        let settled = self.when.as_ref()?.truth(&Env::new(params, lookup)) == Truth::False;
        settled.then_some(&self.not_when)
    }
}
