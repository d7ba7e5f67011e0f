//! The comments of a post. They carry no epoch of their own: they move with their post.

use std::sync::LazyLock;

use super::tables::{COMMENTS, POSTS};
use crate::clock::Timestamp;
use crate::federation::List;
use crate::federation::sql::{ListSpec, ListStatements, SqlList};
use crate::page::{Key, ListId};
use crate::tier::{Record, TierError, Value};

/// One comment.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Comment {
    /// Its id, the same in both tiers.
    pub id: i64,
    /// The post it belongs to.
    pub post_id: i64,
    /// The user who wrote it.
    pub author_id: i64,
    /// Its text.
    pub body: String,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// The comments of one post.
#[derive(Clone, Copy, Debug)]
pub struct Comments {
    /// The post.
    pub post: i64,
}

pub(super) static STATEMENTS: LazyLock<ListStatements> = LazyLock::new(|| {
    let list = ListSpec::new("comments", "posts", &COMMENTS).filtered_by(&["post_id"]);
    list.moving_with(&POSTS).statements()
});

impl List for Comments {
    type Row = Comment;

    fn name(&self) -> &'static str {
        "comments"
    }

    fn resource(&self) -> &'static str {
        "posts"
    }

    fn id(&self) -> ListId {
        ListId::of(&["comments", &self.post.to_string()])
    }

    fn size(&self, row: &Comment) -> usize {
        size_of::<Comment>() + row.body.len()
    }

    fn key(&self, row: &Comment) -> Key {
        Key::new(row.created_at, row.id)
    }
}

impl SqlList for Comments {
    fn statements(&self) -> &'static ListStatements {
        &STATEMENTS
    }

    fn filter(&self) -> Vec<Value> {
        vec![self.post.into()]
    }

    fn read(&self, record: &Record) -> Result<Comment, TierError> {
        Ok(Comment {
            id: record.int("id")?,
            post_id: record.int("post_id")?,
            author_id: record.int("author_id")?,
            body: record.text("body")?,
            created_at: record.time("created_at")?,
        })
    }
}
