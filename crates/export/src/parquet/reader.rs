//! Reads the files that [`super::writer`] writes.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use chrono::{Days, NaiveDate};
use flate2::read::GzDecoder;
use rust_decimal::Decimal;

use super::thrift::{Fields, Item, varint};
use super::{MAGIC, SCALE, physical};
use crate::ExportError;
use thermocline_core::clock::Timestamp;
use thermocline_core::table::{Column, ColumnType, Table};
use thermocline_database::Value;

/// The length of the footer and the bytes at the end.
const TAIL: usize = 8;

/// Reads a file and calls `each` with every row.
pub fn read(path: &Path, table: &Table, each: &mut dyn FnMut(&[Value])) -> Result<(), ExportError> {
    let wrong = |problem: &str| ExportError::content(path, problem);
    let mut file = File::open(path).map_err(ExportError::io(path))?;
    let footer = footer(&mut file).map_err(ExportError::io(path))?;
    let footer =
        footer.and_then(|bytes| Fields::read(&mut &bytes[..])).ok_or_else(|| wrong("is no whole file"))?;
    let names = footer.items(2).iter().skip(1).map(|item| structure(item)?.bytes(4));
    if !names.eq(table.columns.iter().map(|column| Some(column.name.as_bytes()))) {
        return Err(wrong("has other columns than its table"));
    }
    for group in footer.items(4) {
        let group = structure(group).ok_or_else(|| wrong("has no row groups"))?;
        let mut columns = Vec::new();
        for (column, chunk) in table.columns.iter().zip(group.items(1)) {
            let place = structure(chunk).and_then(place).ok_or_else(|| wrong("has no columns"))?;
            let values = chunk_values(&mut file, column, place).map_err(ExportError::io(path))?;
            let values = values.ok_or_else(|| wrong(&format!("{} cannot be read", column.name)))?;
            columns.push(values.into_iter());
        }
        let rows = group.int(3).unwrap_or(0);
        for _ in 0..rows {
            let row: Option<Vec<Value>> = columns.iter_mut().map(Iterator::next).collect();
            match row {
                Some(row) if row.len() == table.columns.len() => each(&row),
                _ => return Err(wrong("has columns of different lengths")),
            }
        }
    }
    Ok(())
}

fn structure(item: &Item) -> Option<&Fields> {
    if let Item::Struct(fields) = item { Some(fields) } else { None }
}

/// Returns the bytes of the footer; `None` when the file does not end as it should.
fn footer(file: &mut File) -> std::io::Result<Option<Vec<u8>>> {
    let length = file.metadata()?.len();
    if length < (TAIL + MAGIC.len()) as u64 {
        return Ok(None);
    }
    let mut tail = [0; TAIL];
    file.seek(SeekFrom::End(-(TAIL as i64)))?;
    file.read_exact(&mut tail)?;
    let size = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]);
    if &tail[4..] != MAGIC || u64::from(size) + TAIL as u64 > length {
        return Ok(None);
    }
    file.seek(SeekFrom::End(-(i64::from(size) + TAIL as i64)))?;
    let mut bytes = vec![0; size as usize];
    file.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

/// Where a column of a row group is: its offset, its length and its physical type.
fn place(chunk: &Fields) -> Option<(u64, usize, i64)> {
    let meta = chunk.inner(3)?;
    Some((meta.int(9)?.try_into().ok()?, meta.int(7)?.try_into().ok()?, meta.int(1)?))
}

/// Returns the values of a column in a row group; `None` when they are not as they should be.
fn chunk_values(
    file: &mut File,
    column: &Column,
    (offset, length, kind): (u64, usize, i64),
) -> std::io::Result<Option<Vec<Value>>> {
    if kind != physical(column.kind) || (offset + length as u64) > file.metadata()?.len() {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes)?;
    let mut rest = &bytes[..];
    let header = Fields::read(&mut rest);
    let rows = header.as_ref().and_then(|header| header.inner(5)?.int(1));
    let Some(rows) = rows.and_then(|rows| usize::try_from(rows).ok()) else { return Ok(None) };
    let mut page = Vec::new();
    GzDecoder::new(rest).read_to_end(&mut page)?;
    Ok(page_values(&page, column, rows))
}

fn page_values(page: &[u8], column: &Column, rows: usize) -> Option<Vec<Value>> {
    let mut rest = page;
    let mut present = None;
    if column.nullable {
        let size = u32::from_le_bytes(take(&mut rest)?) as usize;
        let (levels, values) = rest.split_at_checked(size)?;
        rest = values;
        let mut levels = levels;
        varint(&mut levels)?;
        present = Some(levels);
    }
    let is_set = |bits: &[u8], at: usize| Some(bits.get(at / 8)? >> (at % 8) & 1 == 1);
    let (mut values, mut nth) = (Vec::with_capacity(rows), 0);
    for row in 0..rows {
        if let Some(present) = present
            && !is_set(present, row)?
        {
            values.push(Value::Null(column.kind));
            continue;
        }
        values.push(match column.kind {
            ColumnType::Bool => is_set(rest, nth)?.into(),
            _ => value(&mut rest, column.kind)?,
        });
        nth += 1;
    }
    Some(values)
}

fn value(rest: &mut &[u8], kind: ColumnType) -> Option<Value> {
    Some(match kind {
        ColumnType::Int => i64::from_le_bytes(take(rest)?).into(),
        ColumnType::Time => Timestamp::from_micros(i64::from_le_bytes(take(rest)?))?.into(),
        ColumnType::Price => Decimal::new(i64::from_le_bytes(take(rest)?), SCALE).into(),
        ColumnType::Date => {
            let days = i32::from_le_bytes(take(rest)?);
            let (first, count) = (NaiveDate::default(), Days::new(days.unsigned_abs().into()));
            let day = if days < 0 { first.checked_sub_days(count) } else { first.checked_add_days(count) };
            day?.into()
        }
        ColumnType::Text => {
            let length = u32::from_le_bytes(take(rest)?) as usize;
            let (text, after) = rest.split_at_checked(length)?;
            *rest = after;
            std::str::from_utf8(text).ok()?.into()
        }
        ColumnType::Bool => return None,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}
