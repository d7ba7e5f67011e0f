//! The change feed: what readers get of rows that are written, move, come back and are erased.

mod beside_writers;
mod clients;
mod world;

use thermocline::archive::Consent;
use thermocline::federation::{Change, FeedError};
use thermocline::journal::live;
use thermocline::resources::messages::archive::FAMILY;
use thermocline::tier::{Engine as _, Sqlite, Tier, Value, migrate};

use self::world::{World, on_every_pair, shown};
use super::{HOT, copy_file, run, scratch, sql};

#[test]
fn each_insert_and_change_comes_once() {
    on_every_pair(&async |world: &World| {
        let start = world.now().await;
        world.put(1, 1, "first", -60).await;
        world.put(2, 2, "second", 5).await;
        world.put(3, 1, "third", -1).await;
        world.edit(1, "first, edited").await;
        let all = world.changes(start, None, 10).await;
        // The newest state alone, in the order of the last writes.
        assert_eq!(shown(&all.changes), ["2 second", "3 third", "1 first, edited"], "{}", world.name);
        assert!(!all.has_more);
        assert_eq!(world.changes(all.next, None, 10).await.changes, []);
        let of_one = world.changes(start, Some(&[1, 7]), 10).await;
        assert_eq!(shown(&of_one.changes), ["3 third", "1 first, edited"]);
        assert_eq!(world.changes(start, Some(&[]), 10).await.changes, []);
        // Behind each change the feed goes on with the next one.
        for (place, change) in all.changes.iter().enumerate() {
            let rest = world.changes(change.next, None, 10).await;
            assert_eq!(rest.changes, all.changes[place + 1..], "{}", world.name);
        }
        world.edit(2, "second, edited").await;
        assert_eq!(shown(&world.changes(all.next, None, 10).await.changes), ["2 second, edited"]);
    });
}

#[test]
fn a_limit_cuts_between_rows_of_one_transaction() {
    on_every_pair(&async |world: &World| {
        let start = world.now().await;
        let rows: Vec<i64> = (1..=23).collect();
        world.put_all(&rows).await;
        for limit in [1, 2, 7, 22, 23] {
            let (mut since, mut seen) = (start, Vec::new());
            loop {
                let part = world.changes(since, None, limit).await;
                assert!(part.changes.len() as i64 <= limit);
                seen.extend(part.changes.iter().map(world::id_of));
                since = part.next;
                if !part.has_more {
                    break;
                }
            }
            assert_eq!(seen, rows, "{}: {limit}", world.name);
        }
    });
}

#[test]
fn an_open_transaction_is_waited_for() {
    on_every_pair(&async |world: &World| {
        if world.is_embedded() {
            // One writer at a time.
            return;
        }
        let start = world.now().await;
        let mut open = world.begin().await;
        world.put_in(&mut *open, 1, 1, "begun first", -1).await;
        world.put(2, 1, "committed first", -1).await;
        let before = world.changes_so_far(start, None, 10).await;
        assert!(!shown(&before.changes).contains(&"1 begun first".to_owned()));
        open.commit().await.expect("committed");
        let mut seen = before.changes;
        seen.extend(world.changes(before.next, None, 10).await.changes);
        let mut seen = shown(&seen);
        seen.sort();
        assert_eq!(seen, ["1 begun first", "2 committed first"], "{}", world.name);
    });
}

#[test]
fn archiving_tells_nothing_and_hides_nothing() {
    on_every_pair(&async |world: &World| {
        let start = world.now().await;
        world.put(1, 1, "old", -60).await;
        world.put(2, 1, "new", -1).await;
        world.put(3, 2, "old too", -70).await;
        let seen = world.now().await;
        assert_eq!(world.archive().await, 2);
        assert_eq!(world.changes(seen, None, 10).await.changes, []);
        // A reader who was away finds the rows where they are now.
        let all = world.changes(start, None, 10).await.changes;
        assert_eq!(shown(&all), ["1 old", "2 new", "3 old too"], "{}", world.name);
        let archived: Vec<bool> = all
            .iter()
            .map(|changed| matches!(&changed.change, Change::Row(placed) if placed.from_archive))
            .collect();
        assert_eq!(archived, [true, false, true]);
        assert_eq!(shown(&world.changes(start, Some(&[2]), 10).await.changes), ["3 old too"]);
    });
}

#[test]
fn a_restored_row_comes_again() {
    on_every_pair(&async |world: &World| {
        let start = world.now().await;
        world.put(1, 1, "old", -60).await;
        world.archive().await;
        let seen = world.now().await;
        world.restore().await;
        assert_eq!(shown(&world.changes(seen, None, 10).await.changes), ["1 old"]);
        world.edit(1, "edited").await;
        world.archive().await;
        // It moved twice and comes once.
        assert_eq!(shown(&world.changes(start, None, 10).await.changes), ["1 edited"], "{}", world.name);
    });
}

#[test]
fn an_erased_row_is_told_wherever_it_was() {
    on_every_pair(&async |world: &World| {
        let start = world.now().await;
        world.put(1, 1, "in cold", -60).await;
        world.put(2, 2, "in hot", -1).await;
        world.put(3, 2, "stays", -1).await;
        world.archive().await;
        let seen = world.now().await;
        world.erase(&[1, 2, 99]).await;
        let mut told = shown(&world.changes(seen, None, 10).await.changes);
        told.sort();
        assert_eq!(told, ["erased 1 of 1", "erased 2 of 2"], "{}", world.name);
        assert_eq!(shown(&world.changes(seen, Some(&[2]), 10).await.changes), ["erased 2 of 2"]);
        // Nobody gets the row itself any more.
        let all = shown(&world.changes(start, None, 10).await.changes);
        assert!(
            all.contains(&"3 stays".to_owned()) && !all.iter().any(|text| text.contains("in ")),
            "{all:?}"
        );
    });
}

#[test]
fn a_token_that_is_too_old_expires() {
    on_every_pair(&async |world: &World| {
        let start = world.now().await;
        world.put(1, 1, "old", -60).await;
        let seen = world.now().await;
        // More notes than are kept, all below the ones to come.
        let most = live::MOST;
        world.note_moved(seen.position.version - 1, most).await;
        world.put(2, 1, "older", -61).await;
        world.archive().await;
        assert!(matches!(world.try_changes(start).await, Err(FeedError::Expired)), "{}", world.name);
        assert_eq!(shown(&world.changes(seen, None, 10).await.changes), ["2 older"]);
        assert!(world.notes().await < most);
        // A position that hot has not reached: its database came back from a backup.
        let mut ahead = world.now().await;
        ahead.position.version += 1_000_000;
        assert!(matches!(world.try_changes(ahead).await, Err(FeedError::Expired)));
        let foreign = thermocline::feed::Token { incarnation: !seen.incarnation, ..seen };
        assert!(matches!(world.try_changes(foreign).await, Err(FeedError::Expired)));
    });
}

/// A recovery rewrites what readers may have seen.
#[test]
fn a_recovery_makes_every_token_expire() {
    run(async {
        let world = World::embedded().await;
        let folder = scratch();
        world.put(1, 1, "old", -60).await;
        world.archive().await;
        world.close_files().await;
        copy_file(world.folder(), folder.path(), HOT);
        let world = world.reopen().await;
        world.put(2, 1, "older", -61).await;
        let seen = world.now().await;
        world.archive().await;
        world.close_files().await;
        copy_file(folder.path(), world.folder(), HOT);
        let world = world.reopen().await;
        world.mover().recover(&FAMILY, &Consent::Lossless).await.expect("recovered");
        assert!(matches!(world.try_changes(seen).await, Err(FeedError::Expired)));
        let now = world.now().await;
        world.put(3, 1, "new", -1).await;
        assert_eq!(shown(&world.changes(now, None, 10).await.changes), ["3 new"]);
    });
}

/// The triggers take part in every way a platform writes to its table.
#[test]
fn sqlite_notices_every_kind_of_write() {
    run(async {
        let world = World::embedded().await;
        world.put(1, 1, "one", -1).await;
        let writes = [
            ("INSERT INTO messages VALUES (2, 1, 1, 'two', 1, 0)", vec!["2 two"]),
            ("INSERT OR REPLACE INTO messages VALUES (2, 1, 1, 'two again', 1, 0)", vec!["2 two again"]),
            (
                "INSERT INTO messages VALUES (1, 1, 1, '', 1, 0) ON CONFLICT (id) DO UPDATE SET content = 'one again'",
                vec!["1 one again"],
            ),
            ("INSERT OR IGNORE INTO messages VALUES (1, 1, 1, 'not', 1, 0)", vec![]),
            ("UPDATE OR REPLACE messages SET id = 2 WHERE id = 1", vec!["2 one again"]),
            ("UPDATE messages SET is_read = 1", vec!["2 one again"]),
            ("DELETE FROM messages", vec![]),
        ];
        for (text, expected) in writes {
            let before = world.now().await;
            world.execute(sql(text)).await;
            assert_eq!(shown(&world.changes(before, None, 10).await.changes), expected, "{text}");
        }
        assert_eq!(world.notes().await, 0, "rows that a platform deletes are not noted");
    });
}

/// A file that an earlier release made has rows without versions.
#[test]
fn the_feed_is_added_to_a_file_with_rows() {
    run(async {
        let world = World::without_feed().await;
        world.put(1, 1, "old", -60).await;
        world.put(2, 1, "new", -1).await;
        assert!(matches!(world.try_now().await, Err(FeedError::Off)));
        assert!(migrate::live::install(&*world.hot, 5).await.expect("added"));
        assert!(!migrate::live::install(&*world.hot, 6).await.expect("there already"));
        let world = world.reopen().await;
        let start = world.now().await;
        assert_eq!(start.incarnation, 5);
        assert_eq!(world.archive().await, 1);
        assert_eq!(world.notes().await, 0, "no reader can miss what is older than the feed");
        world.edit(2, "edited").await;
        assert_eq!(shown(&world.changes(start, None, 10).await.changes), ["2 edited"]);
        // The table is rebuilt, and its triggers are lost.
        world.execute(sql("DROP TRIGGER live_update")).await;
        assert!(migrate::live::install(&*world.hot, 7).await.expect("added again"));
        assert!(matches!(world.try_changes(start).await, Err(FeedError::Expired)));
        assert_eq!(world.now().await.incarnation, 7);
    });
}

#[test]
fn cold_has_no_feed() {
    run(async {
        let folder = scratch();
        let cold = Sqlite::open(thermocline::schema::of(Tier::Cold), &folder.path().join("cold")).await;
        let cold = cold.expect("opens");
        migrate::upgrade(&cold).await.expect("migrates");
        assert!(!migrate::live::install(&cold, 1).await.expect("nothing to do"));
        cold.close().await;
    });
}

/// Returns a parameter that is the time so many days from now.
fn day(days: i64) -> Value {
    super::fault_injection::now().plus(days * thermocline::clock::DAY).into()
}
