//! Kills the program at random moments and starts it again.

use std::fmt::Write as _;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use thermocline::clock::Timestamp;
use thermocline::demo;
use thermocline::resources::messages::{Message, Messages};

use super::audit::dump;
use super::expected_lists::Reader;
use super::program::{Ended, Program, counts, quoted};
use super::{Pair, run, sql};
use crate::support::bounds::bound;
use crate::support::dice::Dice;
use crate::support::waiting::{finish, until};

const MESSAGES: usize = 6_000;

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a time")
}

/// The messages of the demo by conversation, newest first.
struct Chats {
    csv: String,
    lists: Vec<(i64, Vec<Message>)>,
}

fn chats() -> Chats {
    let plan = demo::DemoPlan { messages: MESSAGES, ..demo::DemoPlan::new(7, now()) };
    let mut csv = "id,conversation_id,sender_id,content,created_at,is_read\n".to_owned();
    let mut lists: Vec<(i64, Vec<Message>)> = Vec::new();
    for row in plan.messages() {
        let demo::Message { id, conversation_id, sender_id, content, created_at, is_read } = row;
        let text = quoted(&content);
        writeln!(csv, "{id},{conversation_id},{sender_id},{text},{created_at},{is_read}").expect("memory");
        let message = Message { id, conversation_id, sender_id, content, created_at, is_read };
        match lists.iter_mut().find(|(conversation, _)| *conversation == conversation_id) {
            Some((_, rows)) => rows.push(message),
            None => lists.push((conversation_id, vec![message])),
        }
    }
    for (_, rows) in &mut lists {
        rows.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
    }
    Chats { csv, lists }
}

/// Checks that the rows of a pair are unchanged, in order and not doubled. Returns their number.
async fn check(pair: &Pair, chats: &Chats, whole: bool) -> usize {
    let reader = Reader::new(&*pair.hot, &*pair.cold);
    let mut there = 0;
    for (conversation, expected) in &chats.lists {
        let rows = reader.pages(&Messages::of(*conversation), 100).await.expect("pages");
        there += rows.len();
        if whole {
            assert_eq!(&rows, expected, "conversation {conversation}");
        } else {
            let mut left = expected.iter();
            for row in &rows {
                assert!(
                    left.any(|expected| expected == row),
                    "{row:?} is not what was written, or not there"
                );
            }
        }
    }
    there
}

/// Lets the process run for a while and kills it, unless it has ended by itself.
pub(super) fn kill_after(mut child: Child, delay: Duration) -> Option<Ended> {
    let until = Instant::now() + delay;
    while Instant::now() < until {
        if child.try_wait().expect("a process").is_some() {
            return Some(Ended::of(finish(child)));
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    child.kill().expect("a kill");
    child.wait().expect("a dead process");
    None
}

/// Runs the command until it is done, and kills it at random moments `kills` times at most.
fn kill_until_done(
    program: &Program,
    args: &[&str],
    kills: u64,
    longest: u64,
    dice: &mut Dice,
    mut check: impl FnMut(),
) -> Ended {
    for _ in 0..kills {
        let delay = Duration::from_millis(1 + dice.roll(longest));
        if let Some(ended) = kill_after(program.start(args), delay) {
            assert_eq!(ended.status, Some(0), "{ended:?}");
            check();
            return ended;
        }
        check();
    }
    program.run(args)
}

#[test]
fn the_next_import_completes_a_killed_one() {
    let (chats, whole) = (chats(), Program::new());
    let import = ["import", "messages", "messages.csv"];
    whole.write("messages.csv", &chats.csv);
    let begun = Instant::now();
    assert_eq!(counts(&whole.report(&import)), [MESSAGES as u64, MESSAGES as u64, 0, 0, 0]);
    let longest = begun.elapsed().as_millis() as u64;

    let program = Program::new();
    program.write("messages.csv", &chats.csv);
    let mut dice = Dice(11);
    let kills = bound("THERMOCLINE_TEST_KILLS", 15, 3) / 2;
    kill_until_done(&program, &import, kills, longest, &mut dice, || {
        run(async {
            let pair = program.open(now()).await;
            let there = check(&pair, &chats, false).await;
            // A chunk is inserted completely or not at all.
            assert_eq!(there % 2_000, 0, "{there} rows");
            pair.close().await;
        });
    });
    let [read, inserted, known, corrected, rejected] = counts(&program.report(&import));
    assert_eq!((read, corrected, rejected), (MESSAGES as u64, 0, 0));
    assert_eq!(inserted + known, read);
    run(async {
        let pair = program.open(now()).await;
        check(&pair, &chats, true).await;
        // Generated rows are the same as without a kill.
        let other = whole.open(now()).await;
        for text in [
            "SELECT json_array(id, username, email) AS row FROM users ORDER BY id",
            "SELECT json_array(id, user1_id, user2_id, created_at, updated_at) AS row FROM conversations ORDER BY id",
        ] {
            assert_eq!(dump(&*pair.hot, text).await, dump(&*other.hot, text).await, "{text}");
        }
        other.close().await;
        pair.close().await;
    });
}

#[test]
fn a_killed_mover_neither_loses_nor_doubles_rows() {
    let (chats, program) = (chats(), Program::new());
    program.write("messages.csv", &chats.csv);
    program.report(&["import", "messages", "messages.csv"]);
    let archive = ["archive", "run", "--batch", "50", "--older-than", "1d"];
    let kills = bound("THERMOCLINE_TEST_KILLS", 15, 3);
    let looked = std::cell::Cell::new(0);
    kill_until_done(&program, &archive, kills, 600, &mut Dice(12), || {
        run(async {
            let pair = program.open(now()).await;
            assert_eq!(check(&pair, &chats, true).await, MESSAGES);
            pair.close().await;
        });
        looked.set(looked.get() + 1);
    });
    assert!(looked.get() > 0);
    let ended = program.run(&archive);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.out.starts_with("messages: "), "{ended:?}");
    run(async {
        let pair = program.open(now()).await;
        assert_eq!(check(&pair, &chats, true).await, MESSAGES);
        super::audit::audit_usual(&pair).await;
        let left = pair.hot.fetch(&sql("SELECT count(*) AS n FROM messages"), &[]).await.expect("a count");
        assert_eq!(left[0].int("n").expect("a count"), 0, "everything was due");
        pair.close().await;
    });
}

/// SIGTERM ends the mover after the current batch.
#[cfg(unix)]
#[test]
fn sigterm_stops_the_mover_between_batches() {
    let (chats, program) = (chats(), Program::new());
    program.write("messages.csv", &chats.csv);
    program.report(&["import", "messages", "messages.csv"]);
    let archive = ["archive", "run", "--batch", "10", "--older-than", "1d", "--pause", "20", "--json"];
    let child = program.start(&archive);
    run(async {
        let pair = program.open(now()).await;
        let moved = async || {
            let count = sql("SELECT count(*) AS n FROM archive_batches WHERE confirmed = 1");
            pair.cold.fetch(&count, &[]).await.expect("a count")[0].int("n").expect("a count")
        };
        until("three batches moved", async || moved().await >= 3).await;
        let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(killed.expect("kill").success());
        let ended = Ended::of(finish(child));
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let reports: serde_json::Value = serde_json::from_str(&ended.out).expect("a report");
        for report in reports.as_array().expect("reports") {
            assert_eq!(report["outcome"], "stopped", "{reports}");
        }
        let batches = moved().await;
        assert_eq!(reports[0]["batches"], batches);
        assert!(batches < 500, "it was not stopped at all");
        super::audit::audit_usual(&pair).await;
        assert_eq!(check(&pair, &chats, true).await, MESSAGES);
        pair.close().await;
    });
}
