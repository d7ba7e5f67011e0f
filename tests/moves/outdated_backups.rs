//! A database that is restored from an older backup, and databases that do not belong together.

use std::path::Path;

use thermocline::archive::{Family, Outcome};
use thermocline::clock::DAY;
use thermocline::federation::{Count, ReadError};
use thermocline::journal::pair::{self, PairError};
use thermocline::load::{LoadError, Loader};
use thermocline::page::{Order, Span};
use thermocline::resources;

use super::expected_lists::Reader;
use super::fault_injection::{now, pair_with_history};
use super::logical_table::{self, Table};
use super::{COLD, HOT, Pair, SIZES, copy_file, copy_pair, plan, run, run_mover, scratch};

/// Returns a pair after another move of everything, with one file replaced by its older backup.
async fn with_old(name: &str) -> (tempfile::TempDir, Pair) {
    let (past, folder) = (scratch(), scratch());
    pair_with_history(past.path()).await;
    copy_pair(past.path(), folder.path());
    let pair = Pair::open(folder.path(), now()).await;
    for family in resources::families() {
        let report = run_mover(&pair.mover(SIZES), family, &plan(5, 20)).await;
        assert_eq!(report.outcome, Outcome::Done);
        assert!(report.rows > 0, "{}", family.resource);
    }
    pair.close().await;
    copy_file(past.path(), folder.path(), name);
    let pair = Pair::open_unpaired(folder.path(), now()).await;
    // A mover without due rows does not compare the databases.
    let post = logical_table::post(500, 1, now().plus(-20 * DAY));
    pair.change("INSERT INTO posts VALUES (?1, ?2, ?3, ?4, ?5)", &logical_table::post_row(&post)).await;
    let mut price = logical_table::price_row(1, &logical_table::price(now().plus(-20 * DAY).date(), 1));
    price[0] = 500.into();
    pair.change("DELETE FROM stock_prices WHERE stock_id = 1 AND trade_date = ?1", &price[2..3]).await;
    pair.change(
        "INSERT INTO stock_prices VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        &price,
    )
    .await;
    (folder, pair)
}

/// Checks that the mover refuses to run and changes nothing but the number it claimed.
async fn mover_refuses(pair: &Pair, family: &Family) {
    for _ in 0..3 {
        let report = run_mover(&pair.mover(SIZES), family, &plan(1, 20)).await;
        let error = report.error.unwrap_or_default();
        assert_eq!((report.outcome, report.rows), (Outcome::Failed, 0), "{}", family.resource);
        assert!(error.contains("archive recover"), "{error}");
    }
}

async fn readers_refuse(pair: &Pair) {
    let reader = Reader::new(&*pair.hot, &*pair.cold);
    let due = |answer: Option<ReadError>, what: &str| {
        assert!(matches!(answer, Some(ReadError::Consistency(_))), "{what}: {answer:?}");
    };
    for talk in 1..=logical_table::TALKS {
        let list = Table::default().messages(talk).0;
        due(reader.walk(&list, Span::ALL, Order::Desc, 5).await.err(), "messages down");
        due(reader.walk(&list, Span::ALL, Order::Asc, 5).await.err(), "messages up");
        due(reader.pages(&list, 5).await.err(), "pages");
        due(reader.tiers().find(&list, 1).await.err(), "an archived message");
    }
    for author in [None, Some(1)] {
        let list = Table::default().posts(author).0;
        due(reader.walk(&list, Span::ALL, Order::Desc, 5).await.err(), "posts");
        due(reader.tiers().page(&list, Span::ALL, 10, 50, Count::None).await.err(), "a page of posts");
    }
    due(reader.walk(&logical_table::days(1), Span::ALL, Order::Desc, 5).await.err(), "prices");
}

#[test]
fn an_outdated_hot_is_detected() {
    run(async {
        let (_folder, pair) = with_old(HOT).await;
        for family in resources::families() {
            mover_refuses(&pair, family).await;
        }
        readers_refuse(&pair).await;
        pair.close().await;
    });
}

#[test]
fn an_outdated_cold_is_detected() {
    run(async {
        let (_folder, pair) = with_old(COLD).await;
        for family in resources::families() {
            // Each attempt claims a number, so the third one may already be above hot's epoch.
            mover_refuses(&pair, family).await;
        }
        readers_refuse(&pair).await;
        let mut loader = Loader::new(&*pair.hot, Some(&*pair.cold), &pair.clock);
        let refused = loader.load(&thermocline::load::nouns::MESSAGES, Vec::new()).await;
        assert!(matches!(refused, Err(LoadError::Consistency(_))), "{refused:?}");
        pair.close().await;
    });
}

/// A mover that died before its hot commit is no inconsistency, whichever backup hot is restored from.
#[test]
fn an_unconfirmed_move_is_undone_with_an_outdated_hot() {
    run(async {
        let (past, folder) = (scratch(), scratch());
        let rows = pair_with_history(past.path()).await;
        copy_pair(past.path(), folder.path());
        let pair = Pair::open(folder.path(), now()).await;
        for family in resources::families() {
            run_mover(&pair.mover(SIZES), family, &plan(5, 100_000)).await;
        }
        super::execute(
            &*pair.cold,
            "UPDATE archive_batches SET confirmed = 0 \
             WHERE epoch = (SELECT max(epoch) FROM archive_batches b WHERE b.resource = archive_batches.resource)",
            &[],
        )
        .await;
        pair.close().await;
        copy_file(past.path(), folder.path(), HOT);
        let pair = Pair::open(folder.path(), now()).await;
        super::fault_injection::check_all(&pair, &rows).await;
        for family in resources::families() {
            let report = run_mover(&pair.mover(SIZES), family, &plan(5, 50)).await;
            assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        }
        super::fault_injection::check_all(&pair, &rows).await;
        super::audit::audit(&pair).await;
        pair.close().await;
    });
}

/// A batch may have been committed when hot lacks one of its rows, which the message names.
#[test]
fn a_missing_row_is_named() {
    run(async {
        let (past, folder) = (scratch(), scratch());
        pair_with_history(past.path()).await;
        copy_pair(past.path(), folder.path());
        let pair = Pair::open(folder.path(), now()).await;
        let [messages, ..] = resources::families();
        run_mover(&pair.mover(SIZES), messages, &plan(5, 100_000)).await;
        let newest = "(SELECT max(epoch) FROM archive_batches WHERE resource = 'messages')";
        let doubt = format!("UPDATE archive_batches SET confirmed = 0 WHERE epoch = {newest}");
        super::execute(&*pair.cold, &doubt, &[]).await;
        let moved =
            format!("SELECT max(original_id) AS id FROM messages_archive WHERE from_epoch = {newest}");
        let moved = pair.cold.fetch(&super::sql(&moved), &[]).await.expect("rows");
        let id = moved[0].int("id").expect("an id");
        pair.close().await;
        copy_file(past.path(), folder.path(), HOT);
        let pair = Pair::open(folder.path(), now()).await;
        assert_eq!(pair.change("DELETE FROM messages WHERE id = ?1", &[id.into()]).await, 1);
        let error = run_mover(&pair.mover(SIZES), messages, &plan(1, 20)).await.error.unwrap_or_default();
        assert!(
            error.contains(&format!("looks interrupted, but hot does not hold messages {id};")),
            "{error}"
        );
        pair.close().await;
    });
}

async fn ensure(hot: &Path, cold: &Path) -> Result<(), PairError> {
    let folder = scratch();
    copy_file(hot, folder.path(), HOT);
    copy_file(cold, folder.path(), COLD);
    let pair = Pair::open_unpaired(folder.path(), now()).await;
    for tier in [&pair.hot, &pair.cold] {
        thermocline::tier::migrate::upgrade(&**tier).await.expect("a schema");
    }
    let done = pair::ensure(&*pair.hot, &*pair.cold, &pair.clock).await;
    pair.close().await;
    done
}

#[test]
fn databases_of_different_pairs_are_rejected() {
    run(async {
        let (one, other, fresh) = (scratch(), scratch(), scratch());
        pair_with_history(one.path()).await;
        let pair = Pair::open_unpaired(other.path(), now()).await;
        thermocline::tier::migrate::upgrade(&*pair.hot).await.expect("a schema");
        thermocline::tier::migrate::upgrade(&*pair.cold).await.expect("a schema");
        pair.clock.draw();
        pair::ensure(&*pair.hot, &*pair.cold, &pair.clock).await.expect("two fresh ones");
        pair.close().await;
        let pair = Pair::open_unpaired(fresh.path(), now()).await;
        thermocline::tier::migrate::upgrade(&*pair.hot).await.expect("a schema");
        thermocline::tier::migrate::upgrade(&*pair.cold).await.expect("a schema");
        pair.close().await;

        let (one, other, fresh) = (one.path(), other.path(), fresh.path());
        for (hot, cold) in [(one, one), (other, other), (fresh, fresh), (other, fresh)] {
            ensure(hot, cold).await.expect("a pair");
        }
        for (hot, cold) in [(one, other), (other, one), (fresh, one), (fresh, other), (one, fresh)] {
            let refused = ensure(hot, cold).await;
            assert!(matches!(refused, Err(PairError::NotAPair(_))), "{refused:?}");
        }
        for (hot, alone) in [(one, false), (other, true), (fresh, true)] {
            let pair = Pair::open_unpaired(hot, now()).await;
            let ensured = pair::ensure_alone(&*pair.hot).await;
            pair.close().await;
            assert_eq!(ensured.is_ok(), alone, "{ensured:?}");
        }
    });
}
