//! Likes, which are told apart by their user and post alone.

use std::collections::HashSet;

use super::identity::{cold_by_id, hot_by_id};
use super::refer::{Posts, make_users};
use super::row::Row;
use super::{Chunk, LoadError, Loader, Verdict, distinct};
use crate::import::{Noun, Record};
use crate::schema::LIKES;
use crate::tier::Statement;

/// Returns the statements that read likes by post, of hot and of cold.
pub(super) fn by_post() -> [Statement; 2] {
    [
        hot_by_id(LIKES.name, "post_id", &LIKES.names()),
        cold_by_id("likes_archive", "post_id", &LIKES.names_in_cold()),
    ]
}

impl Loader<'_> {
    pub(super) async fn likes(
        &mut self,
        chunk: &mut Chunk<'_>,
        noun: &Noun,
        records: Vec<Record>,
    ) -> Result<Vec<Verdict>, LoadError> {
        let now = self.clock.now();
        let rows: Vec<Row> = records.iter().map(|record| Row::of(record, now)).collect();
        let mut likes = Vec::with_capacity(rows.len());
        for row in &rows {
            likes.push((row.int("user_id")?, row.int("post_id")?));
        }
        let posts = distinct(likes.iter().map(|(_, post)| *post));
        let [hot, cold] = by_post();
        let (hot, cold) = chunk.both(&hot, Some(&cold), vec![posts]).await?;
        let mut known = HashSet::new();
        for answer in hot.iter().chain(&cold) {
            known.insert((answer.int("user_id")?, answer.int("post_id")?));
        }
        let erased = chunk.erased(noun, distinct(likes.iter().map(|(user, _)| *user))).await?;
        let posts = Posts::of(chunk, likes.iter().map(|(_, post)| *post)).await?;
        let (mut users, mut fresh) = (HashSet::new(), Vec::new());
        let mut verdicts = Vec::with_capacity(rows.len());
        for ((user, post), row) in likes.into_iter().zip(rows) {
            verdicts.push(if known.contains(&(user, post)) {
                Verdict::Known
            } else if erased.contains(&user) {
                Verdict::Rejected(format!("the likes of user {user} were erased"))
            } else if let Some(reason) = posts.reject_reason(post) {
                Verdict::Rejected(reason)
            } else {
                known.insert((user, post));
                users.insert(user);
                fresh.push(row);
                Verdict::Inserted
            });
        }
        make_users(chunk, users).await?;
        chunk.insert(&LIKES, fresh).await?;
        Ok(verdicts)
    }
}
