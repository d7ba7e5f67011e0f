//! The properties in which the model and a real database must be equal.

use std::collections::BTreeMap;

use thermocline::tier::{Engine, Record};
use thermocline_protocol::state::{Erasure, Ids, Kind, State, has, present};

use super::databases::{at, same_text};

/// The comparable state of hot.
#[derive(Debug, PartialEq, Eq)]
pub struct HotState {
    rows: Vec<(i64, String)>,
    epoch: i64,
    newest: i64,
    /// Rows whose erasure it knows.
    erasures: Vec<i64>,
}

impl HotState {
    /// Reads it from the database.
    pub async fn real(hot: &dyn Engine) -> Self {
        let all = async |text| hot.fetch(&same_text(text), &[]).await.expect("an answer");
        let state = all("SELECT * FROM archive_state WHERE resource = 'messages'").await;
        let newest = state[0].key_or_null("cold_newest_at", "cold_newest_id").expect("a key");
        let erasures = all("SELECT id FROM archive_erasures ORDER BY id").await;
        Self {
            rows: all("SELECT id, content FROM messages ORDER BY id").await.iter().map(row).collect(),
            epoch: int(&state[0], "epoch"),
            newest: newest.map_or(0, |newest| newest.at.micros() - at(0).micros()),
            erasures: erasures.iter().map(|record| int(record, "id")).collect(),
        }
    }

    /// Reads it from the model.
    pub fn model(model: &State) -> Self {
        let rows = &model.hot.rows;
        Self {
            rows: present(rows).map(|id| (number(id), rows[id].to_string())).collect(),
            epoch: model.hot.snapshot.epoch.into(),
            newest: model.hot.snapshot.cold_watermark.into(),
            erasures: numbers(model.hot.erasures),
        }
    }
}

/// The comparable state of cold.
#[derive(Debug, PartialEq, Eq)]
pub struct ColdState {
    /// Id, from, to, content.
    versions: Vec<(i64, i64, i64, String)>,
    /// Kind of each number, and whether it is confirmed.
    journal: BTreeMap<i64, (String, bool)>,
    /// Change of the count by each number; up to the floor there is one sum.
    counts: BTreeMap<i64, i64>,
    claimed: i64,
    floor: i64,
    /// The pending state of each row that was or is to be erased.
    notes: Vec<(i64, Option<i64>)>,
}

impl ColdState {
    /// Reads it from the database.
    pub async fn real(cold: &dyn Engine) -> Self {
        let all = async |text| cold.fetch(&same_text(text), &[]).await.expect("an answer");
        let version = |record: &Record| {
            let (id, content) = row(record);
            (id, int(record, "from_epoch"), int_or_null(record, "to_epoch").unwrap_or(0), content)
        };
        let text = "SELECT original_id AS id, content, from_epoch, to_epoch FROM messages_archive \
                    ORDER BY original_id, from_epoch";
        let versions = all(text).await.iter().map(version).collect();
        let mut journal = BTreeMap::new();
        for record in all("SELECT * FROM archive_batches WHERE resource = 'messages'").await {
            let entry = (record.text("kind").expect("a kind"), record.bool("confirmed").expect("a flag"));
            journal.insert(int(&record, "epoch"), entry);
        }
        let head = all("SELECT claimed, floor FROM archive_head WHERE resource = 'messages'").await;
        let floor = int(&head[0], "floor");
        let deltas = all("SELECT from_epoch, n FROM messages_archive_blocks WHERE level = 1").await;
        let deltas = deltas.iter().map(|record| (int(record, "from_epoch"), int(record, "n")));
        let notes = all("SELECT id, pending FROM archive_erasures ORDER BY id").await;
        Self {
            versions,
            journal,
            counts: counts(deltas, floor),
            claimed: int(&head[0], "claimed"),
            floor,
            notes: notes.iter().map(|record| (int(record, "id"), int_or_null(record, "pending"))).collect(),
        }
    }

    /// Reads it from the model.
    pub fn model(model: &State) -> Self {
        let cold = &model.cold;
        let mut versions = Vec::new();
        for (id, of_id) in cold.versions.iter().enumerate() {
            for version in of_id.iter().filter(|version| version.from != 0) {
                let (from, to) = (version.from.into(), version.to.into());
                versions.push((number(id), from, to, version.content.to_string()));
            }
        }
        let entries = cold.journal.iter().enumerate().filter(|(_, entry)| entry.kind != Kind::None);
        let journal = entries.map(|(number, entry)| {
            let kind = match entry.kind {
                _ if entry.quarantined => "doubtful",
                Kind::Restore => "restore",
                Kind::Adopt => "adopt",
                Kind::Erase => "erase",
                Kind::Recover => "recover",
                Kind::AcceptLoss => "loss",
                Kind::Archive | Kind::None => "archive",
            };
            (number as i64, (kind.to_owned(), entry.confirmed))
        });
        let deltas = cold.counts.iter().enumerate().map(|(number, n)| (number as i64, i64::from(*n)));
        let notes = cold.erasures.iter().enumerate().filter_map(|(id, note)| {
            let pending = match note {
                Erasure::None => return None,
                Erasure::Requested => Some(0),
                Erasure::AppliedBy(move_number) => Some(i64::from(*move_number)),
                Erasure::Completed => None,
            };
            Some((number(id), pending))
        });
        Self {
            versions,
            journal: journal.collect(),
            counts: counts(deltas, cold.oldest_readable_epoch.into()),
            claimed: cold.claimed.into(),
            floor: cold.oldest_readable_epoch.into(),
            notes: notes.collect(),
        }
    }
}

fn counts(deltas: impl Iterator<Item = (i64, i64)>, floor: i64) -> BTreeMap<i64, i64> {
    let mut counts = BTreeMap::new();
    for (epoch, n) in deltas {
        *counts.entry(epoch.max(floor)).or_insert(0) += n;
    }
    counts.retain(|_, n| *n != 0);
    counts
}

/// Returns the id of a row of the model.
pub fn number(id: usize) -> i64 {
    id as i64 + 1
}

fn numbers(ids: Ids) -> Vec<i64> {
    (0..8).filter(|id| has(ids, *id)).map(number).collect()
}

fn int(record: &Record, column: &str) -> i64 {
    record.int(column).expect("a number")
}

fn int_or_null(record: &Record, column: &str) -> Option<i64> {
    record.int_or_null(column).expect("a number or nothing")
}

/// Returns id and content of a row.
fn row(record: &Record) -> (i64, String) {
    (int(record, "id"), record.text("content").expect("a text"))
}
