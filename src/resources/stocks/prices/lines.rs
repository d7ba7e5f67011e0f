//! Prices as lines of CSV or of JSON. They have no envelope, so they can tell nothing but prices.

use std::collections::VecDeque;
use std::io::Write as _;

use async_trait::async_trait;
use serde::Serialize;

use super::ask::Ask;
use super::body::{Chunk, Source};
use super::read::Reading;
use super::row::Row;
use crate::import::spreadsheet;
use crate::resources::stocks::Stock;
use crate::web::problem::Problem;
use crate::web::state::App;

/// The header of a CSV file: what `thermocline import prices` reads.
const CSV_HEADER: &str = "symbol,trade_date,open_price,high_price,low_price,close_price,change_amount,\
                          volume,turnover,transaction_count\n";

/// Lines of CSV or of JSON, stock by stock.
pub struct Lines {
    csv: bool,
    begun: bool,
    stocks: VecDeque<(String, Reading)>,
}

impl Lines {
    /// The prices of `stocks` in their order; as CSV, or as one JSON object a line.
    pub fn new(stocks: Vec<Stock>, ask: &Ask, csv: bool) -> Self {
        let reading = |stock: Stock| (stock.symbol, Reading::new(stock.id, ask));
        Self { csv, begun: false, stocks: stocks.into_iter().map(reading).collect() }
    }
}

#[async_trait]
impl Source for Lines {
    async fn next(&mut self, app: &App) -> Result<Chunk, Problem> {
        let mut chunk = Chunk::default();
        if self.csv && !self.begun {
            chunk.bytes.extend_from_slice(CSV_HEADER.as_bytes());
        }
        self.begun = true;
        if let Some((symbol, reading)) = self.stocks.front_mut() {
            let (rows, days) = reading.next(app.reader()).await?;
            let write = if self.csv { csv_line } else { json_line };
            for row in &rows {
                write(&mut chunk.bytes, symbol, row).map_err(Problem::internal)?;
            }
            (chunk.days, chunk.partial) = (days, reading.missing_cold());
            if reading.done() {
                self.stocks.pop_front();
            }
        }
        chunk.last = self.stocks.is_empty();
        Ok(chunk)
    }

    fn head_sent(&mut self, partial: bool) {
        if partial {
            return;
        }
        // Lines have no end that could tell what is missing from them.
        for (_, reading) in &mut self.stocks {
            reading.demand_cold();
        }
    }
}

/// One line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    symbol: &'a str,
    #[serde(flatten)]
    row: &'a Row,
}

fn json_line(out: &mut Vec<u8>, symbol: &str, row: &Row) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, &Line { symbol, row })?;
    out.push(b'\n');
    Ok(())
}

fn csv_line(out: &mut Vec<u8>, symbol: &str, row: &Row) -> std::io::Result<()> {
    let symbol = spreadsheet::escape(symbol);
    if symbol.contains([',', '"', '\r', '\n']) {
        write!(out, "\"{}\"", symbol.replace('"', "\"\""))?;
    } else {
        out.extend_from_slice(symbol.as_bytes());
    }
    write!(out, ",{}", row.trade_date)?;
    for price in [row.open_price, row.high_price, row.low_price, row.close_price, row.change_amount] {
        out.push(b',');
        if let Some(price) = price {
            write!(out, "{price}")?;
        }
    }
    for count in [row.volume, row.turnover, row.transaction_count] {
        out.push(b',');
        if let Some(count) = count {
            write!(out, "{count}")?;
        }
    }
    out.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::super::row::Amount;
    use super::*;
    use crate::web::day::Day;

    fn row() -> Row {
        let amount = |text: &str| Some(Amount(text.parse::<Decimal>().expect("a decimal")));
        Row {
            id: None,
            trade_date: Day("2026-01-02".parse().expect("a date")),
            open_price: amount("0.00"),
            high_price: amount("99999999.99"),
            low_price: amount("96.5"),
            close_price: None,
            change_amount: amount("-0.05"),
            volume: Some(i128::from(i64::MAX) * 2),
            turnover: Some(0),
            transaction_count: None,
            from_archive: true,
        }
    }

    /// A spreadsheet shows such a symbol as text, numbers stay numbers, and an import reads the symbol itself, unless no import
    /// takes it.
    #[test]
    fn symbols_are_no_formulas() {
        let symbols = ["=1+1", "+1", "-1", "@A", "'=1", "2330", "＝1"];
        let mut out = CSV_HEADER.as_bytes().to_vec();
        for symbol in symbols {
            csv_line(&mut out, symbol, &Row { volume: None, ..row() }).expect("memory");
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &out).expect("written");
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(text.contains("\n'=1+1,2026-01-02,0.00,") && text.contains(",-0.05,"), "{text}");
        let input = crate::import::Input::open(
            &crate::load::nouns::PRICES,
            file.path(),
            &crate::import::Options::default(),
        );
        let records = input.expect("a sound file").records().expect("readable");
        let read = records.map(|line| {
            let record = line.expect("readable").result.ok()?;
            Some(record.text("symbol").expect("a symbol").to_owned())
        });
        let taken = symbols.map(|symbol| (!symbol.contains(['=', '＝'])).then(|| symbol.to_owned()));
        assert_eq!(read.collect::<Vec<_>>(), taken);
    }

    #[test]
    fn numbers_are_written_digit_by_digit() {
        let mut out = Vec::new();
        json_line(&mut out, "00\"50", &row()).expect("memory");
        csv_line(&mut out, "a\",b", &row()).expect("memory");
        assert_eq!(
            String::from_utf8(out).expect("UTF-8"),
            "{\"symbol\":\"00\\\"50\",\"trade_date\":\"2026-01-02\",\"open_price\":0.00,\"high_price\":99999999.99,\
             \"low_price\":96.50,\"close_price\":null,\"change_amount\":-0.05,\"volume\":18446744073709551614,\
             \"turnover\":0,\"transaction_count\":null,\"from_archive\":true}\n\
             \"a\"\",b\",2026-01-02,0.00,99999999.99,96.50,,-0.05,18446744073709551614,0,\n"
        );
    }
}
