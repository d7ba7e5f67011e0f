//! A platform as its own models and its own archiver make it: hot with every row, and a PostgreSQL that the archiver fills.
//!
//! The archiver selects the rows older than 30 days, inserts those whose id the archive lacks, commits, and deletes them from
//! hot only if it has inserted any. It may die between the two commits, and two may run side by side.

use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;
use thermocline::clock::{Clock, DAY, Timestamp};

use crate::hot::Hot;
use crate::hot::Sql::{At, Bit, Day, Int, Text};
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
    pub hot: Hot,
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
        let folder = tempfile::tempdir().expect("a folder");
        let hot = Hot::File(folder.path().join("hot.db"));
        let platform = Self::beside(folder, hot, models).await?;
        let done = platform.program.run("db auto --tier hot");
        assert!(done.status.success(), "{}", crate::program::said(&done));
        platform.first_rows().await;
        Some(platform)
    }

    /// The same on a server that speaks TDS, where the platform's hot tables are its own too.
    async fn on_a_server() -> Option<Self> {
        let hot = Hot::on_a_server().await?;
        let platform = Self::beside(tempfile::tempdir().expect("a folder"), hot, MODELS).await?;
        platform.first_rows().await;
        Some(platform)
    }

    /// The same with both tiers on PostgreSQL.
    async fn on_postgres() -> Option<Self> {
        let hot = Hot::on_postgres().await?;
        let platform = Self::beside(tempfile::tempdir().expect("a folder"), hot, MODELS).await?;
        platform.first_rows().await;
        Some(platform)
    }

    async fn beside(folder: TempDir, hot: Hot, models: &str) -> Option<Self> {
        let database = postgres::database().await?;
        let program = Program::new(&hot.url(), &database);
        let platform = Self {
            folder,
            hot,
            database,
            program,
            oracle: Oracle::default(),
            // A whole second, as the platform writes them.
            old: Timestamp::midnight(Clock::system().now().plus(-400 * DAY).date()),
        };
        platform.cold(models).await;
        Some(platform)
    }

    /// Makes the users, conversations and stocks.
    async fn first_rows(&self) {
        let (at, mut all) = (self.old, Vec::new());
        for (id, name) in (1..).zip(["one", "two", "three", "four"]) {
            let user = [
                ("id", Int(id)),
                ("username", Text(name)),
                ("email", Text(name)),
                ("password_hash", Text("x")),
            ];
            let columns = if matches!(self.hot, Hot::File(_)) { 3 } else { 4 };
            all.push(self.hot.insert("users", &user[..columns]));
        }
        let times = [("created_at", At(at)), ("updated_at", At(at))];
        for (id, one, other) in [(1, 1, 2), (2, 2, 3), (3, 3, 4), (77, 1, 4)] {
            let row = [("id", Int(id)), ("user1_id", Int(one)), ("user2_id", Int(other))];
            all.push(self.hot.insert("conversations", &[&row[..], &times].concat()));
        }
        for (id, symbol, name) in [(1, "2330", "a"), (2, "0050", "b")] {
            let row = [("id", Int(id)), ("symbol", Text(symbol)), ("name", Text(name))];
            all.push(self.hot.insert("stocks", &[&row[..], &times].concat()));
        }
        self.hot.execute(&all).await;
    }

    /// Makes a platform with a past in which everything went wrong that can.
    pub async fn with_a_past() -> Option<Self> {
        Some(Self::empty(MODELS).await?.in_the_past().await)
    }

    /// The same on a server that speaks TDS; `None` without one.
    pub async fn with_a_past_on_a_server() -> Option<Self> {
        Some(Self::on_a_server().await?.in_the_past().await)
    }

    /// The same with both tiers on PostgreSQL.
    pub async fn with_a_past_on_postgres() -> Option<Self> {
        Some(Self::on_postgres().await?.in_the_past().await)
    }

    async fn in_the_past(self) -> Self {
        let mut this = self;
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
        this
    }

    pub async fn hot(&self, sql: &str) {
        self.hot.execute(&[sql.to_owned()]).await;
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
        let hot = Hot::File(folder.path().join("hot.db"));
        let from = self.folder.path();
        for entry in std::fs::read_dir(from).expect("a folder") {
            let entry = entry.expect("an entry");
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("a copy");
        }
        let database = postgres::copy(&self.database).await;
        let program = Program::new(&hot.url(), &database);
        Self { folder, hot, database, program, oracle: self.oracle.clone(), old: self.old }
    }

    /// Returns the path of a file of this platform.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Backs hot up.
    pub async fn back_up_hot(&self) -> PathBuf {
        let backup = self.folder.path().join("backup");
        self.hot(&format!("VACUUM INTO '{}'", backup.display())).await;
        backup
    }

    /// Restores hot from a backup.
    pub fn restore_hot(&self, backup: &Path) {
        for name in ["hot.db-wal", "hot.db-shm"] {
            let _ = std::fs::remove_file(self.folder.path().join(name));
        }
        std::fs::copy(backup, self.file("hot.db")).expect("a backup");
    }

    async fn messages(&mut self, ids: std::ops::RangeInclusive<i64>, conversation: impl Fn(i64) -> i64) {
        // Several share an instant.
        let at = |id| self.old.plus(id / 3 * 60_000_000);
        let all = ids.map(|id| (id, conversation(id), format!("message {id} 早安"), at(id))).collect();
        self.write_all(all).await;
    }

    async fn recent(&mut self, ids: std::ops::RangeInclusive<i64>) {
        let at = |id| self.old.plus(399 * DAY + id * 1_000_000);
        let all = ids.map(|id| (id, 1 + id % 3, format!("recent {id}"), at(id))).collect();
        self.write_all(all).await;
    }

    /// Writes a message into hot, as the platform does.
    pub async fn write(&mut self, id: i64, conversation: i64, content: &str, at: Timestamp) {
        self.write_all(vec![(id, conversation, content.to_owned(), at)]).await;
    }

    async fn write_all(&mut self, all: Vec<(i64, i64, String, Timestamp)>) {
        let mut texts = Vec::new();
        for (id, conversation, content, at) in all {
            let message = Message { conversation, sender: 1 + id % 4, content, at, is_read: false };
            texts.push(self.insert_text(id, &message));
            self.oracle.messages.insert(id, message);
        }
        self.hot.execute(&texts).await;
    }

    /// Puts a message into hot that the oracle knows, or is not to know.
    pub async fn insert(&self, id: i64, message: &Message) {
        self.hot.execute(&[self.insert_text(id, message)]).await;
    }

    fn insert_text(&self, id: i64, message: &Message) -> String {
        let Message { conversation, sender, content, at, .. } = message;
        let row = [
            ("id", Int(id)),
            ("conversation_id", Int(*conversation)),
            ("sender_id", Int(*sender)),
            ("content", Text(content)),
            ("created_at", At(*at)),
            ("is_read", Bit(false)),
        ];
        self.hot.insert("messages", &row)
    }

    async fn edit(&mut self, ids: std::ops::RangeInclusive<i64>) {
        let text = |id| format!("UPDATE messages SET content = 'edited {id}' WHERE id = {id}");
        self.hot.execute(&ids.clone().map(text).collect::<Vec<_>>()).await;
        for id in ids {
            self.oracle.messages.get_mut(&id).expect("a message").content = format!("edited {id}");
        }
    }

    /// Runs the archiver of messages.
    pub async fn archive_messages(&mut self, run: Run) {
        let mut cold = self.cold_connection().await;
        let due = self.due().await;
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
            self.delete(due.iter().map(|(id, _)| *id).collect()).await;
        }
    }

    /// A row that left hot has lost whether it was read.
    fn read(&mut self, id: i64) {
        if let Some(message) = self.oracle.messages.get_mut(&id) {
            message.is_read = true;
        }
    }

    async fn due(&self) -> Vec<(i64, Message)> {
        let rows = self.hot.messages_before(self.old.plus(300 * DAY)).await;
        let one = |[id, conversation, sender, seconds, content]: &[String; 5]| {
            let int = |text: &str| text.parse::<i64>().expect("a number");
            let at = Timestamp::from_micros(int(seconds) * 1_000_000).expect("a time");
            let (conversation, sender) = (int(conversation), int(sender));
            (int(id), Message { conversation, sender, content: content.clone(), at, is_read: false })
        };
        rows.iter().map(one).collect()
    }

    /// Two runs of the archiver select the same rows, and one of these is edited between them.
    async fn side_by_side(&mut self, ids: std::ops::RangeInclusive<i64>, edited: i64) {
        self.messages(ids.clone(), |id| 1 + id % 3).await;
        let mut cold = self.cold_connection().await;
        for run in 1..=2 {
            if run == 2 {
                self.edit(edited..=edited).await;
            }
            for (id, message) in self.due().await.iter().filter(|(id, _)| ids.contains(id)) {
                archive(&mut cold, *id, message, run).await;
            }
        }
        self.delete(ids.collect()).await;
    }

    async fn delete_archived(&mut self, ids: std::ops::RangeInclusive<i64>) {
        let mut cold = self.cold_connection().await;
        for (id, message) in self.due().await.iter().filter(|(id, _)| ids.contains(id)) {
            archive(&mut cold, *id, message, 1).await;
        }
        self.delete(ids.collect()).await;
    }

    /// Deletes messages that the archive has.
    async fn delete(&mut self, ids: Vec<i64>) {
        let texts: Vec<String> =
            ids.iter().map(|id| format!("DELETE FROM messages WHERE id = {id}")).collect();
        self.hot.execute(&texts).await;
        for id in ids {
            self.read(id);
        }
    }

    /// Twenty posts with children: 15 are archived alone, 2 are in both tiers, one of these edited.
    async fn posts(&mut self) {
        // The server of the tests cannot add a foreign key beside children that break it.
        let (leaves_children, mut all) = (!matches!(self.hot, Hot::Server(_)), Vec::new());
        for id in 1..=20 {
            let at = self.old.plus(id * 3_600_000_000);
            let at = if id > 17 { at.plus(399 * DAY) } else { at };
            let (micros, author) = (at.micros(), 1 + id % 4);
            let (title, body) = (format!("title {id}"), format!("body {id}"));
            let row =
                [("id", Int(id)), ("author_id", Int(author)), ("title", Text(&title)), ("body", Text(&body))];
            all.push(self.hot.insert("posts", &[&row[..], &[("created_at", At(at))]].concat()));
            let mut post = Post { author, title: format!("title {id}"), at, comments: 0, likes: 0 };
            let (comments, likes) = if id > 15 || leaves_children { (id % 4, id % 3) } else { (0, 0) };
            for n in 0..comments {
                let comment = id * 10 + n;
                all.push(self.comment(comment, id, at));
                post.comments += 1;
            }
            for user in 1..=likes {
                all.push(self.hot.insert("likes", &[("user_id", Int(user)), ("post_id", Int(id))]));
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
                all.push(format!("DELETE FROM posts WHERE id = {id}"));
            }
            self.oracle.posts.insert(id, post);
        }
        all.push("UPDATE posts SET title = 'edited' WHERE id = 17".to_owned());
        "edited".clone_into(&mut self.oracle.posts.get_mut(&17).expect("a post").title);
        if leaves_children {
            all.push(self.comment(9999, 9999, self.old));
        }
        self.hot.execute(&all).await;
    }

    fn comment(&self, id: i64, post: i64, at: Timestamp) -> String {
        let body = format!("comment {id}");
        let row = [
            ("id", Int(id)),
            ("post_id", Int(post)),
            ("author_id", Int(1)),
            ("body", Text(&body)),
            ("created_at", At(at)),
        ];
        self.hot.insert("comments", &row)
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
        let mut all = Vec::new();
        for n in 35..45 {
            let (day, price) =
                (self.old.plus(n * DAY), format!("{}.{}", 100 + n, if n == 36 { "75" } else { "25" }));
            let row = [
                ("stock_id", Int(1)),
                ("trade_date", Day(day)),
                ("close_price", Text(&price)),
                ("volume", Int(1000)),
                ("created_at", At(self.old)),
            ];
            all.push(self.hot.insert("stock_prices", &row));
            self.oracle.prices.insert((1, day.date().to_string()), price);
        }
        self.hot.execute(&all).await;
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
