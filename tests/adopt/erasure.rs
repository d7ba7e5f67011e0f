//! Erasing rows that were adopted: nothing that the adoption has kept may keep them.

use thermocline::clock::DAY;

use crate::platform::Platform;

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_row_is_gone_from_all_that_was_kept() {
    let Some(mut platform) = Platform::with_a_past().await else { return };
    platform.program.report("db adopt");
    // Adopted, twice in the archive, and changed in hot.
    for id in [5, 405, 395] {
        platform.program.report(&format!("archive erase --resource messages --id {id}"));
        platform.oracle.messages.remove(&id);
        for table in ["messages_archive", "platform_originals.messages_archive", "archive_adoption_rejects"] {
            let found =
                platform.count(&format!("SELECT count(*) FROM {table} WHERE original_id = {id}")).await;
            assert_eq!(found, 0, "{table} holds {id}");
        }
    }
    platform.check_whole("three rows erased").await;
    // A price that has no id of hot, and one in both tiers.
    for (stock, n) in [(2, 3), (1, 36)] {
        let day = platform.old.plus(n * DAY).date();
        let path = format!(
            "SELECT original_id FROM stock_prices_history WHERE stock_id = {stock} AND trade_date = '{day}'"
        );
        let id = platform.count(&path).await;
        assert!(id < 0, "{id}");
        let erased = platform.program.report(&format!("archive erase --resource prices --id {id}"));
        assert!(erased.to_string().contains(r#""rows":1"#), "{erased}");
        let kept = format!("SELECT count(*) FROM platform_originals.stock_prices_history WHERE id = {}", -id);
        assert_eq!(platform.count(&kept).await, 0);
        if stock == 2 {
            platform.oracle.prices.remove(&(stock, day.to_string()));
        }
    }
    platform.check_whole("two prices erased").await;
    platform.program.report("archive erase --user 1");
    for (table, column) in [
        ("messages_archive", "sender_id"),
        ("platform_originals.messages_archive", "sender_id"),
        ("platform_originals.posts_archive", "author_id"),
        ("platform_originals.user_behavior_analytics", "user_id"),
        ("(SELECT * FROM user_behavior_analytics WHERE resource LIKE 'platform:%') AS own", "user_id"),
    ] {
        let found = platform.count(&format!("SELECT count(*) FROM {table} WHERE {column} = 1")).await;
        assert_eq!(found, 0, "{table}");
    }
    let kept = "SELECT count(*) FROM archive_adoption_rejects
        WHERE source <> 'user_behavior_analytics' AND content::json ->> 'sender_id' = '1'";
    assert_eq!(platform.count(kept).await, 0);
    // A user without an id is nobody's.
    let counts = "SELECT count(*) FROM archive_adoption_rejects WHERE source = 'user_behavior_analytics'";
    assert_eq!(platform.count(counts).await, 1);
}
