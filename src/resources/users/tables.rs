//! The table of users.

use thermocline_core::table::{ColumnType, ID, StorageForm, Table, column, table};

/// `users`
pub const USERS: Table = table(
    "users",
    &[
        ID,
        column("username", ColumnType::Text).form(StorageForm::Length(200)),
        column("email", ColumnType::Text).form(StorageForm::Length(320)).null(),
    ],
    "The platform's users.",
);
