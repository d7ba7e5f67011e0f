//! The declaration of users.

use super::tables;
use crate::resources::resource::{Import, Resource};

/// Users.
pub static USERS: Resource =
    Resource::new("users", &[&tables::USERS]).importing(&[Import::new("users", &tables::USERS)]);
