//! Rows with an id of their own: users, conversations, messages, posts, comments, stocks.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::demands::Demands;
use super::identity::Identity;
use super::nouns;
use super::refer::{is_placeholder, name_user};
use super::row::complete;
use super::{Chunk, LoadError, Loader, Verdict, distinct};
use crate::import::{Noun, Record};
use crate::journal::Digest;
use crate::tier::Value;

/// A row that is to go in, and the position of its record in the chunk.
pub(super) type Fresh = (usize, Record);

impl Loader<'_> {
    pub(super) async fn rows(
        &mut self,
        chunk: &mut Chunk<'_>,
        demands: &Demands,
        (noun, records): (&'static Noun, Vec<Record>),
    ) -> Result<Vec<Verdict>, LoadError> {
        let is = |other: &Noun| noun.name == other.name;
        let identity = Identity::of(noun);
        let now = self.clock.now();
        let stated: Vec<_> = records.iter().map(|record| identity.stated(record)).collect();
        let rows: Vec<Record> = records.into_iter().map(|record| complete(record, now)).collect();
        let ids = distinct(rows.iter().filter_map(|row| row.int("id")));
        let erased = chunk.erased(noun, ids.clone()).await?;
        let mut known = identity.by_id(chunk, ids).await?;
        // For each content without an id: how many rows there are in both tiers and in this chunk.
        let mut there: HashMap<Digest, i64> = HashMap::new();
        let mut verdicts = Vec::with_capacity(rows.len());
        let mut fresh: Vec<Fresh> = Vec::new();
        for (position, row) in rows.into_iter().enumerate() {
            // A stock that is there already is completed, whatever the row lacks.
            let lacks = || demands.reject_reason(&row).filter(|_| !is(&nouns::STOCKS));
            let Some(id) = row.int("id") else {
                if let Some(reason) = lacks() {
                    verdicts.push(Verdict::Rejected(reason));
                    continue;
                }
                let is_new = self.is_new(chunk, &identity, &mut there, &row).await?;
                verdicts.push(if is_new { Verdict::Inserted } else { Verdict::Known });
                if is_new {
                    fresh.push((position, row));
                }
                continue;
            };
            let verdict = match known.get(&id) {
                None if erased.contains(&id) => Verdict::Rejected(format!("id {id} was erased")),
                None => lacks().map_or(Verdict::Inserted, Verdict::Rejected),
                Some(old) => match identity.difference(old, &row).or_else(|| differs(old, &stated[position]))
                {
                    // A stock is told apart by its symbol, which is looked for below.
                    None if is(&nouns::STOCKS) => Verdict::Inserted,
                    None => Verdict::Known,
                    Some(_) if is(&nouns::USERS) && is_placeholder(old, id) => {
                        if let Some(reason) = demands.reject_reason(&row) {
                            Verdict::Rejected(reason)
                        } else {
                            name_user(chunk, &row).await?;
                            Verdict::Corrected
                        }
                    }
                    Some(column) => Verdict::Rejected(format!("id {id} exists with another {column}")),
                },
            };
            if verdict == Verdict::Inserted {
                known.insert(id, row.clone());
                fresh.push((position, row));
            }
            verdicts.push(verdict);
        }
        if is(&nouns::STOCKS) {
            self.merge_stocks(chunk, &mut fresh, &mut verdicts).await?;
            reject(&mut fresh, &mut verdicts, |row| demands.reject_reason(row));
        }
        let active = self.refer(chunk, demands, noun, (&mut fresh, &mut verdicts)).await?;
        chunk.insert(noun, fresh.into_iter().map(|(_, row)| row)).await?;
        active.update(chunk).await?;
        Ok(verdicts)
    }

    /// Returns whether a row without an id is one more than there are with its content.
    async fn is_new(
        &mut self,
        chunk: &mut Chunk<'_>,
        identity: &Identity,
        there: &mut HashMap<Digest, i64>,
        row: &Record,
    ) -> Result<bool, LoadError> {
        let content = identity.content(row);
        let mut digest = Digest::default();
        digest.add(row.noun().name, &content);
        let there = match there.entry(digest) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(identity.alike(chunk, content).await?),
        };
        let seen = self.seen.entry(digest).or_default();
        *seen += 1;
        self.added.seen.push(digest);
        let is_new = *seen > *there;
        *there += i64::from(is_new);
        Ok(is_new)
    }
}

/// Returns the first column whose stated value the old row does not have.
fn differs(old: &Record, stated: &[(&'static str, Value)]) -> Option<&'static str> {
    stated.iter().find(|(column, value)| old.get(column) != Some(value)).map(|(column, _)| *column)
}

/// Takes the rows out of `fresh` for which `reason` returns a reason.
pub(super) fn reject(
    fresh: &mut Vec<Fresh>,
    verdicts: &mut [Verdict],
    reason: impl Fn(&Record) -> Option<String>,
) {
    fresh.retain(|(position, row)| match reason(row) {
        None => true,
        Some(reason) => {
            verdicts[*position] = Verdict::Rejected(reason);
            false
        }
    });
}
