//! Facts of the kind `service`.

use super::ground::Ground;
use super::rows::{Lot, Row, Tools};
use crate::model::value::Kind;

/// The row.
pub(super) const ROW: Row = Row {
    name: "service",
    revision: 1,
    needs: &["names", "tcp", "greeting"],
    uses: &["tls", "http"],
    yields: "service",
    derive,
};

fn derive(_ground: &Ground<'_>, _kind: &Kind, _tools: &mut Tools) -> Lot {
    Lot::default()
}
