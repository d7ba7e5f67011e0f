//! The tables of the hot tier: those of the resources, which the platform owns, and those of the journal.

use thermocline_core::journal_tables::{ARCHIVE_REJECTS, ERASURES_IN_HOT, archive_control, archive_state};

use crate::resources::registry;
use crate::schema::Table;
use crate::tier::Tier;

static ARCHIVE_STATE: Table = archive_state(&registry::MOVING_NAMES);
static ARCHIVE_CONTROL: Table = archive_control(&registry::MOVING_NAMES);

/// Every table that the platform owns, parents before children.
pub static PLATFORM: [&Table; registry::count(Tier::Hot)] = registry::tables(Tier::Hot, &[]);

/// Every table of the hot tier, parents before children.
pub static TABLES: [&Table; registry::count(Tier::Hot) + 4] =
    registry::tables(Tier::Hot, &[&ARCHIVE_STATE, &ARCHIVE_REJECTS, &ERASURES_IN_HOT, &ARCHIVE_CONTROL]);
