//! The family of prices: they move by day, and a corrected price closes the version it replaces.

use std::sync::LazyLock;

use super::prices::sql::queries;
use super::tables::PRICES;
use crate::archive::{Due, Family, Moved, Supersede};
use crate::page::Key;
use crate::tier::Value;

/// Prices.
pub static FAMILY: LazyLock<Family> = LazyLock::new(|| Family {
    resource: "prices",
    tables: vec![Moved::new(&PRICES, "id")],
    due: Due { pick: *queries::due(), count: *queries::due_count() },
    due_by_activity: None,
    by_day: true,
    key,
    blocks: None,
    supersede: Some(Supersede {
        statement: *queries::supersede(),
        in_hot: *queries::in_hot(),
        of: |row| (row[1].int(), row[2].time().micros()),
    }),
});

/// Returns the key of a row in the order of [`PRICES`].
fn key(row: &[Value]) -> Key {
    Key::new(row[2].time(), 0)
}
