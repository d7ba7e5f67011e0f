//! The declaration of posts.

use super::tables::{self, COMMENTS, LIKES};
use super::{ALL, BY_AUTHOR, archive, comments, http, sql};
use crate::import::Noun;
use crate::resources::resource::{Moves, Resource};

/// Posts as files hold them.
pub static POST_RECORDS: Noun = Noun::new("posts", &tables::POSTS).requires(&["created_at"]);
/// Comments as files hold them.
pub static COMMENT_RECORDS: Noun = Noun::new("comments", &COMMENTS).requires(&["created_at"]);
/// Likes as files hold them.
pub static LIKE_RECORDS: Noun = Noun::new("likes", &LIKES);

/// Posts move with their comments and likes.
pub static POSTS: Resource = Resource::new("posts", &[&tables::POSTS, &COMMENTS, &LIKES])
    .importing(&[&POST_RECORDS, &COMMENT_RECORDS, &LIKE_RECORDS])
    .in_cold(
        &[&tables::POSTS_ARCHIVE, &tables::COMMENTS_ARCHIVE, &tables::LIKES_ARCHIVE],
        &[&tables::POSTS_BLOCKS],
    )
    .listed(&[&ALL, &BY_AUTHOR, &comments::STATEMENTS])
    .querying(sql::queries::all)
    .routed(http::routes)
    .moving(Moves { family: || &archive::FAMILY, due_by_activity: true });
