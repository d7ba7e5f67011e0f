//! A server that keeps rows of cold in its memory answers as one that keeps none.

use std::sync::atomic::AtomicBool;

use thermocline::archive::{ArchiveOptions, Selection};
use thermocline::clock::DAY;
use thermocline::load::nouns;
use thermocline::resources;

use crate::shared::{MESSAGES, PATHS, asked, asks_cold, content, filled};
use crate::support::Mode;
use crate::support::dice::Dice;
use crate::support::waiting::until;
use crate::support::{cutoff, message};

/// Enough for everything that these tests read.
const BYTES: u64 = 1 << 24;

#[tokio::test]
async fn rows_that_were_read_are_not_asked_for_again() {
    let plain = filled().await;
    let keeping = plain.keeping(BYTES).await;
    for path in PATHS {
        let expected = content(&asked(&plain, path).await);
        for _ in 0..2 {
            assert_eq!(content(&asked(&keeping, path).await), expected, "{path}");
        }
    }
    assert!(asks_cold(&asked(&plain, MESSAGES).await));
    // They count for some seconds, which a busy machine may take between two requests.
    until("an answer from memory", async || !asks_cold(&asked(&keeping, MESSAGES).await)).await;
}

#[tokio::test]
async fn kept_rows_outlast_cold_for_some_seconds_only() {
    let plain = filled().await;
    let keeping = plain.keeping(BYTES).await;
    let expected = content(&asked(&keeping, MESSAGES).await);
    keeping.cold.set(Mode::Unreachable);
    until("a server that does not know whether cold still agrees", async || {
        let answer = asked(&keeping, MESSAGES).await;
        assert!(answer.status == 503 || content(&answer) == expected, "{}", answer.text());
        answer.status == 503
    })
    .await;
    keeping.cold.set(Mode::Up);
    assert_eq!(content(&asked(&keeping, MESSAGES).await), expected);
}

/// The steps, and the ids of new messages.
const FIRST: i64 = 1_000;
const LAST: i64 = 1_040;

/// Messages come, late ones too, move, come back and are erased.
#[tokio::test]
async fn answers_are_those_without_it_at_every_moment() {
    let plain = filled().await;
    let keeping = plain.keeping(BYTES).await;
    let families = resources::families();
    let family = families.iter().find(|family| family.resource == "messages").expect("a family");
    let (mut dice, mut spared) = (Dice(1), 0);
    for next in FIRST..=LAST {
        match dice.roll(3) {
            0 => {
                let when = cutoff((dice.roll(60) as i64 - 55) * DAY + next);
                plain.load(&nouns::MESSAGES, vec![message(next, 1, 2, "hello late", when)]).await;
            }
            1 => {
                let few = ArchiveOptions { max_rows: Some(3), ..ArchiveOptions::default() };
                plain.archive("messages", &few).await;
            }
            _ => {
                let id = 1 + dice.roll(60) as i64;
                plain.mover().erase(family, "messages", &[id]).await.expect("erased");
            }
        }
        if next == LAST {
            // The resource is held from now on.
            let stop = AtomicBool::new(false);
            plain.mover().restore(family, Selection::Row(7), 100, &stop, &mut |_| {}).await;
        }
        for path in PATHS {
            let expected = asked(&plain, path).await;
            let answer = asked(&keeping, path).await;
            assert_eq!(content(&answer), content(&expected), "{path} after {next}");
            spared += u32::from(asks_cold(&expected) && !asks_cold(&answer));
        }
    }
    assert!(spared > 0, "nothing was kept");
}
