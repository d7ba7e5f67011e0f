//! Statements that the suites over every engine do not come to, so that every one has been on the wire.

use axum::body::Body;
use axum::http::Request;
use rust_decimal::Decimal;
use thermocline::federation::reads::Hot as _;
use thermocline::federation::sql::SqlHot;
use thermocline::import::record::{Price, Stock, StockRef, User};
use thermocline::import::{Noun, Record};
use thermocline::load::{Loader, Verdict};
use thermocline::page::{Slice, Span};
use thermocline::resources::conversations::Conversations;
use thermocline::resources::posts::Posts;
use thermocline::resources::posts::comments::Comments;
use thermocline::resources::stocks::by_symbol;
use thermocline::resources::stocks::prices::Prices;
use thermocline::schema;
use tower::ServiceExt as _;

use crate::contract::pair::{Pair, now};

#[tokio::test]
async fn finds_answer_with_the_row_or_none() {
    let (pair, _, front) = Pair::wired().await;
    let hot = SqlHot(&*pair.hot);
    let found = hot.find(&Conversations { user: 2 }, 3).await.expect("finds");
    assert_eq!(found.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [3]);
    assert_eq!(hot.find(&Conversations { user: 4 }, 3).await.expect("finds").rows.len(), 0);
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
    assert_eq!(front.unknown(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_loaded_again_is_completed_and_corrected() {
    let (pair, _, front) = Pair::wired().await;
    let mut loader = Loader::new(&*pair.hot, Some(&*pair.cold), &pair.clock);
    let stock = |name: Option<&str>| {
        Record::Stock(Stock {
            id: None,
            symbol: "00631L".to_owned(),
            name: name.map(str::to_owned),
            exchange: None,
            market_type: None,
            created_at: None,
            updated_at: None,
        })
    };
    let price = |cents: i64| {
        let price = Some(Decimal::new(cents, 2));
        Record::Price(Price {
            id: None,
            stock: StockRef::Id(1),
            trade_date: now().date(),
            open_price: price,
            high_price: None,
            low_price: price,
            close_price: price,
            change_amount: Some(Decimal::new(-cents, 2)),
            volume: Some(1),
            turnover: None,
            transaction_count: Some(0),
            has: [true; 8],
            name: None,
            created_at: None,
        })
    };
    let like = Record::Like(thermocline::import::record::Like { user_id: 50, post_id: 7 });
    let user = Record::User(User { id: Some(50), username: "ann".to_owned(), email: None });
    let post = vec![7.into(), 3.into(), "t".into(), "b".into(), now().into()];
    pair.put(&schema::POSTS, vec![post]).await;
    for (noun, record, verdict) in [
        (Noun::Stocks, stock(None), Verdict::Inserted),
        (Noun::Stocks, stock(Some("正2")), Verdict::Corrected),
        (Noun::Prices, price(5), Verdict::Inserted),
        (Noun::Prices, price(0), Verdict::Corrected),
        // A user who was only referred to gets a name.
        (Noun::Likes, like, Verdict::Inserted),
        (Noun::Users, user, Verdict::Corrected),
    ] {
        assert_eq!(loader.load(noun, vec![record.clone()]).await.expect("loads"), [verdict], "{record:?}");
    }
    let stock = by_symbol(&*pair.hot, "00631L").await.expect("asks").expect("it is there");
    assert_eq!(stock.name.as_deref(), Some("正2"));
    let prices = Prices { stock: 1 };
    let read = SqlHot(&*pair.hot).read(&prices, Slice::newest(Span::ALL, 9), false).await.expect("reads");
    let [price] = &read.rows[..] else { panic!("{:?}", read.rows) };
    assert_eq!((price.open, price.high, price.volume), (Some(Decimal::new(0, 2)), None, Some(1)));
    assert_eq!(front.unknown(), Vec::<String>::new());
    let asked: Vec<String> = front.asked().into_iter().map(|(_, name)| name).collect();
    for name in ["load.name_user", "load.complete_stock", "load.correct_price"] {
        assert!(asked.iter().any(|asked| asked == name), "{name}");
    }
}

#[tokio::test]
async fn its_health_is_asked_for() {
    let (pair, _, front) = Pair::wired().await;
    let (app, _) = pair.service();
    let router = thermocline::server::router(app, std::time::Duration::from_secs(10));
    let request = Request::builder().uri("/health").body(Body::empty()).expect("sound");
    assert_eq!(router.oneshot(request).await.expect("answers").status(), 200);
    assert!(front.asked().iter().any(|(_, name)| name == "health.ping"));
}
