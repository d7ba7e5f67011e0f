//! Statements that the suites over every engine do not send, so that every statement is tested on the wire.

use std::io::Write as _;

use axum::body::Body;
use axum::http::Request;
use rust_decimal::Decimal;
use thermocline::federation::reads::Hot as _;
use thermocline::federation::sql::SqlHot;
use thermocline::import::{Input, Options, Record};
use thermocline::load::{Loader, Verdict, nouns};
use thermocline::page::{Slice, Span};
use thermocline::resources::conversations::{Conversations, Order};
use thermocline::resources::posts::Posts;
use thermocline::resources::posts::comments::Comments;
use thermocline::resources::registry;
use thermocline::resources::stocks::by_symbol;
use thermocline::resources::stocks::prices::Prices;
use thermocline::schema;
use tower::ServiceExt as _;

use crate::support::pair::{Pair, now};
use crate::support::{LIMITED, limited_file};

#[tokio::test]
async fn lookups_return_the_row_or_none() {
    let (pair, _, fake) = Pair::over_tds().await;
    let hot = SqlHot(&*pair.hot);
    let found = hot.find(&Conversations { user: 2, order: Order::Activity }, 3).await.expect("finds");
    assert_eq!(found.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [3]);
    assert_eq!(
        hot.find(&Conversations { user: 4, order: Order::Activity }, 3).await.expect("finds").rows.len(),
        0
    );
    let post = vec![7.into(), 3.into(), "t".into(), "b".into(), now().into()];
    pair.put(&schema::POSTS, vec![post]).await;
    for (author, n) in [(3, 1), (4, 0)] {
        let posts = hot.find(&Posts { author: Some(author) }, 7).await.expect("finds").rows;
        assert_eq!(posts.len(), n);
    }
    pair.put(&schema::COMMENTS, vec![vec![9.into(), 7.into(), 1.into(), "c".into(), now().into()]]).await;
    for (post, n) in [(7, 1), (8, 0)] {
        assert_eq!(hot.find(&Comments { post }, 9).await.expect("finds").rows.len(), n);
    }
    assert_eq!(hot.find(&Prices { stock: 1 }, 5).await.expect("finds").rows.len(), 0);
    assert_eq!(fake.unknown(), Vec::<String>::new());
}

#[tokio::test]
async fn reloaded_records_are_completed_and_corrected() {
    let (pair, _, fake) = Pair::over_tds().await;
    let mut loader = Loader::new(&*pair.hot, Some(&*pair.cold), &pair.clock);
    let stock =
        |name: Option<&str>| Record::new(&nouns::STOCKS).with("symbol", "00631L").with_optional("name", name);
    let price = |cents: i64| {
        let price = Decimal::new(cents, 2);
        Record::new(&nouns::PRICES)
            .with("stock_id", 1)
            .with("trade_date", now().date())
            .with("open_price", price)
            .with_optional("high_price", None::<Decimal>)
            .with("low_price", price)
            .with("close_price", price)
            .with("change_amount", Decimal::new(-cents, 2))
            .with("volume", 1)
            .with_optional("turnover", None::<i64>)
            .with("transaction_count", 0)
    };
    let like = Record::new(&nouns::LIKES).with("user_id", 50).with("post_id", 7);
    let user = Record::new(&nouns::USERS).with("id", 50).with("username", "ann");
    let post = vec![7.into(), 3.into(), "t".into(), "b".into(), now().into()];
    pair.put(&schema::POSTS, vec![post]).await;
    for (noun, record, verdict) in [
        (&nouns::STOCKS, stock(None), Verdict::Inserted),
        (&nouns::STOCKS, stock(Some("正2")), Verdict::Corrected),
        (&nouns::PRICES, price(5), Verdict::Inserted),
        (&nouns::PRICES, price(0), Verdict::Corrected),
        // A user known by reference only gets a name.
        (&nouns::LIKES, like, Verdict::Inserted),
        (&nouns::USERS, user, Verdict::Corrected),
    ] {
        assert_eq!(loader.load(noun, vec![record.clone()]).await.expect("loads"), [verdict], "{record:?}");
    }
    let stock = by_symbol(&*pair.hot, "00631L").await.expect("asks").expect("it is there");
    assert_eq!(stock.name.as_deref(), Some("正2"));
    let prices = Prices { stock: 1 };
    let read = SqlHot(&*pair.hot).read(&prices, Slice::newest(Span::ALL, 9), false).await.expect("reads");
    let [price] = &read.rows[..] else { panic!("{:?}", read.rows) };
    assert_eq!((price.open, price.high, price.volume), (Some(Decimal::new(0, 2)), None, Some(1)));
    assert_eq!(fake.unknown(), Vec::<String>::new());
    let asked: Vec<String> = fake.asked().into_iter().map(|(_, name)| name).collect();
    for name in ["load.name_user", "load.complete_stock", "load.correct_price"] {
        assert!(asked.iter().any(|asked| asked == name), "{name}");
    }
}

/// The longest texts of files go in and are found again. `NVARCHAR` counts them as the import does.
#[tokio::test]
async fn longest_texts_of_a_file_are_loaded() {
    let (pair, _, _fake) = Pair::over_tds().await;
    for (name, header, line, column, length) in LIMITED {
        let noun = registry::imports().find(|(_, noun)| noun.name == name).expect("a noun").1;
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(limited_file(header, line, length).as_bytes()).expect("disk");
        let input = Input::open(noun, file.path(), &Options::default()).expect("a sound file");
        let items = input.records().expect("records").map(|item| item.expect("an item").result);
        let records: Vec<Record> = items.filter_map(Result::ok).collect();
        for verdict in [Verdict::Inserted, Verdict::Known] {
            let mut loader = Loader::new(&*pair.hot, Some(&*pair.cold), &pair.clock);
            let verdicts = loader.load(noun, records.clone()).await.expect("loads");
            assert_eq!(verdicts, [verdict], "{name}.{column}");
        }
    }
}

#[tokio::test]
async fn the_health_check_asks_the_server() {
    let (pair, _, fake) = Pair::over_tds().await;
    let (app, _) = pair.service();
    let router = thermocline::server::router(app, std::time::Duration::from_secs(10));
    let request = Request::builder().uri("/health").body(Body::empty()).expect("sound");
    assert_eq!(router.oneshot(request).await.expect("answers").status(), 200);
    assert!(fake.asked().iter().any(|(_, name)| name == "health.hot"));
}
