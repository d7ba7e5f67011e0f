//! The tables of the cold tier: the versions and blocks of the resources, and the journal.

use thermocline_core::journal_tables::{
    ADOPTION_REJECTS, ARCHIVE_ADOPTION, ARCHIVE_BATCHES, ERASURES_IN_COLD, archive_head,
};

use crate::resources::registry;
use crate::schema::Table;
use crate::tier::Tier;

static ARCHIVE_HEAD: Table = archive_head(&registry::MOVING_NAMES);

/// Every table of the cold tier.
pub static TABLES: [&Table; registry::count(Tier::Cold) + 5] = registry::tables(
    Tier::Cold,
    &[&ARCHIVE_HEAD, &ARCHIVE_BATCHES, &ERASURES_IN_COLD, &ARCHIVE_ADOPTION, &ADOPTION_REJECTS],
);
