//! The rows that others refer to. Users and conversations are made when they were not imported yet; posts are not.

use std::collections::{HashMap, HashSet};

use super::demands::Demands;
use super::identity::{cold_by_id, hot_by_id};
use super::nouns;
use super::row::{int, pick, time};
use super::rows::{Fresh, reject};
use super::{Chunk, LoadError, Loader, Verdict, distinct, sql};
use crate::clock::Timestamp;
use crate::import::{Noun, Record};
use crate::schema;
use crate::tier::{self, Statement, TierError, Value};

fn users_by_id() -> Statement {
    hot_by_id(schema::USERS.name, "id", "id")
}

fn conversations_by_id() -> Statement {
    hot_by_id(schema::CONVERSATIONS.name, "id", "id, user1_id, user2_id")
}

fn posts_by_id() -> [Statement; 2] {
    let cold = cold_by_id("posts_archive", "original_id", "original_id AS id");
    [hot_by_id(schema::POSTS.name, "id", "id"), cold]
}

pub(super) fn statements() -> Vec<Statement> {
    let mut statements = vec![users_by_id(), conversations_by_id()];
    statements.extend(posts_by_id());
    statements
}

impl Loader<'_> {
    /// Makes the rows that `fresh` rows refer to, and rejects rows whose post does not exist. Returns what messages tell of
    /// their conversations.
    pub(super) async fn refer(
        &mut self,
        chunk: &mut Chunk<'_>,
        demands: &Demands,
        noun: &Noun,
        (fresh, verdicts): (&mut Vec<Fresh>, &mut [Verdict]),
    ) -> Result<Active, LoadError> {
        let columns = noun.table.columns.iter();
        let of = |table: &'static str| columns.clone().filter(move |column| column.references == Some(table));
        for column in of(schema::POSTS.name) {
            let posts = Posts::of(chunk, ints(fresh, column.name)).await?;
            reject(fresh, verdicts, |row| row.int(column.name).and_then(|post| posts.reject_reason(post)));
        }
        let users = of(schema::USERS.name).flat_map(|column| ints(fresh, column.name));
        let unknown = make_users(chunk, demands, users.collect()).await?;
        for column in of(schema::USERS.name) {
            reject(fresh, verdicts, |row| row.int(column.name).and_then(|user| unknown.get(&user).cloned()));
        }
        if noun.table.name == schema::MESSAGES.name {
            Active::make(chunk, demands, (fresh, verdicts)).await
        } else {
            Ok(Active::default())
        }
    }
}

/// Returns the integers in a column of some rows.
fn ints<'a>(rows: &'a [Fresh], column: &'a str) -> impl Iterator<Item = i64> + 'a {
    rows.iter().filter_map(move |(_, row)| row.int(column))
}

/// The name of a user that was only referred to so far.
fn placeholder(id: i64) -> String {
    format!("user{id}")
}

/// Returns whether a user was only referred to so far.
pub(super) fn is_placeholder(user: &Record, id: i64) -> bool {
    user.text("username") == Some(&placeholder(id)) && user.is_null("email")
}

/// Gives a user that was only referred to its name.
pub(super) async fn name_user(chunk: &mut Chunk<'_>, user: &Record) -> Result<(), TierError> {
    chunk.hot.execute(sql::name_user(), &pick(user, ["id", "username", "email"])).await.map(drop)
}

/// Makes the users that do not exist, with placeholders for their names. Returns those that cannot be made, each with the
/// reason.
pub(super) async fn make_users(
    chunk: &mut Chunk<'_>,
    demands: &Demands,
    mut users: HashSet<i64>,
) -> Result<HashMap<i64, String>, TierError> {
    let mut refused = HashMap::new();
    if users.is_empty() {
        return Ok(refused);
    }
    for answer in chunk.hot.fetch(&users_by_id(), &[distinct(users.iter().copied())]).await? {
        users.remove(&answer.int("id")?);
    }
    let mut rows = Vec::new();
    for id in users {
        let row = Record::new(&nouns::USERS).with("id", id).with("username", placeholder(id).as_str());
        match demands.refuse(&format!("user {id}"), &row) {
            None => rows.push(row),
            Some(reason) => {
                refused.insert(id, reason);
            }
        }
    }
    chunk.insert(&nouns::USERS, rows).await?;
    Ok(refused)
}

/// What the messages of a chunk tell of their conversations.
#[derive(Debug, Default)]
pub(super) struct Active(HashMap<i64, Activity>);

#[derive(Debug)]
struct Activity {
    oldest: Timestamp,
    newest: Timestamp,
    /// The two users of the conversation, as far as they are known.
    users: [Option<i64>; 2],
}

impl Active {
    /// Collects who writes in which conversation, in the order of the rows, and makes the conversations that do not exist.
    ///
    /// A conversation is the same whether its messages come in one run or, after an interrupted run, in several.
    async fn make(
        chunk: &mut Chunk<'_>,
        demands: &Demands,
        (messages, verdicts): (&mut Vec<Fresh>, &mut [Verdict]),
    ) -> Result<Self, LoadError> {
        let mut known = HashMap::new();
        let ids = distinct(ints(messages, "conversation_id"));
        for answer in chunk.hot.fetch(&conversations_by_id(), &[ids]).await? {
            let users = [Some(answer.int("user1_id")?), answer.int_or_null("user2_id")?];
            known.insert(answer.int("id")?, users);
        }
        let mut active: HashMap<i64, Activity> = HashMap::new();
        for (_, row) in messages.iter() {
            let (conversation, sender) = (int(row, "conversation_id")?, int(row, "sender_id")?);
            let at = time(row, "created_at")?;
            let users = known.get(&conversation).copied().unwrap_or_default();
            let activity = active.entry(conversation).or_insert(Activity { oldest: at, newest: at, users });
            activity.oldest = activity.oldest.min(at);
            activity.newest = activity.newest.max(at);
            match &mut activity.users {
                [first @ None, _] => *first = Some(sender),
                [Some(first), second @ None] if *first != sender => *second = Some(sender),
                _ => {}
            }
        }
        let new = active.iter().filter(|(id, _)| !known.contains_key(id));
        let rows = new.map(|(id, Activity { oldest, newest, users })| {
            let row = Record::new(&nouns::CONVERSATIONS)
                .with("id", *id)
                .with_optional("user1_id", users[0])
                .with_optional("user2_id", users[1])
                .with("created_at", *oldest)
                .with("updated_at", *newest);
            (*id, row)
        });
        let (mut made, mut refused) = (Vec::new(), HashMap::new());
        for (id, row) in rows {
            match demands.refuse(&format!("conversation {id}"), &row) {
                None => made.push(row),
                Some(reason) => {
                    refused.insert(id, reason);
                }
            }
        }
        chunk.insert(&nouns::CONVERSATIONS, made).await?;
        active.retain(|id, _| !refused.contains_key(id));
        reject(messages, verdicts, |row| {
            row.int("conversation_id").and_then(|conversation| refused.get(&conversation).cloned())
        });
        Ok(Self(active))
    }

    /// Brings the conversations of the inserted messages up to date.
    pub(super) async fn update(self, chunk: &mut Chunk<'_>) -> Result<(), TierError> {
        for (id, Activity { oldest, newest, users: [_, second] }) in self.0 {
            let params =
                [id.into(), Value::or_null(second, schema::ColumnType::Int), oldest.into(), newest.into()];
            chunk.hot.execute(sql::conversation_active(), &params).await?;
        }
        Ok(())
    }
}

/// Where the posts are that rows of a chunk belong to.
pub(super) struct Posts {
    hot: HashSet<i64>,
    cold: HashSet<i64>,
}

impl Posts {
    pub(super) async fn of(
        chunk: &mut Chunk<'_>,
        ids: impl IntoIterator<Item = i64>,
    ) -> Result<Self, TierError> {
        let [hot, cold] = posts_by_id();
        let (hot, cold) = chunk.both(&hot, Some(&cold), vec![distinct(ids)]).await?;
        let ids = |answers: Vec<tier::Record>| {
            answers.iter().map(|answer| answer.int("id")).collect::<Result<_, _>>()
        };
        Ok(Self { hot: ids(hot)?, cold: ids(cold)? })
    }

    /// Returns why a row of this post cannot go in.
    pub(super) fn reject_reason(&self, post: i64) -> Option<String> {
        if self.hot.contains(&post) {
            None
        } else if self.cold.contains(&post) {
            Some(format!("post {post} is archived; `archive restore --post {post}` brings it back"))
        } else {
            Some(format!("there is no post {post}"))
        }
    }
}
