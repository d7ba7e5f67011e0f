//! Users, who write and read everything else. They stay in hot.

use std::collections::HashMap;

use sql::queries;

use crate::tier::{Engine, TierError, Value};

pub mod http;
pub mod spec;
mod sql;
pub mod tables;

/// A user as others see them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct User {
    /// Their id.
    pub id: i64,
    /// Their name.
    pub username: String,
}

/// Returns the users with these ids, in the order of `ids`. Unknown ids are left out.
pub async fn by_ids(hot: &dyn Engine, ids: &[i64]) -> Result<Vec<User>, TierError> {
    let mut names = HashMap::with_capacity(ids.len());
    for record in hot.fetch(queries::by_ids(), &[Value::Ints(ids.into())]).await? {
        names.insert(record.int("id")?, record.text("username")?);
    }
    Ok(ids.iter().filter_map(|id| names.remove(id).map(|username| User { id: *id, username })).collect())
}
