//! Checks the tables of both databases themselves, whatever a reader sees.

use std::collections::{BTreeMap, BTreeSet};

use thermocline::archive::Blocks;
use thermocline::archive::{BlockSizes, Family};
use thermocline::journal::Digest;
use thermocline::page::Key;
use thermocline::resources;
use thermocline::schema::Table;
use thermocline::tier::{Engine, Record, Value, row_of};

use super::{Pair, SIZES, sql};

/// A row of cold: its values under their names in hot, and the epochs between which it is visible.
struct Version {
    row: Vec<Value>,
    from: i64,
    to: Option<i64>,
}

impl Version {
    fn visible(&self, epoch: i64) -> bool {
        self.from <= epoch && self.to.is_none_or(|to| to > epoch)
    }
}

async fn fetch(engine: &dyn Engine, text: &str) -> Vec<Record> {
    engine.fetch(&sql(text), &[]).await.expect("an answer")
}

async fn versions(cold: &dyn Engine, table: &Table) -> Vec<Version> {
    let name = table.archived.expect("an archived table");
    let text = format!("SELECT {}, from_epoch, to_epoch FROM {name}", table.names_in_cold());
    let read = |record: &Record| Version {
        row: row_of(record, table).expect("a row"),
        from: record.int("from_epoch").expect("an epoch"),
        to: record.int_or_null("to_epoch").expect("an epoch"),
    };
    fetch(cold, &text).await.iter().map(read).collect()
}

/// Returns the values that identify a row of a table: its id, or user and post of a like.
fn identity(table: &Table, row: &[Value]) -> Vec<Value> {
    row[..if table.columns[0].name == "id" { 1 } else { 2 }].to_vec()
}

/// Checks a pair with small blocks on which no move is under way.
pub async fn audit(pair: &Pair) {
    for family in resources::families() {
        audit_family(pair, family, SIZES).await;
    }
}

/// Checks a pair with blocks of the default size on which no move is under way.
pub async fn audit_usual(pair: &Pair) {
    for family in resources::families() {
        audit_family(pair, family, BlockSizes::default()).await;
    }
}

pub async fn audit_family(pair: &Pair, family: &Family, sizes: BlockSizes) {
    let resource = family.resource;
    let text = format!("SELECT * FROM archive_batches WHERE resource = '{resource}' ORDER BY epoch");
    let mut journal: BTreeMap<i64, (String, i64)> = BTreeMap::new();
    for record in fetch(&*pair.cold, &text).await {
        assert!(record.bool("confirmed").expect("a flag"), "{resource}: an unconfirmed batch");
        let digest = record.text("digest").expect("a digest");
        let epoch = record.int("epoch").expect("an epoch");
        // Rows that leave cold are counted in the journal entry of the batch that brought them.
        let brought = ["archive", "doubtful"].contains(&&*record.text("kind").expect("a kind"));
        let count = if brought { record.int("row_count").expect("a count") } else { 0 };
        journal.insert(epoch, (digest, count));
    }
    let state =
        fetch(&*pair.hot, &format!("SELECT * FROM archive_state WHERE resource = '{resource}'")).await;
    let epoch = state[0].int("epoch").expect("an epoch");
    assert_eq!(journal.keys().last().copied().unwrap_or(0), epoch, "{resource}: the journal's last move");

    let mut found: BTreeMap<i64, (Digest, i64)> = BTreeMap::new();
    let mut tables = Vec::new();
    for moved in &family.tables {
        let table = moved.table;
        let own = versions(&*pair.cold, table).await;
        let text = format!("SELECT {} FROM {}", table.names(), table.name);
        let mut there = BTreeSet::new();
        for record in fetch(&*pair.hot, &text).await {
            let row = row_of(&record, table).expect("a row");
            there.insert(format!("{:?}", identity(table, &row)));
        }
        for version in &own {
            assert!(journal.contains_key(&version.from), "{}: left behind by {}", table.name, version.from);
            assert!(
                version.to.is_none_or(|to| journal.contains_key(&to)),
                "{}: closed without a journal entry",
                table.name
            );
            let (digest, count) = found.entry(version.from).or_default();
            digest.add(table.name, &version.row);
            *count += 1;
            if version.to.is_none() {
                let identity = identity(table, &version.row);
                assert!(there.insert(format!("{identity:?}")), "{}: {identity:?} is there twice", table.name);
            }
        }
        tables.push((table.name, own));
    }
    for epoch in journal.keys() {
        found.entry(*epoch).or_default();
    }
    let found: BTreeMap<i64, (String, i64)> =
        found.into_iter().map(|(epoch, (digest, count))| (epoch, (digest.to_string(), count))).collect();
    assert_eq!(found, journal, "{resource}: digests and counts of the batches");

    let text = format!("SELECT floor FROM archive_head WHERE resource = '{resource}'");
    let floor = fetch(&*pair.cold, &text).await[0].int("floor").expect("a floor");
    // Epochs below the floor cannot be read.
    let epochs = || journal.keys().filter(|epoch| **epoch >= floor);
    for epoch in epochs() {
        audit_behavior(pair, resource, *epoch, &tables).await;
    }
    let (_, own) = tables.last().expect("a table");
    let newest =
        own.iter().filter(|version| version.visible(epoch)).map(|version| (family.key)(&version.row)).max();
    let none_open = own.iter().all(|version| version.to.is_some());
    let noted = state[0].key_or_null("cold_newest_at", "cold_newest_id").expect("a key");
    assert!(newest <= noted, "{resource}: {newest:?} is newer than {noted:?}");
    assert!(!none_open || noted.is_none(), "{resource}: cold is empty, and hot does not know");
    if let Some(blocks) = &family.blocks {
        audit_blocks(pair, (family, blocks, sizes), own, epochs()).await;
    }
    audit_erased(pair, family).await;
}

/// Checks that neither database holds anything of what was erased.
async fn audit_erased(pair: &Pair, family: &Family) {
    let left = fetch(&*pair.cold, "SELECT resource FROM archive_erasures WHERE pending IS NOT NULL").await;
    assert!(left.is_empty(), "{}: something is still to be erased", family.resource);
    for moved in family.tables.iter().filter(|moved| moved.table.columns[0].name == "id") {
        let (name, archived) = (moved.table.name, moved.table.archived.expect("a twin"));
        let noun = if name == "stock_prices" { "prices" } else { name };
        let noted = async |engine: &dyn Engine| {
            let text = format!("SELECT id FROM archive_erasures WHERE resource = '{noun}' ORDER BY id");
            let ids: Vec<i64> =
                fetch(engine, &text).await.iter().map(|record| record.int("id").expect("an id")).collect();
            ids
        };
        let ids = noted(&*pair.cold).await;
        assert_eq!(ids, noted(&*pair.hot).await, "{noun}: the notes of both files");
        // PostgreSQL has no empty list.
        if ids.is_empty() {
            continue;
        }
        let list = ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        let texts = [
            (&*pair.hot as &dyn Engine, format!("SELECT id FROM {name} WHERE id IN ({list})")),
            (&*pair.cold, format!("SELECT id FROM {archived} WHERE original_id IN ({list})")),
        ];
        for (engine, text) in texts {
            assert!(fetch(engine, &text).await.is_empty(), "{name}: an erased row is there");
        }
    }
}

/// Returns the action a row of a table counts as, and the columns of its user and time. Likes have no time of their
/// own: the column holds the day of their post.
fn action(table: &str) -> Option<(&'static str, usize, usize)> {
    match table {
        "messages" => Some(("chat", 2, 4)),
        "posts" => Some(("post", 1, 4)),
        "comments" => Some(("comment", 2, 4)),
        "likes" => Some(("like", 0, 1)),
        _ => None,
    }
}

/// Checks that at an epoch the activity counts equal the rows that are visible in cold.
async fn audit_behavior(pair: &Pair, resource: &str, epoch: i64, tables: &[(&str, Vec<Version>)]) {
    let text = format!(
        "SELECT user_id, action_type, analysis_date, CAST(sum(action_count) AS BIGINT) AS n FROM user_behavior_analytics \
         WHERE resource = '{resource}' AND from_epoch <= {epoch} GROUP BY user_id, action_type, analysis_date \
         HAVING sum(action_count) <> 0"
    );
    let mut counted = BTreeMap::new();
    for record in fetch(&*pair.cold, &text).await {
        let int = |name: &str| record.int(name).expect("an integer");
        let day = record.date("analysis_date").expect("a day");
        counted.insert((int("user_id"), record.text("action_type").expect("a text"), day), int("n"));
    }
    let days: BTreeMap<i64, _> = tables
        .iter()
        .filter(|(name, _)| *name == "posts")
        .flat_map(|(_, posts)| posts.iter().map(|post| (post.row[0].int(), post.row[4].time().date())))
        .collect();
    let mut there = BTreeMap::new();
    for (name, versions) in tables {
        let Some((action, user, at)) = action(name) else { continue };
        for version in versions.iter().filter(|version| version.visible(epoch)) {
            let day =
                if *name == "likes" { days[&version.row[at].int()] } else { version.row[at].time().date() };
            *there.entry((version.row[user].int(), action.to_owned(), day)).or_insert(0) += 1;
        }
    }
    assert_eq!(counted, there, "{resource}: what users did, at {epoch}");
}

/// Deltas of a block by epoch.
type Deltas = BTreeMap<i64, i64>;

/// Checks that at every epoch each block of each scope counts exactly the rows between its bounds.
async fn audit_blocks(
    pair: &Pair,
    (family, blocks, sizes): (&Family, &Blocks, BlockSizes),
    rows: &[Version],
    epochs: impl Iterator<Item = &i64>,
) {
    let text = format!(
        "SELECT scope, CAST(level AS BIGINT) AS level, upper_at, upper_id, from_epoch, n FROM {}",
        blocks.table
    );
    let mut levels: BTreeMap<(i64, i64), BTreeMap<Key, Deltas>> = BTreeMap::new();
    for record in fetch(&*pair.cold, &text).await {
        let int = |name: &str| record.int(name).expect("an integer");
        let upper = Key::new(record.time("upper_at").expect("a time"), int("upper_id"));
        let level = levels.entry((int("scope"), int("level"))).or_default();
        level.entry(upper).or_default().insert(int("from_epoch"), int("n"));
    }
    let scopes: BTreeSet<i64> = rows.iter().flat_map(|version| (blocks.scopes)(&version.row)).collect();
    let counted: BTreeSet<i64> = levels.keys().map(|(scope, _)| *scope).collect();
    // Scopes whose rows were all erased keep empty blocks.
    assert!(counted.is_superset(&scopes), "{}: the scopes {scopes:?}", blocks.table);
    let of_scope = |scope: i64| {
        let counted = rows.iter().filter(move |version| (blocks.scopes)(&version.row).contains(&scope));
        counted.map(|version| ((family.key)(&version.row), version)).collect::<Vec<_>>()
    };
    let by_scope: BTreeMap<i64, Vec<(Key, &Version)>> =
        counted.iter().map(|scope| (*scope, of_scope(*scope))).collect();
    for epoch in epochs {
        for ((scope, level), bounds) in &levels {
            let mut older = None;
            for (upper, deltas) in bounds {
                let n: i64 = deltas.range(..=epoch).map(|(_, n)| n).sum();
                // A bound that was added later has no delta yet: its rows still belong to the next block.
                if deltas.range(..=epoch).next().is_none() {
                    continue;
                }
                let inside = |(key, version): &&(Key, &Version)| {
                    version.visible(*epoch) && older.is_none_or(|older| older < *key) && key <= upper
                };
                let there = by_scope[scope].iter().filter(inside).count() as i64;
                assert_eq!(
                    n, there,
                    "{}: scope {scope}, level {level}, up to {upper:?} at {epoch}",
                    blocks.table
                );
                older = Some(*upper);
            }
            let whole = bounds.values().all(|deltas| deltas.range(..=epoch).next().is_none());
            assert!(whole || older == Some(Key::MAX), "{}: no end of scope {scope}", blocks.table);
            let leaves = &levels[&(*scope, 0)];
            assert!(
                bounds.keys().all(|bound| leaves.contains_key(bound)),
                "level {level} is cut inside a block"
            );
        }
    }
    for ((scope, level), bounds) in &levels {
        let most = bounds.values().map(|deltas| deltas.values().sum::<i64>()).max();
        let allowed = sizes.most[*level as usize];
        assert!(most <= Some(allowed), "{}: a block of {most:?} rows in scope {scope}", blocks.table);
    }
}

/// Returns the rows of a query as text, to compare two databases.
pub async fn dump(engine: &dyn Engine, text: &str) -> Vec<String> {
    let rows = fetch(engine, text).await;
    let json = |record: &Record| record.text("row").expect("a row");
    rows.iter().map(json).collect()
}
