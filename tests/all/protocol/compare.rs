//! What the model and a real database are compared by.

use std::collections::BTreeMap;

use thermocline::tier::{Engine, Record};
use thermocline_protocol::state::{Kind, NUMBERS, State, present};

use super::lockstep::{at, same_text};

/// Hot, as both sides can tell it.
#[derive(Debug, PartialEq, Eq)]
pub struct HotState {
    rows: Vec<(i64, String)>,
    epoch: i64,
    newest: i64,
}

impl HotState {
    /// What the database holds.
    pub async fn real(hot: &dyn Engine) -> Self {
        let all = async |text| hot.fetch(&same_text(text), &[]).await.expect("an answer");
        let state = all("SELECT * FROM archive_state WHERE resource = 'messages'").await;
        let newest = state[0].key_or_null("cold_newest_at", "cold_newest_id").expect("a key");
        Self {
            rows: all("SELECT id, content FROM messages ORDER BY id").await.iter().map(row).collect(),
            epoch: int(&state[0], "epoch"),
            newest: newest.map_or(0, |newest| newest.at.micros() - at(0).micros()),
        }
    }

    /// What the model holds.
    pub fn model(model: &State) -> Self {
        let rows = &model.hot.rows;
        Self {
            rows: present(rows).map(|id| (id as i64 + 1, rows[id].to_string())).collect(),
            epoch: model.hot.mark.epoch.into(),
            newest: model.hot.mark.newest.into(),
        }
    }
}

/// Cold, as both sides can tell it.
#[derive(Debug, PartialEq, Eq)]
pub struct ColdState {
    /// Id, from, to, content.
    versions: Vec<(i64, i64, i64, String)>,
    /// Numbers, and whether they are confirmed.
    journal: BTreeMap<i64, bool>,
    counts: BTreeMap<i64, i64>,
    claimed: i64,
}

impl ColdState {
    /// What the database holds.
    pub async fn real(cold: &dyn Engine) -> Self {
        let all = async |text| cold.fetch(&same_text(text), &[]).await.expect("an answer");
        let version = |record: &Record| {
            let (id, content) = row(record);
            let to = record.int_or_null("to_epoch").expect("an epoch").unwrap_or(0);
            (id, int(record, "from_epoch"), to, content)
        };
        let text = "SELECT original_id AS id, content, from_epoch, to_epoch FROM messages_archive \
                    ORDER BY original_id, from_epoch";
        let versions = all(text).await.iter().map(version).collect();
        let mut journal = BTreeMap::new();
        for record in all("SELECT * FROM archive_batches WHERE resource = 'messages'").await {
            journal.insert(int(&record, "epoch"), record.bool("confirmed").expect("a flag"));
        }
        let mut counts = BTreeMap::new();
        for record in all("SELECT from_epoch, n FROM messages_archive_blocks WHERE level = 1").await {
            *counts.entry(int(&record, "from_epoch")).or_insert(0) += int(&record, "n");
        }
        let claimed = all("SELECT claimed FROM archive_head WHERE resource = 'messages'").await;
        Self { versions, journal, counts, claimed: int(&claimed[0], "claimed") }
    }

    /// What the model holds.
    pub fn model(model: &State) -> Self {
        let mut versions = Vec::new();
        for (id, of_id) in model.cold.versions.iter().enumerate() {
            for version in of_id.iter().filter(|version| version.from != 0) {
                let (from, to) = (version.from.into(), version.to.into());
                versions.push((id as i64 + 1, from, to, version.content.to_string()));
            }
        }
        let numbers = (0..NUMBERS).filter(|number| model.cold.journal[*number].kind != Kind::None);
        let counted = (0..NUMBERS).filter(|number| model.cold.counts[*number] != 0);
        Self {
            versions,
            journal: numbers.map(|number| (number as i64, model.cold.journal[number].confirmed)).collect(),
            counts: counted.map(|number| (number as i64, model.cold.counts[number].into())).collect(),
            claimed: model.cold.claimed.into(),
        }
    }
}

fn int(record: &Record, column: &str) -> i64 {
    record.int(column).expect("a number")
}

/// A row's id and content.
fn row(record: &Record) -> (i64, String) {
    (int(record, "id"), record.text("content").expect("a text"))
}
