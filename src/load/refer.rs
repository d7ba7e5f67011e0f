//! What a row refers to: users, conversations and stocks are made when nobody has imported them yet, posts are not.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::rows::{column, insert, placeholder, reject};
use super::{Chunk, Loader, Verdict, distinct, read};
use crate::clock::Timestamp;
use crate::import::Noun;
use crate::schema::{self, Kind};
use crate::tier::{Statement, TierError, Value, cold_sql, hot_sql};

static USERS_KNOWN: LazyLock<Statement> = LazyLock::new(|| hot_sql!("users_known"));
static NAME_USER: LazyLock<Statement> = LazyLock::new(|| hot_sql!("name_user"));
static CONVERSATIONS_KNOWN: LazyLock<Statement> = LazyLock::new(|| hot_sql!("conversations_known"));
static CONVERSATION_ACTIVE: LazyLock<Statement> = LazyLock::new(|| hot_sql!("conversation_active"));
static STOCK_BY_SYMBOL: LazyLock<Statement> = LazyLock::new(|| hot_sql!("stock_by_symbol"));
static STOCK_BY_ID: LazyLock<Statement> = LazyLock::new(|| hot_sql!("stock_by_id"));
static COMPLETE_STOCK: LazyLock<Statement> = LazyLock::new(|| hot_sql!("complete_stock"));

static POSTS_HOT: LazyLock<Statement> = LazyLock::new(|| {
    hot_sql!("hot_by_id").with("{table}", "posts").with("{by}", "id").with("{columns}", "id")
});
static POSTS_COLD: LazyLock<Statement> = LazyLock::new(|| {
    cold_sql!("cold_by_id")
        .with("{table}", "posts_archive")
        .with("{by}", "original_id")
        .with("{columns}", "original_id AS id")
});

/// What the messages of a chunk say of a conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Activity {
    oldest: Timestamp,
    newest: Timestamp,
    /// Its two users, as far as they are known.
    users: [Option<i64>; 2],
}

impl Loader<'_> {
    /// Makes what `fresh` rows refer to, and rejects those that refer to what cannot be made.
    pub(super) async fn refer(
        &mut self,
        chunk: &mut Chunk<'_>,
        noun: Noun,
        fresh: &mut Vec<(usize, Vec<Value>)>,
        verdicts: &mut [Verdict],
    ) -> Result<(), TierError> {
        if noun == Noun::Comments {
            let posts = Posts::of(chunk, &column(fresh, 1)).await?;
            reject(fresh, verdicts, |row| posts.refuse(row[1].int()));
        }
        let users = match noun {
            Noun::Conversations => &[1, 2][..],
            Noun::Posts => &[1],
            Noun::Messages | Noun::Comments => &[2],
            _ => &[],
        };
        let users: HashSet<i64> = users.iter().flat_map(|place| column(fresh, *place)).collect();
        make_users(chunk, users).await?;
        if noun == Noun::Messages {
            self.make_conversations(chunk, fresh).await?;
        }
        Ok(())
    }

    /// Gives a user that was only referred to its name.
    pub(super) async fn name_user(&self, chunk: &mut Chunk<'_>, user: &[Value]) -> Result<(), TierError> {
        chunk.hot.execute(&NAME_USER, user).await.map(drop)
    }

    /// Notes who speaks in which conversation, in the order of the rows, and makes those that are not there.
    ///
    /// A conversation is the same whether its messages come in one run or, after a run that was cut, in several.
    async fn make_conversations(
        &mut self,
        chunk: &mut Chunk<'_>,
        messages: &[(usize, Vec<Value>)],
    ) -> Result<(), TierError> {
        self.active.clear();
        let mut known = HashMap::new();
        let ids = distinct(column(messages, 1).into_iter());
        for record in chunk.hot.fetch(&CONVERSATIONS_KNOWN, &[ids]).await? {
            let users = [Some(record.int("user1_id")?), record.int_or_null("user2_id")?];
            known.insert(record.int("id")?, users);
        }
        for (_, row) in messages {
            let (conversation, sender, at) = (row[1].int(), row[2].int(), row[4].time());
            let users = known.get(&conversation).copied().unwrap_or_default();
            let activity =
                self.active.entry(conversation).or_insert(Activity { oldest: at, newest: at, users });
            activity.oldest = activity.oldest.min(at);
            activity.newest = activity.newest.max(at);
            match &mut activity.users {
                [first @ None, _] => *first = Some(sender),
                [Some(first), second @ None] if *first != sender => *second = Some(sender),
                _ => {}
            }
        }
        let new = self.active.iter().filter(|(id, _)| !known.contains_key(id));
        let rows = new.map(|(id, activity)| {
            let [first, second] = activity.users.map(|user| Value::or_null(user, Kind::Int));
            (0, vec![(*id).into(), first, second, activity.oldest.into(), activity.newest.into()])
        });
        insert(chunk, &schema::CONVERSATIONS, rows.collect()).await
    }

    /// Brings the conversations of the messages just inserted up to date.
    pub(super) async fn touch_conversations(&mut self, chunk: &mut Chunk<'_>) -> Result<(), TierError> {
        for (id, Activity { oldest, newest, users: [_, second] }) in std::mem::take(&mut self.active) {
            let second = Value::or_null(second, Kind::Int);
            let params = [id.into(), second, oldest.into(), newest.into()];
            chunk.hot.execute(&CONVERSATION_ACTIVE, &params).await?;
        }
        Ok(())
    }

    /// A stock is its symbol: one that is there already is completed, and never contradicted.
    pub(super) async fn merge_stocks(
        &self,
        chunk: &mut Chunk<'_>,
        fresh: &mut Vec<(usize, Vec<Value>)>,
        verdicts: &mut [Verdict],
    ) -> Result<(), TierError> {
        let mut new: Vec<(usize, Vec<Value>)> = Vec::new();
        for (place, row) in std::mem::take(fresh) {
            let same_symbol = |other: &&(usize, Vec<Value>)| other.1[1] == row[1];
            let found = chunk.hot.fetch(&STOCK_BY_SYMBOL, &row[1..2]).await?;
            let Some(old) = read(&found, &schema::STOCKS)?.pop() else {
                match new.iter().find(same_symbol) {
                    None => new.push((place, row)),
                    Some((_, twin)) if twin[2..5] == row[2..5] => verdicts[place] = Verdict::Known,
                    Some(_) => {
                        verdicts[place] =
                            Verdict::Rejected("the symbol is in this file with other values".to_owned());
                    }
                }
                continue;
            };
            let null = Value::Null(Kind::Text);
            let columns = 2..5;
            let contradicts =
                columns.clone().find(|at| row[*at] != null && old[*at] != null && row[*at] != old[*at]);
            let other_id = !matches!(row[0], Value::Null(_)) && row[0] != old[0];
            verdicts[place] = if let Some(at) = contradicts {
                Verdict::Rejected(format!(
                    "the symbol is there already with another {}",
                    schema::STOCKS.columns[at].name
                ))
            } else if other_id {
                Verdict::Rejected(format!("the symbol is there already with id {}", old[0].int()))
            } else if columns.into_iter().any(|at| row[at] != null && old[at] == null) {
                let params =
                    [row[1].clone(), row[2].clone(), row[3].clone(), row[4].clone(), self.clock.now().into()];
                chunk.hot.execute(&COMPLETE_STOCK, &params).await?;
                Verdict::Corrected
            } else {
                Verdict::Known
            };
        }
        *fresh = new;
        Ok(())
    }

    /// The id of the stock with this symbol, which is made when it is not there.
    pub(super) async fn stock(
        &mut self,
        chunk: &mut Chunk<'_>,
        symbol: &str,
        name: Option<&str>,
    ) -> Result<i64, TierError> {
        if let Some(id) = self.stocks.get(symbol) {
            return Ok(*id);
        }
        let null = Value::Null(Kind::Text);
        let now = self.clock.now();
        let name = Value::or_null(name, Kind::Text);
        let mut found = read(&chunk.hot.fetch(&STOCK_BY_SYMBOL, &[symbol.into()]).await?, &schema::STOCKS)?;
        if let Some(old) = found.first() {
            if old[2] == null && name != null {
                let params = [symbol.into(), name, null.clone(), null, now.into()];
                chunk.hot.execute(&COMPLETE_STOCK, &params).await?;
            }
        } else {
            let new =
                vec![Value::Null(Kind::Int), symbol.into(), name, null.clone(), null, now.into(), now.into()];
            insert(chunk, &schema::STOCKS, vec![(0, new)]).await?;
            found = read(&chunk.hot.fetch(&STOCK_BY_SYMBOL, &[symbol.into()]).await?, &schema::STOCKS)?;
        }
        let id = found.first().map_or(0, |stock| stock[0].int());
        self.stocks.insert(symbol.to_owned(), id);
        Ok(id)
    }

    /// Whether there is a stock with this id.
    pub(super) async fn has_stock(&self, chunk: &mut Chunk<'_>, id: i64) -> Result<bool, TierError> {
        Ok(!chunk.hot.fetch(&STOCK_BY_ID, &[id.into()]).await?.is_empty())
    }
}

/// Makes the users that are not there, under a name that says so.
pub(super) async fn make_users(chunk: &mut Chunk<'_>, mut users: HashSet<i64>) -> Result<(), TierError> {
    if users.is_empty() {
        return Ok(());
    }
    for record in chunk.hot.fetch(&USERS_KNOWN, &[distinct(users.iter().copied())]).await? {
        users.remove(&record.int("id")?);
    }
    let rows = users
        .into_iter()
        .map(|id| (0, vec![id.into(), placeholder(id).as_str().into(), Value::Null(Kind::Text)]));
    insert(chunk, &schema::USERS, rows.collect()).await
}

/// Where the posts are that children of a chunk belong to.
pub(super) struct Posts {
    hot: HashSet<i64>,
    cold: HashSet<i64>,
}

impl Posts {
    pub(super) async fn of(chunk: &mut Chunk<'_>, ids: &HashSet<i64>) -> Result<Self, TierError> {
        let ids = distinct(ids.iter().copied());
        let set = |records: Vec<crate::tier::Record>| {
            records.iter().map(|record| record.int("id")).collect::<Result<HashSet<_>, _>>()
        };
        let hot = set(chunk.hot.fetch(&POSTS_HOT, std::slice::from_ref(&ids)).await?)?;
        let cold = match (chunk.cold, chunk.epoch) {
            (Some(cold), 1..) => set(cold.fetch(&POSTS_COLD, &[ids, chunk.epoch.into()]).await?)?,
            _ => HashSet::new(),
        };
        Ok(Self { hot, cold })
    }

    /// Why a child of this post cannot go in.
    pub(super) fn refuse(&self, post: i64) -> Option<String> {
        if self.hot.contains(&post) {
            None
        } else if self.cold.contains(&post) {
            Some(format!("post {post} is archived; `archive restore --post {post}` brings it back"))
        } else {
            Some(format!("there is no post {post}"))
        }
    }
}
