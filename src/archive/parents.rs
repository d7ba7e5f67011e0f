//! What rows refer to in hot. The platform may have deleted a user or a conversation since their rows moved: nothing in hot
//! named them any more. Such rows cannot come back before their parent does, where a foreign key of hot says so.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::family::{Family, Moved};
use crate::schema::Table;
use crate::schema::model::ForeignKey;
use crate::tier::{Session, Statement, TierError, Value, hot_sql};

/// A column of a moved table that holds the id of another one's row.
#[derive(Debug)]
pub(super) struct Parent {
    /// Where in a row it stands.
    place: usize,
    column: &'static str,
    table: &'static str,
    /// Those of some ids that are there.
    present: Statement,
}

impl Parent {
    /// All that a table has.
    pub fn all(table: &Table) -> Vec<Self> {
        let columns = table.columns.iter().enumerate();
        let parents = columns.filter_map(|(place, column)| {
            let table = column.references?;
            let present = hot_sql!("hot_of").with("{table}", table).with("{owner}", "id");
            Some(Self { place, column: column.name, table, present: present.with("{columns}", "id") })
        });
        parents.collect()
    }
}

/// A row whose parent is gone.
#[derive(Debug)]
pub(super) struct Orphan {
    /// The id that it belongs to.
    pub owner: i64,
    /// What it is and what it lacks.
    pub text: String,
}

/// The parents of a family's rows that hot insists on.
#[derive(Debug)]
pub(super) struct Parents<'a>(Vec<(&'a Moved, &'a Parent)>);

impl<'a> Parents<'a> {
    /// Those for which hot has a foreign key.
    pub fn of(family: &'a Family, foreign: &[(String, ForeignKey)]) -> Self {
        let all = family.tables.iter().flat_map(|moved| moved.parents.iter().map(move |one| (moved, one)));
        let insists = |moved: &Moved, parent: &Parent| {
            foreign.iter().any(|(table, key)| {
                table == moved.table.name
                    && key.table == parent.table
                    && key.columns == [parent.column]
                    && key.references == ["id"]
            })
        };
        Self(all.filter(|(moved, parent)| insists(moved, parent)).collect())
    }

    /// The rows of a table that have lost one. Those of the table `coming` are not looked for.
    pub async fn missing(
        &self,
        hot: &mut dyn Session,
        moved: &Moved,
        rows: &[Vec<Value>],
        coming: Option<&str>,
    ) -> Result<Vec<Orphan>, TierError> {
        let mut orphans = Vec::new();
        let of_table = self.0.iter().filter(|(of, _)| of.table.name == moved.table.name);
        for (_, parent) in of_table.filter(|(_, parent)| coming != Some(parent.table)) {
            let named = |row: &Vec<Value>| match row[parent.place] {
                Value::Int(id) => Some(id),
                _ => None,
            };
            let ids: BTreeSet<i64> = rows.iter().filter_map(named).collect();
            if ids.is_empty() {
                continue;
            }
            let mut present = HashSet::new();
            for record in hot.fetch(&parent.present, &[Vec::from_iter(ids).into()]).await? {
                present.insert(record.int("id")?);
            }
            for row in rows {
                if let Some(id) = named(row).filter(|id| !present.contains(id)) {
                    let Parent { column, table, .. } = parent;
                    let text = format!("{}: {column} {id} is not in {table}", moved.name_of(row));
                    orphans.push(Orphan { owner: row[moved.owner].int(), text });
                }
            }
        }
        Ok(orphans)
    }
}

/// What stays in cold because parents are missing.
#[derive(Clone, Debug, Default)]
pub(super) struct Left {
    /// How many rows of the resource itself.
    pub rows: i64,
    /// What the first of them lack.
    pub first: Vec<String>,
}

impl Left {
    /// How many are named.
    const SHOWN: usize = 10;

    /// Counts orphans, each with what it belongs to, which is returned.
    pub fn add(&mut self, orphans: Vec<Orphan>) -> BTreeSet<i64> {
        let by_owner: BTreeMap<i64, String> =
            orphans.into_iter().rev().map(|orphan| (orphan.owner, orphan.text)).collect();
        self.rows += by_owner.len() as i64;
        let room = Self::SHOWN.saturating_sub(self.first.len());
        self.first.extend(by_owner.values().take(room).cloned());
        by_owner.into_keys().collect()
    }
}
