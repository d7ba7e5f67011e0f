//! Imports as people run them.

use std::io::Write as _;
use std::process::Stdio;

use crate::runs::{Ended, Folder};
use crate::support::waiting::finish;

const HEADER: &str = "id,conversation_id,sender_id,content,created_at,is_read\n";

fn counts(ended: &Ended) -> &str {
    ended.out.lines().next().unwrap_or_default().split_once(": ").map_or("", |(_, counts)| counts)
}

#[test]
fn a_file_of_which_every_line_is_bad_is_a_failure() {
    let folder = Folder::new();
    folder.write("bad.csv", format!("{HEADER}1,1,1,x,never,false\n"));
    folder.write("good.csv", format!("{HEADER}2,1,1,x,2026-01-01 08:00:00.1234567 +08:00,false\n"));
    folder.write("none.csv", HEADER);
    let status = |files: &[&str]| {
        let ended = folder.run(&[&["import", "messages"], files].concat(), &[]);
        assert!(!ended.out.is_empty(), "{ended:?}");
        ended.status
    };
    assert_eq!(status(&["good.csv"]), Some(0));
    assert_eq!(status(&["bad.csv"]), Some(1));
    assert_eq!(status(&["good.csv", "bad.csv"]), Some(1), "it is not hidden by another file");
    assert_eq!(status(&["none.csv"]), Some(0));
}

#[test]
fn a_row_that_is_read_otherwise_is_named() {
    let folder = Folder::new();
    folder.write("one.csv", format!("{HEADER}1,1,1,x,2026-01-01,false\n2,1,1,y,2026-01-01,true\n"));
    folder.write("two.csv", format!("{HEADER}1,1,1,x,2026-01-01,true\n2,1,1,y,2026-01-01,true\n"));
    folder.write(
        "silent.csv",
        "id,conversation_id,sender_id,content,created_at\n1,1,1,x,2026-01-01\n2,1,1,y,2026-01-01\n",
    );
    for (file, expected) in [
        ("one.csv", "2 read, 2 inserted, 0 known, 0 corrected, 0 rejected"),
        ("one.csv", "2 read, 0 inserted, 2 known, 0 corrected, 0 rejected"),
        ("two.csv", "2 read, 0 inserted, 1 known, 0 corrected, 1 rejected"),
        ("silent.csv", "2 read, 0 inserted, 2 known, 0 corrected, 0 rejected"),
    ] {
        let ended = folder.run(&["import", "messages", file], &[]);
        assert_eq!(counts(&ended), expected, "{file}: {ended:?}");
    }
    let rejects = std::fs::read_to_string(folder.path().join("messages.rejects.csv")).expect("rejects");
    assert!(rejects.contains("id 1 exists with another is_read"), "{rejects}");
}

#[test]
fn rows_of_the_future_and_the_last_ids_are_rejected() {
    let folder = Folder::new();
    folder.write("max.csv", format!("{HEADER}9223372036854775807,1,1,max,2026-01-01,false\n"));
    let of_parents =
        "1,9223372036854775807,1,x,2026-01-01,false\n2,1,9223372036854775807,x,2026-01-01,false\n";
    folder.write("parents.csv", format!("{HEADER}{of_parents}"));
    folder.write("future.csv", format!("{HEADER}3,1,1,x,2999-01-01,false\n"));
    folder.write("prices.csv", "symbol,trade_date\n0050,2999-01-01\n");
    for args in [
        ["messages", "max.csv"],
        ["messages", "parents.csv"],
        ["messages", "future.csv"],
        ["prices", "prices.csv"],
    ] {
        let ended = folder.run(&[&["import"], &args[..]].concat(), &[]);
        assert!(ended.status == Some(1) && counts(&ended).contains(" 0 inserted"), "{args:?}: {ended:?}");
    }
    folder.write("next.csv", "conversation_id,sender_id,content,created_at\n1,1,next,2026-01-01\n");
    let ended = folder.run(&["import", "messages", "next.csv"], &[]);
    assert!(ended.status == Some(0) && counts(&ended).contains(" 1 inserted"), "{ended:?}");
}

#[test]
fn standard_input_needs_a_folder_and_names_it() {
    let folder = Folder::new();
    let import = |temporary: &str| {
        let mut command = folder.command(&["import", "messages", "-"]);
        command.env("TMPDIR", temporary).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program");
        // A program that refuses reads nothing.
        let _ = child
            .stdin
            .take()
            .expect("its input")
            .write_all(format!("{HEADER}1,1,1,x,2026-01-01,false\n").as_bytes());
        Ended::of(&finish(child))
    };
    let refused = import("/nowhere/at/all");
    assert!(refused.status == Some(1) && refused.err.contains("/nowhere/at/all"), "{refused:?}");
    assert!(refused.err.contains("TMPDIR"), "{refused:?}");
    let ended = import(folder.path().to_str().expect("UTF-8"));
    assert_eq!(ended.status, Some(0), "{ended:?}");
}
