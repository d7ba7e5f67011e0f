//! Parquet files of flat tables: one gzip page of plainly encoded values for each column of a row group.
//!
//! The part of the format that a table of integers, text, instants, days, decimals and flags needs is small, and every reader of
//! Parquet knows it. A library for all of it would take longer to compile than what it would be used for here.

mod reader;
mod thrift;
mod writer;

pub(super) use reader::read;
pub(super) use writer::Writer;

use thermocline_core::table::ColumnType;

/// The bytes at both ends of a file.
const MAGIC: &[u8; 4] = b"PAR1";
/// The codec of pages.
const GZIP: i64 = 2;
/// The encoding of values.
const PLAIN: i64 = 0;
/// The encoding of what is NULL.
const RLE: i64 = 3;
/// The digits of a price.
const PRECISION: i64 = 10;
/// The decimals of a price.
const SCALE: u32 = 2;

/// Returns the number of a column's physical type.
const fn physical(kind: ColumnType) -> i64 {
    match kind {
        ColumnType::Bool => 0,
        ColumnType::Date => 1,
        ColumnType::Int | ColumnType::Time | ColumnType::Price => 2,
        ColumnType::Text => 6,
    }
}

/// Returns the number of what a column's values mean, as older readers know it; `None` for plain numbers.
const fn converted(kind: ColumnType) -> Option<i64> {
    match kind {
        ColumnType::Text => Some(0),
        ColumnType::Price => Some(5),
        ColumnType::Date => Some(6),
        ColumnType::Time => Some(10),
        ColumnType::Int | ColumnType::Bool => None,
    }
}
