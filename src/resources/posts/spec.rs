//! The declaration of posts.

use super::tables::{self, COMMENTS, LIKES};
use super::{ALL, BY_AUTHOR, archive, comments, http, sql};
use crate::resources::resource::{Import, Moves, Resource};

/// Posts move with their comments and likes.
pub static POSTS: Resource = Resource::new("posts", &[&tables::POSTS, &COMMENTS, &LIKES])
    .importing(&[
        Import::new("posts", &tables::POSTS),
        Import::new("comments", &COMMENTS),
        Import::new("likes", &LIKES),
    ])
    .in_cold(
        &[&tables::POSTS_ARCHIVE, &tables::COMMENTS_ARCHIVE, &tables::LIKES_ARCHIVE],
        &[&tables::POSTS_BLOCKS],
    )
    .listed(&[&ALL, &BY_AUTHOR, &comments::STATEMENTS])
    .querying(sql::queries::all)
    .routed(http::routes)
    .moving(Moves { family: || &archive::FAMILY, due_by_activity: true });
