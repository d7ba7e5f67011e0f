//! The public archives that are not part of the project, read from end to end. What is expected was counted with
//! another CSV reader. Where the data is absent every test says so and passes.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::record::{Price, StockRef};
use super::{Input, Noun, Options, Record};

fn data(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(file);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is absent", path.display());
    None
}

/// The records of a file without rejects.
fn records(noun: Noun, path: &Path) -> Vec<Record> {
    let input = Input::open(noun, path, &Options::default()).expect("a sound file");
    let records = input.records().expect("a sound file").map(|item| {
        let item = item.expect("a sound file");
        item.result.unwrap_or_else(|reject| panic!("{}:{}: {reject}", input.name(), item.line))
    });
    records.collect()
}

fn prices(path: &Path) -> Vec<Price> {
    let prices = records(Noun::Prices, path).into_iter().map(|record| match record {
        Record::Price(price) => price,
        other => panic!("{other:?}"),
    });
    prices.collect()
}

#[test]
fn every_table_is_read_whole() {
    for (noun, file, rows) in [
        (Noun::Messages, "messages.csv.gz", 282_132),
        (Noun::Posts, "posts.csv.gz", 5_877),
        (Noun::Comments, "comments.csv.gz", 120_000),
        (Noun::Likes, "likes.csv.gz", 182_018),
    ] {
        let Some(path) = data(file) else { return };
        assert_eq!(records(noun, &path).len(), rows, "{file}");
    }
}

/// Which of the values have to be null and which stay zero.
#[test]
fn every_price_is_read_whole() {
    let Some(path) = data("stock_prices_tw.csv.gz") else {
        return;
    };
    let prices = prices(&path);
    let count = |keep: fn(&Price) -> bool| prices.iter().filter(|price| keep(price)).count();
    assert_eq!(prices.len(), 104_234);
    assert_eq!(count(|price| price.open_price.is_none()), 2_037);
    assert_eq!(count(|price| price.change_amount.is_none()), 1_223);
    assert_eq!(count(|price| price.change_amount == Some(Decimal::ZERO)), 12_184);
    assert_eq!(count(|price| price.volume == Some(0)), 1_833);
    assert_eq!(count(|price| price.open_price.is_none() && price.volume != Some(0)), 204);
}

/// The exchange's own files say the same, value for value, as the table that was made of them by others.
#[test]
fn the_exchanges_files_agree_with_the_table() {
    let Some(path) = data("stock_prices_tw.csv.gz") else {
        return;
    };
    let table: HashMap<(StockRef, NaiveDate), Price> =
        prices(&path).into_iter().map(|price| ((price.stock.clone(), price.trade_date), price)).collect();
    for (symbol, rows, days) in [
        ("0050", 3_635, 3_635),
        ("1307", 6_767, 6_752),
        ("1312A", 6_773, 6_773),
        ("2330", 6_006, 6_006),
        ("2429", 4_269, 4_269),
    ] {
        let Some(path) = data(&format!("twse_raw/{symbol}.csv")) else {
            return;
        };
        let prices = prices(&path);
        assert_eq!(prices.len(), rows, "{symbol}");
        let mut seen = HashMap::new();
        for price in prices {
            let day = (price.stock.clone(), price.trade_date);
            assert_eq!(table.get(&day), Some(&price));
            seen.insert(day, price);
        }
        assert_eq!(seen.len(), days, "{symbol}");
    }
}

/// The sign of a change stands in another column, and is HTML.
#[test]
fn a_market_day_is_read_whole() {
    let Some(path) = data("twse_raw/market_20180227.csv") else {
        return;
    };
    let day = prices(&path);
    assert_eq!(day.len(), 1_045);
    let unpriced = day.iter().filter(|price| price.open_price.is_none());
    assert_eq!(unpriced.count(), 10);
    let changes: Vec<_> = day.iter().filter_map(|price| price.change_amount).collect();
    let signs = [Ordering::Less, Ordering::Equal, Ordering::Greater].map(|sign| {
        let alike = changes.iter().filter(|change| (*change).cmp(&Decimal::ZERO) == sign);
        alike.count()
    });
    assert_eq!(signs, [511, 134, 395]);
    assert_eq!(day[0].name.as_deref(), Some("元大台灣50"));

    let Some(path) = data("stock_prices_tw.csv.gz") else {
        return;
    };
    // Not the counts: a market day has the trades in odd lots and after hours in them.
    let values = |price: &Price| {
        [price.open_price, price.high_price, price.low_price, price.close_price, price.change_amount]
    };
    let table = prices(&path).into_iter();
    let same = table.filter(|price| {
        let mut others = day.iter().filter(|other| other.stock == price.stock);
        price.trade_date == day[0].trade_date && others.any(|other| values(other) == values(price))
    });
    assert_eq!(same.count(), 20);
}

#[test]
fn a_reply_is_read_whole() {
    let Some(path) = data("twse_raw/2330_202206.json") else {
        return;
    };
    let month = prices(&path);
    assert_eq!(month.len(), 21);
    let symbol = StockRef::Symbol("2330".to_owned());
    assert!(month.iter().all(|price| price.stock == symbol));
    let incomparable = month.iter().filter(|price| price.change_amount.is_none());
    assert_eq!(incomparable.count(), 1);
}
