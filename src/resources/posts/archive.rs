//! How posts move: with their comments and likes, counted all together and by author.

use std::sync::LazyLock;

use super::EVERY_AUTHOR;
use crate::archive::family::Blocks;
use crate::archive::{Archived, Due, Family, Moved};
use crate::page::Key;
use crate::schema::{COMMENTS, LIKES, POSTS};
use crate::tier::{Statement, Value, cold_sql, hot_sql};

/// Posts with their children.
pub static FAMILY: LazyLock<Family> = LazyLock::new(|| Family {
    resource: "posts",
    tables: vec![
        Moved::new(&LIKES, "post_id").written_by("user_id", "like"),
        Moved::new(&COMMENTS, "post_id").written_by("author_id", "comment"),
        Moved::new(&POSTS, "id").written_by("author_id", "post"),
    ],
    due: Due { pick: hot_sql!("due"), count: hot_sql!("due_count") },
    due_by_activity: Some(Due { pick: hot_sql!("due_active"), count: hot_sql!("due_count_active") }),
    by_day: false,
    key,
    archived: Archived::new(&POSTS),
    blocks: Some(Blocks::new(
        "posts_archive_blocks",
        |row| vec![EVERY_AUTHOR, row[1].int()],
        |scope| if scope == EVERY_AUTHOR { &BLOCK_KEYS } else { &BLOCK_KEYS_BY_AUTHOR },
    )),
    supersede: None,
});

static BLOCK_KEYS: LazyLock<Statement> = LazyLock::new(|| cold_sql!("block_keys"));
static BLOCK_KEYS_BY_AUTHOR: LazyLock<Statement> = LazyLock::new(|| cold_sql!("block_keys_by_author"));

/// Of a row in the order of [`POSTS`].
fn key(row: &[Value]) -> Key {
    Key::new(row[4].time(), row[0].int())
}
