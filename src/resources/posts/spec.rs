//! The declaration of posts.

use super::{ALL, BY_AUTHOR, archive, comments, http, sql};
use crate::resources::resource::{Import, Moves, Resource};
use crate::schema::{self, COMMENTS, LIKES};

/// Posts move with their comments and likes.
pub static POSTS: Resource = Resource::new("posts", &[&schema::POSTS, &COMMENTS, &LIKES])
    .importing(&[
        Import::new("posts", &schema::POSTS),
        Import::new("comments", &COMMENTS),
        Import::new("likes", &LIKES),
    ])
    .listed(&[&ALL, &BY_AUTHOR, &comments::STATEMENTS])
    .querying(sql::queries::all)
    .routed(http::routes)
    .moving(Moves { family: || &archive::FAMILY, due_by_activity: true });
