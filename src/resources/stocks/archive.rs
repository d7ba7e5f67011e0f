//! How prices move: by day; a corrected price closes the version it replaces.

use std::sync::LazyLock;

use crate::archive::family::Supersede;
use crate::archive::{Archived, Due, Family, Moved};
use crate::page::Key;
use crate::schema::PRICES;
use crate::tier::{Value, cold_sql, hot_sql};

/// Prices.
pub static FAMILY: LazyLock<Family> = LazyLock::new(|| Family {
    resource: "prices",
    tables: vec![Moved::new(&PRICES, "id")],
    due: Due { pick: hot_sql!("due"), count: hot_sql!("due_count") },
    due_by_activity: None,
    by_day: true,
    key,
    archived: Archived::new(&PRICES),
    blocks: None,
    supersede: Some(Supersede {
        statement: cold_sql!("supersede"),
        in_hot: hot_sql!("in_hot"),
        of: |row| (row[1].int(), row[2].time().micros()),
    }),
});

/// Of a row in the order of [`PRICES`].
fn key(row: &[Value]) -> Key {
    Key::new(row[2].time(), 0)
}
