//! One suite for every engine that can be the hot tier, and tests for servers only.

mod active_posts;
pub(crate) mod adoption;
mod archive;
mod control;
mod indexes;
mod restore;
mod server;
mod status_and_verify;
mod tls;
mod values;

use std::sync::Arc;

use thermocline::clock::Timestamp;
use thermocline::tier::{Begin, Engine, Statement, Value};

macro_rules! on_every_engine {
    ($engine:ident => $test:block) => {
        for $engine in $crate::support::hot_engines::HotEngine::all().await {
            println!("on {}", $engine.name);
            $test
            $engine.drop().await;
        }
    };
}
pub(crate) use on_every_engine;

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// Returns a statement whose text every dialect understands, apart from parameter names.
pub fn statement(text: &'static str) -> Statement {
    let named = format!("-- test\n{text}");
    let sqlite: &'static str = named.clone().leak();
    Statement::new(sqlite).postgres(named.replace('?', "$").leak()).mssql(named.replace('?', "@P").leak())
}

/// Inserts rows and commits.
pub async fn insert(
    hot: &Arc<dyn Engine>,
    table: &'static str,
    columns: &[&'static str],
    rows: &[Vec<Value>],
) {
    let mut session = hot.session().await.expect("a session");
    session.begin(Begin::Write).await.expect("begins");
    let inserted = session.insert(table, columns, rows).await.expect("inserts");
    assert_eq!(inserted, rows.len() as u64);
    session.commit().await.expect("commits");
}

pub const MESSAGES: [&str; 6] = ["id", "conversation_id", "sender_id", "content", "created_at", "is_read"];

pub fn message(id: i64, conversation: i64, text: &str, at: Timestamp) -> Vec<Value> {
    vec![id.into(), conversation.into(), (1 + id % 2).into(), text.into(), at.into(), (id % 3 == 0).into()]
}

/// Inserts two users and conversations 1 to 3 between them.
pub async fn people(hot: &Arc<dyn Engine>) {
    let user = |id: i64| vec![id.into(), format!("user{id}").as_str().into()];
    insert(hot, "users", &["id", "username"], &[user(1), user(2)]).await;
    let now: Value = at("2026-11-01").into();
    let talk = |id: i64| vec![id.into(), 1.into(), 2.into(), now.clone(), now.clone()];
    let columns = ["id", "user1_id", "user2_id", "created_at", "updated_at"];
    insert(hot, "conversations", &columns, &[talk(1), talk(2), talk(3)]).await;
}
