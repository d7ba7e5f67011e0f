//! The declaration of conversations.

use super::{STATEMENTS, http};
use crate::resources::resource::{Import, Resource};
use crate::schema;

/// Conversations stay in hot.
pub static CONVERSATIONS: Resource = Resource::new("conversations", &[&schema::CONVERSATIONS])
    .importing(&[Import::new("conversations", &schema::CONVERSATIONS)])
    .listed(&[&STATEMENTS])
    .routed(http::routes);
