//! Likes, which are told apart by their user and post alone.

use std::collections::HashSet;

use super::demands::Demands;
use super::identity::{cold_by_id, hot_by_id};
use super::nouns::LIKES;
use super::refer::{Posts, make_users};
use super::row::int;
use super::rows::reject;
use super::{Chunk, LoadError, Loader, Verdict, distinct};
use crate::import::Record;
use crate::schema;
use crate::tier::Statement;

/// Returns the statements that read likes by post, of hot and of cold.
pub(super) fn by_post() -> [Statement; 2] {
    let table = &schema::LIKES;
    let cold = cold_by_id("likes_archive", "post_id", &table.names_in_cold());
    [hot_by_id(table.name, "post_id", &table.names()), cold]
}

impl Loader<'_> {
    pub(super) async fn likes(
        &mut self,
        chunk: &mut Chunk<'_>,
        demands: &Demands,
        records: Vec<Record>,
    ) -> Result<Vec<Verdict>, LoadError> {
        let mut likes = Vec::with_capacity(records.len());
        for record in &records {
            likes.push((int(record, "user_id")?, int(record, "post_id")?));
        }
        let posts = distinct(likes.iter().map(|(_, post)| *post));
        let [hot, cold] = by_post();
        let (hot, cold) = chunk.both(&hot, Some(&cold), vec![posts]).await?;
        let mut known = HashSet::new();
        for answer in hot.iter().chain(&cold) {
            known.insert((answer.int("user_id")?, answer.int("post_id")?));
        }
        let erased = chunk.erased(&LIKES, distinct(likes.iter().map(|(user, _)| *user))).await?;
        let posts = Posts::of(chunk, likes.iter().map(|(_, post)| *post)).await?;
        let (mut users, mut fresh) = (HashSet::new(), Vec::new());
        let mut verdicts = Vec::with_capacity(records.len());
        for (position, ((user, post), record)) in likes.into_iter().zip(records).enumerate() {
            verdicts.push(if known.contains(&(user, post)) {
                Verdict::Known
            } else if erased.contains(&user) {
                Verdict::Rejected(format!("the likes of user {user} were erased"))
            } else if let Some(reason) = posts.reject_reason(post).or_else(|| demands.reject_reason(&record))
            {
                Verdict::Rejected(reason)
            } else {
                known.insert((user, post));
                users.insert(user);
                fresh.push((position, record));
                Verdict::Inserted
            });
        }
        let unknown = make_users(chunk, demands, users).await?;
        reject(&mut fresh, &mut verdicts, |row| {
            row.int("user_id").and_then(|user| unknown.get(&user).cloned())
        });
        chunk.insert(&LIKES, fresh.into_iter().map(|(_, record)| record)).await?;
        Ok(verdicts)
    }
}
