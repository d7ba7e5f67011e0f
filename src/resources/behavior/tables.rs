//! The table of user behaviour.

use thermocline_core::archived::{FROM_EPOCH, RESOURCE};
use thermocline_core::table::{ColumnType, ID, StorageForm, Table, column, index, table};

/// `user_behavior_analytics`
pub const BEHAVIOR: Table = table(
    "user_behavior_analytics",
    &[
        ID,
        column("user_id", ColumnType::Int),
        column("action_type", ColumnType::Text).form(StorageForm::Length(50)),
        column("action_count", ColumnType::Int),
        column("analysis_date", ColumnType::Date),
        column("metadata", ColumnType::Text).form(StorageForm::Json).null(),
        column("created_at", ColumnType::Time),
        RESOURCE,
        FROM_EPOCH,
    ],
    "Counts of what users did, by day. Rows are deltas; their sum is the count.",
)
.key(&["user_id", "id"])
.indexes(&[
    index("user_behavior_analytics_user", &["user_id", "analysis_date DESC"], "a user's days"),
    index("user_behavior_analytics_batch", &["resource", "from_epoch"], "the rows of a batch, to undo it"),
]);
