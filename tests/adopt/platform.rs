//! A platform as its own models and its own archiver make it: hot with every row, and a PostgreSQL that the archiver fills.
//!
//! The archiver selects the rows older than 30 days, inserts those whose id the archive lacks, commits, and deletes them from
//! hot only if it has inserted any. It may die between the two commits, and two may run side by side.

use std::path::PathBuf;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};
use tempfile::TempDir;
use thermocline::clock::{Clock, DAY, Timestamp};

use crate::oracle::{Message, Oracle, Post};
use crate::program::Program;
use crate::support::postgres::{self, Database};

/// The archive as the platform's models make it.
pub const MODELS: &str = r"
CREATE TABLE messages_archive (
    id SERIAL PRIMARY KEY, original_id INTEGER, conversation_id INTEGER NOT NULL, sender_id INTEGER NOT NULL,
    content TEXT NOT NULL, created_at TIMESTAMP NOT NULL, archived_at TIMESTAMP DEFAULT now());
CREATE INDEX messages_archive_open ON messages_archive (conversation_id);
CREATE TABLE posts_archive (
    id SERIAL PRIMARY KEY, original_id INTEGER, author_id INTEGER NOT NULL, title VARCHAR(200) NOT NULL, body TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL, archived_at TIMESTAMP DEFAULT now());
CREATE TABLE stock_prices_history (
    id SERIAL PRIMARY KEY, stock_id INTEGER NOT NULL, trade_date DATE NOT NULL, open_price NUMERIC(10, 2),
    high_price NUMERIC(10, 2), low_price NUMERIC(10, 2), close_price NUMERIC(10, 2), change_amount NUMERIC(10, 2),
    volume BIGINT, turnover BIGINT, transaction_count INTEGER, created_at TIMESTAMP, archived_at TIMESTAMP DEFAULT now(),
    UNIQUE (stock_id, trade_date));
CREATE TABLE user_behavior_analytics (
    id SERIAL PRIMARY KEY, user_id INTEGER, action_type VARCHAR(50), action_count INTEGER, analysis_date DATE,
    metadata JSON, created_at TIMESTAMP);
";

/// A platform with everything it holds.
pub struct Platform {
    folder: TempDir,
    pub database: Database,
    pub program: Program,
    pub oracle: Oracle,
    /// The time around which its rows are.
    pub old: Timestamp,
}

/// The course of one run of the archiver.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Run {
    Whole,
    /// It dies between its two commits.
    Dies,
}

impl Platform {
    /// Makes an empty platform with the given models of its archive; `None` without a PostgreSQL.
    pub async fn empty(models: &str) -> Option<Self> {
        let database = postgres::database().await?;
        let folder = tempfile::tempdir().expect("a folder");
        let program = Program::new(&folder.path().join("hot.db"), &database);
        let platform = Self {
            folder,
            database,
            program,
            oracle: Oracle::default(),
            // A whole second, as the platform writes them.
            old: Timestamp::midnight(Clock::system().now().plus(-400 * DAY).date()),
        };
        platform.cold(models).await;
        let done = platform.program.run("db auto --tier hot");
        assert!(done.status.success(), "{}", crate::program::said(&done));
        platform
            .hot("INSERT INTO users (id, username) VALUES (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four');
                INSERT INTO conversations (id, user1_id, user2_id, created_at, updated_at)
                VALUES (1, 1, 2, 0, 0), (2, 2, 3, 0, 0), (3, 3, 4, 0, 0), (77, 1, 4, 0, 0);
                INSERT INTO stocks (id, symbol, name, created_at, updated_at) VALUES (1, '2330', 'a', 0, 0), (2, '0050', 'b', 0, 0)")
            .await;
        Some(platform)
    }

    /// Makes a platform with a past in which everything went wrong that can.
    pub async fn with_a_past() -> Option<Self> {
        let mut this = Self::empty(MODELS).await?;
        this.messages(1..=300, |id| 1 + id % 3).await;
        this.archive_messages(Run::Whole).await;
        // In both: it died, and the next run finds nothing to insert. Some were edited since.
        this.messages(301..=400, |id| 1 + id % 3).await;
        this.archive_messages(Run::Dies).await;
        this.archive_messages(Run::Whole).await;
        this.edit(391..=400).await;
        // Twice in the archive: two runs side by side, an edit between them.
        this.side_by_side(401..=420, 410).await;
        // A conversation that was deleted since.
        this.messages(421..=425, |_| 77).await;
        this.delete_archived(421..=425).await;
        this.hot("DELETE FROM conversations WHERE id = 77").await;
        this.recent(500..=520).await;
        this.posts().await;
        this.prices().await;
        this.activity().await;
        Some(this)
    }

    pub async fn hot(&self, sql: &str) {
        let mut hot = self.hot_connection().await;
        hot.execute(AssertSqlSafe(sql)).await.expect(sql);
        hot.close().await.expect("closes");
    }

    pub async fn hot_connection(&self) -> SqliteConnection {
        // The platform's archiver does not ask whether somebody refers to a row.
        let options = SqliteConnectOptions::new().filename(&self.program.hot).foreign_keys(false);
        SqliteConnection::connect_with(&options).await.expect("hot")
    }

    pub async fn cold(&self, sql: &str) {
        let mut cold = self.cold_connection().await;
        cold.execute(AssertSqlSafe(sql)).await.expect(sql);
        cold.close().await.expect("closes");
    }

    pub async fn cold_connection(&self) -> PgConnection {
        postgres::connect(&self.database).await
    }

    /// Returns a number that a query answers.
    pub async fn count(&self, sql: &str) -> i64 {
        let mut cold = self.cold_connection().await;
        let n: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut cold).await.expect(sql);
        cold.close().await.expect("closes");
        n
    }

    /// Copies the platform as it stands.
    pub async fn copy(&self) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let hot: PathBuf = folder.path().join("hot.db");
        let from = self.folder.path();
        for entry in std::fs::read_dir(from).expect("a folder") {
            let entry = entry.expect("an entry");
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("a copy");
        }
        let database = postgres::copy(&self.database).await;
        let program = Program::new(&hot, &database);
        Self { folder, database, program, oracle: self.oracle.clone(), old: self.old }
    }

    async fn messages(&mut self, ids: std::ops::RangeInclusive<i64>, conversation: impl Fn(i64) -> i64) {
        for id in ids {
            // Several share an instant.
            let at = self.old.plus(id / 3 * 60_000_000);
            self.write(id, conversation(id), &format!("message {id} 早安"), at).await;
        }
    }

    async fn recent(&mut self, ids: std::ops::RangeInclusive<i64>) {
        for id in ids {
            let at = self.old.plus(399 * DAY + id * 1_000_000);
            self.write(id, 1 + id % 3, &format!("recent {id}"), at).await;
        }
    }

    /// Writes a message into hot, as the platform does.
    pub async fn write(&mut self, id: i64, conversation: i64, content: &str, at: Timestamp) {
        let message =
            Message { conversation, sender: 1 + id % 4, content: content.to_owned(), at, is_read: false };
        self.hot(&insert(id, &message)).await;
        self.oracle.messages.insert(id, message);
    }

    async fn edit(&mut self, ids: std::ops::RangeInclusive<i64>) {
        for id in ids {
            self.hot(&format!("UPDATE messages SET content = 'edited {id}' WHERE id = {id}")).await;
            self.oracle.messages.get_mut(&id).expect("a message").content = format!("edited {id}");
        }
    }

    /// Runs the archiver of messages.
    pub async fn archive_messages(&mut self, run: Run) {
        let (mut hot, mut cold) = (self.hot_connection().await, self.cold_connection().await);
        let due = self.due(&mut hot).await;
        let known: Vec<i32> =
            sqlx::query_scalar("SELECT original_id FROM messages_archive WHERE original_id IS NOT NULL")
                .fetch_all(&mut cold)
                .await
                .expect("ids");
        let new: Vec<_> = due.iter().filter(|(id, _)| !known.contains(&(*id as i32))).cloned().collect();
        for (id, message) in &new {
            archive(&mut cold, *id, message, 1).await;
        }
        if run == Run::Whole && !new.is_empty() {
            for (id, _) in &due {
                hot.execute(AssertSqlSafe(format!("DELETE FROM messages WHERE id = {id}")))
                    .await
                    .expect("deleted");
                self.read(*id);
            }
        }
    }

    /// A row that left hot has lost whether it was read.
    fn read(&mut self, id: i64) {
        if let Some(message) = self.oracle.messages.get_mut(&id) {
            message.is_read = true;
        }
    }

    async fn due(&self, hot: &mut SqliteConnection) -> Vec<(i64, Message)> {
        let before = self.old.plus(300 * DAY).micros();
        let rows = sqlx::query("SELECT * FROM messages WHERE created_at < ? ORDER BY id")
            .bind(before)
            .fetch_all(hot)
            .await
            .expect("rows");
        rows.iter()
            .map(|row| {
                let at = Timestamp::from_micros(row.get("created_at")).expect("a time");
                let message = Message {
                    conversation: row.get("conversation_id"),
                    sender: row.get("sender_id"),
                    content: row.get("content"),
                    at,
                    is_read: false,
                };
                (row.get("id"), message)
            })
            .collect()
    }

    /// Two runs of the archiver select the same rows, and one of these is edited between them.
    async fn side_by_side(&mut self, ids: std::ops::RangeInclusive<i64>, edited: i64) {
        self.messages(ids.clone(), |id| 1 + id % 3).await;
        let (mut hot, mut cold) = (self.hot_connection().await, self.cold_connection().await);
        for run in 1..=2 {
            if run == 2 {
                self.edit(edited..=edited).await;
            }
            for (id, message) in self.due(&mut hot).await.iter().filter(|(id, _)| ids.contains(id)) {
                archive(&mut cold, *id, message, run).await;
            }
        }
        for id in ids {
            hot.execute(AssertSqlSafe(format!("DELETE FROM messages WHERE id = {id}")))
                .await
                .expect("deleted");
            self.read(id);
        }
    }

    async fn delete_archived(&mut self, ids: std::ops::RangeInclusive<i64>) {
        let (mut hot, mut cold) = (self.hot_connection().await, self.cold_connection().await);
        for (id, message) in self.due(&mut hot).await.iter().filter(|(id, _)| ids.contains(id)) {
            archive(&mut cold, *id, message, 1).await;
            hot.execute(AssertSqlSafe(format!("DELETE FROM messages WHERE id = {id}")))
                .await
                .expect("deleted");
            self.read(*id);
        }
    }

    /// Twenty posts with children: 15 are archived alone, 2 are in both tiers, one of these edited.
    async fn posts(&mut self) {
        for id in 1..=20 {
            let at = self.old.plus(id * 3_600_000_000);
            let at = if id > 17 { at.plus(399 * DAY) } else { at };
            let (micros, author) = (at.micros(), 1 + id % 4);
            self.hot(&format!(
                "INSERT INTO posts VALUES ({id}, {author}, 'title {id}', 'body {id}', {micros})"
            ))
            .await;
            let mut post = Post { author, title: format!("title {id}"), at, comments: 0, likes: 0 };
            for n in 0..id % 4 {
                let comment = id * 10 + n;
                self.hot(&format!(
                    "INSERT INTO comments VALUES ({comment}, {id}, 1, 'comment {comment}', {micros})"
                ))
                .await;
                post.comments += 1;
            }
            for user in 1..=id % 3 {
                self.hot(&format!("INSERT INTO likes (user_id, post_id) VALUES ({user}, {id})")).await;
                post.likes += 1;
            }
            if id <= 17 {
                self.cold(&format!(
                    "INSERT INTO posts_archive (original_id, author_id, title, body, created_at)
                    VALUES ({id}, {author}, 'title {id}', 'body {id}', timestamp 'epoch' + {micros} * interval '1 microsecond')"
                ))
                .await;
            }
            if id <= 15 {
                self.hot(&format!("DELETE FROM posts WHERE id = {id}")).await;
            }
            self.oracle.posts.insert(id, post);
        }
        self.hot("UPDATE posts SET title = 'edited' WHERE id = 17").await;
        "edited".clone_into(&mut self.oracle.posts.get_mut(&17).expect("a post").title);
        self.hot("INSERT INTO comments VALUES (9999, 9999, 1, 'nowhere', 0)").await;
    }

    /// Prices of two stocks; some days are in both tiers, one of these corrected; one stock is unknown to hot.
    async fn prices(&mut self) {
        for stock in [1, 2, 99] {
            for n in 0..40 {
                let day = self.old.plus(n * DAY).date();
                let price = format!("{}.25", 100 + n);
                self.cold(&format!(
                    "INSERT INTO stock_prices_history (stock_id, trade_date, close_price, volume, created_at)
                    VALUES ({stock}, '{day}', {price}, 1000, now())"
                ))
                .await;
                self.oracle.prices.insert((stock, day.to_string()), price);
            }
        }
        for n in 35..45 {
            let (day, price) =
                (self.old.plus(n * DAY), format!("{}.{}", 100 + n, if n == 36 { "75" } else { "25" }));
            self.hot(&format!(
                "INSERT INTO stock_prices (stock_id, trade_date, close_price, volume, created_at)
                VALUES (1, {}, '{price}', 1000, 0)",
                day.micros()
            ))
            .await;
            self.oracle.prices.insert((1, day.date().to_string()), price);
        }
    }

    /// Counts of the platform: of a day that ours has too, of an action that ours has not, and one counted twice.
    async fn activity(&mut self) {
        let day = self.old.date();
        self.cold(&format!(
            r#"INSERT INTO user_behavior_analytics (user_id, action_type, action_count, analysis_date, metadata, created_at)
            VALUES (1, 'chat', 5000, '{day}', '{{"by": "cron"}}', now()), (1, 'login', 3, '{day}', NULL, now()),
                (1, 'login', 3, '{day}', NULL, now()), (2, 'chat', 1, '{day}', NULL, now()),
                (NULL, 'chat', 1, '{day}', NULL, now()), (1, 'view', 7, '{day}', '{{"x": "\u0000"}}', now())"#
        ))
        .await;
        self.oracle.activity.insert((1, day.to_string(), "chat".to_owned()), 5000);
        self.oracle.activity.insert((1, day.to_string(), "login".to_owned()), 3);
    }
}

fn insert(id: i64, message: &Message) -> String {
    let Message { conversation, sender, content, at, .. } = message;
    format!("INSERT INTO messages VALUES ({id}, {conversation}, {sender}, '{content}', {}, 0)", at.micros())
}

async fn archive(cold: &mut PgConnection, id: i64, message: &Message, run: i64) {
    let Message { conversation, sender, content, at, .. } = message;
    let sql = format!(
        "INSERT INTO messages_archive (original_id, conversation_id, sender_id, content, created_at, archived_at)
        VALUES ({id}, {conversation}, {sender}, '{content}', timestamp 'epoch' + {} * interval '1 microsecond',
            timestamp '2026-01-01' + {run} * interval '1 second')",
        at.micros()
    );
    cold.execute(AssertSqlSafe(sql)).await.expect("archived");
}
