//! Archived rows in files: as of one moment, proven, and read again by `import`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use thermocline::clock::{DAY, Timestamp};

use super::fault_injection::now;
use super::fixture::Fixture;
use super::program::{Ended, Program};
use super::purge::forget_before;
use super::run;
use crate::support::waiting::output;

/// Returns the names of the files of a folder, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut all = Vec::new();
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}

fn digests(program: &Program, resource: &str) -> Vec<(String, u64, String)> {
    let text = program.read(&format!("copy/{resource}/manifest.json"));
    let manifest: serde_json::Value = serde_json::from_str(&text).expect("a manifest");
    let files = manifest["parts"]
        .as_array()
        .expect("parts")
        .iter()
        .flat_map(|part| part["files"].as_array().expect("files").clone());
    let mut all: Vec<_> = files
        .map(|file| {
            let text = |key: &str| file[key].as_str().expect("text").to_owned();
            (text("table"), file["rows"].as_u64().expect("a number"), text("digest"))
        })
        .filter(|(table, ..)| table != "stocks")
        .collect();
    all.sort();
    all
}

/// Files of one pair make another one that exports the same.
#[test]
fn import_reads_what_export_writes() {
    let fixture = Fixture::embedded();
    fixture.done("archive run --older-than 1d");
    fixture.done("archive export copy");
    let checked = fixture.done("archive export --verify copy").out;
    assert_eq!(checked.lines().filter(|line| line.contains(": sound; ")).count(), 3, "{checked}");
    assert!(fixture.done("archive export copy").out.contains("was there already"));

    let other = Program::new();
    let names = ["stocks", "stock_prices", "messages", "posts", "comments", "likes"];
    for table in names {
        let of_table = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&format!("{table}-")))
        };
        let noun = if table == "stock_prices" { "prices" } else { table };
        for file in files(fixture.program.path()).into_iter().filter(of_table) {
            let ended = other.run(&["import", noun, &file.display().to_string()]);
            assert_eq!(ended.status, Some(0), "{table}: {ended:?}");
            assert!(ended.out.contains(" 0 rejected"), "{table}: {ended:?}");
        }
    }
    let done = |args: &[&str]| {
        let ended = other.run(args);
        assert_eq!(ended.status, Some(0), "{ended:?}");
    };
    done(&["archive", "run", "--older-than", "1d"]);
    done(&["archive", "export", "copy"]);
    for resource in ["messages", "posts"] {
        assert_eq!(digests(&other, resource), digests(&fixture.program, resource), "{resource}");
    }
    // A price is told apart by its stock and day, and gets an id of its own where it is imported.
    assert_eq!(prices(&other), prices(&fixture.program));
    assert_eq!(prices(&other).len(), fixture.rows.prices.len());
    fixture.end();
}

/// Returns the exported prices without their ids, sorted.
fn prices(program: &Program) -> Vec<String> {
    let mut text = String::new();
    let file = std::fs::File::open(program.path().join("copy/prices/stock_prices-00001.csv.gz"));
    GzDecoder::new(file.expect("a file")).read_to_string(&mut text).expect("text");
    let mut rows: Vec<String> =
        text.lines().skip(1).map(|line| line.split_once(',').expect("an id").1.to_owned()).collect();
    rows.sort();
    rows
}

#[test]
fn a_file_that_was_changed_is_found() {
    let fixture = Fixture::embedded();
    fixture.done("archive run --older-than 1d --resource posts");
    fixture.done("archive export --resource posts --rows 10 copy");
    let all = files(&fixture.program.path().join("copy"));
    assert!(all.len() > 6, "{all:?}");
    let verify = |problem: &str| {
        let ended = Ended::of(output(&mut fixture.command("archive export --verify copy")));
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.out.contains(problem), "{problem}: {ended:?}");
    };
    let path = all.iter().find(|path| path.ends_with("posts-00002.csv.gz")).expect("a second part");
    let whole = std::fs::read(path).expect("a file");
    std::fs::write(path, &whole[..whole.len() / 2]).expect("written");
    verify("posts-00002.csv.gz: ");
    std::fs::copy(path.with_file_name("posts-00001.csv.gz"), path).expect("a copy");
    verify("posts-00002.csv.gz: was changed since it was written");
    std::fs::remove_file(path).expect("removed");
    verify("posts-00002.csv.gz: ");
    std::fs::write(path, &whole).expect("written");
    fixture.done("archive export --verify copy");
    std::fs::write(path.with_file_name("more.csv.gz"), "").expect("written");
    verify("more.csv.gz: is not in the manifest");
    let other =
        Ended::of(output(&mut fixture.command("archive export --resource posts --from 2020-01-01 copy")));
    assert_eq!(other.status, Some(2), "{other:?}");
    assert!(other.err.contains("has another export"), "{other:?}");
    fixture.end();
}

/// Rows of a span as of one epoch, independent of later moves.
#[test]
fn an_export_is_of_one_moment() {
    let Some(fixture) = Fixture::mixed() else { return };
    fixture.done("archive run --older-than 1d --batch 20");
    let day = |days: i64| now().plus(-days * DAY).date();
    let span = format!("--from {} --to {}", day(35), day(20));
    let count = |args: &str| {
        let report = fixture.done(&format!("archive export {args} --json")).out;
        let report: serde_json::Value = serde_json::from_str(&report).expect("a report");
        report[0]["rows"].clone()
    };
    let [from, to] = [day(35), day(20)].map(Timestamp::midnight);
    let in_span = |at: Timestamp| at >= from && at < to.plus(DAY);
    let messages = fixture.rows.messages.iter().filter(|row| in_span(row.created_at)).count();
    assert_eq!(count(&format!("--resource messages {span} a"))["messages"], messages);
    let posts: Vec<i64> =
        fixture.rows.posts.iter().filter(|post| in_span(post.created_at)).map(|post| post.id).collect();
    let comments = fixture.rows.comments.iter().filter(|comment| posts.contains(&comment.post_id)).count();
    let rows = count(&format!("--resource posts {span} a"));
    assert_eq!((&rows["posts"], &rows["comments"]), (&posts.len().into(), &comments.into()), "{rows}");
    let prices = fixture.rows.prices.keys().filter(|(_, on)| (day(35)..=day(20)).contains(on)).count();
    assert_eq!(count(&format!("--resource prices {span} a"))["stock_prices"], prices);

    // An export that was interrupted goes on at its epoch, though rows have gone back to hot since.
    let mut command = fixture.command("archive export --resource messages --rows 50 b");
    let killed = output(command.env(crate::support::fail_points::DIE_AT, "export-added:1"));
    assert!(cfg!(not(debug_assertions)) || !killed.status.success());
    fixture.done("archive restore --resource messages --all");
    assert_eq!(count("--resource messages --rows 50 b")["messages"], fixture.rows.messages.len());
    assert_eq!(count("--resource messages c").as_object().map(serde_json::Map::len), Some(0));

    // An erasure removes versions that an older epoch shows.
    let mut command = fixture.command("archive export --resource posts --rows 5 d");
    output(command.env(crate::support::fail_points::DIE_AT, "export-added:1"));
    fixture.done("archive erase --resource posts --id 3");
    if cfg!(debug_assertions) {
        let ended = Ended::of(output(&mut fixture.command("archive export --resource posts --rows 5 d")));
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.err.contains("can no longer be read") && ended.err.contains("begin anew"), "{ended:?}");
    }
    fixture.end();
}

#[test]
fn a_purge_removes_only_what_its_files_hold() {
    let mut fixture = Fixture::embedded();
    fixture.done("archive run --older-than 1d");
    let before = Timestamp::midnight(now().plus(-25 * DAY).date());
    let today = thermocline::clock::Clock::system().now().date();
    let days = (today - before.date()).num_days();
    let dry = fixture.done(&format!("archive purge --older-than {days}d --dry-run")).out;
    assert!(dry.starts_with(&format!("messages: 44 rows from before {} would go\n", before.date())), "{dry}");
    let refused = Ended::of(output(&mut fixture.command(&format!("archive purge --older-than {days}d"))));
    assert_eq!(refused.status, Some(2), "{refused:?}");
    for resource in ["messages", "posts", "prices"] {
        run(fixture.check_whole(resource));
    }
    fixture.done(&format!("archive purge --older-than {days}d --export gone --yes"));
    let checked = fixture.done(&format!("archive export --verify gone/before-{}", before.date())).out;
    assert_eq!(checked.lines().filter(|line| line.contains(": sound; ")).count(), 3, "{checked}");
    assert!(checked.contains("messages: sound; 44 rows"), "{checked}");
    for resource in ["messages", "posts", "prices"] {
        forget_before(&mut fixture.rows, resource, before);
        run(fixture.check_whole(resource));
    }
    assert_eq!(fixture.done(&format!("archive purge --older-than {days}d --yes")).out, "");
    fixture.end();
}
