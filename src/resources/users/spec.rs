//! The declaration of users.

use crate::resources::resource::{Import, Resource};
use crate::schema;

/// Users.
pub static USERS: Resource =
    Resource::new("users", &[&schema::USERS]).importing(&[Import::new("users", &schema::USERS)]);
