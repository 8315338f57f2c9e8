//! Facts of the kind `http`.

use super::ground::Ground;
use super::rows::{Lot, Row, Tools};
use crate::model::value::Kind;

/// The row.
pub(super) const ROW: Row =
    Row { name: "http", revision: 1, needs: &["http"], uses: &[], yields: "http", derive };

fn derive(_ground: &Ground<'_>, _kind: &Kind, _tools: &mut Tools) -> Lot {
    Lot::default()
}
