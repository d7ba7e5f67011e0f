use super::testing::{LIKES, PRICES};
use super::*;

fn open(file: &str, text: &str, options: &Options) -> Result<Vec<Item>, String> {
    open_as(&PRICES, file, text, options)
}

fn open_as(noun: &'static Noun, file: &str, text: &str, options: &Options) -> Result<Vec<Item>, String> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join(file);
    std::fs::write(&path, text).expect("disk");
    let input = Input::open(noun, &path, options).map_err(|error| error.problem.to_string())?;
    let read = || -> Result<Vec<Item>, String> {
        let items = input.records().expect("sound text");
        items.map(|item| item.map_err(|error| error.to_string())).collect()
    };
    let first = read();
    assert_eq!(first, read(), "a second pass differs");
    first
}

fn price(item: &Item) -> (&str, String) {
    let price = item.result.as_ref().expect("a price");
    let day = price.time("trade_date").expect("a day").date();
    (price.text("symbol").expect("a symbol"), day.to_string())
}

/// The first record of a file without a header is not a header.
#[test]
fn format_of_prices_is_detected() {
    let row = "107/03/01,1,2,3.0,3.0,3.0,3.0,X0.00,4\r\n";
    let items = open("0050.csv", row, &Options::default()).expect("one symbol");
    assert_eq!(price(&items[0]), ("0050", "2018-03-01".to_owned()));
    assert_eq!((items[0].line, items[0].raw.as_str()), (1, row.trim_end()));

    let items = open("p.csv", "SYMBOL,trade_date\n0050,2018-03-01\n", &Options::default());
    let items = items.expect("a header");
    assert_eq!(items.len(), 1);
    assert_eq!(price(&items[0]), ("0050", "2018-03-01".to_owned()));
    assert_eq!(items[0].line, 2);

    let misspelt = open("p.csv", "symbol,trade_day\n", &Options::default());
    let expected = "header line: unknown column \"trade_day\", missing column \"trade_date\"";
    assert_eq!(misspelt, Err(expected.to_owned()));
    for text in ["hello\n", "2018/03/01,1,2,3.0,3.0,3.0,3.0,X0.00,4\n"] {
        let refused = open("0050.csv", text, &Options::default()).expect_err(text);
        assert!(refused.starts_with("neither"), "{refused}");
    }
}

/// The last line of the one shape whose first line is a record.
#[test]
fn cut_line_is_rejected() {
    let items = open("0050.csv", "107/03/01,1,2,3.0,3.0,3.0,3.0,X0.00,4", &Options::default());
    let reject = items.expect("one symbol")[0].result.clone().expect_err("it may be cut");
    assert_eq!(reject.reason, "the file ends in the middle of a line");
    let refused = open("p.csv", "symbol,trade_date", &Options::default());
    let expected = "header line: the file ends in the middle of a line";
    assert_eq!(refused, Err(expected.to_owned()));
}

#[test]
fn unfit_options_are_rejected() {
    let symbol = Options { symbol: Some("0050".to_owned()), ..Options::default() };
    let twse = Options { format: Some(Format::Twse), ..Options::default() };
    let likes = "user_id,post_id\n1,2\n";
    assert!(open("p.csv", "symbol,trade_date\n", &symbol).is_err());
    assert!(open_as(&LIKES, "l.csv", likes, &symbol).is_err());
    assert!(open_as(&LIKES, "l.csv", likes, &twse).is_err());
    assert!(open_as(&LIKES, "l.csv", likes, &Options::default()).is_ok());
    assert!(open_as(&LIKES, "l.csv", "\r\n\n", &Options::default()).is_err());
}

#[test]
fn stem_has_no_extensions() {
    for (path, expected) in
        [("a/0050.csv", "0050"), ("0050.csv.gz", "0050"), ("0050.GZ", "0050"), ("0050", "0050")]
    {
        assert_eq!(stem(Path::new(path)).as_deref(), Some(expected), "{path}");
    }
}
