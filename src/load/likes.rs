//! Likes: told apart by their user and post alone.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::refer::{Posts, make_users};
use super::rows::{column, insert};
use super::{Chunk, Loader, Verdict, distinct, erased, read};
use crate::import::{Noun, Record};
use crate::schema;
use crate::tier::{Statement, TierError, Value, cold_sql, hot_sql};

static HOT: LazyLock<Statement> = LazyLock::new(|| {
    hot_sql!("hot_by_id")
        .with("{table}", "likes")
        .with("{by}", "post_id")
        .with("{columns}", &schema::LIKES.names())
});
static COLD: LazyLock<Statement> = LazyLock::new(|| {
    cold_sql!("cold_by_id")
        .with("{table}", "likes_archive")
        .with("{by}", "post_id")
        .with("{columns}", &schema::LIKES.names_in_cold())
});

impl Loader<'_> {
    pub(super) async fn likes(
        &mut self,
        chunk: &mut Chunk<'_>,
        records: Vec<Record>,
    ) -> Result<Vec<Verdict>, TierError> {
        let row = |record: &Record| match record {
            Record::Like(like) => vec![like.user_id.into(), like.post_id.into()],
            _ => Vec::new(),
        };
        let rows: Vec<(usize, Vec<Value>)> = records.iter().map(row).enumerate().collect();
        let posts = column(&rows, 1);
        let ids = distinct(posts.iter().copied());
        let mut known: HashSet<Vec<Value>> = HashSet::new();
        known.extend(read(&chunk.hot.fetch(&HOT, std::slice::from_ref(&ids)).await?, &schema::LIKES)?);
        if let (Some(cold), 1..) = (chunk.cold, chunk.epoch) {
            known.extend(read(&cold.fetch(&COLD, &[ids, chunk.epoch.into()]).await?, &schema::LIKES)?);
        }
        let erased = erased(chunk, Noun::Likes, &distinct(column(&rows, 0).into_iter())).await?;
        let posts = Posts::of(chunk, &posts).await?;
        let mut fresh = Vec::new();
        let mut verdicts = Vec::new();
        for (place, row) in rows {
            let verdict = if known.contains(&row) {
                Verdict::Known
            } else if erased.contains(&row[0].int()) {
                Verdict::Rejected(format!("the likes of user {} were erased", row[0].int()))
            } else if let Some(reason) = posts.refuse(row[1].int()) {
                Verdict::Rejected(reason)
            } else {
                known.insert(row.clone());
                fresh.push((place, row));
                Verdict::Inserted
            };
            verdicts.push(verdict);
        }
        make_users(chunk, column(&fresh, 0)).await?;
        insert(chunk, &schema::LIKES, fresh).await?;
        Ok(verdicts)
    }
}
