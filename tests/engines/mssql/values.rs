//! Values are read as they were written, and slices are those of a sorted list.

use rust_decimal::Decimal;
use thermocline::clock::Timestamp;
use thermocline::federation::reads::Hot as _;
use thermocline::federation::sql::SqlHot;
use thermocline::page::{Key, Order, Slice, Span};
use thermocline::resources::messages::{Message, Messages};
use thermocline::resources::stocks::{self, prices::Prices};
use thermocline::schema::ColumnType;
use thermocline::tier::{Begin, Value};

use super::{MESSAGES, at, insert, message, on_every_engine, people, statement};

#[tokio::test]
async fn values_are_read_as_written() {
    on_every_engine!(engine => {
        let hot = &engine.hot;
        people(hot).await;
        let long = "長い😀 ".repeat(10_000);
        let texts = ["", " ", "a ", "你好 😀 ÄÖ \u{fffd} \u{1} '\"[]%_", "line\r\nline\t\\", &long];
        let times = [
            Timestamp::MIN, Timestamp::MAX, at("1969-12-31T23:59:59.999999Z"), at("2026-02-28T23:59:59.000001Z"),
            Timestamp::default(), at("1752-09-14T00:00:00.123456Z"),
        ];
        let ids = [1, 2, 3, i64::from(i32::MAX) + 1, i64::MAX - 1, 7];
        let rows: Vec<Vec<Value>> =
            (0..6).map(|n| message(ids[n], 1, texts[n], times[n])).collect();
        insert(hot, "messages", &MESSAGES, &rows).await;
        let list = Messages::of(1);
        let read = SqlHot(&**hot).read(&list, Slice::newest(Span::ALL, 100), true).await.expect("reads");
        assert_eq!((read.rows.len(), read.count.rows, read.count.late), (6, 6, 0));
        for (n, id) in ids.into_iter().enumerate() {
            let row = read.rows.iter().find(|row| row.id == id).expect("it is there");
            assert_eq!((row.content.as_str(), row.created_at), (texts[n], times[n]), "id {id}");
            assert_eq!((row.sender_id, row.is_read), (1 + id % 2, id % 3 == 0));
            // Also as a parameter.
            let mut params = rows[n].clone();
            params.swap_remove(5);
            let found = hot.fetch(&statement("SELECT count(*) AS n FROM messages WHERE id = ?1 AND conversation_id = ?2 \
                AND sender_id = ?3 AND content = ?4 AND created_at = ?5"), &params).await.expect("counts");
            assert_eq!(found[0].int("n").expect("a number"), 1, "id {id}");
        }
        engine_prices(hot).await;
    });
}

async fn engine_prices(hot: &std::sync::Arc<dyn thermocline::tier::Engine>) {
    let now: Value = at("2026-11-01").into();
    let stock = |id: i64, symbol: &str| vec![id.into(), symbol.into(), now.clone(), now.clone()];
    let columns = ["id", "symbol", "created_at", "updated_at"];
    insert(hot, "stocks", &columns, &[stock(1, "00631L"), stock(2, "00631l"), stock(3, "ＡＢ")]).await;
    assert_eq!(stocks::by_symbol(&**hot, "00631l").await.expect("asks").map(|stock| stock.id), Some(2));
    assert_eq!(stocks::by_symbol(&**hot, "00631L ").await.expect("asks"), None);
    assert_eq!(stocks::by_symbol(&**hot, "AB").await.expect("asks"), None);
    assert_eq!(stocks::matching(&**hot, "31L").await.expect("asks").len(), 2);
    assert_eq!(stocks::matching(&**hot, "").await.expect("asks").len(), 3);

    let columns = [
        "stock_id",
        "trade_date",
        "open_price",
        "high_price",
        "low_price",
        "close_price",
        "volume",
        "created_at",
    ];
    let price = |text: &str| Value::Price(text.parse::<Decimal>().expect("a decimal"));
    let null = Value::Null(ColumnType::Price);
    let day = |date: &str, open, high, low, close, volume| {
        let date: chrono::NaiveDate = date.parse().expect("a date");
        vec![1.into(), date.into(), open, high, low, close, volume, now.clone()]
    };
    let rows = [
        day(
            "0001-01-01",
            price("0"),
            price("99999999.99"),
            price("-99999999.99"),
            null.clone(),
            Value::Null(ColumnType::Int),
        ),
        day("9999-12-31", null.clone(), price("0.01"), price("96.5"), price("96.50"), i64::MAX.into()),
        day("2026-11-20", null.clone(), null.clone(), null.clone(), null, 0.into()),
    ];
    insert(hot, "stock_prices", &columns, &rows).await;
    let list = Prices { stock: 1 };
    let read = SqlHot(&**hot).read(&list, Slice::oldest(Span::ALL, 10), false).await.expect("reads");
    let text = |price: Option<Decimal>| price.map(|price| price.normalize().to_string());
    let days: Vec<String> = read.rows.iter().map(|row| row.trade_date.to_string()).collect();
    assert_eq!(days, ["0001-01-01", "2026-11-20", "9999-12-31"]);
    assert_eq!(text(read.rows[0].open).as_deref(), Some("0"));
    assert_eq!(text(read.rows[0].high).as_deref(), Some("99999999.99"));
    assert_eq!(text(read.rows[0].low).as_deref(), Some("-99999999.99"));
    assert_eq!((read.rows[0].close, read.rows[0].volume, read.rows[1].volume), (None, None, Some(0)));
    assert_eq!((text(read.rows[2].close).as_deref(), read.rows[2].volume), (Some("96.5"), Some(i64::MAX)));
    let span = Span { lower: Key::new(at("2026-11-20"), 0), upper: Key::new(at("2026-11-20"), 1) };
    let read = SqlHot(&**hot).read(&list, Slice::newest(span, 10), false).await.expect("reads");
    assert_eq!(read.rows.len(), 1);
    let span = Span { lower: Key::new(at("2026-11-20"), 1), upper: Key::new(at("9999-12-31"), 0) };
    let read = SqlHot(&**hot).read(&list, Slice::newest(span, 10), false).await.expect("reads");
    assert_eq!(read.rows.len(), 0);
}

/// Returns 300 messages at 40 instants a microsecond apart.
fn crowd() -> Vec<(i64, Timestamp)> {
    (1..=300).map(|id| (id, at("2026-11-01").plus(id * 7 % 40))).collect()
}

#[tokio::test]
async fn slices_are_those_of_a_sorted_list() {
    on_every_engine!(engine => {
        let hot = &engine.hot;
        people(hot).await;
        let crowd = crowd();
        let rows: Vec<Vec<Value>> =
            crowd.iter().map(|(id, at)| message(*id, 1 + id % 2, "x", *at)).collect();
        insert(hot, "messages", &MESSAGES, &rows).await;
        let newest = at("2026-11-01").plus(20);
        let mut session = hot.session().await.expect("a session");
        session.begin(Begin::Write).await.expect("begins");
        let state = statement("UPDATE archive_state SET epoch = 4, token = ?1, cold_newest_at = ?2, cold_newest_id = ?3 \
            WHERE resource = 'messages'");
        session.execute(&state, &[i64::MIN.into(), newest.into(), 100.into()]).await.expect("a state");
        session.commit().await.expect("commits");

        let keys = |conversation: i64| {
            let mut keys: Vec<Key> =
                crowd.iter().filter(|(id, _)| 1 + id % 2 == conversation).map(|(id, at)| Key::new(*at, *id)).collect();
            keys.sort_unstable();
            keys
        };
        let list = Messages::of(1);
        let all = keys(1);
        let bounds = [Key::MIN, all[0], all[40], all[41].successor(), all[100], Key::first_at(newest), Key::MAX];
        for lower in bounds {
            for upper in bounds {
                for (order, skip, take) in [(Order::Desc, 0, 5), (Order::Asc, 0, 5), (Order::Desc, 30, 200), (Order::Asc, 7, 1), (Order::Desc, 3, 0)] {
                    let slice = Slice { span: Span { lower, upper }, order, skip, take };
                    let read = SqlHot(&**hot).read(&list, slice, true).await.expect("reads");
                    let mut inside: Vec<Key> = all.iter().copied().filter(|key| (lower..upper).contains(key)).collect();
                    if lower >= upper { inside.clear(); }
                    let late = inside.iter().filter(|key| **key < Key::new(newest, 100)).count() as i64;
                    assert_eq!((read.count.rows, read.count.late), (inside.len() as i64, late), "{slice:?}");
                    if order == Order::Desc { inside.reverse(); }
                    let expected: Vec<Key> = inside.into_iter().skip(skip as usize).take(take as usize).collect();
                    let got: Vec<Key> = read.rows.iter().map(|row| Key::new(row.created_at, row.id)).collect();
                    assert_eq!(got, expected, "{slice:?}");
                    assert_eq!((read.snapshot.epoch, read.snapshot.token), (4, Some(i64::MIN)));
                    assert_eq!(read.snapshot.cold_watermark, Some(Key::new(newest, 100)));
                }
            }
        }
        let read = SqlHot(&**hot).read(&list, Slice::newest(Span::ALL, 1), false).await.expect("reads");
        assert_eq!((read.count.rows, read.rows.len()), (0, 1));
        let found = SqlHot(&**hot).find(&list, 2).await.expect("finds");
        assert_eq!((found.rows.len(), found.snapshot.epoch), (1, 4));
        assert_eq!(SqlHot(&**hot).find(&list, 1).await.expect("finds").rows, Vec::<Message>::new());
    });
}

#[tokio::test]
async fn search_is_literal_and_folds_ascii_only() {
    on_every_engine!(engine => {
        let hot = &engine.hot;
        people(hot).await;
        let texts = ["100% sure", "100 percent", "a_b", "axb", "[x]", "x", "Grüße", "GRÜSSE", "\u{212a}elvin", "kelvin",
            "ｗｉｄｅ", "WIDE", "trailing ", "İstanbul", "it's", "かな", "カナ"];
        let rows: Vec<Vec<Value>> = (1..).zip(texts).map(|(id, text)| message(id, 1, text, at("2026-11-01"))).collect();
        insert(hot, "messages", &MESSAGES, &rows).await;
        for wanted in ["100%", "_", "[x]", "X", "grüße", "grü", "ss", "kelvin", "ELVIN", "wide", "ｗｉｄｅ", "g ", "i", "'", "かな", "İ", "%"] {
            let list = Messages::containing(1, wanted);
            let read = SqlHot(&**hot).read(&list, Slice::newest(Span::ALL, 100), false).await.expect("reads");
            let mut got: Vec<&str> = read.rows.iter().map(|row| row.content.as_str()).collect();
            got.reverse();
            let fold = wanted.to_ascii_lowercase();
            let expected: Vec<&str> =
                texts.into_iter().filter(|text| text.to_ascii_lowercase().contains(&fold)).collect();
            assert_eq!(got, expected, "{wanted}");
        }
    });
}
