//! The tables of both tiers ([`hot`], [`cold`]) and the migrations that make them.

pub mod cold;
pub mod hot;
#[cfg(test)]
mod tests;

pub use hot::{COMMENTS, CONVERSATIONS, LIKES, MESSAGES, PLATFORM, POSTS, PRICES, STOCKS, USERS};
pub use thermocline_database::schema::*;

use crate::tier::Tier;
use crate::tier::migrate::{Step, TierSchema};

/// The schema of the hot tier.
pub static HOT: TierSchema =
    TierSchema { tier: Tier::Hot, tables: &hot::TABLES, sqlite: HOT_SQLITE, postgres: &[], mssql: HOT_MSSQL };

/// The schema of the cold tier.
pub static COLD: TierSchema = TierSchema {
    tier: Tier::Cold,
    tables: &cold::TABLES,
    sqlite: COLD_SQLITE,
    postgres: COLD_POSTGRES,
    mssql: &[],
};

/// Returns the schema of a tier.
pub const fn of(tier: Tier) -> &'static TierSchema {
    match tier {
        Tier::Hot => &HOT,
        Tier::Cold => &COLD,
    }
}

macro_rules! step {
    ($version:literal, $folder:literal, $file:literal) => {
        Step::new(
            $version,
            $file,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $folder, "/", $file, ".up.sql")),
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/migrations/",
                $folder,
                "/",
                $file,
                ".down.sql"
            )),
        )
    };
}

// A list for each folder of `migrations/`, written by `build.rs`.
include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// The resources that move, each with a row in `archive_state` and in `archive_head`.
const RESOURCES: &[&str] = &["messages", "posts", "prices"];
/// A resource's name.
const RESOURCE: Column = column("resource", Kind::Text).form(StorageForm::Code(20));

/// `archive_erasures`, the same in both tiers, so that no backup of one brings a row back.
const ERASURES: Table = table(
    "archive_erasures",
    &[RESOURCE, column("id", Kind::Int), column("reason", Kind::Text), column("at", Kind::Time)],
    "Rows that were erased: no move, import or recovery brings one back.",
)
.key(&["resource", "id"]);
