//! The members of a listed conversation beside its row: its users, its last message and the number of unread ones, from both
//! tiers at one epoch.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Conversation, sql};
use crate::federation::sql::{JointStatements, SqlList as _};
use crate::federation::{List as _, Placed, ReadError};
use crate::resources::messages::{Message, Messages};
use crate::resources::users::User;
use crate::tier::{Record, TierError, Value};
use crate::web::list::{Listing, Shown};
use crate::web::state::App;

/// Any list of messages: only its resource matters.
static MESSAGES: Messages = Messages::of(0);

pub(super) static STATEMENTS: LazyLock<JointStatements> = LazyLock::new(|| {
    JointStatements::new("messages", sql::queries::overview_hot(), sql::queries::overview_cold(), 2)
});

/// A conversation as its list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Conversation)]
pub struct ListedConversation {
    #[serde(flatten)]
    conversation: Conversation,
    /// Its users, the one who began it first.
    users: Vec<User>,
    /// The newest message; null when there is none.
    #[schema(required = true)]
    last_message: Option<Shown<Message>>,
    /// The number of messages of the other user that are not read.
    unread_count: i64,
}

/// The users, the last message and the unread count of one conversation, from the tiers that were read.
#[derive(Default)]
struct Overview {
    users: Vec<User>,
    last: Option<Placed<Message>>,
    unread: i64,
}

/// Adds the users, the last message and the unread count to each conversation of a page, for this user. With `partial`, hot alone
/// answers while cold is unavailable, and the page says so.
pub async fn complete(
    app: &App,
    user: i64,
    page: Listing<Conversation>,
    partial: bool,
) -> Result<Listing<ListedConversation>, ReadError> {
    let ids: Vec<i64> = page.rows.iter().map(|shown| shown.row().id).collect();
    let (mut overviews, is_partial) =
        if ids.is_empty() { (HashMap::new(), false) } else { read(app, user, ids, partial).await? };
    let mut page = page.map(|conversation| {
        let Overview { users, last, unread } = overviews.remove(&conversation.id).unwrap_or_default();
        let last_message = last.map(Shown::from);
        ListedConversation { conversation, users, last_message, unread_count: unread }
    });
    if is_partial {
        page.info.lacks_cold();
    }
    Ok(page)
}

async fn read(
    app: &App,
    user: i64,
    ids: Vec<i64>,
    partial: bool,
) -> Result<(HashMap<i64, Overview>, bool), ReadError> {
    let reader = app.reader();
    let params = [Value::Ints(ids.into()), user.into()];
    let answers = reader.joint(&MESSAGES, partial).ask(&STATEMENTS, &params).await?;
    let mut overviews: HashMap<i64, Overview> = HashMap::new();
    for record in &answers.hot {
        let Some(id) = record.int_or_null("conversation")? else { continue };
        let overview = overviews.entry(id).or_default();
        add(overview, record, false)?;
        for (id, name) in [("user1", "name1"), ("user2", "name2")] {
            if let Some(id) = record.int_or_null(id)? {
                overview.users.push(User { id, username: record.text(name)? });
            }
        }
    }
    for record in answers.cold.iter().flatten() {
        if let Some(id) = record.int_or_null("conversation")? {
            add(overviews.entry(id).or_default(), record, true)?;
        }
    }
    Ok((overviews, answers.is_partial))
}

/// Adds the last message and the unread count of one tier.
fn add(overview: &mut Overview, record: &Record, from_archive: bool) -> Result<(), TierError> {
    overview.unread += record.int("unread")?;
    if record.is_null("id")? {
        return Ok(());
    }
    let row = MESSAGES.read(record)?;
    // Late rows of hot are older than some of cold.
    if overview.last.as_ref().is_none_or(|last| MESSAGES.key(&last.row) < MESSAGES.key(&row)) {
        overview.last = Some(Placed { row, from_archive });
    }
    Ok(())
}
