//! The table of users.

use thermocline_core::table::{ID, Kind, StorageForm, Table, column, table};

/// `users`
pub const USERS: Table = table(
    "users",
    &[
        ID,
        column("username", Kind::Text).form(StorageForm::Length(200)),
        column("email", Kind::Text).form(StorageForm::Length(320)).null(),
    ],
    "The platform's users.",
);
