//! Behaviour that all engines share: the same tests over each of them.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use rust_decimal::Decimal;
use thermocline::clock::{DAY, Timestamp};
use thermocline::federation::reads::Cold as _;
use thermocline::federation::sql::SqlCold;
use thermocline::federation::{ColdError, HotSnapshot, List as _};
use thermocline::page::{Key, Order, Slice, Span};
use thermocline::resources::messages::Messages;
use thermocline::resources::stocks::prices::Prices;
use thermocline::schema::{self, ColumnType};
use thermocline::tier::{Begin, Statement, Value};
use tower::ServiceExt as _;

use crate::support::pair::{Pair, insert, now};

macro_rules! contract {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $test() { super::$test(super::Pair::embedded().await).await; })*
        }
        mod postgres {
            $(#[tokio::test] async fn $test() {
                if let Some(pair) = super::Pair::mixed().await {
                    super::$test(pair).await;
                }
            })*
        }
        mod on_postgres {
            $(#[tokio::test] async fn $test() {
                if let Some(pair) = super::Pair::on_postgres().await {
                    super::$test(pair).await;
                }
            })*
        }
        mod over_tds {
            $(#[tokio::test] async fn $test() {
                println!("hot is a {}", crate::support::tds::LABEL);
                let (pair, _hot, fake) = super::Pair::over_tds().await;
                super::$test(pair).await;
                assert_eq!(fake.unknown(), Vec::<String>::new());
            })*
        }
    };
}

contract!(
    every_value_comes_back,
    a_slice_is_right_at_every_epoch,
    an_answer_proves_itself,
    an_interrupted_move_is_undone,
    a_corrected_price_replaces_the_old_one,
    a_batch_that_fails_leaves_nothing,
    the_load_knows_what_cold_holds,
);

fn message(id: i64, conversation: i64, content: &str, at: Timestamp) -> Vec<Value> {
    vec![id.into(), conversation.into(), 1.into(), content.into(), at.into(), (id % 2 == 0).into()]
}

/// Returns an instant long ago, plus `n` microseconds.
fn old(n: i64) -> Timestamp {
    now().plus(-400 * DAY + n)
}

async fn every_value_comes_back(pair: Pair) {
    let long = "漢字🦀\u{301}".repeat(15_000);
    let rows = vec![
        message(i64::MIN, 1, "", Timestamp::MIN),
        message(-1, 1, &long, old(0)),
        message(0, 1, "O'Brien \\ % _ \" \u{7f} \u{feff} ẞ İ", old(0)),
        message(7, 1, "tie", old(1)),
        message(8, 1, "tie", old(1)),
        message(i64::MAX, 1, "one microsecond later", old(2)),
    ];
    pair.put(&schema::MESSAGES, rows.clone()).await;
    let price =
        |cents: Option<i64>| Value::or_null(cents.map(|cents| Decimal::new(cents, 2)), ColumnType::Price);
    let int = |int: Option<i64>| Value::or_null(int, ColumnType::Int);
    let day = |id: i64, day: &str, cents: Option<i64>, n: Option<i64>| {
        let day: chrono::NaiveDate = day.parse().expect("a day");
        let mut row = vec![id.into(), 1.into(), day.into()];
        row.extend((0..5).map(|_| price(cents)));
        row.extend((0..3).map(|_| int(n)));
        row.push(old(id).into());
        row
    };
    let prices = vec![
        day(1, "0001-01-01", None, None),
        day(2, "1969-12-31", Some(0), Some(0)),
        day(3, "2000-02-29", Some(9_999_999_999), Some(i64::MAX)),
        day(4, "2024-12-31", Some(-9_999_999_999), Some(i64::MIN)),
        day(5, "2025-01-02", Some(100), Some(1)),
    ];
    pair.put(&schema::PRICES, prices).await;
    // The mover reads every row back and compares it with the row it took.
    pair.archive("messages", None).await;
    pair.archive("prices", None).await;
    let (list, cold) = (Messages::of(1), SqlCold(&*pair.cold));
    let mark = pair.mark(&list).await;
    let read = cold.read(&list, mark, Slice::oldest(Span::ALL, 100)).await.expect("cold answers").rows;
    let found: Vec<_> =
        read.iter().map(|row| (row.id, row.content.clone(), row.created_at, row.is_read)).collect();
    let expected: Vec<_> = rows
        .iter()
        .map(|row| {
            let Value::Text(text) = &row[3] else { panic!("text") };
            (row[0].int(), text.to_string(), row[4].time(), row[0].int() % 2 == 0)
        })
        .collect();
    assert_eq!(found, expected);
    for (id, ..) in expected {
        assert_eq!(cold.find(&list, mark, id).await.expect("cold answers").rows.len(), 1, "{id}");
    }
    let prices = Prices { stock: 1 };
    let mark = pair.mark(&prices).await;
    let read = cold.read(&prices, mark, Slice::oldest(Span::ALL, 100)).await.expect("cold answers").rows;
    let found: Vec<_> = read
        .iter()
        .map(|row| (row.id, row.trade_date.to_string(), row.open.map(|p| p.to_string()), row.volume))
        .collect();
    let one = |id, day: &str, price: Option<&str>, n| (id, day.to_owned(), price.map(str::to_owned), n);
    assert_eq!(
        found,
        [
            one(1, "0001-01-01", None, None),
            one(2, "1969-12-31", Some("0.00"), Some(0)),
            one(3, "2000-02-29", Some("99999999.99"), Some(i64::MAX)),
            one(4, "2024-12-31", Some("-99999999.99"), Some(i64::MIN)),
            one(5, "2025-01-02", Some("1.00"), Some(1)),
        ]
    );
    let within = Span { lower: prices.key(&read[2]), upper: prices.key(&read[4]) };
    let read = cold.read(&prices, mark, Slice::newest(within, 100)).await.expect("cold answers").rows;
    assert_eq!(read.iter().map(|row| row.id).collect::<Vec<_>>(), [4, 3]);
}

async fn a_slice_is_right_at_every_epoch(pair: Pair) {
    let list = Messages::of(1);
    let rows = (1..=90).map(|id| message(id, 1 + i64::from(id % 5 == 0), "x", old(id / 4 * 1000)));
    pair.put(&schema::MESSAGES, rows.collect()).await;
    let cold = SqlCold(&*pair.cold);
    let mut moments: Vec<(HotSnapshot, Vec<Key>)> = vec![(HotSnapshot::default(), Vec::new())];
    for batch in [1, 9, 30, 3, 20, 40] {
        pair.archive("messages", Some(batch)).await;
        let mark = pair.mark(&list).await;
        let all = cold.read(&list, mark, Slice::newest(Span::ALL, 1000)).await.expect("answers").rows;
        moments.push((mark, all.iter().map(|row| list.key(row)).collect()));
    }
    let (_, whole) = moments.last().expect("some").clone();
    assert_eq!(whole.len(), 72);
    assert!(whole.is_sorted_by(|a, b| a > b));
    for (mark, visible) in &moments {
        // The rows that were inserted first are the oldest, so the visible rows are always the end of the list.
        assert!(whole.ends_with(visible));
        let spans = [
            Span::ALL,
            Span { lower: whole[60], upper: whole[10] },
            Span::ALL.below(whole[40].successor()),
            Span { lower: whole[9], upper: whole[9] },
        ];
        for span in spans {
            let within: Vec<Key> =
                visible.iter().copied().filter(|key| *key >= span.lower && *key < span.upper).collect();
            let n = cold.count(&list, *mark, span).await.expect("counts").rows;
            assert_eq!(n, within.len() as i64, "epoch {} {span:?}", mark.epoch);
            for order in [Order::Desc, Order::Asc] {
                for (skip, take) in [(0, 5), (1, 1), (7, 3), (25, 50), (71, 2), (72, 1), (500, 1), (3, 0)] {
                    let slice = Slice { span, order, skip, take };
                    let rows = cold.read(&list, *mark, slice).await.expect("answers").rows;
                    let mut expected = within.clone();
                    if order == Order::Asc {
                        expected.reverse();
                    }
                    let expected: Vec<Key> =
                        expected.into_iter().skip(skip as usize).take(take as usize).collect();
                    let found: Vec<Key> = rows.iter().map(|row| list.key(row)).collect();
                    assert_eq!(found, expected, "epoch {} {slice:?}", mark.epoch);
                }
            }
        }
    }
}

async fn an_answer_proves_itself(pair: Pair) {
    let list = Messages::of(1);
    pair.put(&schema::MESSAGES, (1..=5).map(|id| message(id, 1, "x", old(id))).collect()).await;
    pair.archive("messages", Some(2)).await;
    let first = pair.mark(&list).await;
    pair.archive("messages", None).await;
    let mark = pair.mark(&list).await;
    let cold = SqlCold(&*pair.cold);
    let slice = Slice { skip: 1, ..Slice::newest(Span::ALL, 3) };
    for wrong in [
        HotSnapshot { token: mark.token.map(|token| token + 1), ..mark },
        HotSnapshot { token: None, ..mark },
        HotSnapshot { epoch: mark.epoch + 1, ..mark },
        HotSnapshot { token: first.token, ..mark },
    ] {
        assert!(matches!(cold.read(&list, wrong, slice).await, Err(ColdError::Unproven)));
        assert!(matches!(cold.count(&list, wrong, Span::ALL).await, Err(ColdError::Unproven)));
        assert!(matches!(cold.find(&list, wrong, 1).await, Err(ColdError::Unproven)));
    }
    assert_eq!(cold.find(&list, first, 5).await.expect("answers").rows.len(), 0);
    assert_eq!(cold.read(&list, mark, slice).await.expect("answers").confirmed, mark.epoch);
    let floor = "-- test.floor\nUPDATE archive_head SET floor = 2 WHERE resource = 'messages'";
    run(&pair, Statement::new(floor).postgres(floor), &[]).await;
    assert!(matches!(cold.read(&list, first, slice).await, Err(ColdError::EpochExpired)));
    assert_eq!(cold.read(&list, mark, slice).await.expect("answers").rows.len(), 3);
}

async fn run(pair: &Pair, statement: Statement, params: &[Value]) {
    let mut session = pair.cold.session().await.expect("a session");
    session.begin(Begin::Write).await.expect("begins");
    session.execute(&statement, params).await.expect("runs");
    session.commit().await.expect("commits");
}

async fn an_interrupted_move_is_undone(pair: Pair) {
    let list = Messages::of(1);
    pair.put(&schema::MESSAGES, (1..=20).map(|id| message(id, 1, "x", old(id))).collect()).await;
    pair.archive("messages", Some(10)).await;
    // Leaves what a mover does that died after its cold copy: a claim, rows, counts and an unconfirmed journal entry.
    let claim = "-- test.claim\nUPDATE archive_head SET claimed = claimed + 1 WHERE resource = 'messages'";
    run(&pair, Statement::new(claim).postgres(claim), &[]).await;
    let epoch = pair.mark(&list).await.epoch + 1;
    let mut columns: Vec<&str> = schema::MESSAGES.columns.iter().map(|column| column.archived).collect();
    columns.extend(["archived_at", "from_epoch"]);
    let copy = |id: i64| {
        let mut row = message(id, 1, "x", old(id));
        row.extend([now().into(), epoch.into()]);
        row
    };
    insert(&*pair.cold, "messages_archive", &columns, (11..=13).map(copy).collect()).await;
    let block = vec![1.into(), 0.into(), Timestamp::MAX.into(), i64::MAX.into(), epoch.into(), 3.into()];
    let columns = ["scope", "level", "upper_at", "upper_id", "from_epoch", "n"];
    insert(&*pair.cold, "messages_archive_blocks", &columns, vec![block]).await;
    let columns =
        ["resource", "epoch", "kind", "token", "row_count", "digest", "started", "finished", "confirmed"];
    let entry = vec![
        "messages".into(),
        epoch.into(),
        "archive".into(),
        77.into(),
        3.into(),
        "0".into(),
        now().into(),
        now().into(),
        false.into(),
    ];
    insert(&*pair.cold, "archive_batches", &columns, vec![entry]).await;
    let (mark, cold) = (pair.mark(&list).await, SqlCold(&*pair.cold));
    assert_eq!(cold.count(&list, mark, Span::ALL).await.expect("counts").rows, 10);
    pair.archive("messages", None).await;
    let mark = pair.mark(&list).await;
    assert_eq!(cold.count(&list, mark, Span::ALL).await.expect("counts").rows, 20);
    let rows = cold.read(&list, mark, Slice::oldest(Span::ALL, 100)).await.expect("answers").rows;
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
}

async fn a_corrected_price_replaces_the_old_one(pair: Pair) {
    let list = Prices { stock: 1 };
    let row = |id: i64, cents: i64| {
        let mut row = vec![id.into(), 1.into(), old(0).date().into()];
        row.extend((0..5).map(|_| Value::from(Decimal::new(cents, 2))));
        row.extend([1.into(), 2.into(), 3.into(), old(0).into()]);
        row
    };
    pair.put(&schema::PRICES, vec![row(1, 100)]).await;
    pair.archive("prices", None).await;
    let before = pair.mark(&list).await;
    pair.put(&schema::PRICES, vec![row(2, 250)]).await;
    pair.archive("prices", None).await;
    let after = pair.mark(&list).await;
    let cold = SqlCold(&*pair.cold);
    for (mark, id, open) in [(before, 1, "1.00"), (after, 2, "2.50")] {
        let rows = cold.read(&list, mark, Slice::newest(Span::ALL, 9)).await.expect("answers").rows;
        let found: Vec<_> = rows.iter().map(|row| (row.id, row.open.expect("a price").to_string())).collect();
        assert_eq!(found, [(id, open.to_owned())]);
    }
}

async fn a_batch_that_fails_leaves_nothing(pair: Pair) {
    let columns = ["resource", "id", "reason", "at"];
    let row = |id: i64| vec!["messages".into(), id.into(), "x".into(), now().into()];
    let mut session = pair.cold.session().await.expect("a session");
    session.begin(Begin::Write).await.expect("begins");
    let twice = session.insert("archive_erasures", &columns, &[row(1), row(1)]).await;
    assert!(matches!(twice, Err(thermocline::tier::TierError::Statement { .. })), "{twice:?}");
    session.rollback().await.expect("rolls back");
    session.begin(Begin::Write).await.expect("begins again");
    assert_eq!(session.insert("archive_erasures", &columns, &[row(2)]).await.expect("goes in"), 1);
    // Dropped before its commit.
    drop(session);
    insert(&*pair.cold, "archive_erasures", &columns, vec![row(1), row(2)]).await;
}

async fn the_load_knows_what_cold_holds(pair: Pair) {
    use thermocline::import::Record;
    use thermocline::load::nouns;
    use thermocline::load::{Loader, Verdict};
    let records = || {
        let one = |n: i64| {
            Record::new(&nouns::MESSAGES)
                .with_optional("id", (n % 2 == 0).then_some(1000 + n))
                .with("conversation_id", 1)
                .with("sender_id", 1)
                .with("content", "同じ")
                .with("created_at", old(n / 3))
        };
        (0..30).map(one).collect::<Vec<_>>()
    };
    for expected in [Verdict::Inserted, Verdict::Known] {
        let mut loader = Loader::new(&*pair.hot, Some(&*pair.cold), &pair.clock);
        let verdicts = loader.load(&nouns::MESSAGES, records()).await.expect("loads");
        // Of rows with equal content, one has an id and is known by it; the other has none and counts as one more.
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == expected).count(), 30);
        pair.archive("messages", None).await;
    }
}

/// The same history gives the same bytes on both pairs.
#[tokio::test]
async fn both_pairs_give_the_same_answers() {
    let Some(mixed) = Pair::mixed().await else { return };
    let embedded = Pair::embedded().await;
    let mut answers = Vec::new();
    for pair in [&embedded, &mixed] {
        let content = |id: i64| ["", "İstanbul ẞ", "hello WORLD", "100% _x_ \\"][id as usize % 4].to_owned();
        let rows = (1..=60).map(|id| message(id, 1 + id % 2, &content(id), old(id / 3 * DAY / 2)));
        pair.put(&schema::MESSAGES, rows.collect()).await;
        pair.put(&schema::MESSAGES, vec![message(99, 1, "new", now())]).await;
        let post = |id: i64| {
            vec![id.into(), (1 + id % 3).into(), "t".into(), content(id).as_str().into(), old(id / 2).into()]
        };
        pair.put(&schema::POSTS, (1..=25).map(post).collect()).await;
        let comment = |id: i64| {
            vec![id.into(), (1 + id % 5).into(), 2.into(), content(id).as_str().into(), old(id).into()]
        };
        pair.put(&schema::COMMENTS, (1..=40).map(comment).collect()).await;
        pair.put(&schema::LIKES, (1..=4).map(|user| vec![user.into(), (user / 2 + 1).into()]).collect())
            .await;
        let price = |id: i64| {
            let mut row = vec![id.into(), 1.into(), old(id * DAY).date().into()];
            row.extend((0..5).map(|n| match (id + n) % 4 {
                0 => Value::Null(ColumnType::Price),
                _ => Decimal::new((id + n) % 7 * 50, 2).into(),
            }));
            row.extend([Value::Null(ColumnType::Int), 0.into(), id.into(), old(id).into()]);
            row
        };
        pair.put(&schema::PRICES, (1..=30).map(price).collect()).await;
        for resource in ["messages", "posts", "prices"] {
            pair.archive(resource, None).await;
        }
        let (app, token) = pair.service();
        let router = thermocline::server::router(app, std::time::Duration::from_secs(30));
        let mut bodies = Vec::new();
        for uri in [
            "/api/conversations/1/messages?limit=7",
            "/api/conversations/1/messages?limit=7&page=3",
            "/api/conversations/2/messages?limit=4&offset=25",
            "/api/conversations/1/messages?limit=4&offset=500",
            "/api/conversations/1/messages/14",
            "/api/conversations/1/messages/15",
            "/api/conversations/1/messages/search?q=WoRld",
            "/api/conversations/1/messages/search?q=%25",
            "/api/conversations/2/messages/search?q=%C4%B0STANBUL",
            "/api/conversations/2/messages/search?q=%E1%BA%9E",
            "/api/posts?limit=6&page=2",
            "/api/posts?author_id=2&limit=5",
            "/api/posts/3",
            "/api/posts/3/comments?limit=5",
            "/api/posts/2/comments?limit=3&page=2",
            "/api/stocks/1/prices",
            "/api/stocks/1/prices?interval=week",
            "/api/stocks/1/prices?format=csv",
        ] {
            let request = Request::builder().uri(uri).header("authorization", format!("Bearer {token}"));
            let answer = router.clone().oneshot(request.body(Body::empty()).expect("sound")).await;
            let answer = answer.expect("answers");
            let status = answer.status();
            let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
            let body = String::from_utf8(body.to_vec()).expect("text");
            bodies.push((uri, status, without_request_id(&body)));
        }
        answers.push(bodies);
    }
    for (embedded, mixed) in answers[0].iter().zip(&answers[1]) {
        assert_eq!(embedded, mixed);
        assert!(!embedded.1.is_server_error(), "{embedded:?}");
    }
    assert!(answers[0].iter().filter(|(_, status, _)| status.is_success()).count() > 12, "{answers:?}");
}

/// Removes the id of the request, which differs each time.
fn without_request_id(body: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(body) {
        Ok(serde_json::Value::Object(mut problem)) if problem.contains_key("request_id") => {
            problem.remove("request_id");
            serde_json::Value::Object(problem).to_string()
        }
        _ => body.to_owned(),
    }
}
