//! Facts of the kind `tls`.

use super::ground::Ground;
use super::rows::{Lot, Row, Tools};
use crate::model::value::Kind;

/// The row.
pub(super) const ROW: Row =
    Row { name: "tls", revision: 1, needs: &["tls"], uses: &[], yields: "tls", derive };

fn derive(_ground: &Ground<'_>, _kind: &Kind, _tools: &mut Tools) -> Lot {
    Lot::default()
}
