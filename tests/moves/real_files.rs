//! Reads public data sets that are not part of the repository from end to end. The expected numbers were counted with another
//! CSV reader. Where the data is absent every test prints so and passes.

use std::cmp::Ordering;
use std::collections::HashMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use thermocline::import::Record;
use thermocline::load::nouns::{COMMENTS, LIKES, MESSAGES, POSTS, PRICES};

use super::real_data::{data, records};

fn day(price: &Record) -> (String, NaiveDate) {
    (price.text("symbol").expect("a symbol").to_owned(), price.time("trade_date").expect("a day").date())
}

#[test]
fn every_table_is_read_whole() {
    for (noun, file, rows) in [
        (&MESSAGES, "messages.csv.gz", 282_132),
        (&POSTS, "posts.csv.gz", 5_877),
        (&COMMENTS, "comments.csv.gz", 120_000),
        (&LIKES, "likes.csv.gz", 182_018),
    ] {
        let Some(path) = data(file) else { return };
        assert_eq!(records(noun, &path).len(), rows, "{file}");
    }
}

/// Counts the values that have to be NULL and those that stay zero.
#[test]
fn every_price_is_read_whole() {
    let Some(path) = data("stock_prices_tw.csv.gz") else {
        return;
    };
    let prices = records(&PRICES, &path);
    let count = |keep: fn(&Record) -> bool| prices.iter().filter(|price| keep(price)).count();
    assert_eq!(prices.len(), 104_234);
    assert_eq!(count(|price| price.decimal("open_price").is_none()), 2_037);
    assert_eq!(count(|price| price.decimal("change_amount").is_none()), 1_223);
    assert_eq!(count(|price| price.decimal("change_amount") == Some(Decimal::ZERO)), 12_184);
    assert_eq!(count(|price| price.int("volume") == Some(0)), 1_833);
    assert_eq!(count(|price| price.decimal("open_price").is_none() && price.int("volume") != Some(0)), 204);
}

/// The exchange's own files hold the same values as the table that others made of them.
#[test]
fn files_of_the_exchange_agree_with_the_table() {
    let Some(path) = data("stock_prices_tw.csv.gz") else {
        return;
    };
    // The table has no names of stocks.
    let table: HashMap<_, _> =
        records(&PRICES, &path).into_iter().map(|price| (day(&price), price)).collect();
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
        let prices = records(&PRICES, &path);
        assert_eq!(prices.len(), rows, "{symbol}");
        let mut seen = HashMap::new();
        for price in prices {
            let same = table.get(&day(&price)).expect("a day of the table");
            for column in PRICES.table.columns {
                let theirs = price.get(column.name);
                assert!(theirs.is_none() || theirs == same.get(column.name), "{price:?} {same:?}");
            }
            seen.insert(day(&price), price);
        }
        assert_eq!(seen.len(), days, "{symbol}");
    }
}

/// The sign of a change stands in another column, as HTML.
#[test]
fn market_day_is_read_whole() {
    let Some(path) = data("twse_raw/market_20180227.csv") else {
        return;
    };
    let market = records(&PRICES, &path);
    assert_eq!(market.len(), 1_045);
    let unpriced = market.iter().filter(|price| price.decimal("open_price").is_none());
    assert_eq!(unpriced.count(), 10);
    let changes: Vec<_> = market.iter().filter_map(|price| price.decimal("change_amount")).collect();
    let signs = [Ordering::Less, Ordering::Equal, Ordering::Greater].map(|sign| {
        let alike = changes.iter().filter(|change| (*change).cmp(&Decimal::ZERO) == sign);
        alike.count()
    });
    assert_eq!(signs, [511, 134, 395]);
    assert_eq!(market[0].text("name"), Some("元大台灣50"));

    let Some(path) = data("stock_prices_tw.csv.gz") else {
        return;
    };
    // Not the counts: those of a market day include odd lots and trades after hours.
    let amounts = |price: &Record| {
        ["open_price", "high_price", "low_price", "close_price", "change_amount"]
            .map(|column| price.decimal(column))
    };
    let same = records(&PRICES, &path).into_iter().filter(|price| {
        day(price).1 == day(&market[0]).1
            && market.iter().any(|other| day(other) == day(price) && amounts(other) == amounts(price))
    });
    assert_eq!(same.count(), 20);
}

#[test]
fn reply_is_read_whole() {
    let Some(path) = data("twse_raw/2330_202206.json") else {
        return;
    };
    let month = records(&PRICES, &path);
    assert_eq!(month.len(), 21);
    assert!(month.iter().all(|price| price.text("symbol") == Some("2330")));
    let incomparable = month.iter().filter(|price| price.decimal("change_amount").is_none());
    assert_eq!(incomparable.count(), 1);
}
