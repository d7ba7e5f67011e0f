//! The tables of both tiers ([`hot`], [`cold`]) and the migrations that make them.

pub mod cold;
pub mod hot;
pub mod spread;
#[cfg(test)]
mod tests;

pub use crate::resources::conversations::tables::CONVERSATIONS;
pub use crate::resources::messages::tables::MESSAGES;
pub use crate::resources::posts::tables::{COMMENTS, LIKES, POSTS};
pub use crate::resources::stocks::tables::{PRICES, STOCKS};
pub use crate::resources::users::tables::USERS;
pub use thermocline_database::schema::*;

use crate::tier::Tier;
use crate::tier::migrate::{LiveSteps, Step, TierSchema};

/// The schema of the hot tier.
pub static HOT: TierSchema = TierSchema {
    tier: Tier::Hot,
    tables: &hot::TABLES,
    sqlite: HOT_SQLITE,
    postgres: HOT_POSTGRES,
    mssql: HOT_MSSQL,
    live: Some(LiveSteps { sqlite: LIVE_SQLITE, postgres: LIVE_POSTGRES, mssql: LIVE_MSSQL }),
};

/// The schema of the cold tier.
pub static COLD: TierSchema = TierSchema {
    tier: Tier::Cold,
    tables: &cold::TABLES,
    sqlite: COLD_SQLITE,
    postgres: COLD_POSTGRES,
    mssql: &[],
    live: None,
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
