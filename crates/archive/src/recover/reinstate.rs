//! Rows of cold back into an older hot: each one that is missing there, or had later values.

use std::collections::HashMap;

use super::queries::replace;
use super::report::{Choices, Recovery, list};
use crate::model::{DATETIME_STEP, Moved};
use crate::moves::parents::Parents;
use crate::moves::sql;
use crate::moves::transaction::Move;
use thermocline_core::clock::Timestamp;
use thermocline_core::table::ColumnType;
use thermocline_database::{TierError, Value};

/// Rows of one statement.
const CHUNK: usize = 1_000;

/// A row as cold has it.
pub(super) struct Version {
    pub row: Vec<Value>,
    /// Whether hot is known to have had the row in this form. Only then it may replace the present one.
    pub is_certain: bool,
    /// Whether it came from a platform's own archive, which keeps instants coarser and not every flag.
    pub is_adopted: bool,
}

/// The action for a row.
enum Fate {
    /// Hot has it as it is, or a newer row in its place.
    Stays,
    /// It is inserted.
    Missing,
    /// It replaces the older row with this id, which has taken its place.
    Supersedes(i64),
    /// It gets these later values.
    Differs(Vec<Value>),
    /// Its id belongs to another row.
    Conflict,
}

/// Puts the newest of these versions of each row into hot. They are in the order in which they came.
pub(super) async fn reinstate(
    this: &mut Move<'_>,
    moved: &Moved,
    versions: Vec<Version>,
    (choices, parents, recovery): (&Choices, &Parents<'_>, &mut Recovery),
) -> Result<(), TierError> {
    let columns: Vec<&'static str> = moved.table.columns.iter().map(|column| column.name).collect();
    let newest = newest(this, moved, versions);
    for rows in newest.chunks(CHUNK) {
        let fates = fates(this, moved, rows).await?;
        let mut missing = Vec::new();
        for (Version { row, .. }, fate) in rows.iter().zip(fates) {
            let name = || moved.name_of(row);
            match fate {
                Fate::Stays => continue,
                Fate::Conflict => {
                    recovery.conflicts.push(name());
                    continue;
                }
                Fate::Differs(_) | Fate::Supersedes(_) if choices.keep_hot => {
                    recovery.kept += 1;
                    list(&mut recovery.differing, name());
                    continue;
                }
                Fate::Differs(values) => {
                    this.hot.execute(&replace(moved), &values).await?;
                    recovery.replaced += 1;
                    list(&mut recovery.differing, name());
                    continue;
                }
                Fate::Missing => {}
                Fate::Supersedes(id) => {
                    this.take(moved, 0, &vec![id].into()).await?;
                }
            }
            missing.push(row.clone());
            list(&mut recovery.first, name());
        }
        recovery.brought_back += missing.len() as i64;
        // A blocked recovery inserts nothing more, so its rows may be parents that are not there.
        let coming = recovery.is_blocked().then_some(this.family.own().table.name);
        let orphans = parents.missing(&mut *this.hot, moved, &missing, coming).await?;
        recovery.orphans.extend(orphans.into_iter().map(|orphan| orphan.text));
        if !recovery.is_blocked() {
            this.hot.insert(moved.table.name, &columns, &missing).await?;
        }
    }
    Ok(())
}

/// Returns the last version of each row; for a row that can be superseded, the last one in its place.
fn newest(this: &Move<'_>, moved: &Moved, versions: Vec<Version>) -> Vec<Version> {
    let mut positions: HashMap<[Value; 2], usize> = HashMap::new();
    let mut rows: Vec<Version> = Vec::new();
    for version in versions {
        let key = match &this.family.supersede {
            Some(supersede) => {
                let (group, member) = (supersede.of)(&version.row);
                [group.into(), member.into()]
            }
            None => moved.identity(&version.row),
        };
        let position = *positions.entry(key).or_insert(rows.len());
        if position < rows.len() {
            rows[position] = version;
        } else {
            rows.push(version);
        }
    }
    rows
}

async fn fates(this: &mut Move<'_>, moved: &Moved, versions: &[Version]) -> Result<Vec<Fate>, TierError> {
    let firsts = Value::from(versions.iter().map(|version| version.row[0].int()).collect::<Vec<_>>());
    let present = this.hot_rows(moved, &moved.sql_by(sql::hot_of(), 0), &[firsts]).await?;
    let present: HashMap<_, _> = present.into_iter().map(|row| (moved.identity(&row), row)).collect();
    let mut occupied = HashMap::new();
    if let Some(supersede) = &this.family.supersede {
        for (group, members) in supersede.groups(versions.iter().map(|version| &version.row[..])) {
            for record in this.hot.fetch(&supersede.in_hot, &[group.into(), members.into()]).await? {
                let day = Timestamp::midnight(record.date("member")?).micros();
                occupied.insert((group, day), record.int("id")?);
            }
        }
    }
    let place = |row: &[Value]| this.family.supersede.as_ref().map(|supersede| (supersede.of)(row));
    let fate = |Version { row, is_certain, is_adopted }: &Version| match present.get(&moved.identity(row)) {
        Some(old) if old == row => Fate::Stays,
        Some(old) if is_same(moved, (old, row), place(old) == place(row), *is_adopted) => {
            let later = if *is_adopted { with_own(moved, old, row) } else { row.clone() };
            if *is_certain && *old != later { Fate::Differs(later) } else { Fate::Stays }
        }
        Some(_) => Fate::Conflict,
        None => match place(row).and_then(|place| occupied.get(&place)) {
            None => Fate::Missing,
            // The later row of two has the higher id.
            Some(id) if *is_certain && *id < row[0].int() => Fate::Supersedes(*id),
            Some(_) => Fate::Stays,
        },
    };
    Ok(versions.iter().map(fate).collect())
}

/// Returns whether two rows with one id are versions of the same row: its references and its creation time never change. A
/// price is identified by its place.
fn is_same(moved: &Moved, (old, new): (&[Value], &[Value]), same_place: bool, is_adopted: bool) -> bool {
    if moved.table.columns.iter().any(|column| column.kind == ColumnType::Date) {
        return same_place;
    }
    let steps = if is_adopted { DATETIME_STEP } else { 0 };
    let columns = moved.table.columns.iter().enumerate();
    let mut fixed = columns.filter(|(_, column)| matches!(column.kind, ColumnType::Int | ColumnType::Time));
    fixed.all(|(at, _)| match (&old[at], &new[at]) {
        (Value::Time(old), Value::Time(new)) => (old.micros() - new.micros()).abs() <= steps,
        (old, new) => old == new,
    })
}

/// Returns an adopted row with the instants and flags that hot has of it.
fn with_own(moved: &Moved, old: &[Value], new: &[Value]) -> Vec<Value> {
    let is_own = |kind| matches!(kind, ColumnType::Time | ColumnType::Bool);
    let values = moved.table.columns.iter().zip(old).zip(new);
    values.map(|((column, old), new)| if is_own(column.kind) { old.clone() } else { new.clone() }).collect()
}
