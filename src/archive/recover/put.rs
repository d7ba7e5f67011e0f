//! Rows of cold into a hot that is older: each one that is missing, or that differs from what it was later.

use std::collections::HashMap;

use super::{AT_ONCE, Choices, Recovery, SHOWN};
use crate::archive::family::Moved;
use crate::archive::parents::Parents;
use crate::archive::steps::Move;
use crate::clock::Timestamp;
use crate::schema::Kind;
use crate::tier::{TierError, Value, values};

/// A row as cold has it.
pub(super) struct Version {
    pub row: Vec<Value>,
    /// Whether hot has had it so: only then it may replace what is there now.
    pub sure: bool,
}

/// What becomes of a row.
enum Fate {
    /// Hot has it as it is, or something newer in its place.
    Stays,
    /// It goes in.
    Missing,
    /// It replaces the older row with this id, which has taken its place.
    Instead(i64),
    /// It gets its later values.
    Differs,
    /// Its id belongs to another row.
    Conflict,
}

/// Puts the newest of these versions of each row into hot; they are in the order in which they came.
pub(super) async fn put(
    this: &mut Move<'_>,
    moved: &Moved,
    versions: Vec<Version>,
    (choices, parents, recovery): (&Choices, &Parents<'_>, &mut Recovery),
) -> Result<(), TierError> {
    let columns: Vec<&'static str> = moved.table.columns.iter().map(|column| column.name).collect();
    let newest = newest(this, moved, versions);
    for rows in newest.chunks(AT_ONCE as usize) {
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
                Fate::Differs | Fate::Instead(_) if choices.keep_hot => {
                    recovery.kept += 1;
                    show(&mut recovery.differing, name());
                    continue;
                }
                Fate::Differs => {
                    this.hot.execute(&moved.recover.replace, row).await?;
                    recovery.replaced += 1;
                    show(&mut recovery.differing, name());
                    continue;
                }
                Fate::Missing => missing.push(row.clone()),
                Fate::Instead(id) => {
                    this.hot.fetch(&moved.erase[1].take, &[vec![id].into()]).await?;
                    missing.push(row.clone());
                }
            }
            show(&mut recovery.first, name());
        }
        recovery.brought_back += missing.len() as i64;
        // Either stops everything in the end; until then its row may be a parent that is not there.
        let stopped = |recovery: &Recovery| !recovery.conflicts.is_empty() || !recovery.orphans.is_empty();
        let coming = stopped(recovery).then_some(this.family.own().table.name);
        let orphans = parents.missing(&mut *this.hot, moved, &missing, coming).await?;
        recovery.orphans.extend(orphans.into_iter().map(|orphan| orphan.text));
        if !stopped(recovery) {
            this.hot.insert(moved.table.name, &columns, &missing).await?;
        }
    }
    Ok(())
}

/// The last version of each row; of a day, the last of its prices.
fn newest(this: &Move<'_>, moved: &Moved, versions: Vec<Version>) -> Vec<Version> {
    let mut places: HashMap<[Value; 2], usize> = HashMap::new();
    let mut rows: Vec<Version> = Vec::new();
    for version in versions {
        let row = &version.row;
        let key = match &this.family.supersede {
            Some(supersede) => {
                let (group, member) = (supersede.of)(row);
                [group.into(), member.into()]
            }
            None => moved.identity(row),
        };
        let place = *places.entry(key).or_insert(rows.len());
        if place < rows.len() {
            rows[place] = version;
        } else {
            rows.push(version);
        }
    }
    rows
}

async fn fates(this: &mut Move<'_>, moved: &Moved, versions: &[Version]) -> Result<Vec<Fate>, TierError> {
    let firsts = Value::from(versions.iter().map(|version| version.row[0].int()).collect::<Vec<_>>());
    let mut there = HashMap::new();
    for record in this.hot.fetch(&moved.recover.hot, &[firsts]).await? {
        let row = values(&record, moved.table.columns)?;
        there.insert(moved.identity(&row), row);
    }
    let mut instead = HashMap::new();
    if let Some(supersede) = &this.family.supersede {
        for (group, members) in supersede.groups(versions.iter().map(|version| &version.row[..])) {
            for record in this.hot.fetch(&supersede.in_hot, &[group.into(), members.into()]).await? {
                let day = Timestamp::midnight(record.date("member")?).micros();
                instead.insert((group, day), record.int("id")?);
            }
        }
    }
    let place = |row: &[Value]| this.family.supersede.as_ref().map(|supersede| (supersede.of)(row));
    Ok(versions
        .iter()
        .map(|Version { row, sure }| match there.get(&moved.identity(row)) {
            Some(old) if old == row => Fate::Stays,
            Some(old) if same(moved, old, row, place(old) == place(row)) => {
                if *sure {
                    Fate::Differs
                } else {
                    Fate::Stays
                }
            }
            Some(_) => Fate::Conflict,
            None => match place(row).and_then(|place| instead.get(&place)) {
                None => Fate::Missing,
                // The later row of two has the higher id.
                Some(id) if *sure && *id < row[0].int() => Fate::Instead(*id),
                Some(_) => Fate::Stays,
            },
        })
        .collect())
}

/// Whether two rows with one id are the same row at two times: whose it is, what it belongs to and when it was made never
/// change. A price is told by its place.
fn same(moved: &Moved, old: &[Value], new: &[Value], same_place: bool) -> bool {
    if moved.table.columns.iter().any(|column| column.kind == Kind::Date) {
        return same_place;
    }
    let columns = moved.table.columns.iter().enumerate();
    let mut fixed = columns.filter(|(_, column)| matches!(column.kind, Kind::Int | Kind::Time));
    fixed.all(|(at, _)| old[at] == new[at])
}

fn show(rows: &mut Vec<String>, name: String) {
    if rows.len() < SHOWN {
        rows.push(name);
    }
}
