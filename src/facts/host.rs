//! Facts of the kind `host`: what the inventory says of it, and from where it is looked at. No packet is needed.

use super::ground::Ground;
use super::rows::{Found, Lot, Row, Sheet, Tools};
use crate::inventory::VantageKind;
use crate::model::value::{Kind, Value};

/// From the inventory alone.
pub(super) const ROW: Row =
    Row { name: "host", revision: 2, needs: &[], uses: &[], yields: "host", derive };

fn derive(ground: &Ground<'_>, kind: &Kind, _: &mut Tools) -> Lot {
    let host = ground.host;
    let system = host.system.as_ref();
    let system = ground.inventory.systems.iter().find(|known| Some(&known.id) == system);
    let mut sheet = Sheet::new(kind);
    sheet
        .text("id", &host.id.0)
        .text("role", host.role.as_deref().unwrap_or(""))
        .flag("fragile", host.fragile)
        .flag("listed", !host.unlisted)
        .flag("personal_data", system.is_some_and(|system| system.personal_data))
        .flag("from_internet", ground.from.kind == VantageKind::Internet)
        .set("names", Value::list(host.names.iter().map(|name| Value::text(name.as_str()))));
    let place = ground.spot(None, None, None);
    Lot { found: vec![Found::at(&place, sheet.done(), Vec::new())], gap: None }
}
