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

/// The bytes of a file, read as prices; `Err` is about the whole file.
fn open_bytes(file: &str, bytes: &[u8]) -> Result<Vec<Item>, String> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join(file);
    std::fs::write(&path, bytes).expect("disk");
    let input =
        Input::open(&PRICES, &path, &Options::default()).map_err(|error| error.problem.to_string())?;
    let items = input.records().expect("sound text");
    items.map(|item| item.map_err(|error| error.to_string())).collect()
}

const MONTH: &str = "\"115年01月 2330 台積電               各日成交資訊\"\r
\"日期\",\"成交股數\",\"成交金額\",\"開盤價\",\"最高價\",\"最低價\",\"收盤價\",\"漲跌價差\",\"成交筆數\",\r
\"115/01/05\",\"1,000\",\"1,000,000\",\"1,000.00\",\"1,010.00\",\"990.00\",\"1,005.00\",\"+5.00\",\"100\",\r
\"115/01/06\",\"1,000\",\"1,000,000\",\"1,005.00\",\"1,010.00\",\"990.00\",\"1,000.00\",\"-5.00\",\"100\",\r
\"說明:\"\r
\"符號說明:+/-/X表示漲/跌/不比價\"\r
\"當日統計資訊含一般、零股、盤後定價、鉅額交易，不含拍賣、標購。\"";

#[test]
fn a_month_of_one_symbol_is_read_as_it_is_downloaded() {
    let (big5, _, unmappable) = encoding_rs::BIG5.encode(MONTH);
    assert!(!unmappable);
    for bytes in [MONTH.as_bytes(), &big5] {
        for name in ["STOCK_DAY_2330_202601.csv", "download.csv"] {
            let items = open_bytes(name, bytes).expect(name);
            let found: Vec<_> = items.iter().map(price).collect();
            assert_eq!(found, [("2330", "2026-01-05".to_owned()), ("2330", "2026-01-06".to_owned())]);
            assert_eq!((items[0].line, items[1].line), (3, 4));
        }
        for name in ["2317.csv", "STOCK_DAY_2317_202601.csv"] {
            let refused = open_bytes(name, bytes).expect_err("another stock");
            assert!(refused.contains("2330") && refused.contains("2317"), "{refused}");
        }
    }
    let cut = MONTH.replace("\"115/01/06\",\"1,000\",", "\"115/01/06\",");
    assert!(
        open_bytes("2330.csv", cut.as_bytes()).expect("one bad line")[1].result.is_err(),
        "it is not taken for a note"
    );
    assert!(open_bytes("2330.csv", b"\xff\xff,\n").expect_err("no text").starts_with("not UTF-8"));
}

const DAY: &str = "\"115年01月05日 價格指數(臺灣證券交易所)\"
\"指數\",\"收盤指數\",\"漲跌(+/-)\",\"漲跌點數\",\"漲跌百分比(%)\",\"特殊處理註記\",
\"寶島股價指數\",\"1.00\",\"+\",\"0.10\",\"0.50\",\"\",

\"115年01月05日 大盤統計資訊\"
\"成交統計\",\"成交金額(元)\",\"成交股數(股)\",\"成交筆數\",
\"1.一般股票\",\"1,000\",\"1,000\",\"10\",

\"115年01月05日每日收盤行情(全部)\"
\"證券代號\",\"證券名稱\",\"成交股數\",\"成交筆數\",\"成交金額\",\"開盤價\",\"最高價\",\"最低價\",\"收盤價\",\"漲跌(+/-)\",\"漲跌價差\",\"本益比\",
=\"0050\",\"元大台灣50\",\"1,000\",\"10\",\"100,000\",\"100.00\",\"101.00\",\"99.00\",\"100.50\",\"+\",\"0.50\",\"0.00\",
\"1101\",\"台泥\",\"1,000\",\"10\",\"40,000\",\"40.00\",\"41.00\",\"39.00\",\"40.50\",\"-\",\"0.50\",\"\",
\"1102\",\"亞泥\",\"1,000\"
=1103,\"嘉泥\",\"1,000\",\"10\",\"40,000\",\"40.00\",\"41.00\",\"39.00\",\"40.50\",\"-\",\"0.50\",\"\",

\"備註:\"
\"項目\",\"說明\",
\"漲跌\",\"與前一日比較\",
";

#[test]
fn the_whole_market_is_found_among_the_tables_of_its_file() {
    for name in ["MI_INDEX_20260105.csv", "market.csv"] {
        let items = open_bytes(name, DAY.as_bytes()).expect(name);
        let found: Vec<_> = items.iter().map(|item| item.result.as_ref().map(|_| price(item))).collect();
        assert_eq!(found.len(), 4, "{items:?}");
        assert_eq!(found[0], Ok(("0050", "2026-01-05".to_owned())));
        assert_eq!(found[1], Ok(("1101", "2026-01-05".to_owned())));
        let reasons: Vec<_> =
            found[2..].iter().map(|found| found.as_ref().expect_err("a reject").reason.as_str()).collect();
        assert_eq!(reasons[0], "expected 12 fields, found 3");
        assert!(reasons[1].contains("neither quotes nor ="), "{}", reasons[1]);
    }
    assert!(open_bytes("MI_INDEX_20260106.csv", DAY.as_bytes()).is_err(), "another day");
    assert!(open_bytes("2330_202601.csv", DAY.as_bytes()).is_err(), "one symbol");
    let indices = DAY.split("\"115年01月05日每日").next().expect("the first part");
    let refused = open_bytes("MI_INDEX_20260105.csv", indices.as_bytes()).expect_err("nothing to import");
    assert!(refused.contains("no table of daily prices"), "{refused}");
}

#[test]
fn every_json_of_the_exchange_is_read() {
    let market = r#"{"stat":"OK","date":"20260105","tables":[{},{"title":"115年01月05日 價格指數","fields":["指數"],"data":[["x"]]},
{"title":"115年01月05日每日收盤行情","fields":["證券代號","證券名稱","成交股數","成交筆數","成交金額","開盤價","最高價","最低價","收盤價","漲跌(+/-)","漲跌價差"],
"data":[["0050","甲","1,000","10","100,000","100.00","101.00","99.00","100.50","<p style= color:green>-</p>","0.50"]]}]}"#;
    let items = open_bytes("2330_mi_index.json", market.as_bytes()).expect("a market day");
    assert_eq!(items.iter().map(price).collect::<Vec<_>>(), [("0050", "2026-01-05".to_owned())]);
    assert_eq!(items[0].line, 3);
    assert!(open_bytes("MI_INDEX_20260106.json", market.as_bytes()).is_err(), "another day");
    assert!(open_bytes("2330.json", market.as_bytes()).is_err(), "one symbol");

    let open_data = r#"[{"Date":"1150105","Code":"0050","Name":"甲","TradeVolume":"1000","TradeValue":"100000","OpeningPrice":"100.00",
"HighestPrice":"101.00","LowestPrice":"99.00","ClosingPrice":"100.50","Change":"-0.5000","Transaction":10},
{"Date":"1150105","Code":"0051"}]"#;
    let items = open_bytes("all.json", open_data.as_bytes()).expect("open data");
    assert_eq!(price(&items[0]), ("0050", "2026-01-05".to_owned()));
    let first = items[0].result.as_ref().expect("a price");
    assert_eq!(first.decimal("change_amount").map(|change| change.to_string()).as_deref(), Some("-0.50"));
    assert_eq!((first.int("transaction_count"), items[1].line), (Some(10), 3));
    assert!(items[1].result.is_err());
    for other in ["[]", "[1]", "[{\"id\":1}]", "[{"] {
        assert!(open_bytes("all.json", other.as_bytes()).is_err(), "{other}");
    }

    let month = r#"{"stat":"OK","date":"20260101","title":"115年01月 2317 丁 各日成交資訊","fields":["日期","成交股數","成交金額","開盤價","最高價","最低價","收盤價","漲跌價差","成交筆數"],
"data":[["115/01/07","1,000","1,000,000","200.00","210.00","190.00","205.00","+5.00","100"]]}"#;
    assert_eq!(price(&open_bytes("download.json", month.as_bytes()).expect("a month")[0]).0, "2317");
    assert!(open_bytes("2330_title_says_2317.json", month.as_bytes()).is_err());
}
