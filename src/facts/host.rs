//! Facts of the kind `host`.

use super::ground::Ground;
use super::rows::{Lot, Row, Tools};
use crate::model::value::Kind;

/// The row.
pub(super) const ROW: Row =
    Row { name: "host", revision: 1, needs: &["names", "tcp"], uses: &[], yields: "host", derive };

fn derive(_ground: &Ground<'_>, _kind: &Kind, _tools: &mut Tools) -> Lot {
    Lot::default()
}
