//! The declaration of users.

use super::{http, sql, tables};
use crate::import::Noun;
use crate::resources::resource::Resource;

/// Users as files hold them.
pub static USER_RECORDS: Noun = Noun::new("users", &tables::USERS).not_empty(&["username"]);

/// Users.
pub static USERS: Resource = Resource::new("users", &[&tables::USERS])
    .importing(&[&USER_RECORDS])
    .querying(sql::queries::all)
    .routed(http::routes);
