//! The declaration of conversations.

use super::{STATEMENTS, http, tables};
use crate::import::Noun;
use crate::resources::resource::Resource;

/// Conversations as files hold them.
pub static CONVERSATION_RECORDS: Noun = Noun::new("conversations", &tables::CONVERSATIONS);

/// Conversations stay in hot.
pub static CONVERSATIONS: Resource = Resource::new("conversations", &[&tables::CONVERSATIONS])
    .importing(&[&CONVERSATION_RECORDS])
    .listed(&[&STATEMENTS])
    .routed(http::routes);
