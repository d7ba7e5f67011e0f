//! Kills the move of real conversations again and again: `THERMOCLINE_TEST_KILLS` times, or a few times with the
//! beginning of the file.

use std::fmt::Write as _;
use std::time::Duration;

use thermocline::clock::Timestamp;
use thermocline::import::Record;
use thermocline::journal::Digest;
use thermocline::load::nouns;
use thermocline::schema::MESSAGES;
use thermocline::tier::{Engine, Value, row_of};

use super::audit::audit_usual;
use super::kills::kill_after;
use super::logical_table::message_row;
use super::program::{Ended, Program, counts, quoted};
use super::real_data::{data, message, records};
use super::{Pair, copy_pair, run, scratch, sql};
use crate::support::bounds::bound;
use crate::support::dice::Dice;
use crate::support::waiting::finish;

/// Fingerprint of a set of rows: their number, and the sum of their digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rows {
    count: u64,
    digest: Digest,
}

impl Rows {
    fn add(&mut self, row: &[Value]) {
        self.count += 1;
        self.digest.add("messages", row);
    }
}

/// Number of messages for a short run.
const FEW: usize = 15_000;

fn csv(records: &[Record]) -> String {
    let mut csv = "id,conversation_id,sender_id,created_at,is_read,content\n".to_owned();
    for record in records {
        let row = message(record);
        let (id, at, content) = (row.id, row.created_at, quoted(&row.content));
        let (conversation, sender, read) = (row.conversation_id, row.sender_id, row.is_read);
        writeln!(csv, "{id},{conversation},{sender},{at},{read},{content}").expect("memory");
    }
    csv
}

fn written(records: &[Record]) -> Rows {
    let mut rows = Rows::default();
    for record in records {
        rows.add(&message_row(&message(record)));
    }
    rows
}

/// Returns the fingerprint of what a reader sees now.
async fn visible(pair: &Pair) -> Rows {
    let mut rows = Rows::default();
    let state = sql("SELECT epoch FROM archive_state WHERE resource = 'messages'");
    let epoch = pair.hot.fetch(&state, &[]).await.expect("a state")[0].int("epoch").expect("an epoch");
    let hot = sql("SELECT {} FROM messages").with("{}", &MESSAGES.names());
    let cold =
        sql("SELECT {} FROM messages_archive WHERE from_epoch <= ?1 AND (to_epoch IS NULL OR to_epoch > ?1)")
            .with("{}", &MESSAGES.names_in_cold());
    let engines: [(&dyn Engine, _); 2] = [(&*pair.hot, hot), (&*pair.cold, cold)];
    for (engine, statement) in engines {
        for record in engine.fetch(&statement, &[epoch.into()]).await.expect("rows") {
            rows.add(&row_of(&record, &MESSAGES).expect("a row"));
        }
    }
    rows
}

/// Returns whether cold's journal has unconfirmed moves.
async fn interrupted(pair: &Pair) -> bool {
    let open = sql("SELECT count(*) AS n FROM archive_batches WHERE confirmed = 0");
    pair.cold.fetch(&open, &[]).await.expect("a count")[0].int("n").expect("a count") > 0
}

#[test]
fn real_messages_survive_kills() {
    let Some(path) = data("messages.csv.gz") else { return };
    let now: Timestamp = "2026-03-01T12:00:00Z".parse().expect("a time");
    let mut records = records(&nouns::MESSAGES, &path);
    let kills = bound("THERMOCLINE_TEST_KILLS", 0, 0);
    if kills == 0 {
        records.truncate(FEW);
    }
    let kills = kills.max(4);
    let expected = written(&records);
    let program = Program::new();
    program.write("messages.csv", csv(&records));
    let read = counts(&program.report(&["import", "messages", "messages.csv"]));
    assert_eq!(read, [expected.count, expected.count, 0, 0, 0]);
    let start = scratch();
    run(async { program.open(now).await.close().await });
    copy_pair(program.path(), start.path());

    let mut dice = Dice(21);
    let (mut killed, mut in_between, mut whole) = (0, 0, 0);
    while killed < kills {
        let batch = [20, 200, 1_000][dice.roll(3) as usize].to_string();
        let child = program.start(&["archive", "run", "--resource", "messages", "--batch", &batch]);
        let ended = kill_after(child, Duration::from_millis(1 + dice.roll(500)));
        killed += u64::from(ended.is_none());
        let verify = program.start(&["archive", "verify", "--resource", "messages"]);
        run(async {
            let pair = program.open(now).await;
            assert_eq!(visible(&pair).await, expected, "after kill {killed}");
            in_between += u64::from(interrupted(&pair).await);
            pair.close().await;
        });
        let verified = Ended::of(finish(verify));
        assert_eq!(verified.status, Some(0), "after kill {killed}: {verified:?}");
        if let Some(ended) = ended {
            assert_eq!(ended.status, Some(0), "{ended:?}");
            whole += 1;
            copy_pair(start.path(), program.path());
        } else if killed % 100 == 0 {
            println!("{killed} kills, {in_between} of them in the middle of a batch");
        }
    }
    let ended = program.run(&["archive", "run", "--resource", "messages"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    run(async {
        let pair = program.open(now).await;
        assert_eq!(visible(&pair).await, expected);
        audit_usual(&pair).await;
        let left = sql("SELECT count(*) AS n FROM messages");
        assert_eq!(pair.hot.fetch(&left, &[]).await.expect("a count")[0].int("n").expect("a count"), 0);
        pair.close().await;
    });
    println!("{killed} kills, {in_between} of them in the middle of a batch, {whole} moves ended in between");
}
