//! A service whose lists are spread over both tiers in every way, and the same rows in naive vectors.

use serde_json::{Value, json};
use thermocline::archive::ArchiveOptions;
use thermocline::clock::{DAY, Timestamp};
use thermocline::import::Noun;
use thermocline::import::Record;
use thermocline::load::nouns;

use crate::support::{Service, at, comment, conversation, cutoff, like, message, post};

const HOUR: i64 = DAY / 24;

/// A row as the API must show it, and its place in the list.
#[derive(Clone, Debug)]
pub struct Row {
    pub at: Timestamp,
    pub id: i64,
    pub json: Value,
}

/// One list and its rows, newest first.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The path, including its filter.
    pub path: String,
    /// The name of the rows in the response.
    pub name: &'static str,
    /// The user who sends the request.
    pub user: i64,
    pub rows: Vec<Row>,
}

impl Listed {
    fn new(path: &str, name: &'static str, user: i64, mut rows: Vec<Row>) -> Self {
        rows.sort_by_key(|row| std::cmp::Reverse((row.at, row.id)));
        Self { path: path.to_owned(), name, user, rows }
    }

    /// The path with a query.
    pub fn with(&self, query: &str) -> String {
        let sign = if self.path.contains('?') { '&' } else { '?' };
        if query.is_empty() { self.path.clone() } else { format!("{}{sign}{query}", self.path) }
    }

    /// The rows as the API shows them.
    pub fn shown(rows: &[Row]) -> Vec<Value> {
        rows.iter().map(|row| row.json.clone()).collect()
    }
}

/// The service and its lists.
pub struct World {
    pub service: Service,
    /// Conversation 1: both tiers, equal times, late rows; the boundary splits rows of one time.
    pub talk: Listed,
    /// Conversation 6: more late rows than are read with one page.
    pub late: Listed,
    /// Conversation 2 has archived rows only, conversation 3 hot rows only, conversation 4 none.
    pub cold: Listed,
    pub hot: Listed,
    pub empty: Listed,
    /// All posts, and those of author 2.
    pub posts: Listed,
    pub by_author: Listed,
    /// The comments of a hot post, of an archived one, and of one without comments.
    pub comments: [Listed; 3],
    /// The conversations of user 9.
    pub conversations: Listed,
}

/// Contents of messages: texts that often cause errors.
const TEXTS: [&str; 8] = [
    "",
    "你好，世界。資料庫",
    "emoji 👍🏽 👩‍👩‍👧 🇹🇼 end",
    "50% off_now [all] \\ back\\slash 'quoted' \"double\"",
    "line one\nline two\ttab\r\n  spaces  ",
    "e\u{301} is not é, \u{202e}right to left\u{202c} \u{feff}bom",
    "HELLO Hello hello ÀÉÎ àéî",
    "<script>alert(1)</script> &amp; \u{7f}\u{1}",
];

/// Returns the content of the nth message.
fn text(n: i64) -> String {
    match n {
        // The longest content of a message, with characters of one to four bytes.
        7 | 110 => "a é 好 👍 ".chars().cycle().take(60_000).collect(),
        _ => TEXTS[(n % 8) as usize].to_owned(),
    }
}

struct Talk {
    conversation: i64,
    sender: i64,
}

impl Talk {
    /// Adds a message as a record and as the API shows it.
    fn say(&self, id: i64, content: &str, when: Timestamp, archived: bool) -> (Record, Row) {
        let json = json!({
            "id": id, "conversation_id": self.conversation, "sender_id": self.sender, "content": content,
            "created_at": when.to_string(), "is_read": id % 3 == 0, "from_archive": archived,
        });
        (message(id, self.conversation, self.sender, content, when), Row { at: when, id, json })
    }
}

async fn load(service: &Service, noun: &'static Noun, made: Vec<(Record, Row)>) -> Vec<Row> {
    let (records, rows) = made.into_iter().unzip();
    service.load(noun, records).await;
    rows
}

/// Three messages an instant with unordered ids, and the boundary between them.
fn first_talk() -> Vec<(Record, Row)> {
    let talk = Talk { conversation: 1, sender: 2 };
    let when = |n: i64| cutoff((n / 3 - 20) * 7 * HOUR);
    let id = |n: i64| 1_000 + (n * 37) % 120;
    // Of the three at the last instant that is due, the one with the highest id stays in hot.
    let stays = (57..60).map(id).max();
    let archived = |n: i64| n < 60 && Some(id(n)) != stays;
    (0..120).map(|n| talk.say(id(n), &text(n), when(n), archived(n))).collect()
}

async fn messages(service: &Service) -> [Listed; 5] {
    let begun = at("2025-12-01T00:00:00Z");
    let users = [(1, 1, Some(2)), (2, 3, Some(1)), (3, 1, Some(3)), (4, 1, None), (6, 1, Some(2))];
    let talks = users.map(|(id, first, second)| conversation(id, first, second, begun));
    service.load(&nouns::CONVERSATIONS, talks.into()).await;

    let mut first = load(service, &nouns::MESSAGES, first_talk()).await;
    let (two, three, six) = (
        Talk { conversation: 2, sender: 1 },
        Talk { conversation: 3, sender: 3 },
        Talk { conversation: 6, sender: 1 },
    );
    let made = (0..5).map(|n| two.say(2_000 + n, "old", cutoff((n - 30) * DAY), true));
    let second = load(service, &nouns::MESSAGES, made.collect()).await;
    let made = (0..5).map(|n| three.say(3_000 + n, "new", cutoff(n * DAY), false));
    let third = load(service, &nouns::MESSAGES, made.collect()).await;
    let made = (0..40).map(|n| six.say(6_000 + n, "on time", cutoff((n - 41) * DAY), true));
    let mut sixth = load(service, &nouns::MESSAGES, made.collect()).await;

    // One row less than is due: the boundary splits the last instant. Small batches make many epochs.
    let due = 60 + 5 + 40;
    let plan = ArchiveOptions { max_rows: Some(due - 1), batch: 10, ..ArchiveOptions::default() };
    assert_eq!(service.archive("messages", &plan).await, due - 1);

    let talk = Talk { conversation: 1, sender: 1 };
    let late = [
        // The same microsecond as archived rows, with lower and higher ids; between two; older than all.
        talk.say(900, "late, below a tie", cutoff(-7 * HOUR), false),
        talk.say(1_900, "late, above a tie", cutoff(-10 * 7 * HOUR), false),
        talk.say(1_901, "late, a microsecond older", cutoff(-10 * 7 * HOUR - 1), false),
        talk.say(1_902, "late, a microsecond newer", cutoff(-10 * 7 * HOUR + 1), false),
        talk.say(1_903, "late, the oldest", at("2020-02-29T23:59:59.999999Z"), false),
    ];
    first.extend(load(service, &nouns::MESSAGES, late.into()).await);
    let made = (0..130).map(|n| six.say(7_000 + n, "late", cutoff((n - 135) * 8 * HOUR), false));
    sixth.extend(load(service, &nouns::MESSAGES, made.collect()).await);
    let made = (0..6).map(|n| six.say(8_000 + n, "new", cutoff(n * HOUR), false));
    sixth.extend(load(service, &nouns::MESSAGES, made.collect()).await);

    let listed = |id: i64, rows| {
        let path = format!("/api/conversations/{id}/messages");
        Listed::new(&path, "messages", 1, rows)
    };
    [listed(1, first), listed(6, sixth), listed(2, second), listed(3, third), listed(4, Vec::new())]
}

/// Returns the numbers of comments and likes of a post.
fn children(post: i64) -> (i64, i64) {
    match post {
        // Long lists in both tiers.
        135 | 150 => (31, 4),
        _ => (post % 3, post % 4),
    }
}

fn one_post(id: i64, when: Timestamp, archived: bool) -> (Record, Row) {
    let body = text(id % 100);
    let author = id % 3 + 1;
    let (comments, likes) = children(id);
    let json = json!({
        "id": id, "author_id": author, "title": format!("Post {id}"), "body": body,
        "created_at": when.to_string(), "comment_count": comments, "like_count": likes,
        "from_archive": archived,
    });
    (post(id, author, &body, when), Row { at: when, id, json })
}

async fn posts(service: &Service) -> (Listed, Listed, [Listed; 3]) {
    // Two posts an instant, 25 of 60 due.
    let when = |n: i64| cutoff((n / 2 - 13) * 9 * HOUR + HOUR);
    let made = (0..60).map(|n| one_post(100 + (n * 7) % 60, when(n), n < 26));
    let mut rows = load(service, &nouns::POSTS, made.collect()).await;

    let mut said: Vec<(Record, Row)> = Vec::new();
    let mut likes = Vec::new();
    for row in &rows {
        let archived = row.json["from_archive"] == true;
        let (comments, liked) = children(row.id);
        for n in 0..comments {
            let (id, when) = (row.id * 100 + (n * 5) % 31, row.at.plus(n / 4 * HOUR));
            let body = text(n + 8);
            let json = json!({
                "id": id, "post_id": row.id, "author_id": 4, "body": body,
                "created_at": when.to_string(), "from_archive": archived,
            });
            said.push((comment(id, row.id, 4, &body, when), Row { at: when, id, json }));
        }
        likes.extend((0..liked).map(|n| like(n + 1, row.id)));
    }
    let said = load(service, &nouns::COMMENTS, said).await;
    service.load(&nouns::LIKES, likes).await;
    let plan = ArchiveOptions { batch: 12, ..ArchiveOptions::default() };
    assert_eq!(service.archive("posts", &plan).await, 26);

    let newest_archived = when(25);
    let late = [one_post(195, newest_archived, false), one_post(196, newest_archived.plus(-1), false)];
    let late = late.map(|(record, mut row)| {
        row.json["comment_count"] = json!(0);
        row.json["like_count"] = json!(0);
        (record, row)
    });
    rows.extend(load(service, &nouns::POSTS, late.into()).await);

    let comments = [135, 150, 195].map(|post| {
        let of_post = said.iter().filter(|row| row.json["post_id"] == post).cloned().collect();
        Listed::new(&format!("/api/posts/{post}/comments"), "comments", 5, of_post)
    });
    let author = rows.iter().filter(|row| row.json["author_id"] == 2).cloned().collect();
    (
        Listed::new("/api/posts", "posts", 5, rows),
        Listed::new("/api/posts?author_id=2", "posts", 5, author),
        comments,
    )
}

/// User 9 as first and second user, with equal times, and in a conversation with themselves.
async fn conversations(service: &Service) -> Listed {
    let made = (0..45).map(|n| {
        let (first, second) = match n % 4 {
            0 => (9, Some(1)),
            1 => (2, Some(9)),
            2 => (9, None),
            _ => (9, Some(9)),
        };
        let (id, when) = (500 + (n * 8) % 45, cutoff(n / 2 * DAY));
        let others = second.filter(|second| *second != first);
        let users: Vec<Value> = std::iter::once(first)
            .chain(others)
            .map(|id: i64| json!({"id": id, "username": format!("user{id}")}))
            .collect();
        let json = json!({
            "id": id, "user1_id": first, "user2_id": second, "created_at": when.to_string(),
            "updated_at": when.to_string(), "from_archive": false, "users": users, "last_message": null,
            "unread_count": 0,
        });
        (conversation(id, first, second, when), Row { at: when, id, json })
    });
    let rows = load(service, &nouns::CONVERSATIONS, made.collect()).await;
    Listed::new("/api/conversations", "conversations", 9, rows)
}

impl World {
    /// A service over SQLite, filled.
    pub async fn new() -> Self {
        Self::fill(Service::start().await).await
    }

    /// Fills a service.
    pub async fn fill(service: Service) -> Self {
        let [talk, late, cold, hot, empty] = messages(&service).await;
        let (posts, by_author, comments) = posts(&service).await;
        let conversations = conversations(&service).await;
        Self { service, talk, late, cold, hot, empty, posts, by_author, comments, conversations }
    }
}
