//! Archives of real conversations, articles and prices: imported, half of them moved, and read back row for row.
//!
//! By default every conversation, with its late rows, and every price is read by cursor; one list in eight also by page
//! and upwards, and about one in five again in the other states of the tiers. With `THERMOCLINE_TEST_FULL=1` every list
//! is read in every way and state.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use thermocline::archive::{BlockSizes, Outcome, RunReport};
use thermocline::clock::{DAY, Timestamp};
use thermocline::federation::List as _;
use thermocline::import::{Input, Noun, Options, Record, shift};
use thermocline::load::nouns;
use thermocline::page::{Order, Span};
use thermocline::resources::messages::{Message, Messages};
use thermocline::resources::posts::comments::{Comment, Comments};
use thermocline::resources::posts::{Post, Posts};
use thermocline::resources::stocks::prices::Price;
use thermocline::resources::{families, stocks};

use super::expected_lists::Reader;
use super::program::{Program, counts, quoted};
use super::{Pair, logical_table, run, run_mover};
use crate::support::bounds::bound;

pub(super) fn data(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(file);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is absent", path.display());
    None
}

fn target() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().expect("a time")
}

/// Returns whether a list of this number is among one in `every`.
fn chosen(id: i64, every: i64) -> bool {
    id % every == 0 || bound("THERMOCLINE_TEST_FULL", 0, 0) > 0
}

/// Returns whether a list is read in every way.
fn thoroughly(id: i64) -> bool {
    chosen(id, 8)
}

/// Returns the records of a file.
pub(super) fn records(noun: &'static Noun, path: &Path) -> Vec<Record> {
    let input = Input::open(noun, path, &Options::default()).expect("a sound file");
    let records = input.records().expect("a sound file");
    records.map(|item| item.expect("a sound file").result.expect("a sound line")).collect()
}

/// Returns the records shifted in time so that the newest one is at the target, and the shift.
fn shifted(noun: &'static Noun, path: &Path) -> (Vec<Record>, i64) {
    let mut records = records(noun, path);
    let newest = records.iter().filter_map(Record::newest).max().expect("a time");
    let by = shift::offset(noun, newest, target());
    for record in &mut records {
        record.shift(by);
    }
    (records, by)
}

/// Returns the instant at which half of the records are thirty days old.
fn halfway(records: &[Record]) -> Timestamp {
    let mut times: Vec<Timestamp> = records.iter().filter_map(Record::newest).collect();
    times.sort_unstable();
    times[times.len() / 2].plus(30 * DAY)
}

async fn archive(pair: &Pair, resource: &str) -> RunReport {
    let family = families().into_iter().find(|family| family.resource == resource).expect("a family");
    let plan = thermocline::archive::ArchiveOptions { batch: 2_000, ..Default::default() };
    let report = run_mover(&pair.mover(BlockSizes::default()), family, &plan).await;
    assert_eq!((report.outcome, &report.error), (Outcome::Done, &None));
    report
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// The message a record holds.
pub(super) fn message(record: &Record) -> Message {
    let int = |column| record.int(column).expect("an integer");
    Message {
        id: int("id"),
        conversation_id: int("conversation_id"),
        sender_id: int("sender_id"),
        content: record.text("content").expect("text").to_owned(),
        created_at: record.time("created_at").expect("a time"),
        is_read: record.get("is_read") == Some(&true.into()),
    }
}

type Talks = BTreeMap<i64, Vec<Message>>;

fn talks(records: &[Record]) -> Talks {
    let mut talks = Talks::new();
    for record in records {
        let message = message(record);
        talks.entry(message.conversation_id).or_default().push(message);
    }
    for rows in talks.values_mut() {
        rows.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
    }
    talks
}

/// Checks every conversation by cursor, some by page too.
async fn check_talks(reader: &Reader<'_>, talks: &Talks, every: i64) {
    for (talk, expected) in talks.iter().filter(|(talk, _)| chosen(**talk, every)) {
        let list = Messages::of(*talk);
        let rows = reader.walk(&list, Span::ALL, Order::Desc, 100).await.expect("a walk");
        assert!(&rows == expected, "conversation {talk} by cursor: {} of {}", rows.len(), expected.len());
        if thoroughly(*talk) {
            let rows = reader.pages(&list, 100).await.expect("pages");
            assert!(&rows == expected, "conversation {talk} by page: {} of {}", rows.len(), expected.len());
            let mut rows = reader.walk(&list, Span::ALL, Order::Asc, 100).await.expect("a walk");
            rows.reverse();
            assert!(&rows == expected, "conversation {talk} upwards");
        }
    }
}

/// Returns a file of the conversations without the rows that arrive late: the old rows of every tenth conversation.
fn without_late(records: &[Record], by: i64, old: Timestamp) -> (String, Vec<Record>) {
    let late = |row: &Message| row.conversation_id % 10 == 0 && row.created_at < old;
    let mut csv = "id,conversation_id,sender_id,created_at,content\n".to_owned();
    let mut kept = Vec::new();
    for record in records {
        let row = message(record);
        if late(&row) {
            continue;
        }
        let (id, at) = (row.id, row.created_at.plus(-by));
        let content = quoted(&row.content);
        writeln!(csv, "{id},{},{},{at},{content}", row.conversation_id, row.sender_id).expect("memory");
        kept.push(record.clone());
    }
    (csv, kept)
}

#[test]
fn real_conversations_are_read_as_imported() {
    let Some(path) = data("messages.csv.gz") else { return };
    let (records, by) = shifted(&nouns::MESSAGES, &path);
    let now = halfway(&records);
    let (csv, first) = without_late(&records, by, now.plus(-31 * DAY));
    let (all, first_talks) = (talks(&records), talks(&first));
    let (total, early) = (records.len() as u64, first.len() as u64);
    assert!(total == 282_132 && early < total && all.len() == 1_224);

    let program = Program::new();
    program.write("first.csv", csv);
    let report =
        program.report(&["import", "messages", "first.csv", "--shift-newest-to", &target().to_string()]);
    assert_eq!(report["shift_by"], by);
    assert_eq!(counts(&report), [early, early, 0, 0, 0]);

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        // Reads while a mover runs.
        let pair = Arc::new(program.open(now).await);
        let done = Arc::new(AtomicBool::new(false));
        let (moving, ended) = (Arc::clone(&pair), Arc::clone(&done));
        let mover = tokio::spawn(async move {
            let report = archive(&moving, "messages").await;
            ended.store(true, Ordering::SeqCst);
            report
        });
        let reader = Reader::new(&*pair.hot, &*pair.cold);
        let mut part = 0;
        while !done.load(Ordering::SeqCst) {
            let some: Talks =
                first_talks.iter().skip(part).step_by(37).map(|(id, rows)| (*id, rows.clone())).collect();
            check_talks(&reader, &some, 1).await;
            part += 1;
        }
        let moved = mover.await.expect("a mover").rows as u64;
        assert!(
            part > 1 && moved > early / 3 && moved < early * 2 / 3,
            "{moved} moved, {part} walks beside it"
        );
        check_talks(&reader, &first_talks, 5).await;
    });

    // Imports the whole file: rows of either tier are known, the others arrive late.
    let again = ["import", "messages", text(&path), "--shift-by", &by.to_string()];
    assert_eq!(counts(&program.report(&again)), [total, total - early, early, 0, 0]);
    run(async {
        let pair = program.open(now).await;
        let reader = Reader::new(&*pair.hot, &*pair.cold);
        check_talks(&reader, &all, 1).await;
        assert_eq!(archive(&pair, "messages").await.rows as u64, total - early);
        check_talks(&reader, &all, 4).await;
    });
    assert_eq!(counts(&program.report(&again)), [total, 0, total, 0, 0]);
}

#[test]
fn real_articles_are_read_with_comments_and_likes() {
    let (Some(path), Some(comments), Some(likes)) =
        (data("posts.csv.gz"), data("comments.csv.gz"), data("likes.csv.gz"))
    else {
        return;
    };
    let (rows, by) = shifted(&nouns::POSTS, &path);
    let now = halfway(&rows);
    let mut children: HashMap<i64, Vec<Comment>> = HashMap::new();
    for mut record in records(&nouns::COMMENTS, &comments) {
        record.shift(by);
        let int = |column| record.int(column).expect("an integer");
        let comment = Comment {
            id: int("id"),
            post_id: int("post_id"),
            author_id: int("author_id"),
            body: record.text("body").expect("text").to_owned(),
            created_at: record.time("created_at").expect("a time"),
        };
        children.entry(comment.post_id).or_default().push(comment);
    }
    for rows in children.values_mut() {
        rows.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
    }
    let mut liked: HashMap<i64, i64> = HashMap::new();
    for record in records(&nouns::LIKES, &likes) {
        *liked.entry(record.int("post_id").expect("a post")).or_default() += 1;
    }
    let post = |record: &Record| {
        let int = |column| record.int(column).expect("an integer");
        let text = |column| record.text(column).expect("text").to_owned();
        let (id, author_id, title, body) = (int("id"), int("author_id"), text("title"), text("body"));
        let created_at = record.time("created_at").expect("a time");
        let comment_count = children.get(&id).map_or(0, |rows| rows.len() as i64);
        let like_count = liked.get(&id).copied().unwrap_or(0);
        Post { id, author_id, title, body, created_at, comment_count, like_count }
    };
    let mut posts: Vec<Post> = rows.iter().map(post).collect();
    posts.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));

    let program = Program::new();
    let by = by.to_string();
    let import =
        |noun: &str, path: &Path| counts(&program.report(&["import", noun, text(path), "--shift-by", &by]));
    let files = [("posts", &path, 5_877), ("comments", &comments, 120_000), ("likes", &likes, 182_018)];
    for (noun, path, rows) in files {
        assert_eq!(import(noun, path), [rows, rows, 0, 0, 0], "{noun}");
    }
    run(async {
        let pair = program.open(now).await;
        let moved = archive(&pair, "posts").await;
        assert!(moved.of_resource > 2_000 && moved.of_resource < 4_000, "{moved:?}");
        let reader = Reader::new(&*pair.hot, &*pair.cold);
        let list = Posts { author: None };
        assert!(reader.walk(&list, Span::ALL, Order::Desc, 100).await.expect("a walk") == posts);
        assert!(reader.pages(&list, 100).await.expect("pages") == posts);
        for (nth, post) in posts.iter().enumerate() {
            if !thoroughly(nth as i64) {
                continue;
            }
            let list = Comments { post: post.id };
            let expected = children.get(&post.id).cloned().unwrap_or_default();
            let rows = reader.walk(&list, Span::ALL, Order::Desc, 100).await.expect("a walk");
            assert!(rows == expected, "comments of {}", post.id);
            assert!(reader.pages(&list, 100).await.expect("pages") == expected, "comments of {}", post.id);
            let found = reader.tiers().find(&Posts { author: None }, post.id).await.expect("an answer");
            assert_eq!(found.map(|placed| placed.row).as_ref(), Some(post));
        }
        let mut by_author: HashMap<i64, Vec<&Post>> = HashMap::new();
        for post in &posts {
            by_author.entry(post.author_id).or_default().push(post);
        }
        for (author, expected) in by_author.into_iter().filter(|(author, _)| thoroughly(*author)) {
            let rows = reader.pages(&Posts { author: Some(author) }, 10).await.expect("pages");
            assert!(rows.iter().eq(expected), "posts of {author}");
        }
    });
    for (noun, path, rows) in files {
        assert_eq!(import(noun, path), [rows, 0, rows, 0, 0], "{noun} again");
    }
}

/// Prices by symbol and day; of a day that occurs twice the last one counts.
type Days = BTreeMap<String, BTreeMap<chrono::NaiveDate, Price>>;

fn days(records: &[Record]) -> Days {
    let mut days = Days::new();
    for record in records {
        let symbol = record.text("symbol").expect("a symbol").to_owned();
        let trade_date = record.time("trade_date").expect("a day").date();
        let price = Price {
            id: 0,
            trade_date,
            open: record.decimal("open_price"),
            high: record.decimal("high_price"),
            low: record.decimal("low_price"),
            close: record.decimal("close_price"),
            change: record.decimal("change_amount"),
            volume: record.int("volume"),
            turnover: record.int("turnover"),
            transactions: record.int("transaction_count"),
        };
        days.entry(symbol).or_default().insert(trade_date, price);
    }
    days
}

async fn check_prices(pair: &Pair, days: &Days) {
    let reader = Reader::new(&*pair.hot, &*pair.cold);
    for (symbol, prices) in days {
        let stock = stocks::by_symbol(&*pair.hot, symbol).await.expect("an answer").expect("a stock");
        let list = logical_table::days(stock.id);
        let mut expected: Vec<Price> = prices.values().cloned().collect();
        let rows = reader.walk(&list, Span::ALL, Order::Asc, 1_000).await.expect("a walk");
        assert!(rows == expected, "{symbol} upwards: {} of {}", rows.len(), expected.len());
        expected.reverse();
        let rows = reader.walk(&list, Span::ALL, Order::Desc, 100).await.expect("a walk");
        assert!(rows == expected, "{symbol} downwards");
        for part in expected.chunks(expected.len() / 5 + 1) {
            let (Some(newest), Some(oldest)) = (part.first(), part.last()) else { continue };
            let span = Span::ALL.from(list.key(oldest)).below(list.key(newest).successor());
            let rows = reader.walk(&list, span, Order::Desc, 250).await.expect("a walk");
            assert!(rows == part, "{symbol} from {} to {}", oldest.trade_date, newest.trade_date);
        }
    }
}

#[test]
fn real_prices_are_read_with_nulls_and_zeros() {
    let (Some(path), Some(raw)) = (data("stock_prices_tw.csv.gz"), data("twse_raw")) else { return };
    let (rows, by) = shifted(&nouns::PRICES, &path);
    let (now, expected) = (halfway(&rows), days(&rows));
    let all = || expected.values().flat_map(BTreeMap::values);
    assert!(all().any(|day| day.close.is_none() && day.volume == Some(0)), "a day without a trade");
    assert!(all().any(|day| day.turnover > Some(i64::from(u32::MAX))), "beyond 32 bits");

    let program = Program::new();
    let target = target().to_string();
    let import = ["import", "prices", text(&path), "--shift-newest-to", &target];
    let report = program.report(&import);
    assert_eq!(report["shift_by"], by);
    assert_eq!(counts(&report), [104_234, 104_234, 0, 0, 0]);
    run(async {
        let pair = program.open(now).await;
        let moved = archive(&pair, "prices").await.rows;
        assert!(moved > 40_000 && moved < 60_000, "{moved}");
        check_prices(&pair, &expected).await;
        pair.close().await;
    });
    assert_eq!(counts(&program.report(&import)), [104_234, 0, 104_234, 0, 0]);

    // The exchange's own files, with a block that occurs twice.
    let program = Program::new();
    let mut rows = Vec::new();
    let mut import = vec!["import".to_owned(), "prices".to_owned()];
    for symbol in ["0050", "1307", "1312A", "2330", "2429"] {
        let file = raw.join(format!("{symbol}.csv"));
        rows.extend(records(&nouns::PRICES, &file));
        import.push(text(&file).to_owned());
    }
    let newest = rows.iter().filter_map(Record::newest).max().expect("a day");
    let by = shift::offset(&nouns::PRICES, newest, self::target());
    for record in &mut rows {
        record.shift(by);
    }
    import.extend(["--shift-newest-to".to_owned(), target]);
    let (now, expected) = (halfway(&rows), days(&rows));
    let different: usize = expected.values().map(BTreeMap::len).sum();
    let sum = |report: &serde_json::Value, what: &str| -> u64 {
        report["files"].as_array().expect("files").iter().filter_map(|file| file[what].as_u64()).sum()
    };
    let report = program.report(&import);
    assert_eq!((sum(&report, "read"), sum(&report, "rejected")), (rows.len() as u64, 0));
    assert_eq!(sum(&report, "inserted"), different as u64);
    run(async {
        let pair = program.open(now).await;
        assert!(archive(&pair, "prices").await.rows as usize > different / 3);
        check_prices(&pair, &expected).await;
        pair.close().await;
    });
    let report = program.report(&import);
    assert_eq!((sum(&report, "inserted"), sum(&report, "corrected")), (0, 0), "{report}");
}
