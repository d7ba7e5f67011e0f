//! Posts, and the comments and likes that move with them.

use std::sync::LazyLock;

use self::tables::{COMMENTS, LIKES, POSTS};
use crate::clock::Timestamp;
use crate::federation::List;
use crate::federation::sql::{Children, ListSpec, ListStatements, SqlList};
use crate::page::{Key, ListId};
use crate::tier::{Record, TierError, Value};

pub mod archive;
pub mod comments;
pub mod http;
pub mod spec;
mod sql;
pub mod tables;

/// The block scope of the list of every post; the posts of an author are counted under the author's id.
pub const EVERY_AUTHOR: i64 = i64::MIN;

/// One post.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Post {
    /// Its id, the same in both tiers.
    pub id: i64,
    /// The user who wrote it.
    pub author_id: i64,
    /// Its title, 200 characters at most.
    pub title: String,
    /// Its text.
    pub body: String,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// How many comments it has.
    pub comment_count: i64,
    /// How many users like it.
    pub like_count: i64,
}

/// Every post, or those of one author.
#[derive(Clone, Copy, Debug)]
pub struct Posts {
    /// Only the posts of this user.
    pub author: Option<i64>,
}

const CHILDREN: [Children; 2] = [
    Children { column: "comment_count", table: &COMMENTS, owner: "post_id" },
    Children { column: "like_count", table: &LIKES, owner: "post_id" },
];

/// Every post.
static ALL: LazyLock<ListStatements> = LazyLock::new(|| {
    let list = ListSpec::new("posts", "posts", &POSTS).with_children(&CHILDREN);
    list.counted_in("posts_archive_blocks").scattered().statements()
});

/// The posts of an author.
static BY_AUTHOR: LazyLock<ListStatements> = LazyLock::new(|| {
    let list = ListSpec::new("posts_by_author", "posts", &POSTS).filtered_by(&["author_id"]);
    list.with_children(&CHILDREN).counted_in("posts_archive_blocks").scattered().statements()
});

impl List for Posts {
    type Row = Post;

    fn name(&self) -> &'static str {
        "posts"
    }

    fn resource(&self) -> &'static str {
        "posts"
    }

    fn id(&self) -> ListId {
        match self.author {
            None => ListId::of(&["posts"]),
            Some(author) => ListId::of(&["posts", &author.to_string()]),
        }
    }

    fn size(&self, row: &Post) -> usize {
        size_of::<Post>() + row.title.len() + row.body.len()
    }

    fn key(&self, row: &Post) -> Key {
        Key::new(row.created_at, row.id)
    }
}

impl SqlList for Posts {
    fn statements(&self) -> &'static ListStatements {
        if self.author.is_some() { &BY_AUTHOR } else { &ALL }
    }

    fn filter(&self) -> Vec<Value> {
        self.author.map(Value::from).into_iter().collect()
    }

    fn scope(&self) -> Option<i64> {
        Some(self.author.unwrap_or(EVERY_AUTHOR))
    }

    fn read(&self, record: &Record) -> Result<Post, TierError> {
        Ok(Post {
            id: record.int("id")?,
            author_id: record.int("author_id")?,
            title: record.text("title")?,
            body: record.text("body")?,
            created_at: record.time("created_at")?,
            comment_count: record.int("comment_count")?,
            like_count: record.int("like_count")?,
        })
    }
}
