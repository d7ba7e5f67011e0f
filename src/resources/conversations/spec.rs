//! The declaration of conversations.

use super::{STATEMENTS, http, tables};
use crate::resources::resource::{Import, Resource};

/// Conversations stay in hot.
pub static CONVERSATIONS: Resource = Resource::new("conversations", &[&tables::CONVERSATIONS])
    .importing(&[Import::new("conversations", &tables::CONVERSATIONS)])
    .listed(&[&STATEMENTS])
    .routed(http::routes);
