//! Imports of files, complete and damaged.

use std::io::Write as _;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use thermocline::clock::Timestamp;
use thermocline::page::{Order, Span};
use thermocline::resources::messages::{Message, Messages};
use thermocline::resources::registry;
use thermocline::schema::StorageForm;

use super::expected_lists::Reader;
use super::program::{Ended, Program, counts};
use super::{Pair, run, sql};
use crate::support::waiting::finish;
use crate::support::{LIMITED, limited_file};

/// Long ago, so that all rows are due.
pub const HEADER: &str = "id,conversation_id,sender_id,created_at,content\n";
const THREE: &str = "id,conversation_id,sender_id,created_at,content\n\
    1,7,1,2020-01-01T00:00:00Z,one\n2,7,2,2020-01-02T00:00:00Z,two\n3,8,1,2020-01-03T00:00:00Z,three\n";

pub fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a time")
}

pub fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

pub fn archive(program: &Program) {
    let ended = program.run(&["archive", "run"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

async fn messages(pair: &Pair, talk: i64) -> Vec<Message> {
    let reader = Reader::new(&*pair.hot, &*pair.cold);
    reader.walk(&Messages::of(talk), Span::ALL, Order::Desc, 50).await.expect("a walk")
}

fn contents(program: &Program, talk: i64) -> Vec<String> {
    run(async {
        let pair = program.open(now()).await;
        let rows = messages(&pair, talk).await;
        pair.close().await;
        rows.into_iter().map(|row| row.content).collect()
    })
}

/// Returns one number from hot.
pub fn hot_number(program: &Program, text: &'static str) -> Option<i64> {
    run(async {
        let pair = program.open(now()).await;
        let records = pair.hot.fetch(&sql(text), &[]).await.expect("an answer");
        let number = records.first().and_then(|record| record.int_or_null("n").expect("a number"));
        pair.close().await;
        number
    })
}

/// Checks that the file as a whole is rejected for this reason.
fn refused(program: &Program, noun: &str, file: &str, reason: &str) {
    let ended = program.run(&["import", noun, file]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.err.contains(reason) && ended.err.contains(file) && ended.out.is_empty(), "{ended:?}");
}

#[test]
fn the_same_import_twice_changes_nothing() {
    let program = Program::new();
    program.write("m.csv", THREE);
    let import = ["import", "messages", "m.csv"];
    assert_eq!(counts(&program.report(&import)), [3, 3, 0, 0, 0]);
    assert_eq!(counts(&program.report(&import)), [3, 0, 3, 0, 0]);
    archive(&program);
    assert_eq!(counts(&program.report(&import)), [3, 0, 3, 0, 0]);
    assert_eq!(contents(&program, 7), ["two", "one"]);
    assert_eq!(hot_number(&program, "SELECT count(*) AS n FROM messages"), Some(0));

    let report = program.report(&import);
    let keys: Vec<&String> = report.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["files", "noun", "rejects", "seconds", "shift_by"]);
    assert_eq!((&report["noun"], &report["files"][0]["file"]), (&"messages".into(), &"m.csv".into()));
    assert!(report["rejects"].is_null() && report["shift_by"].is_null() && report["seconds"].is_f64());
    let ended = program.run(&import);
    assert_eq!(ended.status, Some(0));
    assert!(
        ended.out.starts_with("m.csv: 3 read, 0 inserted, 3 known, 0 corrected, 0 rejected\n"),
        "{ended:?}"
    );
}

/// The last line may be truncated: it is kept for the operator, and the rest is imported.
#[test]
fn a_truncated_last_line_is_rejected() {
    let program = Program::new();
    program.write("m.csv", THREE.trim_end());
    let report = program.report(&["import", "messages", "m.csv"]);
    assert_eq!(counts(&report), [3, 2, 0, 0, 1]);
    assert_eq!(report["rejects"], "messages.rejects.csv");
    let rejects = program.read("messages.rejects.csv");
    let expected = "file,line,reason,raw\n\
        \"m.csv\",4,\"the file ends in the middle of a line\",\"3,8,1,2020-01-03T00:00:00Z,three\"\n";
    assert_eq!(rejects, expected);
    assert!(contents(&program, 8).is_empty());
    program.write("m.csv", THREE);
    assert_eq!(counts(&program.report(&["import", "messages", "m.csv"])), [3, 1, 2, 0, 0]);
}

#[test]
fn nothing_of_a_damaged_file_is_imported() {
    let program = Program::new();
    let whole = gzip(THREE.as_bytes());
    program.write("garbage.csv.gz", [&whole[..], b"garbage"].concat());
    program.write("cut.csv.gz", &whole[..whole.len() - 6]);
    program.write("plain.csv.gz", THREE);
    program.write("latin.csv", [THREE.as_bytes(), b"4,8,1,2020-01-03T00:00:00Z,caf\xe9\n"].concat());
    program.write("empty.csv", "");
    program.write("header.csv", "id,conversation,sender_id,created_at,content\n");
    std::fs::create_dir(program.path().join("folder")).expect("a folder");
    for (file, reason) in [
        ("garbage.csv.gz", "damaged gzip"),
        ("cut.csv.gz", "damaged gzip"),
        ("plain.csv.gz", "not gzip"),
        ("latin.csv", "not UTF-8 at byte"),
        ("empty.csv", "empty"),
        ("header.csv", "unknown column \"conversation\""),
        ("folder", "is a directory"),
        ("nowhere.csv", "no such file"),
    ] {
        refused(&program, "messages", file, reason);
    }
    // One bad file among good ones stops all of them before the first row.
    program.write("m.csv", THREE);
    let ended = program.run(&["import", "messages", "m.csv", "cut.csv.gz"]);
    assert_eq!(ended.status, Some(1));
    assert_eq!(hot_number(&program, "SELECT count(*) AS n FROM messages"), Some(0));
    for args in [
        &["import", "messages"][..],
        &["import", "stones", "m.csv"],
        &["import", "likes", "m.csv", "--shift-by", "x"],
    ] {
        assert_eq!(program.run(args).status, Some(2), "{args:?}");
    }
}

#[test]
fn a_field_of_ten_megabytes_is_one_rejected_line() {
    let program = Program::new();
    let long = "x".repeat(10 * 1024 * 1024);
    program.write(
        "m.csv",
        format!("{THREE}4,7,1,2020-01-04T00:00:00Z,{long}\n5,7,1,2020-01-05T00:00:00Z,after\n"),
    );
    assert_eq!(counts(&program.report(&["import", "messages", "m.csv"])), [5, 4, 0, 0, 1]);
    let rejects = program.read("messages.rejects.csv");
    assert!(
        rejects.contains("\"m.csv\",5,\"a field of 10485760 bytes is over the limit"),
        "{}",
        &rejects[..200]
    );
    assert!(rejects.len() < 10_000, "only the beginning of the line is kept");
    assert_eq!(contents(&program, 7), ["after", "two", "one"]);
}

#[test]
fn every_column_with_a_length_is_tried() {
    let limited = registry::imports().flat_map(|(_, noun)| {
        let columns = noun
            .columns()
            .filter(|column| matches!(column.form, StorageForm::Length(_) | StorageForm::Code(_)));
        columns.map(|column| (noun.name, column.name))
    });
    for (noun, column) in limited.filter(|limited| *limited != ("prices", "symbol")) {
        assert!(LIMITED.iter().any(|tried| (tried.0, tried.3) == (noun, column)), "{noun}.{column}");
    }
}

#[test]
fn text_over_the_length_of_its_column_is_one_rejected_line() {
    for (noun, header, line, column, length) in LIMITED {
        let program = Program::new();
        program.write("f.csv", limited_file(header, line, length));
        assert_eq!(counts(&program.report(&["import", noun, "f.csv"])), [2, 1, 0, 0, 1], "{noun}.{column}");
        let rejects = program.read(&format!("{noun}.rejects.csv"));
        let reason =
            format!("\"f.csv\",2,\"{column}: {} UTF-16 code units, over the limit of {length}: ", length + 1);
        assert!(rejects.contains(&reason), "{rejects}");
    }
}

/// Rows without ids are identified by their content. Each copy within a file is a row of its own.
#[test]
fn rows_without_ids_are_counted_per_file() {
    let program = Program::new();
    let row = "7,1,2020-01-01T00:00:00Z,again\n";
    let header = "conversation_id,sender_id,created_at,content\n";
    program.write("m.csv", format!("{header}{row}7,2,2020-01-01T00:00:00Z,other\n{row}{row}"));
    let import = ["import", "messages", "m.csv"];
    assert_eq!(counts(&program.report(&import)), [4, 4, 0, 0, 0]);
    assert_eq!(counts(&program.report(&import)), [4, 0, 4, 0, 0]);
    archive(&program);
    assert_eq!(counts(&program.report(&import)), [4, 0, 4, 0, 0]);
    // One more copy than before; each tier holds one.
    program.write("m.csv", format!("{header}{row}{row}{row}{row}"));
    assert_eq!(counts(&program.report(&import)), [4, 1, 3, 0, 0]);
    assert_eq!(counts(&program.report(&import)), [4, 0, 4, 0, 0]);
    let mut all = contents(&program, 7);
    all.sort_unstable();
    assert_eq!(all, ["again", "again", "again", "again", "other"]);
}

#[test]
fn different_content_for_a_known_id_is_rejected() {
    let program = Program::new();
    program.write("m.csv", THREE);
    program.report(&["import", "messages", "m.csv"]);
    program.write(
        "other.csv",
        format!("{HEADER}1,7,1,2020-01-01T00:00:00Z,changed\n2,7,2,2020-01-02T00:00:00Z,two\n"),
    );
    let import = ["import", "messages", "other.csv", "--rejects", "mine.csv"];
    for archived in [false, true] {
        let report = program.report(&import);
        assert_eq!(counts(&report), [2, 0, 1, 0, 1], "archived: {archived}");
        assert_eq!(report["rejects"], "mine.csv");
        assert!(program.read("mine.csv").contains("id 1 exists with another content"));
        assert_eq!(contents(&program, 7), ["two", "one"]);
        archive(&program);
    }
    // Twice in one file, with two contents.
    program
        .write("twice.csv", format!("{HEADER}9,7,1,2020-01-01T00:00:00Z,a\n9,7,1,2020-01-01T00:00:00Z,b\n"));
    assert_eq!(counts(&program.report(&["import", "messages", "twice.csv"])), [2, 1, 0, 0, 1]);
}

#[test]
fn standard_input_can_be_imported() {
    let program = Program::new();
    for (content, expected) in
        [(THREE.as_bytes().to_vec(), [3, 3, 0, 0, 0]), (gzip(THREE.as_bytes()), [3, 0, 3, 0, 0])]
    {
        let mut command = program.command(&["import", "messages", "-", "--json"]);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("the program");
        child.stdin.take().expect("a pipe").write_all(&content).expect("a reader");
        let ended = Ended::of(finish(child));
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let report: serde_json::Value = serde_json::from_str(&ended.out).expect("a report");
        assert_eq!((counts(&report), &report["files"][0]["file"]), (expected, &"standard input".into()));
    }
}

/// An import that was interrupted, or continued with a second file, must leave the same conversation as one complete
/// file.
#[test]
fn later_senders_join_the_conversation() {
    let whole = Program::new();
    whole.write("m.csv", THREE);
    whole.report(&["import", "messages", "m.csv"]);
    let parts = Program::new();
    let lines: Vec<&str> = THREE.lines().skip(1).collect();
    // Newest first, so that the beginning of a conversation arrives with a later file too.
    for line in [lines[1], lines[0], lines[2]] {
        parts.write("part.csv", format!("{HEADER}{line}\n"));
        parts.report(&["import", "messages", "part.csv"]);
    }
    for program in [&whole, &parts] {
        let began = hot_number(program, "SELECT created_at AS n FROM conversations WHERE id = 7");
        assert_eq!(began, Some(1_577_836_800_000_000));
        let both = "SELECT count(*) AS n FROM conversations WHERE id = 7 AND min(user1_id, user2_id) = 1 \
                    AND max(user1_id, user2_id) = 2";
        assert_eq!(hot_number(program, both), Some(1));
        assert_eq!(hot_number(program, "SELECT user2_id AS n FROM conversations WHERE id = 8"), None);
    }
    // A conversation imported alone, before anybody had answered, is still known afterwards.
    let program = Program::new();
    program.write("c.csv", "id,user1_id,user2_id\n7,1,\n");
    let import = ["import", "conversations", "c.csv"];
    assert_eq!(counts(&program.report(&import)), [1, 1, 0, 0, 0]);
    program.write("m.csv", THREE);
    program.report(&["import", "messages", "m.csv"]);
    assert_eq!(hot_number(&program, "SELECT user2_id AS n FROM conversations WHERE id = 7"), Some(2));
    assert_eq!(counts(&program.report(&import)), [1, 0, 1, 0, 0]);
}
