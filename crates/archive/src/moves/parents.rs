//! The rows that moved rows refer to in hot. The platform may have deleted a user or a conversation since, when nothing in
//! hot referred to it. Where hot has a foreign key, a row cannot come back before its parent.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::present;
use crate::model::{Family, Moved};
use thermocline_database::schema::model::ForeignKey;
use thermocline_database::{Session, TierError, Value};

/// A column of a moved table that refers to another table.
#[derive(Debug)]
struct Parent {
    /// The position of the column.
    at: usize,
    column: &'static str,
    table: &'static str,
}

/// A row without its parent.
#[derive(Debug)]
pub struct Orphan {
    /// The id that the row belongs to.
    pub owner: i64,
    /// The row and its missing parent.
    pub text: String,
}

/// The parents that foreign keys of hot require.
#[derive(Debug)]
pub struct Parents<'a>(Vec<(&'a Moved, Parent)>);

impl<'a> Parents<'a> {
    /// Returns the parents of a family for which hot has a foreign key.
    pub fn of(family: &'a Family, foreign: &[(String, ForeignKey)]) -> Self {
        let mut parents = Vec::new();
        for moved in &family.tables {
            for (at, column) in moved.table.columns.iter().enumerate() {
                let Some(table) = column.references else { continue };
                let demanded = foreign.iter().any(|(of, key)| {
                    of == moved.table.name
                        && key.table == table
                        && key.columns == [column.name]
                        && key.references == ["id"]
                });
                if demanded {
                    parents.push((moved, Parent { at, column: column.name, table }));
                }
            }
        }
        Self(parents)
    }

    /// Returns the rows of a table without a parent. Parents in the table `coming` are not checked.
    pub async fn missing(
        &self,
        hot: &mut dyn Session,
        moved: &Moved,
        rows: &[Vec<Value>],
        coming: Option<&str>,
    ) -> Result<Vec<Orphan>, TierError> {
        let mut orphans = Vec::new();
        let of_table = self.0.iter().filter(|(of, _)| of.table.name == moved.table.name);
        for (_, Parent { at, column, table }) in of_table.filter(|(_, parent)| coming != Some(parent.table)) {
            let parent_of = |row: &Vec<Value>| match row[*at] {
                Value::Int(id) => Some(id),
                _ => None,
            };
            let ids: BTreeSet<i64> = rows.iter().filter_map(parent_of).collect();
            if ids.is_empty() {
                continue;
            }
            let mut found = HashSet::new();
            for record in hot.fetch(&present(table), &[Vec::from_iter(ids).into()]).await? {
                found.insert(record.int("id")?);
            }
            for row in rows {
                if let Some(id) = parent_of(row).filter(|id| !found.contains(id)) {
                    let text = format!("{}: {column} {id} is not in {table}", moved.name_of(row));
                    orphans.push(Orphan { owner: row[moved.owner].int(), text });
                }
            }
        }
        Ok(orphans)
    }
}

/// The rows that stay in cold because parents are missing.
#[derive(Clone, Debug, Default)]
pub struct Left {
    /// The number of rows of the resource itself.
    pub rows: i64,
    /// The missing parents of the first of them.
    pub first: Vec<String>,
}

impl Left {
    /// The largest number of texts in `first`.
    const SHOWN: usize = 10;

    /// Adds orphans and returns the ids that they belong to.
    pub fn add(&mut self, orphans: Vec<Orphan>) -> BTreeSet<i64> {
        let by_owner: BTreeMap<i64, String> =
            orphans.into_iter().rev().map(|orphan| (orphan.owner, orphan.text)).collect();
        self.rows += by_owner.len() as i64;
        let room = Self::SHOWN.saturating_sub(self.first.len());
        self.first.extend(by_owner.values().take(room).cloned());
        by_owner.into_keys().collect()
    }
}
