//! Stocks with real names, and three years of invented prices.
//!
//! All amounts are in cents: floats could round differently on different machines.

use chrono::{Datelike, NaiveDate, Weekday};
use rand::RngExt;
use rand::rngs::StdRng;
use rust_decimal::Decimal;

use super::{DemoPlan, Price, SPAN_DAYS, Stock, Stream};
use crate::clock::DAY;

/// Symbol, name, kind, typical price in dollars, and thousands of shares on a typical day.
const LISTED: [(&str, &str, &str, i64, i64); 20] = [
    ("0050", "元大台灣50", "ETF", 180, 12_000),
    ("0056", "元大高股息", "ETF", 38, 40_000),
    ("00878", "國泰永續高股息", "ETF", 22, 60_000),
    ("1101", "台泥", "stock", 32, 18_000),
    ("1216", "統一", "stock", 80, 9_000),
    ("1301", "台塑", "stock", 48, 15_000),
    ("1312A", "國喬特", "preferred", 17, 8),
    ("2002", "中鋼", "stock", 24, 30_000),
    ("2303", "聯電", "stock", 51, 50_000),
    ("2308", "台達電", "stock", 410, 8_000),
    ("2317", "鴻海", "stock", 205, 55_000),
    ("2330", "台積電", "stock", 1_080, 35_000),
    ("2382", "廣達", "stock", 290, 25_000),
    ("2412", "中華電", "stock", 125, 10_000),
    ("2454", "聯發科", "stock", 1_310, 6_000),
    ("2603", "長榮", "stock", 200, 20_000),
    ("2881", "富邦金", "stock", 91, 16_000),
    ("2882", "國泰金", "stock", 67, 19_000),
    ("2891", "中信金", "stock", 41, 33_000),
    ("3008", "大立光", "stock", 2_460, 700),
];
/// The stock in the printed requests.
pub(super) const SYMBOL: &str = "2330";
/// A preferred share that is rarely traded.
const ILLIQUID: &str = "1312A";
/// Month and day of the fixed holidays. Lunar ones are left out: they do not matter for the demo.
const HOLIDAYS: [(u32, u32); 7] = [(1, 1), (2, 28), (4, 4), (4, 5), (5, 1), (10, 10), (12, 25)];
/// Half past one in Taipei, as a time of day in UTC: earlier, the day has no price yet.
const CLOSING: i64 = DAY / 48 * 11;

impl DemoPlan {
    /// Returns the stocks by id.
    pub fn stocks(self) -> impl Iterator<Item = Stock> + Send + 'static {
        (1..).zip(LISTED).map(|(id, (symbol, name, market_type, ..))| Stock {
            id,
            symbol,
            name,
            exchange: "TWSE",
            market_type,
        })
    }

    /// Returns the prices by day and, within a day, by stock, as in the daily file of an exchange.
    pub fn prices(self) -> impl Iterator<Item = Price> + Send + 'static {
        let first = self.now.plus(-SPAN_DAYS * DAY).date();
        let last = self.now.plus(-CLOSING).date();
        let mut walks: Vec<_> =
            (0..LISTED.len()).map(|stock| Walk::new(stock, self.rng(Stream::Prices, stock))).collect();
        first
            .iter_days()
            .take_while(move |date| *date <= last)
            .filter(|date| trades_on(*date))
            .flat_map(move |date| walks.iter_mut().map(|walk| walk.day(date)).collect::<Vec<_>>())
    }
}

fn trades_on(date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun) && !HOLIDAYS.contains(&(date.month(), date.day()))
}

/// Returns the symbol and the name of a random stock, for texts.
pub(super) fn any_stock(rng: &mut StdRng) -> (&'static str, &'static str) {
    let (symbol, name, ..) = LISTED[rng.random_range(0..LISTED.len())];
    (symbol, name)
}

/// The random walk of the price of a stock.
struct Walk {
    rng: StdRng,
    stock_id: i64,
    /// The price in cents that the walk is drawn back to, so that it never reaches 0.
    home: i64,
    /// Shares on a typical day.
    shares: i64,
    /// Days without a trade in a thousand.
    quiet: u32,
    close: Option<i64>,
}

impl Walk {
    fn new(stock: usize, rng: StdRng) -> Self {
        let (symbol, _, _, dollars, thousands) = LISTED[stock];
        Self {
            rng,
            stock_id: stock as i64 + 1,
            home: dollars * 100,
            shares: thousands * 1000,
            quiet: match symbol {
                SYMBOL => 0,
                ILLIQUID => 90,
                _ => 1,
            },
            close: None,
        }
    }

    fn day(&mut self, trade_date: NaiveDate) -> Price {
        let none = Price {
            stock_id: self.stock_id,
            trade_date,
            open_price: None,
            high_price: None,
            low_price: None,
            close_price: None,
            change_amount: None,
            volume: Some(0),
            turnover: Some(0),
            transaction_count: Some(0),
        };
        if self.rng.random_ratio(self.quiet, 1000) {
            return none;
        }
        let before = self.close.unwrap_or(self.home);
        let pull = (self.home - before) * 30 / self.home;
        let step = pull + (0..4).map(|_| self.rng.random_range(-100..=100)).sum::<i64>();
        let unmoved = self.rng.random_ratio(2, 100);
        let close = if unmoved { before } else { moved(before, step) };
        let open = self.moved_by_up_to(before, -60, 60);
        let high = self.moved_by_up_to(open.max(close), 0, 80).max(open).max(close);
        let low = self.moved_by_up_to(open.min(close), -80, 0).min(open).min(close);
        let volume = self.shares * self.rng.random_range(40..=200) / 100 * (100 + step.abs()) / 200
            + self.rng.random_range(1..1000);
        // Unknown on the first day of a stock, and after a dividend.
        let known = self.close.is_some() && self.rng.random_ratio(997, 1000);
        self.close = Some(close);
        Price {
            open_price: Some(dollars(open)),
            high_price: Some(dollars(high)),
            low_price: Some(dollars(low)),
            close_price: Some(dollars(close)),
            change_amount: known.then(|| dollars(close - before)),
            volume: Some(volume),
            turnover: Some(volume * (open + close) / 200),
            transaction_count: Some(volume / self.rng.random_range(700..=2500) + 1),
            ..none
        }
    }

    fn moved_by_up_to(&mut self, cents: i64, least: i64, most: i64) -> i64 {
        moved(cents, self.rng.random_range(least..=most))
    }
}

/// Returns `cents` changed by `step` hundredths of a percent and rounded to a price that the exchange allows.
fn moved(cents: i64, step: i64) -> i64 {
    let cents = cents + cents * step / 10_000;
    let tick = match cents {
        ..1_000 => 1,
        1_000..5_000 => 5,
        5_000..10_000 => 10,
        10_000..50_000 => 50,
        50_000..100_000 => 100,
        _ => 500,
    };
    (cents + tick / 2) / tick * tick
}

fn dollars(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}
