//! The database of a running platform is adopted with its rows.

use thermocline::federation::reads::Hot as _;
use thermocline::federation::sql::SqlHot;
use thermocline::page::{Slice, Span};
use thermocline::resources::messages::Messages;
use thermocline::tier::migrate;
use thermocline::tier::{Begin, Engine as _, Mssql, Tier};

use super::{MESSAGES, at, message};
use crate::support::hot_engines::Server;

/// Tables as a platform may have created them: narrow types, generated names, a conflicting index.
pub const PLATFORM: [&str; 5] = [
    "CREATE TABLE users (id INT IDENTITY(1, 1) PRIMARY KEY, username VARCHAR(50) NOT NULL UNIQUE, email VARCHAR(100))",
    "CREATE TABLE conversations (id INT IDENTITY(1, 1) PRIMARY KEY, user1_id INT NOT NULL REFERENCES users (id),
        user2_id INT REFERENCES users (id), created_at DATETIME NOT NULL DEFAULT GETDATE(),
        updated_at DATETIME NOT NULL DEFAULT GETDATE())",
    "CREATE TABLE messages (id INT IDENTITY(1, 1) PRIMARY KEY, conversation_id INT NOT NULL REFERENCES conversations (id),
        sender_id INT NOT NULL REFERENCES users (id), content VARCHAR(MAX) NOT NULL,
        created_at DATETIME NOT NULL DEFAULT GETDATE(), is_read BIT DEFAULT 0)",
    "CREATE INDEX by_time ON messages (created_at DESC, sender_id)",
    "INSERT INTO users (username, email) VALUES ('ann', 'ann@example.org'), ('bob', NULL);
     INSERT INTO conversations (user1_id, user2_id) VALUES (1, 2);
     INSERT INTO messages (conversation_id, sender_id, content, created_at, is_read)
     VALUES (1, 1, 'first', '2026-11-01T10:00:00.003', NULL), (1, 2, 'second', '2026-11-01T10:00:00.007', 1)",
];

#[tokio::test]
async fn an_adopted_platform_keeps_its_rows() {
    let Some(server) = Server::make().await else { return };
    server.batches(&PLATFORM).await;
    let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &server.at).await.expect("opens");
    migrate::upgrade(&hot).await.expect("adopts");
    let read = SqlHot(&hot).read(&Messages::of(1), Slice::newest(Span::ALL, 10), true).await.expect("reads");
    let rows: Vec<_> = read.rows.iter().map(|row| (row.id, row.content.as_str(), row.is_read)).collect();
    assert_eq!(rows, [(2, "second", true), (1, "first", false)]);
    assert!((read.rows[1].created_at.micros() - at("2026-11-01T10:00:00.003Z").micros()).abs() <= 334);

    let types = "SELECT t.name + N' ' + c.name + N' ' + TYPE_NAME(c.user_type_id) FROM sys.columns c \
        JOIN sys.tables t ON t.object_id = c.object_id \
        WHERE t.name IN (N'messages', N'users', N'conversations') AND TYPE_NAME(c.user_type_id) IN (N'datetime', N'varchar')";
    assert_eq!(server.column(types).await, Vec::<String>::new());
    let foreign = "SELECT OBJECT_NAME(parent_object_id) + N' ' + OBJECT_NAME(referenced_object_id) FROM sys.foreign_keys \
        WHERE parent_object_id = OBJECT_ID(N'messages') ORDER BY 1";
    assert_eq!(server.column(foreign).await, ["messages conversations", "messages users"]);
    let indexes = "SELECT name FROM sys.indexes WHERE object_id = OBJECT_ID(N'messages') AND LEFT(name, 7) = N'by_time'";
    assert_eq!(server.column(indexes).await.len(), 1);

    // Writes of the platform and of this program still work.
    server
        .batches(&["INSERT INTO messages (conversation_id, sender_id, content) VALUES (1, 2, N'第三')"])
        .await;
    let mut session = hot.session().await.expect("a session");
    session.begin(Begin::Write).await.expect("begins");
    let row = message(40, 1, "forty", at("2026-11-02T00:00:00.000001Z"));
    session.insert("messages", &MESSAGES, &[row]).await.expect("inserts");
    let next = message(0, 1, "next", at("2026-11-02T00:00:00.000002Z"))[1..].to_vec();
    session.insert("messages", &MESSAGES[1..], &[next]).await.expect("inserts");
    session.commit().await.expect("commits");
    drop(session);
    let read = SqlHot(&hot).read(&Messages::of(1), Slice::newest(Span::ALL, 10), true).await.expect("reads");
    let mut ids: Vec<i64> = read.rows.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3, 40, 41]);
    // Nothing is pending, and no table with rows is ever dropped.
    assert_eq!(migrate::upgrade(&hot).await.expect("again").applied, Vec::<String>::new());
    migrate::downgrade(&hot, 0).await.expect_err("rows");
    hot.close().await;
    server.drop().await;
}
