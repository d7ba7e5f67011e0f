//! Files that refer to other rows: corrections, children, names, shifted times.

use thermocline::clock::{DAY, Timestamp};
use thermocline::page::{Order, Span};
use thermocline::resources::posts::Posts;
use thermocline::resources::stocks;

use super::expected_lists::Reader;
use super::imports::{archive, hot_number, now};
use super::program::{Program, counts};
use super::{logical_table, run, sql};

/// Returns the closing prices a reader sees, newest first, and the number of versions in cold.
fn closes(program: &Program) -> (Vec<String>, i64) {
    run(async {
        let pair = program.open(now()).await;
        let stock = stocks::by_symbol(&*pair.hot, "0050").await.expect("an answer").expect("a stock");
        let reader = Reader::new(&*pair.hot, &*pair.cold);
        let rows =
            reader.walk(&logical_table::days(stock.id), Span::ALL, Order::Desc, 10).await.expect("a walk");
        let count = sql("SELECT count(*) AS n FROM stock_prices_history");
        let versions = pair.cold.fetch(&count, &[]).await.expect("an answer")[0].int("n").expect("a number");
        super::audit::audit_usual(&pair).await;
        pair.close().await;
        let close = |row: thermocline::resources::stocks::prices::Price| {
            row.close.map_or("-".to_owned(), |close| close.to_string())
        };
        (rows.into_iter().map(close).collect(), versions)
    })
}

#[test]
fn corrected_prices_replace_archived_ones() {
    let program = Program::new();
    let import = |rows: &str| {
        program.write("p.csv", format!("symbol,trade_date,close_price,volume\n{rows}"));
        counts(&program.report(&["import", "prices", "p.csv"]))
    };
    assert_eq!(import("0050,2020-01-02,10.50,0\n0050,2020-01-03,,\n"), [2, 2, 0, 0, 0]);
    assert_eq!(import("0050,2020-01-03,11.00,7\n"), [1, 0, 0, 1, 0], "in hot");
    assert_eq!(closes(&program), (vec!["11.00".into(), "10.50".into()], 0));
    archive(&program);
    assert_eq!(closes(&program), (vec!["11.00".into(), "10.50".into()], 2));
    assert_eq!(import("0050,2020-01-02,10.5,0\n"), [1, 0, 1, 0, 0], "the same");
    assert_eq!(import("0050,2020-01-02,10.60,0\n"), [1, 0, 0, 1, 0], "over an archived one");
    assert_eq!(closes(&program), (vec!["11.00".into(), "10.60".into()], 2));
    assert_eq!(import("0050,2020-01-02,10.60,0\n"), [1, 0, 1, 0, 0], "the correction again");
    archive(&program);
    assert_eq!(closes(&program), (vec!["11.00".into(), "10.60".into()], 3));
    let open = "SELECT count(*) AS n FROM stock_prices";
    assert_eq!(hot_number(&program, open), Some(0));
    // Twice in one file: the last one counts. An empty value is a value too.
    assert_eq!(import("0050,2020-01-02,1,0\n0050,2020-01-02,,\n"), [2, 0, 0, 2, 0]);
    assert_eq!(closes(&program), (vec!["11.00".into(), "-".into()], 3));
    archive(&program);
    assert_eq!(closes(&program), (vec!["11.00".into(), "-".into()], 4));
}

/// A file of closing prices alone must keep the other values, in whichever tier they are.
#[test]
fn missing_price_columns_keep_their_values() {
    let program = Program::new();
    let import = |header: &str, row: &str| {
        program.write("p.csv", format!("symbol,trade_date,{header}\n0050,2020-01-02,{row}\n"));
        counts(&program.report(&["import", "prices", "p.csv"]))
    };
    let seen = || {
        run(async {
            let pair = program.open(now()).await;
            let stock = stocks::by_symbol(&*pair.hot, "0050").await.expect("an answer").expect("a stock");
            let reader = Reader::new(&*pair.hot, &*pair.cold);
            let rows = reader
                .walk(&logical_table::days(stock.id), Span::ALL, Order::Desc, 10)
                .await
                .expect("a walk");
            pair.close().await;
            let [day] = &rows[..] else { panic!("one day: {rows:?}") };
            let text =
                |price: Option<rust_decimal::Decimal>| price.map_or("-".to_owned(), |it| it.to_string());
            let counts = [day.volume, day.turnover, day.transactions]
                .map(|n| n.map_or("-".to_owned(), |n| n.to_string()));
            [day.open, day.high, day.low, day.close, day.change]
                .map(text)
                .into_iter()
                .chain(counts)
                .collect::<Vec<_>>()
                .join(" ")
        })
    };
    let all = "open_price,high_price,low_price,close_price,change_amount,volume,turnover,transaction_count";
    assert_eq!(import(all, "10,12,9,11,-1,0,70,5"), [1, 1, 0, 0, 0]);
    assert_eq!(import("close_price", "11.00"), [1, 0, 1, 0, 0], "it says the same");
    assert_eq!(import("close_price", "11.50"), [1, 0, 0, 1, 0], "in hot");
    assert_eq!(seen(), "10.00 12.00 9.00 11.50 -1.00 0 70 5");
    archive(&program);
    assert_eq!(import("close_price", "11.50"), [1, 0, 1, 0, 0], "it says the same");
    assert_eq!(import("volume,close_price", "3,"), [1, 0, 0, 1, 0], "over an archived one");
    assert_eq!(seen(), "10.00 12.00 9.00 - -1.00 3 70 5", "empty is unknown");
    archive(&program);
    assert_eq!(import("volume", "0"), [1, 0, 0, 1, 0]);
    assert_eq!(import("open_price", ""), [1, 0, 0, 1, 0], "over a correction that is still in hot");
    archive(&program);
    assert_eq!(seen(), "- 12.00 9.00 - -1.00 0 70 5");
}

#[test]
fn children_of_archived_posts_are_rejected_or_known() {
    let program = Program::new();
    program.write("p.csv", "id,author_id,title,body,created_at\n1,1,Old,text,2020-01-01T00:00:00Z\n");
    program.write("c.csv", "id,post_id,author_id,body,created_at\n1,1,2,first,2020-01-01T00:00:00Z\n");
    program.write("l.csv", "user_id,post_id\n2,1\n2,1\n");
    assert_eq!(counts(&program.report(&["import", "posts", "p.csv"])), [1, 1, 0, 0, 0]);
    assert_eq!(counts(&program.report(&["import", "comments", "c.csv"])), [1, 1, 0, 0, 0]);
    assert_eq!(counts(&program.report(&["import", "likes", "l.csv"])), [2, 1, 1, 0, 0]);
    archive(&program);
    for (noun, file, rows) in [("posts", "p.csv", 1), ("comments", "c.csv", 1), ("likes", "l.csv", 2)] {
        assert_eq!(counts(&program.report(&["import", noun, file])), [rows, 0, rows, 0, 0], "{noun}");
    }
    program.write(
        "c.csv",
        "id,post_id,author_id,body,created_at\n2,1,2,late,2020-01-01T00:00:00Z\n3,9,2,lost,2020-01-01T00:00:00Z\n",
    );
    program.write("l.csv", "user_id,post_id\n3,1\n3,9\n");
    for (noun, file) in [("comments", "c.csv"), ("likes", "l.csv")] {
        assert_eq!(counts(&program.report(&["import", noun, file])), [2, 0, 0, 0, 2], "{noun}");
        let rejects = program.read(&format!("{noun}.rejects.csv"));
        assert!(
            rejects.contains("post 1 is archived") && rejects.contains("there is no post 9"),
            "{rejects}"
        );
    }
    run(async {
        let pair = program.open(now()).await;
        let reader = Reader::new(&*pair.hot, &*pair.cold);
        let found =
            reader.tiers().find(&Posts { author: None }, 1).await.expect("an answer").expect("the post");
        assert_eq!((found.row.comment_count, found.row.like_count, found.from_archive), (1, 1, true));
        pair.close().await;
    });
}

#[test]
fn users_known_by_reference_get_their_names() {
    let program = Program::new();
    program.write("l.csv", "id,author_id,title,body,created_at\n1,4,T,b,2020-01-01T00:00:00Z\n");
    program.report(&["import", "posts", "l.csv"]);
    let named = "SELECT count(*) AS n FROM users WHERE id = 4 AND username = 'user4' AND email IS NULL";
    assert_eq!(hot_number(&program, named), Some(1));
    program.write("u.csv", "id,username,email\n4,wang,wang@example.org\n5,li,\n");
    let import = ["import", "users", "u.csv"];
    assert_eq!(counts(&program.report(&import)), [2, 1, 0, 1, 0]);
    assert_eq!(counts(&program.report(&import)), [2, 0, 2, 0, 0]);
    let named = "SELECT count(*) AS n FROM users WHERE username IN ('wang', 'li')";
    assert_eq!(hot_number(&program, named), Some(2));
    program.write("u.csv", "id,username,email\n4,chen,\n");
    assert_eq!(counts(&program.report(&import)), [1, 0, 0, 0, 1], "a name is not taken away");
}

#[test]
fn related_files_are_shifted_together() {
    let program = Program::new();
    let at: Timestamp = "2020-01-10T00:00:00Z".parse().expect("a time");
    program.write(
        "p.csv",
        format!("id,author_id,title,body,created_at\n1,1,A,b,{at}\n2,1,B,b,{}\n", at.plus(-DAY)),
    );
    program.write("c.csv", format!("id,post_id,author_id,body,created_at\n1,1,2,c,{}\n", at.plus(DAY)));
    let target: Timestamp = "2026-02-28T00:00:00Z".parse().expect("a time");
    let target_text = target.to_string();
    let report = program.report(&["import", "posts", "p.csv", "--shift-newest-to", &target_text]);
    let by = report["shift_by"].as_i64().expect("a number");
    assert_eq!(by, target.micros() - at.micros());
    let by_text = by.to_string();
    let shifted = ["import", "comments", "c.csv", "--shift-by", &by_text];
    assert_eq!(program.report(&shifted)["shift_by"], by);
    let times = "SELECT (SELECT created_at FROM comments) - (SELECT max(created_at) FROM posts) AS n";
    assert_eq!(hot_number(&program, times), Some(DAY));
    assert_eq!(counts(&program.report(&shifted)), [1, 0, 1, 0, 0]);
    let back = ["import", "comments", "c.csv", "--shift-by", "-60000000"];
    assert_eq!(counts(&program.report(&back)), [1, 0, 0, 0, 1], "other times are other content");
    let both = ["import", "posts", "p.csv", "--shift-by", &by_text, "--shift-newest-to", &target_text];
    assert_eq!(program.run(&both).status, Some(2));
}
