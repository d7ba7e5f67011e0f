//! The tables of the cold tier: the versions and blocks of the resources, and the journal.

use thermocline_core::journal_tables::{ARCHIVE_BATCHES, ERASURES_IN_COLD, archive_head};

use crate::resources::registry::{self, Part};
use crate::schema::Table;

static ARCHIVE_HEAD: Table = archive_head(&registry::MOVING_NAMES);

/// Every table of the cold tier.
pub static TABLES: [&Table; registry::count(Part::Cold) + 3] =
    registry::tables(Part::Cold, &[&ARCHIVE_HEAD, &ARCHIVE_BATCHES, &ERASURES_IN_COLD]);
