//! The declaration of conversations.

use super::{BY_ACTIVITY, BY_BEGIN, http, overview, tables};
use crate::import::Noun;
use crate::resources::resource::Resource;
use crate::tier::Statement;

/// Conversations as files hold them.
pub static CONVERSATION_RECORDS: Noun = Noun::new("conversations", &tables::CONVERSATIONS);

/// Conversations stay in hot.
pub static CONVERSATIONS: Resource = Resource::new("conversations", &[&tables::CONVERSATIONS])
    .importing(&[&CONVERSATION_RECORDS])
    .listed(&[&BY_ACTIVITY, &BY_BEGIN])
    .querying(questions)
    .routed(http::routes);

/// Returns the statements of the list beside its pages.
fn questions() -> Vec<&'static Statement> {
    overview::STATEMENTS.all().into()
}
