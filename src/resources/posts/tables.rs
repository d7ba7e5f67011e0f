//! The tables of posts, comments and likes.

use thermocline_core::archived::{CLOSED, OPEN, batch_index, blocks, closed_index, original_index, versions};
use thermocline_core::table::{ColumnDefault, ColumnType, ID, StorageForm, Table, column, index, table};

/// `posts`, `posts_archive`
pub const POSTS: Table = table(
    "posts",
    &[
        ID,
        column("author_id", ColumnType::Int).of("users"),
        column("title", ColumnType::Text).form(StorageForm::Length(200)),
        column("body", ColumnType::Text),
        column("created_at", ColumnType::Time).default(ColumnDefault::Now),
    ],
    "Posts that have not been archived.",
)
.moves_to("posts_archive")
.indexes(&[
    index(
        "posts_key",
        &["created_at DESC", "id DESC"],
        "all posts; read backwards, the mover's scan for due rows",
    ),
    index("posts_author_key", &["author_id", "created_at DESC", "id DESC"], "an author's posts"),
]);

/// `comments`, `comments_archive`
pub const COMMENTS: Table = table(
    "comments",
    &[
        ID,
        column("post_id", ColumnType::Int).of("posts"),
        column("author_id", ColumnType::Int).of("users"),
        column("body", ColumnType::Text),
        column("created_at", ColumnType::Time).default(ColumnDefault::Now),
    ],
    "Comments on posts. They move with their post.",
)
.moves_to("comments_archive")
.indexes(&[index(
    "comments_key",
    &["post_id", "created_at DESC", "id DESC"],
    "a post's comments, and their count",
)]);

/// `likes`, `likes_archive`
pub const LIKES: Table = table(
    "likes",
    &[column("user_id", ColumnType::Int).of("users"), column("post_id", ColumnType::Int).of("posts")],
    "Likes of posts. They move with their post.",
)
.moves_to("likes_archive")
.key(&["post_id", "user_id"]);

/// `posts_archive`
pub const POSTS_ARCHIVE: Table = table(
    "posts_archive",
    &versions::<{ POSTS.columns.len() + 4 }>(POSTS.columns),
    "Versions of archived posts.",
)
.key(&["original_id", "id"])
.indexes(&[
    index("posts_archive_open", &["created_at DESC", "original_id DESC"], "all posts").only(OPEN),
    closed_index("posts_archive_closed"),
    index(
        "posts_archive_author_open",
        &["author_id", "created_at DESC", "original_id DESC"],
        "an author's posts",
    )
    .unique()
    .only(OPEN),
    original_index("posts_archive_original"),
    batch_index("posts_archive_batch"),
]);

/// `comments_archive`
pub const COMMENTS_ARCHIVE: Table = table(
    "comments_archive",
    &versions::<{ COMMENTS.columns.len() + 4 }>(COMMENTS.columns),
    "Versions of archived comments.",
)
.key(&["post_id", "id"])
.indexes(&[
    index("comments_archive_open", &["post_id", "created_at DESC", "original_id DESC"], "a post's comments")
        .unique()
        .only(OPEN),
    index(
        "comments_archive_closed",
        &["post_id", "created_at DESC", "original_id DESC"],
        "the same for closed versions",
    )
    .only(CLOSED),
    closed_index("comments_archive_closed_epoch"),
    original_index("comments_archive_original"),
    batch_index("comments_archive_batch"),
]);

/// `likes_archive`
pub const LIKES_ARCHIVE: Table = table(
    "likes_archive",
    &versions::<{ LIKES.columns.len() + 4 }>(LIKES.columns),
    "Versions of archived likes.",
)
.key(&["post_id", "id"])
.indexes(&[
    index("likes_archive_open", &["post_id", "user_id"], "the count of a post's likes").unique().only(OPEN),
    index("likes_archive_closed", &["post_id", "user_id"], "the same for closed versions").only(CLOSED),
    closed_index("likes_archive_closed_epoch"),
    batch_index("likes_archive_batch"),
]);

/// `posts_archive_blocks`
pub const POSTS_BLOCKS: Table = blocks("posts_archive_blocks", &[batch_index("posts_archive_blocks_batch")]);
