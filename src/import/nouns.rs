//! The tables of the platform that can be imported.

use super::noun::{Noun, Parent};
use crate::schema;

/// `users`
pub static USERS: Noun = Noun::new("users", &schema::USERS).not_empty(&["username"]);
/// `conversations`
pub static CONVERSATIONS: Noun = Noun::new("conversations", &schema::CONVERSATIONS);
/// `messages`
pub static MESSAGES: Noun = Noun::new("messages", &schema::MESSAGES).requires(&["created_at"]);
/// `posts`
pub static POSTS: Noun = Noun::new("posts", &schema::POSTS).requires(&["created_at"]);
/// `comments`
pub static COMMENTS: Noun = Noun::new("comments", &schema::COMMENTS).requires(&["created_at"]);
/// `likes`
pub static LIKES: Noun = Noun::new("likes", &schema::LIKES);
/// `stocks`
pub static STOCKS: Noun = Noun::new("stocks", &schema::STOCKS);
/// `stock_prices`
pub static PRICES: Noun = Noun::new("prices", &schema::PRICES)
    .parent(Parent { id: "stock_id", table: &schema::STOCKS, key: "symbol", also: &["name"] })
    .with_exchange_files();

/// Every noun, parents before children.
pub static ALL: [&Noun; 8] = [&USERS, &CONVERSATIONS, &MESSAGES, &POSTS, &COMMENTS, &LIKES, &STOCKS, &PRICES];

/// Returns the noun of this name.
pub fn named(name: &str) -> Option<&'static Noun> {
    ALL.into_iter().find(|noun| noun.name == name)
}
