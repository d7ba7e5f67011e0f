//! The family of posts: they move with their comments and likes, and are counted all together and by author.

use std::sync::LazyLock;

use super::EVERY_AUTHOR;
use super::sql::queries;
use super::tables::{COMMENTS, LIKES, POSTS};
use crate::archive::{Blocks, Due, Family, Moved};
use crate::page::Key;
use crate::tier::Value;

/// Posts with their children.
pub static FAMILY: LazyLock<Family> = LazyLock::new(|| Family {
    resource: "posts",
    tables: vec![
        Moved::new(&LIKES, "post_id").written_by("user_id", "like"),
        Moved::new(&COMMENTS, "post_id").written_by("author_id", "comment"),
        Moved::new(&POSTS, "id").written_by("author_id", "post"),
    ],
    due: Due { pick: *queries::due(), count: *queries::due_count() },
    due_by_activity: Some(Due { pick: *queries::due_active(), count: *queries::due_count_active() }),
    by_day: false,
    key,
    blocks: Some(Blocks {
        table: "posts_archive_blocks",
        scopes: |row| vec![EVERY_AUTHOR, row[1].int()],
        // The smallest integer has no literal of its own.
        expressions: &["-9223372036854775807 - 1", "author_id"],
        keys: |scope| {
            if scope == EVERY_AUTHOR { queries::block_keys() } else { queries::block_keys_by_author() }
        },
        signatures: None,
    }),
    supersede: None,
});

/// Returns the key of a row in the order of [`POSTS`].
fn key(row: &[Value]) -> Key {
    Key::new(row[4].time(), row[0].int())
}
