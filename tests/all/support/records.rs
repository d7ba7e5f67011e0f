//! Records as an import file would hold them.

use thermocline::clock::Timestamp;
use thermocline::import::Record;
use thermocline::import::record::{Comment, Conversation, Like, Message, Post};

/// The instant a text means.
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|_| panic!("{text} is no time"))
}

/// A conversation, begun and last active at `when`.
pub fn conversation(id: i64, first: i64, second: Option<i64>, when: Timestamp) -> Record {
    Record::Conversation(Conversation {
        id: Some(id),
        user1_id: first,
        user2_id: second,
        created_at: Some(when),
        updated_at: Some(when),
    })
}

/// A message; every third one was read.
pub fn message(id: i64, conversation: i64, sender: i64, content: &str, created_at: Timestamp) -> Record {
    Record::Message(Message {
        id: Some(id),
        conversation_id: conversation,
        sender_id: sender,
        content: content.to_owned(),
        created_at,
        is_read: id % 3 == 0,
    })
}

/// A post.
pub fn post(id: i64, author: i64, body: &str, created_at: Timestamp) -> Record {
    Record::Post(Post {
        id: Some(id),
        author_id: author,
        title: format!("Post {id}"),
        body: body.to_owned(),
        created_at,
    })
}

/// A comment.
pub fn comment(id: i64, post: i64, author: i64, body: &str, created_at: Timestamp) -> Record {
    Record::Comment(Comment {
        id: Some(id),
        post_id: post,
        author_id: author,
        body: body.to_owned(),
        created_at,
    })
}

/// A like.
pub fn like(user: i64, post: i64) -> Record {
    Record::Like(Like { user_id: user, post_id: post })
}
