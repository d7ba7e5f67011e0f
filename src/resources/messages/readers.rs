//! Who may read which conversation.

use super::sql::queries;
use crate::tier::{Engine, Record, TierError, Value};
use crate::web::live::Readers;
use crate::web::state::App;

/// Returns the two users of a conversation; `None` if it does not exist.
pub async fn of(hot: &dyn Engine, conversation: i64) -> Result<Option<[Option<i64>; 2]>, TierError> {
    let records = hot.fetch(queries::participants(), &[conversation.into()]).await?;
    records.first().map(users).transpose()
}

/// Returns the users of conversations as hot has them, and keeps them in the cache.
pub async fn of_many(app: &App, conversations: &[i64]) -> Result<Readers, TierError> {
    let mut readers = Readers::with_capacity(conversations.len());
    let ids = Value::Ints(conversations.into());
    for record in app.hot().fetch(queries::participants_of_many(), &[ids]).await? {
        let (id, users) = (record.int("id")?, users(&record)?);
        app.participants().insert(id, users).await;
        readers.insert(id, users);
    }
    Ok(readers)
}

/// Returns the conversations of a user.
pub async fn conversations_of(hot: &dyn Engine, user: i64) -> Result<Vec<i64>, TierError> {
    let records = hot.fetch(queries::conversations_of(), &[user.into()]).await?;
    records.iter().map(|record| record.int("id")).collect()
}

fn users(record: &Record) -> Result<[Option<i64>; 2], TierError> {
    Ok([record.int_or_null("user1_id")?, record.int_or_null("user2_id")?])
}
